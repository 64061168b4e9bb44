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
    for statement in statements.values():
        issuer = statement.issuer or ""
        names = names_in(attribution.speaker)
        if any(is_named(name, issuer) for name in names) or same_initials(
            attribution.speaker, issuer
        ):
            return None
    issuers = "; ".join(statement.issuer or "no issuer" for statement in statements.values())
    return (
        f"The submission names {attribution.speaker} ({attribution.cue}); "
        f"what decides is by {issuers}."
    )
