"""A run that workers answer, on this machine and others, followed from a command.

The folder is that of any run: rows come in as the workers store them. If the command dies, the
workers go on; ``--resume`` follows again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from eval.durable import store
from eval.durable.acts import Acts
from eval.durable.asking import asked
from eval.durable.tables import EvaluationRow
from eval.durable.work import EVALUATIONS, workflow_of
from eval.measures import Row
from eval.run_folder import RunFolder
from eval.runner import Outcome, Plan, Progress, asked_of, check_same, measure
from service.audit.trail import Trail, operator
from service.kit.database import Database
from service.kit.errors import ConfigurationError, InputError, OutOfReach
from service.work.durable import VERSION, from_outside
from service.work.workers import Workers

_LOOKS_EVERY = 0.5


def run(plan: Plan, progress: Progress | None = None) -> Outcome:
    """Have the plan run by the workers that share this database, and write its folder.

    An interrupt cancels it: what is in flight is finished and kept.

    Raises:
        InputError: see ``eval.runner.run``; or the folder's run was not made on workers.
        ConfigurationError: no worker lives.
    """
    settings = plan.settings
    database = Database.open(settings.database, settings.data_dir)
    try:
        if not Workers(database, settings).living():
            raise ConfigurationError(
                "no worker lives on this database, so nobody would answer; start some: "
                "verinote worker, or verinote serve"
            )
        folder = RunFolder(plan.out)
        with folder.held():
            evaluation_id = _gone_on(plan, folder, database) or _begun(plan, folder, database)
            with _cancelled_by_interrupt(plan, database, evaluation_id):
                return _followed(plan, folder, database, evaluation_id, progress)
    finally:
        database.close()


def _begun(plan: Plan, folder: RunFolder, database: Database) -> str:
    """Take a new evaluation in. Returns its id."""
    what, files = asked(plan)
    told = what.told | {"state": store.EvaluationState.QUEUED}
    folder.clear()
    folder.tell(told)  # what cannot be written is not begun
    with database.transaction() as session:
        evaluation_id = _acts(plan).accept(session, what, files)
    folder.tell(told | {"evaluation": evaluation_id})
    _put(plan, evaluation_id, 1)
    return evaluation_id


def _gone_on(plan: Plan, folder: RunFolder, database: Database) -> str | None:
    """The id of the evaluation that the folder holds, under way again; None: begin a new one."""
    if not plan.resume or not folder.begun:
        return None
    before = folder.told()
    evaluation_id: str | None = before.get("evaluation")
    if evaluation_id is None:
        raise InputError(f"{plan.out}: the run was made without --workers; go on without")
    check_same(before, asked_of(plan), plan.out)
    folder.mend()
    _await_what_ends(database, evaluation_id)
    attempt = _again(plan, database, evaluation_id)
    if attempt is not None:
        _put(plan, evaluation_id, attempt)
    return evaluation_id


def _await_what_ends(database: Database, evaluation_id: str) -> None:
    """Wait for the items that are still answered of one that was cancelled or has stopped."""
    while True:
        with database.transaction() as session:
            row = store.row_of(session, evaluation_id)
            if row.finished_at is not None or row.state in store.UNDER_WAY:
                return
        time.sleep(_LOOKS_EVERY)


def _again(plan: Plan, database: Database, evaluation_id: str) -> int | None:
    """The next attempt; None where one is under way, or nothing is left to be answered."""
    with database.transaction() as session:
        row = store.row_of(session, evaluation_id)
        if row.finished_at is None or store.is_whole(row):
            return None
        return _acts(plan).resume(session, evaluation_id, plan.limits)


def _acts(plan: Plan) -> Acts:
    return Acts(Trail.of(plan.settings), operator())


def _put(plan: Plan, evaluation_id: str, attempt: int) -> None:
    with from_outside(plan.settings) as queue:
        queue.enqueue(
            {
                "workflow_name": "evaluation",
                "queue_name": EVALUATIONS,
                "workflow_id": workflow_of(evaluation_id, attempt),
                "app_version": VERSION,
            },
            evaluation_id,
            attempt,
        )


@contextmanager
def _cancelled_by_interrupt(plan: Plan, database: Database, evaluation_id: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        with database.transaction() as session:
            if store.row_of(session, evaluation_id).state in store.UNDER_WAY:
                _acts(plan).cancel(session, evaluation_id)
        raise


def _followed(
    plan: Plan,
    folder: RunFolder,
    database: Database,
    evaluation_id: str,
    progress: Progress | None,
) -> Outcome:
    written = _lines(folder)

    def look(session: Session) -> tuple[EvaluationRow, int, Row]:
        row = store.row_of(session, evaluation_id)
        number = store.copy_rows(session, evaluation_id, folder, after=written)
        return row, number, store.told(row)

    while True:
        try:
            with database.transaction() as session:
                row, written, told = look(session)
                session.expunge(row)
        except OutOfReach:  # the workers wait for it, too
            written = _lines(folder)
            time.sleep(_LOOKS_EVERY)
            continue
        folder.tell(told)
        if progress:
            progress(row.done + row.failed, row.total, row.cost)
        if row.finished_at is not None:
            break
        time.sleep(_LOOKS_EVERY)
    if row.state == store.EvaluationState.FAILED:
        raise InputError(f"{plan.file}: {row.reason}")
    cancelled = "it was cancelled" if row.state == store.EvaluationState.CANCELLED else None
    return Outcome(
        measures=measure(plan.dataset, plan.data, folder),
        items=row.done + row.failed,
        failed=row.failed,
        bad=row.bad,
        seconds=row.seconds,
        used=store.used(row),
        stopped=row.reason or cancelled,
    )


def _lines(folder: RunFolder) -> int:
    return sum(1 for _ in folder.rows())
