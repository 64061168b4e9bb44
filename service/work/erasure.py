"""Erasing a submission: its text, and everywhere that words of it went.

The database, vectors, kept answers and the records of its workflows; the audit trail keeps hashes.
SQLite is told to overwrite what is deleted, and its log is emptied, so that nothing of it is left
in the files.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from service.claims.tables import ClaimRow, NoteRow
from service.engines.openai.cache import AnswerRow
from service.kit.database import Database
from service.notes.publishing import out_of
from service.notes.tables import CitationRow, CommentRow, DecisionRow, OpinionRow, RevisionRow
from service.submissions.inbox import row_of
from service.submissions.tables import EventRow, IdempotencyRow, SubmissionRow
from service.work.durable import Work
from service.work.progress import workflow_of


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, and what is left to do outside the transaction.

    Attributes:
        sha256: digest of the text.
        notes: ids of the notes that are gone.
        digests: of its claims' words.
        workflows: that worked on it.
    """

    sha256: str
    notes: list[str]
    digests: list[str]
    workflows: list[str]


def erase(session: Session, submission_id: str) -> Erased:
    """Delete all rows of a submission; ``finish`` comes after the transaction.

    Raises:
        NotFound: there is no such submission.
    """
    row = row_of(session, submission_id, lock=True)
    claims = session.execute(
        select(ClaimRow.id, ClaimRow.digest, ClaimRow.attempt).where(
            ClaimRow.submission_id == submission_id
        )
    ).all()
    claim_ids = [id_ for id_, _, _ in claims]
    notes = list(session.scalars(select(NoteRow.id).where(NoteRow.claim_id.in_(claim_ids))))
    workflows = [workflow_of(submission_id, number) for number in range(1, row.attempt + 1)]
    workflows += [
        workflow_of(id_, number) for id_, _, last in claims for number in range(1, last + 1)
    ]
    for table in (DecisionRow, CitationRow, RevisionRow, CommentRow, OpinionRow):
        session.execute(delete(table).where(table.note_id.in_(notes)))
    session.execute(delete(NoteRow).where(NoteRow.id.in_(notes)))
    session.execute(delete(ClaimRow).where(ClaimRow.id.in_(claim_ids)))
    for owned in (EventRow, IdempotencyRow):
        session.execute(delete(owned).where(owned.submission_id == submission_id))
    session.execute(delete(SubmissionRow).where(SubmissionRow.id == submission_id))
    if not session.scalar(select(func.count()).where(SubmissionRow.sha256 == row.sha256)):
        session.execute(delete(AnswerRow).where(AnswerRow.submission == row.sha256))
    return Erased(row.sha256, notes, [digest for _, digest, _ in claims], workflows)


def expired(session: Session, before: datetime, limit: int) -> list[str]:
    """Submissions that ended before a moment, the oldest first; none of which notes are published.

    What everybody may read keeps its address.
    """
    query = (
        select(SubmissionRow.id)
        .where(
            SubmissionRow.submitted_by.is_not(None),
            SubmissionRow.finished_at < before,
            ~out_of(SubmissionRow.id),
        )
        .order_by(SubmissionRow.finished_at)
        .limit(limit)
    )
    return list(session.scalars(query))


async def finish(work: Work, erased: Erased) -> None:
    """Take what was erased out of the queue, the vectors and the database's log."""
    await work.stop(erased.workflows)
    await work.forget(erased.workflows)
    memory = work.pipeline.memory
    if memory is not None:
        await asyncio.to_thread(memory.forget, erased.digests)
    await asyncio.to_thread(_empty_log, work.pipeline.corpus.database)


def _empty_log(database: Database) -> None:
    if database.kind == "sqlite":
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
