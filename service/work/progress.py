"""How far submissions and their claims come: each move is one transaction's work.

Every function takes the session of a transaction and locks the submission first, so that two who
finish claims of it at the same moment do so one after the other. Each may be called again with the
same: what has happened does not happen twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from service.claims.memory import claim_row, store_note
from service.claims.tables import ClaimRow, NoteRow
from service.kit.database import count_by, insert_new, utc_now
from service.kit.errors import NotPossible
from service.notes import review
from service.submissions.inbox import row_of, submission_of, tell
from service.submissions.tables import SubmissionRow
from service.types import Claim, ClaimState, Note, Submission, SubmissionState, Usage

_CLAIM = TypeAdapter(Claim)
_NOTHING = Usage()
_A_WHILE = timedelta(seconds=10)
_OVER = frozenset({SubmissionState.DONE, SubmissionState.FAILED, SubmissionState.CANCELLED})


def counts(session: Session, submission_ids: Iterable[str]) -> dict[str, Counter[ClaimState]]:
    """How many claims of each submission are in which state."""
    found: dict[str, Counter[ClaimState]] = {id_: Counter() for id_ in submission_ids}
    rows = session.execute(
        select(ClaimRow.submission_id, ClaimRow.state, func.count())
        .where(ClaimRow.submission_id.in_(list(found)))
        .group_by(ClaimRow.submission_id, ClaimRow.state)
    )
    for submission_id, state, count in rows:
        found[submission_id][ClaimState(state)] = count
    return found


def totals(session: Session) -> dict[str, dict[str, int]]:
    """How many submissions, and how many claims of theirs, are in which state."""
    ours = SubmissionRow.submitted_by.is_not(None)
    theirs = ClaimRow.submission_id.in_(select(SubmissionRow.id).where(ours))
    return {
        "submissions": count_by(session, SubmissionRow.state, SubmissionState, ours),
        "claims": count_by(session, ClaimRow.state, ClaimState, theirs),
    }


def queued(session: Session, submission_id: str) -> list[tuple[str, int]]:
    """The claims of a submission that are to be assessed, in text order, with their attempt."""
    rows = session.execute(
        select(ClaimRow.id, ClaimRow.attempt)
        .where(ClaimRow.submission_id == submission_id, ClaimRow.state == ClaimState.QUEUED)
        .order_by(ClaimRow.position, ClaimRow.id)
    )
    return [(id_, attempt) for id_, attempt in rows]


def to_read(session: Session, submission_id: str) -> Submission | None:
    """A submission whose claims are to be found, which is under way from now on; None otherwise."""
    row = session.get(SubmissionRow, submission_id, with_for_update=True)
    if row is not None and row.state == SubmissionState.QUEUED:
        row.state = SubmissionState.RUNNING
        tell(session, submission_id, "state", state=row.state)
    if row is None or row.state != SubmissionState.RUNNING or row.read:
        return None
    return submission_of(session, submission_id)


def to_assess(session: Session, claim_id: str) -> tuple[Claim, Submission, date] | None:
    """A claim that is to be assessed, with its submission and as-of date; None otherwise."""
    found = session.execute(
        select(ClaimRow.body, SubmissionRow)
        .join(SubmissionRow, SubmissionRow.id == ClaimRow.submission_id)
        .where(ClaimRow.id == claim_id, ClaimRow.state == ClaimState.QUEUED)
    ).one_or_none()
    if found is None:
        return None
    body, row = found
    return _CLAIM.validate_python(body), submission_of(session, row.id), _as_of(row)


def waiting(session: Session) -> list[tuple[str, int]]:
    """Submissions that came a while ago and are not over, with their attempt."""
    rows = session.execute(
        select(SubmissionRow.id, SubmissionRow.attempt).where(
            SubmissionRow.state.in_([SubmissionState.QUEUED, SubmissionState.RUNNING]),
            SubmissionRow.created_at < utc_now() - _A_WHILE,
        )
    )
    return [(id_, attempt) for id_, attempt in rows]


def spent(session: Session, submission_id: str) -> Usage:
    """What a submission used so far, reading it included."""
    row = row_of(session, submission_id)
    total = Usage(**row.usage) if row.usage else Usage()
    bodies = session.scalars(
        select(NoteRow.body)
        .join(ClaimRow, ClaimRow.note_id == NoteRow.id)
        .where(ClaimRow.submission_id == submission_id)
    )
    for body in bodies:
        total += Usage(**body["usage"])
    return total


@dataclass(frozen=True, slots=True)
class Found:
    """What came of reading a submission.

    Attributes:
        claims: to be assessed.
        unread: failed notes that stand for stretches that no engine could read.
        rejected: what an engine gave as claims and code refused, with the reason.
        usage: what reading took.
        error: why nothing could be read at all.
    """

    claims: tuple[Claim, ...] = ()
    unread: tuple[Note, ...] = ()
    rejected: tuple[tuple[str, str], ...] = ()
    usage: Usage = _NOTHING
    error: str | None = None


def was_read(session: Session, submission_id: str, found: Found | None) -> list[tuple[str, int]]:
    """Store what was found in a submission; None where it was not to be read.

    Returns:
        The claims of it that are to be assessed, with their attempt.
    """
    row = session.get(SubmissionRow, submission_id, with_for_update=True)
    if row is None or row.state != SubmissionState.RUNNING:
        return []
    if found is not None and not row.read:
        row.usage = asdict((Usage(**row.usage) if row.usage else Usage()) + found.usage)
        if found.error is not None:
            _finish(session, row, SubmissionState.FAILED, found.error)
            return []
        _store(session, row, found)
    _settle(session, row)
    return queued(session, submission_id)


def _store(session: Session, row: SubmissionRow, found: Found) -> None:
    fresh = {"attempt": row.attempt, "state": ClaimState.QUEUED}
    for claim in found.claims:
        session.execute(insert_new(session, ClaimRow), [claim_row(claim, row.id) | fresh])
    still = [note.claim.id for note in found.unread]
    gone = session.scalars(
        select(ClaimRow.id).where(
            ClaimRow.submission_id == row.id, ClaimRow.unread, ClaimRow.id.not_in(still)
        )
    ).all()
    session.execute(delete(NoteRow).where(NoteRow.claim_id.in_(gone)))
    session.execute(delete(ClaimRow).where(ClaimRow.id.in_(gone)))
    for note in found.unread:
        values = claim_row(note.claim, row.id) | fresh | {"unread": True}
        session.execute(insert_new(session, ClaimRow), [values])
        _end(session, note, _as_of(row))
    row.read = True
    row.rejected = [list(one) for one in found.rejected]
    tell(session, row.id, "read", claims_total=sum(_counted(session, row).values()))


def was_assessed(session: Session, claim_id: str, note: Note | None) -> bool:
    """Store the note of a claim. Returns whether it was still wanted."""
    claim = session.get(ClaimRow, claim_id)
    if claim is None or note is None:
        return False
    row = session.get_one(SubmissionRow, claim.submission_id, with_for_update=True)
    session.refresh(claim)
    if claim.state != ClaimState.QUEUED:
        return False
    _end(session, note, _as_of(row))
    _settle(session, row)
    return True


def cancelled(session: Session, submission_id: str) -> list[str]:
    """Stop a submission: its claims that have no note get none.

    Returns:
        The workflows that may be under way for it.

    Raises:
        NotPossible: it is over.
    """
    row = row_of(session, submission_id, lock=True)
    if row.state in _OVER:
        raise NotPossible(f"submission {submission_id}: is {row.state}: nothing is under way")
    under_way = [workflow_of(row.id, row.attempt)]
    under_way += [workflow_of(*one) for one in queued(session, submission_id)]
    session.execute(
        update(ClaimRow)
        .where(ClaimRow.submission_id == submission_id, ClaimRow.state == ClaimState.QUEUED)
        .values(state=ClaimState.CANCELLED)
    )
    _finish(session, row, SubmissionState.CANCELLED)
    return under_way


def retried(session: Session, submission_id: str) -> int:
    """Let what failed or was cancelled be done again; notes that are there stay.

    Returns:
        The number of this attempt.

    Raises:
        NotPossible: it is under way, or nothing of it failed.
    """
    row = row_of(session, submission_id, lock=True)
    if row.state not in _OVER:
        raise NotPossible(f"submission {submission_id}: is {row.state}: wait for its end")
    again = (ClaimState.FAILED, ClaimState.CANCELLED)
    ours = ClaimRow.submission_id == submission_id
    unread = session.scalar(select(func.count()).where(ours, ClaimRow.unread)) or 0
    claims = session.scalars(
        select(ClaimRow).where(ours, ClaimRow.state.in_(again), ~ClaimRow.unread)
    ).all()
    if row.read and not unread and not claims:
        raise NotPossible(f"submission {submission_id}: nothing of it failed")
    row.attempt += 1
    for claim in claims:
        claim.state, claim.attempt = ClaimState.QUEUED, row.attempt
        claim.error = claim.note_id = None
    if unread:
        row.read = False
    row.state, row.error, row.finished_at = SubmissionState.QUEUED, None, None
    tell(session, submission_id, "state", state=row.state)
    return row.attempt


def workflow_of(id_: str, attempt: int) -> str:
    """The id of the workflow that does a submission or a claim: the first has the thing's own."""
    return id_ if attempt == 1 else f"{id_}.{attempt}"


def _as_of(row: SubmissionRow) -> date:
    return row.as_of or row.published or row.created_at.date()


def _end(session: Session, note: Note, as_of: date) -> None:
    note_id = store_note(session, note, as_of)
    claim = session.get_one(ClaimRow, note.claim.id)
    claim.state, claim.error, claim.note_id = note.state, note.error, note_id
    if note.state is not ClaimState.FAILED:
        review.begin(session, note_id, note)
    session.flush()
    told: dict[str, Any] = {"claim_id": claim.id, "state": note.state, "note_id": note_id}
    tell(session, claim.submission_id, "claim", **told, verdict=note.verdict)


def _settle(session: Session, row: SubmissionRow) -> None:
    """End the submission where all its claims have ended."""
    counted = _counted(session, row)
    if row.state != SubmissionState.RUNNING or counted[ClaimState.QUEUED]:
        return
    if counted[ClaimState.FAILED] and not counted[ClaimState.DRAFTED]:
        _finish(session, row, SubmissionState.FAILED, "every claim failed")
    else:
        _finish(session, row, SubmissionState.DONE)


def _finish(
    session: Session, row: SubmissionRow, state: SubmissionState, error: str | None = None
) -> None:
    row.state, row.error, row.finished_at = state, error, utc_now()
    tell(session, row.id, "state", state=state)


def _counted(session: Session, row: SubmissionRow) -> Counter[ClaimState]:
    session.flush()
    return counts(session, [row.id])[row.id]
