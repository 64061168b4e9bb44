"""Findings: what the deciding statements say, word for word, and where the claim differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from service.notes.gate import StoredText, locate, problems
from service.types import (
    Citation,
    DraftFinding,
    Evidence,
    Finding,
    Kind,
    Mismatch,
    Passage,
    StatementRef,
)

MAX_FINDINGS = 4
_MAX_QUOTE = 600


def from_evidence(evidence: Sequence[Evidence], stored_text: StoredText) -> tuple[Finding, ...]:
    """Write a finding for every deciding piece of evidence, surest first.

    The words are a frame around quotes, so that nothing is said that is not quoted.
    """
    deciding = sorted(
        (piece for piece in evidence if piece.decides), key=lambda piece: -piece.probability
    )
    found = [_finding(piece, stored_text) for piece in deciding]
    return tuple(dict.fromkeys(found))[:MAX_FINDINGS]


def from_drafts(
    drafts: Iterable[DraftFinding], passages: Sequence[Passage], stored_text: StoredText
) -> tuple[tuple[Finding, ...], tuple[tuple[str, str], ...]]:
    """Turn an engine's proposed findings into findings with located quotes.

    Returns:
        The findings whose quotes all stand in the passage that they name, and what was dropped
        with the reason. The rest of the gate still has to be passed.
    """
    known = {passage.id: passage for passage in passages}
    found, dropped = [], []
    for draft in drafts:
        citations = []
        reason = "" if draft.quotes else "it cites nothing"
        for quote in draft.quotes:
            passage = known.get(quote.passage_id)
            if passage is None:
                reason = f"it cites the passage {quote.passage_id}, which it was not given"
                break
            text = stored_text(passage.statement.statement_id, passage.statement.version)
            place = locate(quote.text, text, passage.start, passage.end)
            if place is None:
                reason = f"“{quote.text}” does not stand in {passage.statement.statement_id}"
                break
            citations.append(Citation(passage.statement, text[place[0] : place[1]], *place))
        if reason:
            dropped.append((draft.text, reason))
        else:
            found.append(Finding(draft.text, tuple(citations)))
    return tuple(found), tuple(dropped)


def gated(
    findings: Iterable[Finding], claim: str, stored_text: StoredText
) -> tuple[tuple[Finding, ...], tuple[tuple[str, str], ...]]:
    """Keep the findings that pass the citation gate; return the others with the reason."""
    kept, dropped = [], []
    for finding in findings:
        reasons = problems(finding, claim, stored_text)
        if reasons:
            dropped.append((finding.text, "; ".join(reasons)))
        else:
            kept.append(finding)
    return tuple(kept), tuple(dropped)


def _finding(piece: Evidence, stored_text: StoredText) -> Finding:
    statement = piece.passage.statement
    text = stored_text(statement.statement_id, statement.version)
    quote = text[piece.start : piece.end][:_MAX_QUOTE]
    citation = Citation(statement, quote, piece.start, piece.start + len(quote))
    return Finding(f"{_said(statement, quote)}{_differences(piece.mismatches)}", (citation,))


def _said(statement: StatementRef, quote: str) -> str:
    who = statement.issuer or "No issuer is known"
    when = f", {_day(statement)}" if statement.published else ""
    words = " ".join(quote.split())
    match statement.kind:
        case Kind.DIGEST:
            return f"{who}{when}, in our digest: {words}"
        case Kind.TRANSLATION:
            return f"{who}{when}, in translation: “{words}”"
        case Kind.ORIGINAL:
            return f"{who}{when}: “{words}”"


def _differences(mismatches: Sequence[Mismatch]) -> str:
    decisive = [mismatch for mismatch in mismatches if mismatch.decisive]
    if not decisive:
        return ""
    parts = [
        f"the claim says “{mismatch.claim}”, the statement {mismatch.statement}"
        for mismatch in decisive
    ]
    return f" Here the claim differs: {'; '.join(parts)}."


def _day(statement: StatementRef) -> str:
    day = statement.published
    return f"{day.day} {day:%B %Y}" if day else ""
