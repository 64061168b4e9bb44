"""A statement on a made-up exercise, and a store that holds statement versions in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from service.kit.errors import NotFound
from service.kit.text import normalise, sha256_hex
from service.types import Citation, Evidence, Kind, Passage, Stance, StatementRef

EXERCISE = (
    "The Joint Staff announced that two U.S. Air Force B-52 bombers, three F-35A and four F-15 "
    "fighters flew over the Sea of Japan on Wednesday 10 December 2025. General Ryoichi Oriki "
    "said that the exercise had cost EUR 90 billion, or 12 percent of the budget. "
    "No airspace was violated. Reports that Japan turned down the proposal are untrue, he said."
)


@dataclass
class Stored:
    """The stored versions of a few statements; called, it gives a version's text."""

    texts: dict[tuple[str, int], str] = field(default_factory=dict)

    def __call__(self, statement_id: str, version: int) -> str:
        try:
            return self.texts[statement_id, version]
        except KeyError:
            raise NotFound(f"statement {statement_id!r} has no version {version}") from None

    def put(
        self,
        text: str,
        *,
        statement_id: str = "S1",
        version: int = 1,
        kind: Kind = Kind.ORIGINAL,
        issuer: str | None = "Joint Staff, Ministry of Defense, Japan",
        title: str | None = "Bilateral exercise",
        published: date | None = date(2025, 12, 11),
    ) -> StatementRef:
        text = normalise(text)
        self.texts[statement_id, version] = text
        return StatementRef(
            statement_id, version, sha256_hex(text), kind, issuer, title, published, None
        )

    def cite(self, statement: StatementRef, quote: str) -> Citation:
        """Cite the first place where the very words stand."""
        start = self(statement.statement_id, statement.version).index(quote)
        return Citation(statement, quote, start, start + len(quote))

    def evidence(
        self, statement: StatementRef, words: str = "", stance: Stance = Stance.REFUTES, **rest
    ) -> Evidence:
        """A deciding piece of evidence on the whole text, carried by some of its words."""
        text = self(statement.statement_id, statement.version)
        words = words or text
        start = text.index(words)
        name = f"{statement.statement_id}@{statement.version}:0-{len(text)}"
        passage = Passage(name, statement, 0, len(text), text)
        values = {"probability": 0.9, "decides": True} | rest
        return Evidence(
            passage=passage, stance=stance, start=start, end=start + len(words), **values
        )
