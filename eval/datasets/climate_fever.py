"""CLIMATE-FEVER: claims about the climate, each with five Wikipedia sentences and their stance."""

from __future__ import annotations

from eval.datasets.card import Card
from eval.datasets.examples import Example
from eval.datasets.reading import Fields, mapped, words
from service.types import Stance, Verdict

STANCES = {
    "SUPPORTS": Stance.SUPPORTS,
    "REFUTES": Stance.REFUTES,
    "NOT_ENOUGH_INFO": Stance.NEUTRAL,
}
VERDICTS = {
    "SUPPORTS": Verdict.SUPPORTED,
    "REFUTES": Verdict.REFUTED,
    "DISPUTED": Verdict.CONFLICTING,
    "NOT_ENOUGH_INFO": Verdict.NOT_ENOUGH_EVIDENCE,
}
CARD = Card(
    name="climate-fever",
    title="claims about the climate with five Wikipedia sentences each",
    file="climate-fever.jsonl",
    upstream="https://github.com/tdiggelm/climate-fever-dataset",
    licence="none named in its repository (evaluation only)",
    labels={
        "SUPPORTS": "supports, supported",
        "REFUTES": "refutes, refuted",
        "DISPUTED": "conflicting",
        "NOT_ENOUGH_INFO": "neutral, not_enough_evidence",
    },
    evidence="given",
    headline="verdict_macro_f1",
    baselines=("majority", "word_overlap"),
    overlap="none: the embedded models were never trained on it",
)


def parse(fields: Fields) -> Example:
    """Read one row; raises ValueError or KeyError with what is wrong."""
    evidence = fields["evidences"]
    return Example(
        id=str(fields["claim_id"]),
        group=str(fields["claim_id"]),
        claim=words(fields, "claim"),
        passages=tuple(words(item, "evidence") for item in evidence),
        titles=tuple(words(item, "article") for item in evidence),
        stances=tuple(mapped(item, "evidence_label", STANCES) for item in evidence),
        verdict=mapped(fields, "claim_label", VERDICTS),
    )
