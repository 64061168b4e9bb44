"""Whether the one who is said to have said a claim is the one whose statement speaks of it."""

from __future__ import annotations

from collections.abc import Sequence

from service.facts.names import is_named, names_in, same_initials
from service.types import Attribution, Evidence


def attribution_warning(
    attribution: Attribution | None, evidence: Sequence[Evidence]
) -> str | None:
    """What to tell a reviewer of an attribution, checked apart from the claim.

    Args:
        attribution: as the submission has it, if it has one.
        evidence: the claim's evidence; only what decides counts.

    Returns:
        None where the deciding statement is by the one named, or nothing is attributed.
    """
    if attribution is None:
        return None
    statements = {
        piece.passage.statement.statement_id: piece.passage.statement
        for piece in evidence
        if piece.decides
    }
    if not statements:
        return f"Nothing stored shows that {attribution.speaker} said this ({attribution.cue})."
    if any(_is_issuer(attribution.speaker, one.issuer or "") for one in statements.values()):
        return None
    issuers = "; ".join(statement.issuer or "no issuer" for statement in statements.values())
    return (
        f"The submission names {attribution.speaker} ({attribution.cue}); "
        f"what decides is by {issuers}."
    )


def _is_issuer(speaker: str, issuer: str) -> bool:
    """Whether an issuer is the one whom a submission names.

    A body or a person must be named; a country counts only where nothing else is named, for every
    ministry of Japan answers to "Japan".
    """
    names = names_in(speaker)
    bodies = [name for name in names if not name.polity or len(name.words) > 1]
    return same_initials(speaker, issuer) or any(is_named(name, issuer) for name in bodies or names)
