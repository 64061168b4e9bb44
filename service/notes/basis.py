"""The basis of a note: how it came about and what is not known. Written by code alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from service.statements.repository import Coverage
from service.types import Basis, Claim, Evidence, Nearest, Verdict

NEAREST = 3


def basis_of(
    claim: Claim,
    verdict: Verdict,
    evidence: Sequence[Evidence],
    coverage: Coverage,
    as_of: date | None,
) -> Basis:
    """Say what was searched and, where nothing decides, what stands nearest."""
    nearest: dict[str, Nearest] = {}
    if verdict is Verdict.NOT_ENOUGH_EVIDENCE:
        for piece in evidence:
            statement = piece.passage.statement
            nearest.setdefault(
                statement.statement_id,
                Nearest(statement, piece.passage.start, piece.passage.end, piece.passage.text),
            )
    return Basis(
        claim=claim.text,
        searched=_searched(coverage, as_of),
        statements=coverage.statements,
        passages=coverage.passages,
        issuers=coverage.issuers,
        earliest=coverage.earliest,
        latest=coverage.latest,
        not_searched=coverage.not_searched,
        as_of=as_of,
        nearest=tuple(nearest.values())[:NEAREST],
    )


def _searched(coverage: Coverage, as_of: date | None) -> str:
    parts = [
        f"{coverage.statements} statements ({coverage.passages} passages) of {coverage.issuers} "
        "issuers"
    ]
    if coverage.earliest and coverage.latest:
        parts.append(f"dated {coverage.earliest} to {coverage.latest}")
    if as_of is not None:
        parts.append(f"deciding as of {as_of}")
    if coverage.not_searched:
        parts.append(f"{coverage.not_searched} in other languages not searched")
    return ", ".join(parts)
