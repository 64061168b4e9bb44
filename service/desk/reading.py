"""A note laid out for reading: what is quoted where, and how the verdict came about."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from service.desk.marking import Mark, Segment, segments
from service.types import Citation, Evidence, Note, Stance, StatementRef, Verdict

_AROUND = 240
"""Characters shown on either side of a quote that no piece of evidence holds."""
StoredText = Callable[[str, int], str]


@dataclass(frozen=True, slots=True)
class Quote:
    """A citation of a finding, numbered through the note from 1."""

    number: int
    citation: Citation


@dataclass(frozen=True, slots=True)
class FindingRead:
    """A finding and its citations."""

    text: str
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A stretch of a statement as the page shows it.

    Attributes:
        piece: the evidence that it is; None for what only a person cited.
        start: where the stretch begins in the statement's text.
        segments: its text, cut where quotes and the words that carry the stance begin and end;
            a quote stands for itself, None for the stance's words.
    """

    statement: StatementRef
    piece: Evidence | None
    start: int
    segments: tuple[Segment[Quote | None], ...]

    @property
    def text(self) -> str:
        """What is shown of the statement."""
        return "".join(one.text for one in self.segments)


def findings_of(note: Note) -> tuple[FindingRead, ...]:
    """The findings, their citations numbered."""
    number = iter(range(1, 1_000_000))
    return tuple(
        FindingRead(found.text, tuple(Quote(next(number), one) for one in found.citations))
        for found in note.findings
    )


def exhibits(note: Note, stored_text: StoredText) -> tuple[Exhibit, ...]:
    """What the note rests on: what decides first, then what else speaks, then the rest.

    Every quote is marked where it stands, also one that no piece of evidence holds.
    """
    quotes = [quote for found in findings_of(note) for quote in found.quotes]
    order = sorted(note.evidence, key=_rank)
    shown = [_exhibit(piece, quotes) for piece in order]
    return (*_cited_elsewhere(quotes, order, stored_text), *shown)


def _rank(piece: Evidence) -> int:
    return 0 if piece.decides else 1 if piece.stance is not Stance.NEUTRAL else 2


def _exhibit(piece: Evidence, quotes: Sequence[Quote]) -> Exhibit:
    passage = piece.passage
    marks: list[Mark[Quote | None]] = [*_marks(passage.statement, quotes)]
    if piece.stance is not Stance.NEUTRAL:
        marks.append(Mark(piece.start, piece.end, None))
    cut = segments(passage.text, marks, passage.start)
    return Exhibit(passage.statement, piece, passage.start, tuple(cut))


def _marks(statement: StatementRef, quotes: Sequence[Quote]) -> Iterator[Mark[Quote | None]]:
    for quote in quotes:
        cited = quote.citation
        if _version(cited.statement) == _version(statement):
            yield Mark(cited.start, cited.end, quote)


def _cited_elsewhere(
    quotes: Sequence[Quote], pieces: Sequence[Evidence], stored_text: StoredText
) -> Iterator[Exhibit]:
    for quote in quotes:
        cited = quote.citation
        if any(
            _version(piece.passage.statement) == _version(cited.statement)
            and piece.passage.start <= cited.start
            and cited.end <= piece.passage.end
            for piece in pieces
        ):
            continue
        text = stored_text(*_version(cited.statement))
        start = max(0, cited.start - _AROUND)
        shown = text[start : cited.end + _AROUND]
        cut = segments(shown, _marks(cited.statement, [quote]), start)
        yield Exhibit(cited.statement, None, start, tuple(cut))


def _version(statement: StatementRef) -> tuple[str, int]:
    return statement.statement_id, statement.version


def steps(note: Note) -> list[str]:
    """How the verdict came about, in the order in which it did."""
    if note.verdict is None or note.basis is None:
        return []
    told = [f"Searched: {note.basis.searched}.", _read(note.evidence)]
    told += [_speaks(piece) for piece in sorted(note.evidence, key=_rank) if _has_spoken(piece)]
    told.append(_RULES[note.verdict])
    told.append(_sureness(note))
    return told


_RULES = {
    Verdict.SUPPORTED: "A statement in force supports the claim and none refutes a part of it, "
    "so the verdict is supported.",
    Verdict.REFUTED: "A statement in force refutes a part of the claim and no other supports it, "
    "so the verdict is refuted.",
    Verdict.CONFLICTING: "Statements in force disagree, and none supersedes the other, so the "
    "verdict is conflicting.",
    Verdict.NOT_ENOUGH_EVIDENCE: "Nothing in force decides, so the verdict is not enough evidence. "
    "That says nothing against the claim.",
}


def _read(evidence: Sequence[Evidence]) -> str:
    count = {stance: sum(one.stance is stance for one in evidence) for stance in Stance}
    return (
        f"Read {len(evidence)} passages against the claim: {count[Stance.SUPPORTS]} support it, "
        f"{count[Stance.REFUTES]} refute it, {count[Stance.NEUTRAL]} say nothing of it."
    )


def _has_spoken(piece: Evidence) -> bool:
    return piece.decides or piece.stance is not Stance.NEUTRAL


def _speaks(piece: Evidence) -> str:
    statement = piece.passage.statement
    who = statement.issuer or statement.statement_id
    when = f" of {statement.published}" if statement.published else ", undated,"
    differs = "; ".join(str(one) for one in piece.mismatches if one.decisive)
    told = f"{who}{when} {piece.stance} the claim" + (f" ({differs})" if differs else "")
    return (
        f"{told}, and decides." if piece.decides else f"{told}, and does not decide: {piece.why}."
    )


def _sureness(note: Note) -> str:
    if note.confidence is None:
        return "How sure that is was never measured for this engine: no confidence is given."
    return (
        f"Confidence {note.confidence:.0%}: of the drafts that this engine was as sure of on "
        "labelled claims, about as many were right."
    )


def command(note: Note) -> str:
    """The command that repeats the check."""
    as_of = note.basis.as_of if note.basis is not None else None
    day = f" --as-of {as_of}" if as_of is not None else ""
    claim = shlex.quote(note.claim.text)
    return f"echo {claim} | verinote verify - --claims --engine {note.engine}{day}"
