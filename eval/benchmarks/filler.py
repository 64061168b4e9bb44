"""Statements to fill a corpus with: from the datasets' sentences, or generated without them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from eval.catalogue import DATASETS
from eval.datasets.examples import Example

SEED = 20251212
_PARAGRAPH_WORDS = 55
"""About one passage: they hold at most 110 word pieces."""
_PARAGRAPHS = 10
_SOURCES = ("wice-claims", "climate-fever", "fool-me-twice", "healthver")

_BODIES = ("ministry", "agency", "commission", "council", "central bank", "office")
_PLACES = ("Norland", "Estmark", "Valdoria", "Quessa", "Brenmoor", "Tarsk", "Ilvane", "Oderra")
_ACTS = ("approved", "published", "rejected", "postponed", "reported", "revised", "announced")
_THINGS = (
    "a grain export quota",
    "the harbour dredging contract",
    "a measles vaccination drive",
    "the winter fuel reserve",
    "a rail safety inspection",
    "the fisheries agreement",
    "a satellite launch window",
    "the teachers' pay settlement",
    "a flood barrier survey",
    "the customs modernisation plan",
)


def write_statements(path: Path, passages: int, data: Path | None) -> int:
    """Write statements (JSON lines) that make about ``passages`` passages.

    Args:
        path: the file to write.
        passages: how many passages are wanted.
        data: folder of the public sets, whose sentences are used; generated ones without it.

    Returns:
        How many statements were written.
    """
    paragraphs = _paragraphs(_dataset_sentences(data) if data else _generated_sentences())
    statements = 0
    with path.open("w", encoding="utf-8") as lines:
        while statements * _PARAGRAPHS < passages:
            body = [paragraph for _, paragraph in zip(range(_PARAGRAPHS), paragraphs, strict=False)]
            if not body:
                break
            statements += 1
            statement = {
                "id": f"F{statements:06d}",
                "title": f"Filler {statements}",
                "issuer": f"Filler office {statements % 97}",
                "published": f"20{statements % 25:02d}-0{statements % 9 + 1}-15",
                "kind": "digest",
                "language": "en",
                "text": "\n\n".join(body),
            }
            lines.write(json.dumps(statement, ensure_ascii=False) + "\n")
    return statements


def claims(data: Path | None, count: int) -> list[str]:
    """Claims to time: of climate-fever, or generated ones without a folder of sets."""
    if data:
        examples: Iterator[Example] = DATASETS["climate-fever"].examples(data, [])
        return [example.claim for _, example in zip(range(count), examples, strict=False)]
    generated = _generated_sentences(SEED + 1)
    return [next(generated) for _ in range(count)]


def _paragraphs(sentences: Iterator[str]) -> Iterator[str]:
    held: list[str] = []
    words = 0
    for sentence in sentences:
        held.append(sentence)
        words += len(sentence.split())
        if words >= _PARAGRAPH_WORDS:
            yield " ".join(held)
            held, words = [], 0
    if held:
        yield " ".join(held)


def _dataset_sentences(data: Path) -> Iterator[str]:
    """Every evidence sentence of the sets once; then generated ones, when they don't suffice."""
    seen = set()
    for name in _SOURCES:
        for example in DATASETS[name].examples(data, []):
            for sentence in example.passages:
                words = " ".join(sentence.split())
                if len(words) > 20 and words not in seen:
                    seen.add(words)
                    yield words
    yield from _generated_sentences()


def _generated_sentences(seed: int = SEED) -> Iterator[str]:
    chance = random.Random(seed)  # noqa: S311 - the same filler every time, no secret
    while True:
        yield (
            f"The {chance.choice(_BODIES)} of {chance.choice(_PLACES)} {chance.choice(_ACTS)} "
            f"{chance.choice(_THINGS)} on {chance.randint(1, 28)} {chance.choice(_MONTHS)} "
            f"{chance.randint(1999, 2025)}, covering {chance.randint(2, 980)} sites and "
            f"EUR {chance.randint(1, 900)} million."
        )


_MONTHS = ("January", "March", "April", "June", "July", "September", "October", "December")
