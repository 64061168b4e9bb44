"""Pieces of evidence for the tests of the rules."""

from __future__ import annotations

from datetime import date

from service.kit.text import sha256_hex
from service.types import Evidence, Kind, Passage, Stance, StatementRef

AS_OF = date(2025, 12, 12)
BEFORE = date(2025, 12, 10)
LATER = date(2025, 12, 11)
AFTER = date(2025, 12, 13)
STAFF = "Joint Staff, Ministry of Defense, Japan"

S, R, N = Stance.SUPPORTS, Stance.REFUTES, Stance.NEUTRAL


def piece(
    stance: Stance = S,
    statement_id: str = "S1",
    published: date | None = BEFORE,
    issuer: str | None = STAFF,
    *,
    text: str = "",
    version: int = 1,
    start: int = 0,
    probability: float = 0.9,
    scores: tuple[tuple[Stance, float], ...] = (),
    kind: Kind = Kind.ORIGINAL,
) -> Evidence:
    text = text or f"What {statement_id} says of it."
    statement = StatementRef(
        statement_id, version, sha256_hex(text), kind, issuer, "Title", published, None
    )
    end = start + len(text)
    passage = Passage(f"{statement_id}@{version}:{start}-{end}", statement, start, end, text)
    return Evidence(passage, stance, probability, start, end, scores=scores)
