"""Drafts a claim's note: findings through the gate, basis, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from service.claims.attribution import attribution_warning
from service.facts.instructions import instructions_in
from service.notes.basis import basis_of
from service.notes.findings import from_drafts, from_evidence, gated
from service.notes.gate import StoredText, wording
from service.statements.repository import Coverage
from service.types import (
    NEEDS_ATTENTION,
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
    Usage,
    Verdict,
)

_NOTHING_USED = Usage()


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
    submitted: str = "",
) -> Note:
    """Draft the note of one claim for a person to decide on.

    ``submitted`` is the text that the claim comes from, which is looked through for what speaks to
    a model.

    A verdict that is left without a finding that passes the gate and quotes what decides becomes
    not_enough_evidence; a conflict needs one for each side.
    """
    verdict, evidence = ruling.verdict, ruling.evidence
    warnings = [*ruling.warnings, *assessment.warnings]
    confidence = ruling.confidence
    dropped: tuple[tuple[str, str], ...] = ()
    if assessment.findings is None:
        proposed = from_evidence(evidence, claim.text, stored_text)
    else:
        passages = [piece.passage for piece in evidence]
        proposed, dropped = from_drafts(assessment.findings, passages, stored_text)
        proposed, mixed = _apart(proposed, evidence)
        dropped += mixed
    findings, refused = gated(proposed, claim.text, stored_text)
    dropped = (*dropped, *refused)
    if verdict is Verdict.NOT_ENOUGH_EVIDENCE:
        dropped += tuple((finding.text, "nothing decides the claim") for finding in findings)
        findings = ()
    elif not _is_carried(verdict, evidence, findings):
        warnings.append(
            f"{NEEDS_ATTENTION}no finding for {verdict} passed the citation gate, so the note says "
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
        verdict = Verdict.NOT_ENOUGH_EVIDENCE
        confidence = None if confidence is None else 1.0 - confidence
    warnings += _warnings(claim, evidence, drafted=assessment.findings is not None)
    warnings += _of_drafts(findings, assessment)
    if findings and dropped and assessment.findings is not None:
        warnings.append(_some_refused(dropped))
    warnings += _instructions(submitted, evidence)
    return Note(
        claim=claim,
        state=ClaimState.DRAFTED,
        verdict=verdict,
        confidence=None if confidence is None else round(confidence, 4),
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


def redrafted(note: Note, refused: Sequence[tuple[str, str]]) -> Note:
    """A note that was drafted again, with what was refused of its first draft."""
    dropped = tuple(dict.fromkeys((*refused, *note.dropped)))
    if not note.findings:
        return replace(note, dropped=dropped)
    kept = [told for told in note.warnings if told != _some_refused(note.dropped)]
    return replace(note, dropped=dropped, warnings=(*kept, _some_refused(dropped)))


def _some_refused(dropped: Sequence[tuple[str, str]]) -> str:
    return f"{NEEDS_ATTENTION}{len(dropped)} of the engine's findings were refused."


def failed(claim: Claim, reason: str, provenance: Provenance, usage: Usage = _NOTHING_USED) -> Note:
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
        usage=usage,
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


def _warnings(claim: Claim, evidence: Sequence[Evidence], *, drafted: bool) -> list[str]:
    """What a reviewer should look at; ``drafted``: an engine wrote the findings itself."""
    deciding = [piece for piece in evidence if piece.decides]
    found = []
    attributed = attribution_warning(claim.attribution, evidence)
    if attributed is not None:
        found.append(attributed)
    if deciding and all(piece.passage.statement.kind is Kind.DIGEST for piece in deciding):
        found.append("Only digests decide: read the issuer's own words before publishing.")
    opposite = {Stance.SUPPORTS: Stance.REFUTES, Stance.REFUTES: Stance.SUPPORTS}
    found += [
        f"The stance model alone reads "
        f"{piece.passage.statement.statement_id} the other way ({piece.cross_check})."
        for piece in deciding
        if piece.cross_check is opposite.get(piece.stance)
    ]
    found += [
        f"The language model alone reads {piece.passage.statement.statement_id} as refuting: "
        "neither the comparison of facts nor the stance model sees how."
        for piece in deciding
        if drafted and piece.stance is Stance.REFUTES and not _is_seen_to_refute(piece)
    ]
    found += [
        f"{NEEDS_ATTENTION}{piece.passage.statement.statement_id} is read as supporting, but the "
        f"claim has {mismatch.claim} and it has {mismatch.statement}."
        for piece in deciding
        for mismatch in piece.mismatches
        if mismatch.decisive and piece.stance is Stance.SUPPORTS
    ]
    found += [
        f"Wording: the claim has {mismatch.claim}, {piece.passage.statement.statement_id} has "
        f"{mismatch.statement}."
        for piece in deciding
        for mismatch in piece.mismatches
        if not mismatch.decisive
    ]
    return found


def _apart(
    findings: Sequence[Finding], evidence: Sequence[Evidence]
) -> tuple[tuple[Finding, ...], tuple[tuple[str, str], ...]]:
    """Leave out findings that put words of a passage which says nothing of the claim beside others.

    The words of a finding are held to all its quotes together, so it could lend one's to another.
    """
    kept, dropped = [], []
    for finding in findings:
        speaks = {
            piece.stance is not Stance.NEUTRAL
            for cited in finding.citations
            for piece in evidence
            if piece.passage.statement == cited.statement
            and piece.passage.start <= cited.start < piece.passage.end
        }
        if speaks == {True, False}:
            dropped.append((finding.text, "it cites what says nothing of the claim beside others"))
        else:
            kept.append(finding)
    return tuple(kept), tuple(dropped)


def _is_seen_to_refute(piece: Evidence) -> bool:
    return piece.cross_check is Stance.REFUTES or any(one.decisive for one in piece.mismatches)


def _of_drafts(findings: Sequence[Finding], assessment: Assessment) -> list[str]:
    """Warn of findings that an engine wrote: of words of its own, and of the stance model's."""
    read = {one.text: one.cross_check for one in assessment.findings or ()}
    own = [told for finding in findings if finding.text in read and (told := wording(finding))]
    return [f"Wording: {told}" for told in own] + [
        f"{NEEDS_ATTENTION}the stance model reads the quotes of “{finding.text}” the other way."
        for finding in findings
        if read.get(finding.text) is Stance.REFUTES
    ]


def _instructions(submitted: str, evidence: Sequence[Evidence]) -> list[str]:
    """Warn of texts that speak to a model: an engine that has one read them."""
    read = [(_SUBMISSION, submitted)]
    for piece in evidence:
        statement = piece.passage.statement
        parts = (piece.passage.text, statement.title, statement.issuer)
        read += [(statement.statement_id, part) for part in parts if part]
    return [
        f"{NEEDS_ATTENTION}{name} looks as if it spoke to a model: “{told[0]}”."
        for name, text in read
        if (told := instructions_in(text))
    ]


_SUBMISSION = "the submission"


def about(note: Note, submitted: str) -> Note:
    """A note that is used again, with what is to be told of the submission that it is now for."""
    told = f"{NEEDS_ATTENTION}{_SUBMISSION} looks as if"
    kept = [warning for warning in note.warnings if not warning.startswith(told)]
    return replace(note, warnings=(*kept, *_instructions(submitted, ())))
