"""The inbox: submissions that were accepted, what happened to them, and the pages of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from service.kit.database import insert_new, utc_now
from service.kit.errors import InputError, NotFound
from service.submissions.tables import EventRow, IdempotencyRow, SubmissionRow
from service.types import Submission, SubmissionState


class OtherRequest(InputError):
    """An idempotency key came again with another request."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a submission; ``number`` grows."""

    number: int
    kind: str
    body: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Repeat:
    """A request that may come again: the sender's own key, and the digest of what was asked."""

    key: str
    asked: str


def accept(
    session: Session,
    submission: Submission,
    *,
    user: str,
    as_of: date | None = None,
    repeat: Repeat | None = None,
) -> tuple[str, bool]:
    """Take a submission in, once for each key of a sender's.

    Args:
        session: in the transaction of the request.
        submission: with the id that it is to have.
        user: who sends it.
        as_of: statements dated later do not decide.
        repeat: where the sender may send it again without knowing whether it came.

    Returns:
        The id it is known by, and whether it is new.

    Raises:
        OtherRequest: the key came before with another request.
    """
    if repeat is not None:
        row = {
            "user": user,
            "key": repeat.key,
            "asked": repeat.asked,
            "submission_id": submission.key,
            "created_at": utc_now(),
        }
        session.execute(insert_new(session, IdempotencyRow), [row])
        known = session.get_one(IdempotencyRow, (user, repeat.key))
        if known.asked != repeat.asked:
            raise OtherRequest(
                f"Idempotency-Key {repeat.key}: was used for another request; use a new one"
            )
        if known.submission_id != submission.key:
            return known.submission_id, False
    session.add(
        SubmissionRow(
            **columns_of(submission),
            state=SubmissionState.QUEUED,
            as_of=as_of,
            submitted_by=user,
            attempt=1,
            read=False,
        )
    )
    session.flush()  # what is told of it points to it
    tell(session, submission.key, "state", state=SubmissionState.QUEUED)
    return submission.key, True


def columns_of(submission: Submission) -> dict[str, Any]:
    """The columns of a submission's row that come from itself."""
    return {
        "id": submission.key,
        "sha256": submission.sha256,
        "text": submission.text,
        "title": submission.title,
        "published": submission.published,
        "source": submission.source,
        "language": submission.language,
        "claims_only": submission.claims_only,
        "local_only": submission.local_only,
        "created_at": utc_now(),
    }


def row_of(session: Session, submission_id: str, *, lock: bool = False) -> SubmissionRow:
    """A submission's row; with ``lock``, others who change it wait until the transaction ends.

    Raises:
        NotFound: there is no such submission, or it came by no request.
    """
    query = select(SubmissionRow).where(
        SubmissionRow.id == submission_id, SubmissionRow.submitted_by.is_not(None)
    )
    row = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"submission {submission_id}: there is no such submission")
    return row


def submission_of(session: Session, submission_id: str) -> Submission:
    """A submission as it was sent in.

    Raises:
        NotFound: there is no such submission.
    """
    query = select(SubmissionRow).where(SubmissionRow.id == submission_id)
    row = session.scalars(query.options(undefer(SubmissionRow.text))).one_or_none()
    if row is None:
        raise NotFound(f"submission {submission_id}: there is no such submission")
    return Submission(
        text=row.text,
        sha256=row.sha256,
        title=row.title,
        published=row.published,
        source=row.source,
        language=row.language,
        claims_only=row.claims_only,
        local_only=row.local_only,
        id="" if row.id == row.sha256 else row.id,
    )


def page(
    session: Session, *, before: str | None, limit: int, state: SubmissionState | None = None
) -> Sequence[SubmissionRow]:
    """Submissions, the newest first; ``before``: those older than one, by id."""
    query = select(SubmissionRow).where(SubmissionRow.submitted_by.is_not(None))
    if before is not None:
        query = query.where(SubmissionRow.id < before)
    if state is not None:
        query = query.where(SubmissionRow.state == state)
    return session.scalars(query.order_by(SubmissionRow.id.desc()).limit(limit)).all()


def tell(session: Session, submission_id: str, kind: str, **body: Any) -> None:  # noqa: ANN401
    """Let those who watch a submission know of something. Never of a word of it."""
    session.add(EventRow(submission_id=submission_id, kind=kind, body=body, created_at=utc_now()))


def events(session: Session, submission_id: str, *, after: int, limit: int = 500) -> list[Event]:
    """What happened to a submission after an event."""
    query = (
        select(EventRow)
        .where(EventRow.submission_id == submission_id, EventRow.number > after)
        .order_by(EventRow.number)
        .limit(limit)
    )
    return [Event(row.number, row.kind, row.body, row.created_at) for row in session.scalars(query)]
