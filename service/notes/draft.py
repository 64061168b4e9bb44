"""Drafts a claim's note: findings through the gate, basis, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from service.claims.attribution import attribution_warning
from service.notes.basis import basis_of
from service.notes.findings import from_drafts, from_evidence, gated
from service.notes.gate import StoredText
from service.statements.repository import Coverage
from service.types import (
    Assessment,
    Claim,
    ClaimLink,
    ClaimState,
    Evidence,
    Finding,
    Kind,
    Note,
    Ruling,
    Stance,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What every note can be traced to."""

    engine: str
    model: str
    prompt_version: str
    corpus_revision: int


def draft(
    claim: Claim,
    ruling: Ruling,
    assessment: Assessment,
    coverage: Coverage,
    stored_text: StoredText,
    provenance: Provenance,
    as_of: date | None,
    links: Sequence[ClaimLink] = (),
) -> Note:
    """Draft the note of one claim for a person to decide on.

    A verdict that is left without a finding that passes the gate and quotes what decides becomes
    not_enough_evidence; a conflict needs one for each side.
    """
    verdict, warnings, evidence = ruling.verdict, list(ruling.warnings), ruling.evidence
    confidence = ruling.confidence
    dropped: tuple[tuple[str, str], ...] = ()
    if assessment.findings is None:
        proposed = from_evidence(evidence, claim.text, stored_text)
    else:
        passages = [piece.passage for piece in evidence]
        proposed, dropped = from_drafts(assessment.findings, passages, stored_text)
    findings, refused = gated(proposed, claim.text, stored_text)
    dropped = (*dropped, *refused)
    if verdict is Verdict.NOT_ENOUGH_EVIDENCE:
        dropped += tuple((finding.text, "nothing decides the claim") for finding in findings)
        findings = ()
    elif not _is_carried(verdict, evidence, findings):
        warnings.append(
            f"needs_attention: no finding for {verdict} passed the citation gate, so the note says "
            "not_enough_evidence."
        )
        dropped += tuple(
            (finding.text, f"it does not carry the verdict {verdict} alone") for finding in findings
        )
        findings = ()
        evidence = tuple(
            replace(piece, decides=False, why=f"{piece.why}, but no finding could be cited")
            if piece.decides
            else piece
            for piece in evidence
        )
        verdict, confidence = Verdict.NOT_ENOUGH_EVIDENCE, 1.0 - confidence
    warnings += _warnings(claim, evidence)
    return Note(
        claim=claim,
        state=ClaimState.DRAFTED,
        verdict=verdict,
        confidence=round(confidence, 4),
        findings=findings,
        basis=basis_of(claim, verdict, evidence, coverage, as_of),
        warnings=tuple(dict.fromkeys(warnings)),
        evidence=evidence,
        engine=provenance.engine,
        model=provenance.model,
        prompt_version=provenance.prompt_version,
        corpus_revision=provenance.corpus_revision,
        usage=assessment.usage,
        dropped=dropped,
        links=tuple(links),
    )


def failed(claim: Claim, reason: str, provenance: Provenance) -> Note:
    """The note of a claim that could not be assessed: kept, with the reason, to be retried."""
    return Note(
        claim=claim,
        state=ClaimState.FAILED,
        verdict=None,
        confidence=None,
        findings=(),
        basis=None,
        warnings=(),
        evidence=(),
        engine=provenance.engine,
        model=provenance.model,
        prompt_version=provenance.prompt_version,
        corpus_revision=provenance.corpus_revision,
        error=reason,
    )


def _is_carried(
    verdict: Verdict, evidence: Sequence[Evidence], findings: Sequence[Finding]
) -> bool:
    """Whether findings quote a deciding passage of every stance that the verdict rests on."""
    wanted = {
        Verdict.SUPPORTED: {Stance.SUPPORTS},
        Verdict.REFUTED: {Stance.REFUTES},
        Verdict.CONFLICTING: {Stance.SUPPORTS, Stance.REFUTES},
    }.get(verdict, set())
    quoted = {
        piece.stance
        for piece in evidence
        if piece.decides
        for finding in findings
        for citation in finding.citations
        if citation.statement == piece.passage.statement
        and citation.start < piece.passage.end
        and piece.passage.start < citation.end
    }
    return wanted <= quoted


def _warnings(claim: Claim, evidence: Sequence[Evidence]) -> list[str]:
    deciding = [piece for piece in evidence if piece.decides]
    found = []
    attributed = attribution_warning(claim.attribution, evidence)
    if attributed is not None:
        found.append(attributed)
    if deciding and all(piece.passage.statement.kind is Kind.DIGEST for piece in deciding):
        found.append("Only digests decide: read the issuer's own words before publishing.")
    opposite = {Stance.SUPPORTS: Stance.REFUTES, Stance.REFUTES: Stance.SUPPORTS}
    found += [
        f"The stance model alone reads {piece.passage.statement.statement_id} the other way "
        f"({piece.cross_check})."
        for piece in deciding
        if piece.cross_check is opposite.get(piece.stance)
    ]
    found += [
        f"Wording: the claim has {mismatch.claim}, {piece.passage.statement.statement_id} has "
        f"{mismatch.statement}."
        for piece in deciding
        for mismatch in piece.mismatches
        if not mismatch.decisive
    ]
    return found
