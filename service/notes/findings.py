"""Findings: what the deciding statements say, word for word, and where the claim differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

from service.facts.quoting import DOUBLE_MARKS, content_words, locate, occurrences
from service.kit.sentences import sentences
from service.notes.gate import MIN_CONTENT_WORDS, StoredText, problems
from service.notes.wording import day
from service.types import (
    Citation,
    DraftFinding,
    Evidence,
    Finding,
    Kind,
    Mismatch,
    Passage,
    Stance,
    StatementRef,
)

MAX_FINDINGS = 4
_MAX_QUOTE = 600
_NO_MARKS = str.maketrans("", "", DOUBLE_MARKS)


def from_evidence(
    evidence: Sequence[Evidence], claim: str, stored_text: StoredText
) -> tuple[Finding, ...]:
    """Write a finding for every deciding piece of evidence, surest first, both sides in turn.

    The words are a frame around quotes, so that nothing is said that is not quoted.
    """
    deciding = sorted(
        (piece for piece in evidence if piece.decides),
        key=lambda piece: -(piece.probability or 0.0),
    )
    sides = ([piece for piece in deciding if piece.stance is stance] for stance in Stance)
    in_turn = [piece for pieces in zip_longest(*sides) for piece in pieces if piece is not None]
    found = [_finding(piece, claim, stored_text) for piece in in_turn]
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


def _finding(piece: Evidence, claim: str, stored_text: StoredText) -> Finding:
    statement = piece.passage.statement
    text = stored_text(statement.statement_id, statement.version)
    start, end = _quotable(piece, text)
    quote = text[start:end]
    said = _said(statement, quote)
    citations = (Citation(statement, quote, start, end),)
    told = Finding(f"{said}{_differences(piece.mismatches, claim, quote)}", citations)
    return told if not problems(told, claim, stored_text) else Finding(said, citations)


def _quotable(piece: Evidence, text: str) -> tuple[int, int]:
    """Whole sentences of a passage around its deciding words: not too few of them, nor too many."""
    passage = piece.passage
    offsets = [
        (passage.start + start, passage.start + end)
        for start, end in sentences(text[passage.start : passage.end])
    ]
    inside = [
        index
        for index, (start, end) in enumerate(offsets)
        if start < piece.end and piece.start < end
    ]
    if not inside:
        return piece.start, piece.end
    first, last = inside[0], inside[-1]
    while last > first and offsets[last][1] - offsets[first][0] > _MAX_QUOTE:
        last -= 1
    while content_words(text[offsets[first][0] : offsets[last][1]]) < MIN_CONTENT_WORDS:
        if last + 1 < len(offsets):
            last += 1
        elif first > 0:
            first -= 1
        else:
            break
    return offsets[first][0], offsets[last][1]


def _said(statement: StatementRef, quote: str) -> str:
    who = statement.issuer or "An unnamed issuer"
    when = f", {day(statement.published)}" if statement.published else ""
    words = " ".join(quote.split())
    match statement.kind:
        case Kind.DIGEST:
            return f"{who}{when}, in our digest: {words}"
        case Kind.TRANSLATION:
            return f"{who}{when}, in translation: “{words}”"
        case Kind.ORIGINAL:
            return f"{who}{when}: “{words}”"


def _differences(mismatches: Sequence[Mismatch], claim: str, quote: str) -> str:
    """Where the claim differs, as far as its words stand in the claim and the others in the quote.

    Of a claim read without what colours it, or of another sentence than the one quoted, they may
    not: the evidence names those differences all the same.
    """
    parts = [
        f"the claim says “{said}”, the statement has {' '.join(mismatch.statement.split())}"
        for mismatch in mismatches
        if mismatch.decisive
        and (said := " ".join(mismatch.claim.translate(_NO_MARKS).split()))
        and occurrences(said.casefold(), claim.translate(_NO_MARKS).casefold())
        and occurrences(mismatch.statement, quote)
    ]
    return f" Here the claim differs: {'; '.join(parts)}." if parts else ""
