"""Fool Me Twice: claims that players wrote to mislead each other, with gold evidence."""

from __future__ import annotations

from eval.datasets.card import Card
from eval.datasets.examples import Example
from eval.datasets.reading import Fields, mapped, words
from service.types import Stance, Verdict

STANCES = {"SUPPORTS": Stance.SUPPORTS, "REFUTES": Stance.REFUTES}
VERDICTS = {"SUPPORTS": Verdict.SUPPORTED, "REFUTES": Verdict.REFUTED}
CARD = Card(
    name="fool-me-twice",
    title="claims written to mislead, with gold Wikipedia sentences",
    file="fool-me-twice.jsonl",
    upstream="https://github.com/google-research/fool-me-twice (test)",
    licence="Apache-2.0",
    labels={"SUPPORTS": "supports", "REFUTES": "refutes"},
    evidence="given",
    headline="forced_choice_accuracy",
    baselines=("majority", "word_overlap"),
    overlap="the stance model was trained on this set's dev split; never on the test split",
    remark="The gold sentences of a row are joined into one passage.",
)


def parse(fields: Fields) -> Example:
    """Read one row; raises ValueError or KeyError with what is wrong."""
    sentences = [words(item, "text") for item in fields["gold_evidence"]]
    if not sentences:
        raise ValueError("field 'gold_evidence' holds no sentence")
    return Example(
        id=str(fields["id"]),
        group=str(fields["id"]),
        claim=words(fields, "text"),
        passages=(" ".join(sentences),),
        titles=(words(fields, "wikipedia_page"),),
        stances=(mapped(fields, "label", STANCES),),
        verdict=mapped(fields, "label", VERDICTS),
        kind=str(fields.get("category", "")),
    )
