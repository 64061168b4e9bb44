"""Review: notes as people see them, edit them and decide on them.

A note is changed only by a new revision, and only by who has seen the newest: every change names
the revision that it is about. What an engine drafted stays as revision 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from service.claims.tables import ClaimRow, NoteRow
from service.kit.database import comes_after, utc_now
from service.kit.errors import InputError, NotFound
from service.kit.ids import new_id
from service.notes.gate import problems
from service.notes.tables import CitationRow, DecisionRow, RevisionRow
from service.statements import repository
from service.statements.tables import StatementRow
from service.types import Citation, Finding, Note, Verdict

_NOTE = TypeAdapter(Note)
MAX_FINDINGS = 20


class NoteState(StrEnum):
    """Where a note is on its way to a decision. ``FAILED``: there is none to decide on."""

    DRAFTED = "drafted"
    FAILED = "failed"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    REJECTED = "rejected"


class Decision(StrEnum):
    """What a person may decide about a note."""

    APPROVE = "approve"
    REJECT = "reject"
    REQUEST_CHANGES = "request_changes"


_LEADS_TO = {
    Decision.APPROVE: NoteState.APPROVED,
    Decision.REJECT: NoteState.REJECTED,
    Decision.REQUEST_CHANGES: NoteState.CHANGES_REQUESTED,
}
_OPEN = frozenset({NoteState.DRAFTED})
_EDITABLE = frozenset({NoteState.DRAFTED, NoteState.CHANGES_REQUESTED, NoteState.REJECTED})


class Outdated(InputError):
    """Somebody changed the note meanwhile."""


class NotPossible(InputError):
    """The note's state does not allow it."""


class GateRefused(InputError):
    """A finding does not pass the citation gate.

    Attributes:
        reasons: each finding's text with why.
    """

    def __init__(self, reasons: Sequence[tuple[str, str]]) -> None:
        told = "; ".join(f"“{text}”: {why}" for text, why in reasons)
        super().__init__(f"the citation gate refuses: {told}")
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was made.

    Attributes:
        verdict: the person's, where it is not the note's.
        reason: why, which another verdict needs.
    """

    id: str
    revision: int
    decision: Decision
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
class Reviewed:
    """A note on the desk.

    Attributes:
        note: its newest revision.
        decided_verdict: the person's verdict, where they set another than the note's.
        decisions: the oldest first.
        changed: what it cites and has changed since: it wants a second look.
    """

    id: str
    submission_id: str
    note: Note
    state: NoteState
    revision: int
    decided_verdict: Verdict | None
    created_at: datetime
    decisions: tuple[Decided, ...]
    changed: tuple[Changed, ...]


@dataclass(frozen=True, slots=True)
class Revision:
    """A note as it was.

    Attributes:
        author: None for an engine.
    """

    number: int
    note: Note
    author: str | None
    at: datetime


def begin(session: Session, note_id: str, note: Note) -> None:
    """Put a stored draft on the desk: its first revision, and what it cites."""
    session.add(
        RevisionRow(
            note_id=note_id, revision=1, body=_stored(note), author=None, created_at=utc_now()
        )
    )
    _cite(session, note_id, note)


def find(session: Session, note_id: str) -> Reviewed:
    """A note.

    Raises:
        NotFound: there is no such note.
    """
    return _reviewed(session, [_row(session, note_id)])[0]


def page(
    session: Session,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
    state: NoteState | None = None,
    verdict: Verdict | None = None,
    submission_id: str | None = None,
    changed: bool | None = None,
) -> list[Reviewed]:
    """Notes, the newest first.

    Args:
        session: on the desk's database.
        before: time and id of a note: only those after it in this order.
        limit: how many at most.
        state: only those in a state.
        verdict: only those with a verdict.
        submission_id: only those of a submission.
        changed: only those that cite what has changed since, or only the others.
    """
    query = (
        select(NoteRow, ClaimRow)
        .join(ClaimRow, ClaimRow.note_id == NoteRow.id)
        .order_by(NoteRow.created_at.desc(), NoteRow.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(comes_after(NoteRow.created_at, NoteRow.id, before))
    if state is not None:
        query = query.where(NoteRow.state == state)
    if verdict is not None:
        query = query.where(NoteRow.verdict == verdict)
    if submission_id is not None:
        query = query.where(ClaimRow.submission_id == submission_id)
    if changed is not None:
        cites = _changed_citations().where(CitationRow.note_id == NoteRow.id).exists()
        query = query.where(cites if changed else ~cites)
    return _reviewed(session, [(note, claim) for note, claim in session.execute(query)])


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


def history(session: Session, note_id: str) -> list[Revision]:
    """Every revision of a note, the oldest first.

    Raises:
        NotFound: there is no such note.
    """
    _row(session, note_id)
    rows = session.scalars(
        select(RevisionRow).where(RevisionRow.note_id == note_id).order_by(RevisionRow.revision)
    )
    return [Revision(row.revision, _read(row.body), row.author, row.created_at) for row in rows]


@dataclass(frozen=True, slots=True)
class Quoted:
    """Where a quote stands: offsets in the stored text of a statement's version."""

    statement_id: str
    version: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Edited:
    """A finding as a person wrote it."""

    text: str
    citations: tuple[Quoted, ...]


def edit(
    session: Session, note_id: str, revision: int, findings: Sequence[Edited], author: str
) -> Reviewed:
    """Give a note other findings: a new revision, drafted again.

    Raises:
        NotFound: there is no such note, or no such statement version.
        Outdated: ``revision`` is not the newest.
        NotPossible: the note was decided on, or failed.
        GateRefused: a finding does not pass the citation gate.
        InputError: there are too many findings.
    """
    row, claim = _row(session, note_id, lock=True)
    _check(row, revision, _EDITABLE, "be edited")
    if len(findings) > MAX_FINDINGS:
        raise InputError(f"findings: a note has at most {MAX_FINDINGS}")
    before = _read(row.body)
    after = replace(before, findings=tuple(_finding(session, found) for found in findings))

    def stored_text(statement_id: str, version: int) -> str:
        return repository.text(session, statement_id, version)

    refused = [
        (found.text, why)
        for found in after.findings
        for why in problems(found, before.claim.text, stored_text)
    ]
    if refused:
        raise GateRefused(refused)
    row.revision += 1
    row.body = _stored(after)
    row.state = NoteState.DRAFTED
    session.add(
        RevisionRow(
            note_id=note_id,
            revision=row.revision,
            body=row.body,
            author=author,
            created_at=utc_now(),
        )
    )
    session.execute(delete(CitationRow).where(CitationRow.note_id == note_id))
    _cite(session, note_id, after)
    session.flush()
    return _reviewed(session, [(row, claim)])[0]


def decide(
    session: Session,
    note_id: str,
    revision: int,
    decision: Decision,
    *,
    user: str,
    key_id: str,
    verdict: Verdict | None = None,
    reason: str | None = None,
    comment: str | None = None,
) -> Reviewed:
    """Record what a person decided about the newest revision of a note.

    Args:
        session: in the transaction of the request.
        note_id: which note.
        revision: the one that the person has seen.
        decision: what they decided.
        user: who they are.
        key_id: the key that stood for them.
        verdict: theirs, where it is not the note's; only with an approval.
        reason: why theirs is another.
        comment: anything else.

    Raises:
        NotFound: there is no such note.
        Outdated: ``revision`` is not the newest.
        NotPossible: the note is not open.
        InputError: another verdict without a reason, or with anything but an approval.
    """
    row, claim = _row(session, note_id, lock=True)
    _check(row, revision, _OPEN, "be decided on")
    if verdict == row.verdict:
        verdict = None
    if verdict is not None and decision is not Decision.APPROVE:
        raise InputError("verdict: only an approval sets one")
    if verdict is not None and not (reason or "").strip():
        raise InputError("reason: a verdict other than the note's needs one")
    row.state = _LEADS_TO[decision]
    row.decided_verdict = verdict
    session.add(
        DecisionRow(
            id=new_id(),
            note_id=note_id,
            revision=revision,
            decision=decision,
            verdict=verdict,
            reason=reason,
            comment=comment,
            user=user,
            key_id=key_id,
            created_at=utc_now(),
        )
    )
    session.flush()
    return _reviewed(session, [(row, claim)])[0]


def _row(session: Session, note_id: str, *, lock: bool = False) -> tuple[NoteRow, ClaimRow]:
    query = (
        select(NoteRow, ClaimRow)
        .join(ClaimRow, ClaimRow.note_id == NoteRow.id)
        .where(NoteRow.id == note_id)
    )
    found = session.execute(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise NotFound(f"note {note_id}: there is no such note")
    return found[0], found[1]


def _check(row: NoteRow, revision: int, states: frozenset[NoteState], what: str) -> None:
    if row.revision != revision:
        raise Outdated(
            f"revision: the note is at {row.revision} by now, not at {revision}; look at it again"
        )
    if row.state not in states:
        raise NotPossible(f"the note is {row.state}: it cannot {what}")


def _finding(session: Session, edited: Edited) -> Finding:
    return Finding(edited.text, tuple(_citation(session, quoted) for quoted in edited.citations))


def _citation(session: Session, quoted: Quoted) -> Citation:
    known = repository.versions(session, quoted.statement_id)
    found = next((one for one in known if one.ref.version == quoted.version), None)
    if found is None:
        raise NotFound(f"{quoted.statement_id}: has no version {quoted.version}")
    text = repository.text(session, quoted.statement_id, quoted.version)
    return Citation(found.ref, text[quoted.start : quoted.end], quoted.start, quoted.end)


def _cite(session: Session, note_id: str, note: Note) -> None:
    cited = {
        (citation.statement.statement_id, citation.statement.version)
        for finding in note.findings
        for citation in finding.citations
    }
    session.add_all(
        CitationRow(note_id=note_id, statement_id=statement_id, version=version)
        for statement_id, version in sorted(cited)
    )


def _changed_citations() -> Any:  # noqa: ANN401  a select of three columns of two tables
    return (
        select(CitationRow, StatementRow)
        .join(StatementRow, StatementRow.id == CitationRow.statement_id)
        .where(
            or_(
                StatementRow.current_version != CitationRow.version,
                StatementRow.withdrawn_at.is_not(None),
            )
        )
    )


def _reviewed(session: Session, rows: Sequence[tuple[NoteRow, ClaimRow]]) -> list[Reviewed]:
    ids = [note.id for note, _ in rows]
    decided: dict[str, list[Decided]] = {}
    for row in session.scalars(
        select(DecisionRow).where(DecisionRow.note_id.in_(ids)).order_by(DecisionRow.id)
    ):
        decided.setdefault(row.note_id, []).append(_decided(row))
    changed: dict[str, list[Changed]] = {}
    for cited, statement in session.execute(
        _changed_citations().where(CitationRow.note_id.in_(ids)).order_by(CitationRow.statement_id)
    ):
        changed.setdefault(cited.note_id, []).append(
            Changed(
                statement.id,
                cited.version,
                statement.current_version,
                statement.withdrawn_at is not None,
            )
        )
    return [
        Reviewed(
            id=note.id,
            submission_id=claim.submission_id,
            note=_read(note.body),
            state=NoteState(note.state),
            revision=note.revision,
            decided_verdict=Verdict(note.decided_verdict) if note.decided_verdict else None,
            created_at=note.created_at,
            decisions=tuple(decided.get(note.id, ())),
            changed=tuple(changed.get(note.id, ())),
        )
        for note, claim in rows
    ]


def _decided(row: DecisionRow) -> Decided:
    return Decided(
        row.id,
        row.revision,
        Decision(row.decision),
        Verdict(row.verdict) if row.verdict else None,
        row.reason,
        row.comment,
        row.user,
        row.created_at,
    )


def _read(body: dict[str, Any]) -> Note:
    return _NOTE.validate_python(body)


def _stored(note: Note) -> dict[str, Any]:
    stored: dict[str, Any] = _NOTE.dump_python(note, mode="json")
    return stored
