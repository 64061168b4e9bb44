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
from eval.durable.asking import asked
from eval.durable.tables import EvaluationRow
from eval.durable.work import EVALUATIONS, workflow_of
from eval.measures import Row
from eval.run_folder import RunFolder
from eval.runner import Outcome, Plan, Progress, asked_of, check_same, measure
from service.audit.trail import Trail, operator
from service.kit.database import Database
from service.kit.errors import ConfigurationError, InputError
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
        evaluation_id = _gone_on(plan, folder, database) or _begun(plan, folder, database)
        with _cancelled_by_interrupt(database, evaluation_id):
            return _followed(plan, folder, database, evaluation_id, progress)
    finally:
        database.close()


def _begun(plan: Plan, folder: RunFolder, database: Database) -> str:
    """Take a new evaluation in. Returns its id."""
    what, files = asked(plan)
    trail, who = Trail.of(plan.settings), operator()
    with database.transaction() as session:
        evaluation_id = store.accept(session, what, files, who)
        trail.record(
            session,
            who,
            "evaluation.accept",
            f"evaluation:{evaluation_id}",
            dataset=what.dataset,
            engine=what.engine,
        )
    folder.clear()
    folder.tell(what.told | {"evaluation": evaluation_id, "state": store.EvaluationState.QUEUED})
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
    with database.transaction() as session:
        row = store.row_of(session, evaluation_id)
        is_over = row.finished_at is not None
        is_whole = row.state == store.EvaluationState.DONE and not row.failed
        attempt = (
            store.resume(session, evaluation_id, plan.limits) if is_over and not is_whole else None
        )
    folder.mend()
    if attempt is not None:
        _put(plan, evaluation_id, attempt)
    return evaluation_id


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
def _cancelled_by_interrupt(database: Database, evaluation_id: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        with database.transaction() as session:
            if store.row_of(session, evaluation_id).finished_at is None:
                store.cancel(session, evaluation_id)
        raise


def _followed(
    plan: Plan,
    folder: RunFolder,
    database: Database,
    evaluation_id: str,
    progress: Progress | None,
) -> Outcome:
    written = sum(1 for _ in folder.rows())

    def look(session: Session) -> tuple[EvaluationRow, int, Row]:
        row = store.row_of(session, evaluation_id)
        number = store.copy_rows(session, evaluation_id, folder, after=written)
        return row, number, store.told(row)

    while True:
        with database.transaction() as session:
            row, written, told = look(session)
            session.expunge(row)
        folder.tell(told)
        if progress:
            progress(row.done + row.failed, row.total, row.cost)
        if row.finished_at is not None:
            break
        time.sleep(_LOOKS_EVERY)
    if row.state == store.EvaluationState.FAILED:
        raise InputError(f"{plan.file}: {row.reason}")
    return Outcome(
        measures=measure(plan.dataset, plan.data, folder),
        items=row.done + row.failed,
        failed=row.failed,
        bad=row.bad,
        seconds=row.seconds,
        used=store.used(row),
        stopped=row.reason,
    )
