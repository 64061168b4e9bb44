"""Claims as they are asked for: those of a submission, and pages of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from pydantic import TypeAdapter
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from service.claims.tables import ClaimRow, NoteRow, verdict_that_counts
from service.kit.database import comes_after
from service.kit.errors import NotFound
from service.submissions.tables import SubmissionRow
from service.types import Claim, ClaimState, Note, Verdict

_CLAIM = TypeAdapter(Claim)
_NOTE = TypeAdapter(Note)


@dataclass(frozen=True, slots=True)
class FoundClaim:
    """A claim, how far it came, and its note as it stands.

    Attributes:
        decided_verdict: the person's, where they set another than the note's.
        reviewed: how far the note's review came.
    """

    claim: Claim
    submission_id: str
    state: ClaimState
    error: str | None
    note_id: str | None
    note: Note | None
    decided_verdict: Verdict | None
    reviewed: str | None
    created_at: datetime

    @property
    def verdict(self) -> Verdict | None:
        """The verdict that counts: the person's, where they set one."""
        return self.decided_verdict or (self.note.verdict if self.note is not None else None)


def of_submission(session: Session, submission_id: str) -> list[FoundClaim]:
    """The claims of a submission as they stand in its text: by beginning, then by end."""
    query = _claims().where(ClaimRow.submission_id == submission_id)
    found = _found(session, query.order_by(ClaimRow.position, ClaimRow.id))
    return sorted(found, key=lambda one: (one.claim.source.start, one.claim.source.end))


def find(session: Session, claim_id: str) -> FoundClaim:
    """One claim.

    Raises:
        NotFound: there is no such claim.
    """
    found = _found(session, _claims().where(ClaimRow.id == claim_id))
    if not found:
        raise NotFound(f"claim {claim_id}: there is no such claim")
    return found[0]


def page(
    session: Session,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
    verdict: Verdict | None = None,
    state: ClaimState | None = None,
    words: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> list[FoundClaim]:
    """Claims, the newest first.

    Args:
        session: on the database.
        before: time and id of a claim: only those after it in this order.
        limit: how many at most.
        verdict: only those with it: the person's counts, where they set one.
        state: only those in it.
        words: only those whose text holds these words, whatever their case.
        since: only those that came on this day or later, UTC.
        until: only those that came on this day or earlier, UTC.
    """
    query = _claims().where(SubmissionRow.submitted_by.is_not(None))
    if before is not None:
        query = query.where(comes_after(ClaimRow.created_at, ClaimRow.id, before))
    if verdict is not None:
        query = query.where(verdict_that_counts == verdict)
    if state is not None:
        query = query.where(ClaimRow.state == state)
    if words is not None:
        query = query.where(ClaimRow.text.icontains(words, autoescape=True))
    if since is not None:
        query = query.where(ClaimRow.created_at >= datetime.combine(since, time.min))
    if until is not None and until < date.max:
        after = datetime.combine(until + timedelta(days=1), time.min)
        query = query.where(ClaimRow.created_at < after)
    return _found(
        session, query.order_by(ClaimRow.created_at.desc(), ClaimRow.id.desc()).limit(limit)
    )


def _claims() -> Select[ClaimRow, NoteRow | None]:
    return (
        select(ClaimRow, NoteRow)
        .join(SubmissionRow, SubmissionRow.id == ClaimRow.submission_id)
        .join(NoteRow, NoteRow.id == ClaimRow.note_id, isouter=True)
    )


def _found(session: Session, query: Select[ClaimRow, NoteRow | None]) -> list[FoundClaim]:
    rows: Sequence[tuple[ClaimRow, NoteRow | None]] = session.execute(query).all()
    return [
        FoundClaim(
            claim=_CLAIM.validate_python(claim.body),
            submission_id=claim.submission_id,
            state=ClaimState(claim.state),
            error=claim.error,
            note_id=note.id if note is not None else None,
            note=_NOTE.validate_python(note.body) if note is not None else None,
            decided_verdict=Verdict(note.decided_verdict)
            if note is not None and note.decided_verdict
            else None,
            reviewed=note.state if note is not None else None,
            created_at=claim.created_at,
        )
        for claim, note in rows
    ]
