"""AVeriTeC: real claims that fact-checkers decided, with questions and their answers."""

from __future__ import annotations

from datetime import datetime

from eval.datasets.card import Card
from eval.datasets.examples import Example
from eval.datasets.reading import Fields, mapped, words
from service.kit.text import normalise
from service.types import Verdict

VERDICTS = {
    "Supported": Verdict.SUPPORTED,
    "Refuted": Verdict.REFUTED,
    "Conflicting Evidence/Cherrypicking": Verdict.CONFLICTING,
    "Not Enough Evidence": Verdict.NOT_ENOUGH_EVIDENCE,
}
CARD = Card(
    name="averitec",
    title="claims decided by fact-checkers, with the annotators' questions and answers",
    file="averitec.jsonl",
    upstream="https://github.com/MichSchli/AVeriTeC (dev)",
    licence="CC BY-NC 4.0 (evaluation only, never training)",
    labels={label: verdict.value for label, verdict in VERDICTS.items()},
    evidence="oracle",
    headline="verdict_macro_f1",
    baselines=("majority", "word_overlap"),
    overlap="none: the embedded models were never trained on it",
    remark=(
        "The annotators' own answers are the evidence (oracle): not comparable to published "
        "scores, which search the web. Two classes have about a dozen rows."
    ),
)


def parse(fields: Fields) -> Example:
    """Read one row; raises ValueError or KeyError with what is wrong."""
    written = words(fields, "claim_date")
    try:
        as_of = datetime.strptime(written, "%d-%m-%Y").date()
    except ValueError:
        raise ValueError(f"field 'claim_date' is {written!r}; expected DD-MM-YYYY") from None
    return Example(
        id=str(fields["id"]),
        group=str(fields["id"]),
        claim=words(fields, "claim"),
        passages=tuple(
            _passage(question["question"], answer)
            for question in fields["questions"]
            for answer in question["answers"]
            if answer["answer_type"] != "Unanswerable"
        ),
        verdict=mapped(fields, "label", VERDICTS),
        as_of=as_of,
    )


def _passage(question: str, answer: Fields) -> str:
    # "No" alone says nothing: an answer is read together with its question.
    parts = (question, answer["answer"], answer.get("boolean_explanation") or "")
    return normalise(" ".join(part.strip() for part in parts if part.strip()))
