"""Notes as people see them on the desk: one, those that wait, their history and what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVarTuple

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from service.claims.tables import ClaimRow, NoteRow, verdict_that_counts
from service.kit.database import utc_now
from service.kit.errors import NotFound
from service.notes.differences import Difference, difference
from service.notes.process import OPEN, Act, NoteState
from service.notes.tables import CitationRow, CommentRow, DecisionRow, OpinionRow, RevisionRow
from service.statements.tables import StatementRow
from service.types import Note, Verdict

Ts = TypeVarTuple("Ts")
NOBODY = ""
"""Whom a note is assigned to that is not assigned: no person's name."""
_NOTE = TypeAdapter(Note)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person decided.

    Attributes:
        verdict: the one that they set, where it was another than the note had.
        reason: why; published where it is that of a correction or a retraction.
        comment: not published.
    """

    id: str
    revision: int
    decision: Act
    verdict: Verdict | None
    reason: str | None
    comment: str | None
    user: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """A statement that a note cites and that is no longer as it was.

    Attributes:
        cited: the version that the note cites.
        current: the newest version.
        withdrawn: whether it is out of force.
    """

    statement_id: str
    cited: int
    current: int
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Opinion:
    """A second opinion: what was asked, and once it is there, the answer.

    Attributes:
        revision: the one that was asked about.
        answered_revision: the one that was answered about.
        agrees: whether whoever answered is for the note as it is; None: it is wanted still.
        verdict: theirs.
    """

    id: str
    revision: int
    question: str
    asked_by: str
    asked_at: datetime
    answered_revision: int | None
    agrees: bool | None
    verdict: Verdict | None
    words: str | None
    answered_by: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody said about a note."""

    id: str
    text: str
    user: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A note on the desk.

    Attributes:
        note: its newest revision.
        decided_verdict: the person's verdict, where they set another than the note's.
        assigned_to: who is to decide on it.
        due_at: until when.
        published_at: when it was published first.
        decisions: the oldest first.
        opinions: second opinions, the oldest first.
        changed: what it cites and has changed since somebody looked: it wants a second look.
    """

    id: str
    submission_id: str
    note: Note
    state: NoteState
    revision: int
    decided_verdict: Verdict | None
    assigned_to: str | None
    due_at: datetime | None
    created_at: datetime
    published_at: datetime | None
    decisions: tuple[Decided, ...]
    opinions: tuple[Opinion, ...]
    changed: tuple[Changed, ...]

    @property
    def verdict(self) -> Verdict | None:
        """The verdict that counts: the person's, where they set one."""
        return self.decided_verdict or self.note.verdict


@dataclass(frozen=True, slots=True)
class Revision:
    """A note as it was.

    Attributes:
        author: None for an engine.
        difference: from the revision before; None for the first.
    """

    number: int
    note: Note
    author: str | None
    at: datetime
    difference: Difference | None


class Order(StrEnum):
    """What comes first in the queue. What was never measured is the least confident."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LEAST_CONFIDENT = "least_confident"
    MOST_CONFIDENT = "most_confident"

    @property
    def by_age(self) -> bool:
        """Whether it goes by when the notes came."""
        return self in {Order.NEWEST, Order.OLDEST}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which notes are wanted; what is left out makes no difference.

    Attributes:
        states: only those in one of these; empty: in any.
        verdict: only those with it: the person's counts, where they set one.
        assigned_to: only somebody's; ``NOBODY``: those that nobody has.
        warned: only those with warnings, or without.
        changed: only those that wait for a second look, or the others.
        overdue: only those whose time is up and that still wait, or the others.
        text: only those whose claim holds these words, whatever their case.
        submission_id: only those of a submission.
    """

    states: frozenset[NoteState] = frozenset()
    verdict: Verdict | None = None
    assigned_to: str | None = None
    warned: bool | None = None
    changed: bool | None = None
    overdue: bool | None = None
    text: str | None = None
    submission_id: str | None = None


Place = tuple[datetime | float, str]
"""Where a note stands in an order: when it came, or its confidence; and its id."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A note in the queue: what a line of a list shows.

    Attributes:
        verdict: the note's.
        decided_verdict: the person's, where they set another.
        warned: whether it has warnings.
        changed: whether it waits for a second look.
        place: where it stands in the order that was asked for; the next page begins after it.
    """

    id: str
    submission_id: str
    claim: str
    state: NoteState
    revision: int
    verdict: Verdict | None
    decided_verdict: Verdict | None
    confidence: float | None
    warned: bool
    changed: bool
    assigned_to: str | None
    due_at: datetime | None
    created_at: datetime
    place: Place


def find(session: Session, note_id: str) -> Reviewed:
    """A note.

    Raises:
        NotFound: there is no such note.
    """
    return reviewed(session, [row_of(session, note_id)])[0]


def queue(
    session: Session,
    wanted: Wanted,
    *,
    order: Order = Order.NEWEST,
    after: Place | None = None,
    limit: int,
) -> list[Queued]:
    """Notes as lines of a list.

    Args:
        session: on the desk's database.
        wanted: which ones.
        order: what comes first.
        after: the ``place`` of a note: only those after it.
        limit: how many at most.
    """
    query = select(
        NoteRow.id,
        ClaimRow.submission_id,
        ClaimRow.text,
        NoteRow.state,
        NoteRow.revision,
        NoteRow.verdict,
        NoteRow.decided_verdict,
        NoteRow.confidence,
        NoteRow.warned,
        _waits_for_a_look(),
        NoteRow.assigned_to,
        NoteRow.due_at,
        NoteRow.created_at,
    )
    rows = session.execute(_ordered(_chosen(query, wanted), order, after).limit(limit))
    return [
        Queued(
            id=id_,
            submission_id=submission_id,
            claim=claim,
            state=NoteState(state),
            revision=revision,
            verdict=_verdict(verdict),
            decided_verdict=_verdict(decided),
            confidence=confidence,
            warned=warned,
            changed=changed,
            assigned_to=assigned_to,
            due_at=due_at,
            created_at=at,
            place=_place(order, at, confidence, id_),
        )
        for (
            id_,
            submission_id,
            claim,
            state,
            revision,
            verdict,
            decided,
            confidence,
            warned,
            changed,
            assigned_to,
            due_at,
            at,
        ) in rows
    ]


def page(
    session: Session,
    wanted: Wanted,
    *,
    order: Order = Order.NEWEST,
    after: Place | None = None,
    limit: int,
) -> list[Reviewed]:
    """Notes whole, otherwise as ``queue``."""
    query = _ordered(_chosen(select(NoteRow, ClaimRow), wanted), order, after).limit(limit)
    return reviewed(session, [(note, claim) for note, claim in session.execute(query)])


def notes_of(session: Session, submission_id: str) -> list[Reviewed]:
    """Every note of a submission."""
    query = _chosen(select(NoteRow, ClaimRow), Wanted(submission_id=submission_id))
    return reviewed(session, [(note, claim) for note, claim in session.execute(query)])


def place_of(found: Reviewed, order: Order) -> Place:
    """Where a note stands in an order."""
    return _place(order, found.created_at, found.note.confidence, found.id)


def counts(session: Session, wanted: Wanted) -> Counter[tuple[NoteState, Verdict | None]]:
    """How many notes have which state and which verdict: the one that counts."""
    query = _chosen(select(NoteRow.state, verdict_that_counts, func.count()), wanted)
    rows = session.execute(query.group_by(NoteRow.state, verdict_that_counts))
    return Counter({(NoteState(state), _verdict(verdict)): count for state, verdict, count in rows})


def citing(session: Session, statement_id: str) -> list[str]:
    """The notes that cite any version of a statement, by id."""
    return list(
        session.scalars(
            select(CitationRow.note_id)
            .where(CitationRow.statement_id == statement_id)
            .distinct()
            .order_by(CitationRow.note_id)
        )
    )


def claims_of(session: Session, note_ids: Sequence[str]) -> dict[str, str]:
    """What the claims of notes say, by the notes' ids, in the order in which they are given."""
    found = dict(
        session.execute(
            select(NoteRow.id, ClaimRow.text)
            .join(ClaimRow, ClaimRow.note_id == NoteRow.id)
            .where(NoteRow.id.in_(note_ids))
        ).all()
    )
    return {id_: found[id_] for id_ in note_ids if id_ in found}


def history(session: Session, note_id: str) -> list[Revision]:
    """Every revision of a note, the oldest first.

    Raises:
        NotFound: there is no such note.
    """
    row_of(session, note_id)
    rows = session.scalars(
        select(RevisionRow).where(RevisionRow.note_id == note_id).order_by(RevisionRow.revision)
    )
    found: list[Revision] = []
    for row in rows:
        note = read(row.body)
        differs = difference(found[-1].note.findings, note.findings) if found else None
        found.append(Revision(row.revision, note, row.author, row.created_at, differs))
    return found


def comments(
    session: Session, note_id: str, *, after: str | None = None, limit: int
) -> list[Comment]:
    """What was said about a note, the oldest first; ``after``: since a comment, by id.

    Raises:
        NotFound: there is no such note.
    """
    row_of(session, note_id)
    query = select(CommentRow).where(CommentRow.note_id == note_id)
    if after is not None:
        query = query.where(CommentRow.id > after)
    return [
        Comment(row.id, row.text, row.user, row.created_at)
        for row in session.scalars(query.order_by(CommentRow.id).limit(limit))
    ]


def row_of(session: Session, note_id: str, *, lock: bool = False) -> tuple[NoteRow, ClaimRow]:
    """A note's row and its claim's; with ``lock``, others who change the note wait.

    Raises:
        NotFound: there is no such note.
    """
    query = (
        select(NoteRow, ClaimRow)
        .join(ClaimRow, ClaimRow.note_id == NoteRow.id)
        .where(NoteRow.id == note_id)
    )
    found = session.execute(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound(f"note {note_id}: there is no such note")
    return found[0], found[1]


def changed_citations() -> Select[CitationRow, StatementRow]:
    """What notes cite and has changed since it was cited or, after that, looked at again."""
    return (
        select(CitationRow, StatementRow)
        .join(StatementRow, StatementRow.id == CitationRow.statement_id)
        .where(_has_changed())
    )


def reviewed(session: Session, rows: Sequence[tuple[NoteRow, ClaimRow]]) -> list[Reviewed]:
    """Notes with all that was done to them."""
    ids = [note.id for note, _ in rows]
    decided: dict[str, list[Decided]] = {}
    for row in session.scalars(
        select(DecisionRow).where(DecisionRow.note_id.in_(ids)).order_by(DecisionRow.id)
    ):
        decided.setdefault(row.note_id, []).append(_decided(row))
    opinions: dict[str, list[Opinion]] = {}
    for opinion in session.scalars(
        select(OpinionRow).where(OpinionRow.note_id.in_(ids)).order_by(OpinionRow.id)
    ):
        opinions.setdefault(opinion.note_id, []).append(_opinion(opinion))
    changed: dict[str, list[Changed]] = {}
    for cited, statement in session.execute(
        changed_citations()
        .where(CitationRow.note_id.in_(ids))
        .order_by(CitationRow.statement_id, CitationRow.version)
    ):
        changed.setdefault(cited.note_id, []).append(change_of(cited, statement))
    return [
        Reviewed(
            id=note.id,
            submission_id=claim.submission_id,
            note=read(note.body),
            state=NoteState(note.state),
            revision=note.revision,
            decided_verdict=_verdict(note.decided_verdict),
            assigned_to=note.assigned_to,
            due_at=note.due_at,
            created_at=note.created_at,
            published_at=note.published_at,
            decisions=tuple(decided.get(note.id, ())),
            opinions=tuple(opinions.get(note.id, ())),
            changed=tuple(changed.get(note.id, ())),
        )
        for note, claim in rows
    ]


def change_of(cited: CitationRow, statement: StatementRow) -> Changed:
    """What has changed, in plain values."""
    return Changed(
        statement.id, cited.version, statement.current_version, statement.withdrawn_at is not None
    )


def read(body: dict[str, Any]) -> Note:
    """A note from the column that holds it."""
    return _NOTE.validate_python(body)


def stored(note: Note) -> dict[str, Any]:
    """A note for the column that holds it."""
    body: dict[str, Any] = _NOTE.dump_python(note, mode="json")
    return body


def _chosen(query: Select[*Ts], wanted: Wanted) -> Select[*Ts]:
    """A query of notes, each joined with the claim that shows it, for those that are wanted."""
    query = query.join(
        ClaimRow, and_(ClaimRow.id == NoteRow.claim_id, ClaimRow.note_id == NoteRow.id)
    )
    if wanted.states:
        query = query.where(NoteRow.state.in_(sorted(wanted.states)))
    if wanted.verdict is not None:
        query = query.where(verdict_that_counts == wanted.verdict)
    if wanted.assigned_to is not None:
        query = query.where(NoteRow.assigned_to == (wanted.assigned_to or None))
    if wanted.warned is not None:
        query = query.where(NoteRow.warned.is_(wanted.warned))
    if wanted.changed is not None:
        query = query.where(_waits_for_a_look() if wanted.changed else ~_waits_for_a_look())
    if wanted.overdue is not None:
        is_over = and_(NoteRow.state.in_(sorted(OPEN)), func.coalesce(_is_late(), False))
        query = query.where(is_over if wanted.overdue else ~is_over)
    if wanted.text is not None:
        query = query.where(ClaimRow.text.icontains(wanted.text, autoescape=True))
    if wanted.submission_id is not None:
        query = query.where(ClaimRow.submission_id == wanted.submission_id)
    return query


def _is_late() -> ColumnElement[bool]:
    return NoteRow.due_at < utc_now()


def _ordered(query: Select[*Ts], order: Order, after: Place | None) -> Select[*Ts]:
    key: Any = NoteRow.created_at if order.by_age else func.coalesce(NoteRow.confidence, -1.0)
    falls = order in {Order.NEWEST, Order.MOST_CONFIDENT}
    if after is not None:
        value, id_ = after
        beyond = (key < value, NoteRow.id < id_) if falls else (key > value, NoteRow.id > id_)
        query = query.where(or_(beyond[0], and_(key == value, beyond[1])))
    return query.order_by(*((key.desc(), NoteRow.id.desc()) if falls else (key, NoteRow.id)))


def _place(order: Order, at: datetime, confidence: float | None, id_: str) -> Place:
    if order.by_age:
        return at, id_
    return (-1.0 if confidence is None else confidence), id_


def _has_changed() -> ColumnElement[bool]:
    seen = func.coalesce(CitationRow.seen_version, CitationRow.version)
    return or_(
        StatementRow.current_version != seen,
        and_(
            StatementRow.withdrawn_at.is_not(None),
            StatementRow.withdrawn_at.is_distinct_from(CitationRow.seen_withdrawn_at),
        ),
    )


def _waits_for_a_look() -> ColumnElement[bool]:
    return exists(
        select(CitationRow.note_id)
        .join(StatementRow, StatementRow.id == CitationRow.statement_id)
        .where(CitationRow.note_id == NoteRow.id, _has_changed())
        .correlate(NoteRow)
    )


def _decided(row: DecisionRow) -> Decided:
    return Decided(
        row.id,
        row.revision,
        Act(row.decision),
        _verdict(row.verdict),
        row.reason,
        row.comment,
        row.user,
        row.created_at,
    )


def _opinion(row: OpinionRow) -> Opinion:
    return Opinion(
        row.id,
        row.revision,
        row.question,
        row.asked_by,
        row.asked_at,
        row.answered_revision,
        row.agrees,
        _verdict(row.verdict),
        row.words,
        row.answered_by,
        row.answered_at,
    )


def _verdict(stored: str | None) -> Verdict | None:
    return Verdict(stored) if stored else None
