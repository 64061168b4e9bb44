"""The product as an evaluation drives it: the same engine, rules, search and pipeline.

Everything that evaluation asks of ``service`` goes through here. Claim memory is off: no answer is
reused, so the order of the rows does not matter.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from eval.datasets.examples import Example
from service.kit.text import normalise, sha256_hex
from service.settings import Settings
from service.types import (
    Claim,
    Kind,
    Opinion,
    Passage,
    Span,
    StatementRef,
    Verdict,
)

UNDATED = date(2025, 12, 31)
"""The as-of date of rows without one: their evidence has no dates either."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the engine says of given passages, in their order, and what the rules make of it."""

    opinions: tuple[Opinion, ...]
    verdict: Verdict
    confidence: float


class Subject:
    """A pipeline with its engine, opened for one run."""

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator[Subject]:
        """Open the pipeline with the data folder that the settings name."""
        from service.pipeline import Pipeline

        async with Pipeline.open(settings) as pipeline:
            yield cls(pipeline)

    @property
    def engine(self) -> str:
        """Which engine runs."""
        return str(self._pipeline.engine.name)

    @property
    def model(self) -> str:
        """Which models run."""
        return str(self._pipeline.engine.model)

    @property
    def prompt_version(self) -> str:
        """Hash of what shapes an answer beside the models."""
        return str(self._pipeline.engine.prompt_version)

    @property
    def corpus_revision(self) -> int:
        """The number of the corpus's last change."""
        return int(self._pipeline.corpus.revision)


def claim_of(text: str, as_of: date | None) -> Claim:
    """A claim of its own, as a line of ``verinote verify --claims`` is."""
    return Claim(
        id=sha256_hex(text)[:16],
        text=text,
        source=Span(0, len(text), text),
        claim_date=as_of,
        score=1.0,
    )


def passages_of(example: Example) -> tuple[Passage, ...]:
    """The example's evidence, each passage a statement of its own without issuer or date."""
    titles = example.titles or (None,) * len(example.passages)
    passages = []
    for place, (written, title) in enumerate(zip(example.passages, titles, strict=True)):
        text = normalise(written)
        statement = StatementRef(
            statement_id=f"{example.id}-{place}",
            version=1,
            sha256=sha256_hex(text),
            kind=Kind.ORIGINAL,
            issuer=None,
            title=title,
            published=None,
            url=None,
        )
        passages.append(Passage(f"{example.id}-{place}", statement, 0, len(text), text))
    return tuple(passages)
