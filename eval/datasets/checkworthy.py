"""Factcheck-GPT's sentences and claims, marked as checkable or not."""

from __future__ import annotations

from eval.datasets.card import Card
from eval.datasets.examples import WorthExample
from eval.datasets.reading import Fields, mapped, words

_UPSTREAM = "https://github.com/yuxiaw/Factcheck-GPT"
_OVERLAP = "none: check-worthiness is decided by rules and the parser"
SENTENCE_LABELS = {"yes": True, "other": False, "opinion": False, "not_a_claim": False}
CLAIM_LABELS = {"factual": True, "opinion": False}

SENTENCES = Card(
    name="checkworthy-sentences",
    title="sentences of chatbot answers, checkable or not",
    file="checkworthy-sentences.jsonl",
    upstream=_UPSTREAM,
    licence="Apache-2.0",
    labels={label: "checkable" if yes else "not" for label, yes in SENTENCE_LABELS.items()},
    evidence="none",
    headline="auroc",
    baselines=("majority", "length"),
    overlap=_OVERLAP,
    remark="Only 18 of the half's 147 sentences are not checkable: read the intervals.",
)
CLAIMS = Card(
    name="checkworthy-claims",
    title="claims taken from chatbot answers, factual or opinion",
    file="checkworthy-claims.jsonl",
    upstream=_UPSTREAM,
    licence="Apache-2.0",
    labels={label: "checkable" if yes else "not" for label, yes in CLAIM_LABELS.items()},
    evidence="none",
    headline="auroc",
    baselines=("majority", "length"),
    overlap=_OVERLAP,
    remark="Only 9 of the half's 342 claims are opinions: read the intervals.",
)


def parse_sentence(fields: Fields) -> WorthExample:
    """Read one row; raises ValueError or KeyError with what is wrong."""
    return WorthExample(
        id=str(fields["id"]),
        text=words(fields, "sentence"),
        checkable=mapped(fields, "checkworthy", SENTENCE_LABELS),
    )


def parse_claim(fields: Fields) -> WorthExample:
    """Read one row; raises ValueError or KeyError with what is wrong."""
    return WorthExample(
        id=str(fields["id"]),
        text=words(fields, "claim"),
        checkable=mapped(fields, "checkworthy", CLAIM_LABELS),
    )
