"""Evaluations in the database: taken in, begun, answered item by item, ended.

At any moment a fixed number of items is on the queue. Who stores an item's row takes the next one,
under the lock of the evaluation; the one who finds none and is the last in flight ends it. So what
is on the queue can be lost (a backup that was restored has none) and begun again from what is here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TypedDict

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from eval.durable.tables import (
    EvaluationContentRow,
    EvaluationFileRow,
    EvaluationItemRow,
    EvaluationRow,
)
from eval.measures import Measures, Row
from eval.run_folder import (
    RunFolder,
    add_row,
    confusions_as_json,
    figures_as_json,
    measures_from_json,
)
from eval.runner import Limits, has_failed, spent, usage_of
from service.audit.trail import Actor
from service.kit.database import count_by, insert_new, utc_now
from service.kit.errors import NotFound, NotPossible
from service.kit.ids import new_id
from service.types import Usage

AT_ONCE = 128
"""Items on the queue or being answered, of one evaluation, by all workers."""
_A_WHILE = timedelta(seconds=10)
_ROWS_AT_ONCE = 500


class EvaluationState(StrEnum):
    """How far an evaluation came. ``STOPPED``: at a limit; ``FAILED``: it could not begin."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    FAILED = "failed"


UNDER_WAY = (EvaluationState.QUEUED, EvaluationState.RUNNING)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be run.

    Attributes:
        engine: which one answers.
        own_corpus: claims are checked against statements of its own, or need none; otherwise
            against the service's.
        rows: how many, from the first; None: all.
        told: what ``run.json`` says of it before it is begun.
    """

    dataset: str
    engine: str
    own_corpus: bool
    rows: int | None
    limits: Limits
    told: Row


def accept(session: Session, asked: Asked, files: Mapping[str, bytes], who: Actor) -> str:
    """Take an evaluation in with the files that it reads. Returns its id."""
    id_ = new_id()
    session.add(
        EvaluationRow(
            id=id_,
            state=EvaluationState.QUEUED,
            dataset=asked.dataset,
            user=who.user,
            key_id=who.key_id,
            origin=who.origin,
            created_at=utc_now(),
            engine=asked.engine,
            own_corpus=asked.own_corpus,
            row_limit=asked.rows,
            max_cost=asked.limits.cost,
            max_tokens=asked.limits.tokens,
            attempt=1,
            begun=0,
            in_flight=0,
            items=0,
            done=0,
            failed=0,
            calls=0,
            prompt_tokens=0,
            completion_tokens=0,
            cost=0.0,
            seconds=0.0,
            told=asked.told,
            bad=[],
        )
    )
    session.flush()  # its files point to it
    for path, content in files.items():
        sha256 = hashlib.sha256(content).hexdigest()
        session.execute(
            insert_new(session, EvaluationContentRow).values(sha256=sha256, content=content)
        )
        session.add(EvaluationFileRow(evaluation_id=id_, path=path, sha256=sha256))
    return id_


def row_of(session: Session, evaluation_id: str) -> EvaluationRow:
    """An evaluation's row.

    Raises:
        NotFound: there is no such evaluation.
    """
    return _there(session.get(EvaluationRow, evaluation_id), evaluation_id)


def _found(session: Session, evaluation_id: str) -> EvaluationRow:
    """An evaluation's row, locked.

    Raises:
        NotFound: there is no such evaluation.
    """
    return _there(_locked(session, evaluation_id), evaluation_id)


def _locked(session: Session, evaluation_id: str) -> EvaluationRow | None:
    return session.get(EvaluationRow, evaluation_id, with_for_update=True, populate_existing=True)


def _there(row: EvaluationRow | None, evaluation_id: str) -> EvaluationRow:
    if row is None:
        raise NotFound(f"evaluation {evaluation_id}: there is no such evaluation")
    return row


def page(
    session: Session, *, before: str | None, limit: int, dataset: str | None = None
) -> Sequence[EvaluationRow]:
    """Evaluations, the newest first; ``before``: those older than one, by id."""
    query = select(EvaluationRow)
    if dataset is not None:
        query = query.where(EvaluationRow.dataset == dataset)
    if before is not None:
        query = query.where(EvaluationRow.id < before)
    return session.scalars(query.order_by(EvaluationRow.id.desc()).limit(limit)).all()


def files(session: Session, evaluation_id: str) -> Iterator[tuple[str, bytes]]:
    """Every file that an evaluation reads: its path and what it holds, one at a time."""
    of_it = select(EvaluationFileRow).where(EvaluationFileRow.evaluation_id == evaluation_id)
    for file in session.scalars(of_it.order_by(EvaluationFileRow.path)).all():
        content = session.scalars(
            select(EvaluationContentRow.content).where(EvaluationContentRow.sha256 == file.sha256)
        ).one()
        yield file.path, content


def rows(session: Session, evaluation_id: str, *, after: int, limit: int) -> list[Row]:
    """Rows of its items in the order in which they were stored, from the line after ``after``."""
    of_it = select(EvaluationItemRow.row).where(
        EvaluationItemRow.evaluation_id == evaluation_id, EvaluationItemRow.number > after
    )
    return list(session.scalars(of_it.order_by(EvaluationItemRow.number).limit(limit)))


def measures(row: EvaluationRow) -> Measures | None:
    """The figures that were made when an attempt ended, where there are any."""
    return measures_from_json(**row.measures) if row.measures else None


def is_whole(row: EvaluationRow) -> bool:
    """Whether every item has its answer."""
    return row.state == EvaluationState.DONE and not row.failed


def used(row: EvaluationRow) -> Usage:
    """What an evaluation used of a language model, in all its attempts."""
    return Usage(row.calls, row.prompt_tokens, row.completion_tokens, row.cost)


def begin(
    session: Session,
    evaluation_id: str,
    attempt: int,
    total: int,
    bad: list[str],
    ran: Row,
    hindrance: str | None = None,
) -> list[int]:
    """Begin an attempt, or begin what is left of it again. Returns the items to put on the queue.

    Args:
        session: its transaction.
        evaluation_id: which one.
        attempt: which of its attempts; nothing is begun when it is not the current one.
        total: how many items there are.
        bad: lines of the data that could not be read.
        ran: what answers, for ``run.json``.
        hindrance: why what would answer now may not go on with what was answered before: the
            evaluation stops.
    """
    row = _locked(session, evaluation_id)
    if row is None or row.attempt != attempt:
        return []
    row.in_flight = 0  # what a queue that is lost had in flight is begun again
    if row.state not in UNDER_WAY:
        return []
    if hindrance:
        row.state, row.reason = EvaluationState.STOPPED, hindrance
        return []
    row.state = EvaluationState.RUNNING
    row.begun_at = row.begun_at or utc_now()
    row.total, row.bad, row.told = total, bad, row.told | ran
    row.begun = 0
    first = [place for _ in range(AT_ONCE) if (place := _next(session, row)) is not None]
    row.in_flight = len(first)
    return first


def _next(session: Session, row: EvaluationRow) -> int | None:
    """Take the next item that has no answer yet; None where there is none, or none is wanted."""
    if row.state != EvaluationState.RUNNING:
        return None
    while row.begun < (row.total or 0):
        place = row.begun
        row.begun += 1
        if not _settled(session, row, place):
            return place
    return None


def _settled(session: Session, row: EvaluationRow, place: int) -> bool:
    """Whether an item has an answer, or has failed in this attempt."""
    of_place = EvaluationItemRow.evaluation_id == row.id, EvaluationItemRow.place == place
    over = ~EvaluationItemRow.failed | (EvaluationItemRow.attempt == row.attempt)
    return bool(session.scalar(select(exists().where(*of_place, over))))


def wanted(session: Session, evaluation_id: str, attempt: int, place: int) -> EvaluationRow | None:
    """The evaluation whose item is to be answered; None where it is not (any more).

    An item at whose turn a limit is reached is not: with it, the evaluation stops.
    """
    row = session.get(EvaluationRow, evaluation_id)
    if row is None or row.state != EvaluationState.RUNNING or row.attempt != attempt:
        return None
    if Limits(row.max_cost, row.max_tokens).reached(used(row)) or _settled(session, row, place):
        return None
    return row


class After(TypedDict):
    """What is to be done after an item, as the queue's records hold it."""

    place: int | None
    is_over: bool


def was_answered(
    session: Session,
    evaluation_id: str,
    attempt: int,
    place: int,
    answered: Row | None,
    hindrance: str | None = None,
) -> After:
    """Store an item's row, and take the next item. Returns what comes after.

    Args:
        session: its transaction.
        evaluation_id: which evaluation.
        attempt: the attempt that the item was begun in.
        place: the item's.
        answered: its row; None where it was not to be answered.
        hindrance: why no item can be answered where this one should have been: the evaluation
            stops.
    """
    row = _locked(session, evaluation_id)
    if row is None or row.attempt != attempt or not row.in_flight:
        return After(place=None, is_over=False)
    if answered is not None and not _settled(session, row, place):
        _store(session, row, place, answered)
    following = _next(session, row)
    reason = hindrance or Limits(row.max_cost, row.max_tokens).reached(used(row))
    is_left = following is not None or (answered is None and not _settled(session, row, place))
    if row.state == EvaluationState.RUNNING and reason and is_left:
        row.state, row.reason, following = EvaluationState.STOPPED, reason, None
    if following is None:
        row.in_flight -= 1
    return After(place=following, is_over=not row.in_flight)


def _store(session: Session, row: EvaluationRow, place: int, answered: Row) -> None:
    has_row = select(
        exists().where(EvaluationItemRow.evaluation_id == row.id, EvaluationItemRow.place == place)
    )
    was_tried, failed = session.scalar(has_row), has_failed(answered)
    row.items += 1
    session.add(
        EvaluationItemRow(
            evaluation_id=row.id,
            number=row.items,
            attempt=row.attempt,
            place=place,
            failed=failed,
            row=answered,
        )
    )
    row.failed += failed - bool(was_tried)
    row.done += not failed
    took = usage_of(answered)
    row.calls += took.calls
    row.prompt_tokens += took.prompt_tokens
    row.completion_tokens += took.completion_tokens
    row.cost += took.cost
    session.flush()


def end(
    session: Session,
    evaluation_id: str,
    attempt: int,
    measures: Measures | None,
    corpus_revision: int | None = None,
) -> None:
    """End an attempt whose items are over.

    Args:
        session: its transaction.
        evaluation_id: which evaluation.
        attempt: which attempt.
        measures: the figures of all rows; None where there is none to measure.
        corpus_revision: the corpus's now, where it may have changed since it was begun.
    """
    row = _locked(session, evaluation_id)
    if row is None or row.attempt != attempt or row.in_flight:
        return
    if row.state == EvaluationState.RUNNING:
        row.state = EvaluationState.DONE
    if row.finished_at is None:
        row.finished_at = utc_now()
        row.seconds += (row.finished_at - (row.begun_at or row.finished_at)).total_seconds()
    if corpus_revision is not None:
        row.told = row.told | {"corpus_revision_at_end": corpus_revision}
    if measures is not None:
        row.measures = {
            "figures": figures_as_json(measures),
            "confusions": confusions_as_json(measures),
        }


def fail(session: Session, evaluation_id: str, attempt: int, reason: str) -> None:
    """End an attempt that could not begin."""
    row = _locked(session, evaluation_id)
    if row is not None and row.attempt == attempt and row.state in UNDER_WAY:
        row.state, row.reason, row.finished_at = EvaluationState.FAILED, reason, utc_now()


def cancel(session: Session, evaluation_id: str) -> None:
    """Begin no further item of an evaluation. Those in flight are finished and kept.

    Raises:
        NotFound: there is no such evaluation.
        NotPossible: it is over.
    """
    row = _found(session, evaluation_id)
    if row.state not in UNDER_WAY:
        raise NotPossible(f"evaluation {evaluation_id}: it is {row.state} already")
    if row.state == EvaluationState.QUEUED:
        row.finished_at = utc_now()
    row.state = EvaluationState.CANCELLED


def resume(session: Session, evaluation_id: str, limits: Limits) -> int:
    """Have the items answered that have no answer. Returns the number of the attempt.

    Args:
        session: its transaction.
        evaluation_id: which one.
        limits: from now on, for all attempts together.

    Raises:
        NotFound: there is no such evaluation.
        NotPossible: it is under way, or every item has its answer.
    """
    row = _found(session, evaluation_id)
    if row.state in UNDER_WAY or row.in_flight:
        raise NotPossible(f"evaluation {evaluation_id}: it is under way")
    if is_whole(row):
        raise NotPossible(f"evaluation {evaluation_id}: every item has its answer already")
    row.attempt += 1
    row.state, row.reason = EvaluationState.QUEUED, None
    row.begun_at = row.finished_at = None
    row.max_cost, row.max_tokens = limits.cost, limits.tokens
    return row.attempt


def waiting(session: Session) -> list[tuple[str, int]]:
    """Evaluations that came a while ago and are not over, with their attempt."""
    came = EvaluationRow.created_at < utc_now() - _A_WHILE
    over = EvaluationRow.finished_at.is_not(None)
    query = select(EvaluationRow.id, EvaluationRow.attempt).where(came, ~over)
    return [(id_, attempt) for id_, attempt in session.execute(query)]


def forget(session: Session, evaluation_id: str) -> None:
    """Take an evaluation out, and what no other one reads of its files.

    Raises:
        NotFound: there is no such evaluation.
        NotPossible: it is under way.
    """
    row = _found(session, evaluation_id)
    if row.state in UNDER_WAY or row.in_flight:
        raise NotPossible(f"evaluation {evaluation_id}: it is under way; cancel it first")
    of_it = EvaluationFileRow.evaluation_id == evaluation_id
    known = list(session.scalars(select(EvaluationFileRow.sha256).where(of_it)))
    session.execute(delete(EvaluationFileRow).where(of_it))
    session.execute(
        delete(EvaluationContentRow).where(
            EvaluationContentRow.sha256.in_(known),
            ~exists().where(EvaluationFileRow.sha256 == EvaluationContentRow.sha256),
        )
    )
    session.execute(
        delete(EvaluationItemRow).where(EvaluationItemRow.evaluation_id == evaluation_id)
    )
    session.execute(delete(EvaluationRow).where(EvaluationRow.id == evaluation_id))


def totals(session: Session) -> dict[str, int]:
    """How many evaluations are in which state."""
    return count_by(session, EvaluationRow.state, EvaluationState)


def told(row: EvaluationRow) -> Row:
    """What ``run.json`` says of an evaluation."""
    return row.told | {
        "evaluation": row.id,
        "state": row.state,
        "reason": row.reason,
        "started": f"{row.created_at.isoformat(timespec='seconds')}+00:00",
        "seconds": round(row.seconds, 1),
        "items": row.done + row.failed,
        "failed": row.failed,
        "bad_rows": row.bad,
        "usage": spent(used(row)),
    }


def lay_out(session: Session, evaluation_id: str, folder: RunFolder) -> None:
    """Write an evaluation as the folder of a run, from which figures and pages are made.

    Raises:
        NotFound: there is no such evaluation.
    """
    row = row_of(session, evaluation_id)
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.tell(told(row))
    copy_rows(session, evaluation_id, folder, after=0)


def copy_rows(session: Session, evaluation_id: str, folder: RunFolder, *, after: int) -> int:
    """Append the rows from the line after ``after`` to a run's. Returns the last line's number."""
    with folder.append() as items:
        while found := rows(session, evaluation_id, after=after, limit=_ROWS_AT_ONCE):
            for one in found:
                add_row(items, one)
            after += len(found)
    return after
