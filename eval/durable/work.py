"""The line of work that answers evaluations: each item a workflow, on whichever worker is free.

A worker lays out an evaluation's files in a folder of its own and opens there what the evaluation
measures, apart from what the service works with: another engine, another corpus, no claim memory.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID
from sqlalchemy.orm import Session

from eval.catalogue import Dataset, dataset
from eval.datasets.reading import BadRow
from eval.durable import store
from eval.durable.tables import EvaluationRow
from eval.measures import Measures, Row
from eval.run_folder import RunFolder
from eval.runner import Plan, answer, measure, ran_by, spent
from eval.subject import Subject
from eval.tasks.task import Task
from service.kit.errors import InputError, NotFound, OutOfReach, VerinoteError
from service.kit.telemetry import span
from service.types import Usage
from service.work.durable import ENDED, Work, current, until_in_reach

EVALUATIONS, ITEMS = "evaluations", "evaluation-items"
"""The queues: reading an evaluation's data and measuring it; answering its items."""
DATA, STATEMENTS = "data", "statements"
"""Where the files of the data and of its statements lie in the folder that a worker lays out."""
_LOOKS_EVERY = 0.2
_IDLE = 60.0
"""Seconds after which an evaluation that had no item is closed in this process."""
_MAY_CHANGE = "corpus_revision"
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Opened:
    """An evaluation as this process answers it.

    Attributes:
        examples: every item, by place.
        ran: what answers.
        users: items that are being answered.
        left: when the last one was.
    """

    subject: Subject
    task: Task[Any]
    examples: Sequence[Any]
    bad: list[BadRow]
    ran: Row
    closing: AsyncExitStack
    users: int = 0
    left: float = field(default_factory=time.monotonic)


class Evaluations:
    """The evaluations that this process works on. One in a process, as ``Work`` is."""

    name = "evaluations"

    def __init__(self) -> None:
        self._opened: dict[str, Opened] = {}
        self._opening = asyncio.Lock()
        self._at_once = asyncio.Semaphore()

    async def begin(self, work: Work) -> None:
        """See ``LineOfWork``."""
        self._at_once = asyncio.Semaphore(work.at_once)
        await DBOS.register_queue_async(
            EVALUATIONS, worker_concurrency=1, polling_interval_sec=_LOOKS_EVERY
        )
        await DBOS.register_queue_async(
            ITEMS, worker_concurrency=2 * work.at_once, polling_interval_sec=_LOOKS_EVERY
        )

    def totals(self, session: Session) -> dict[str, int]:
        """See ``LineOfWork``."""
        return store.totals(session)

    async def sweep(self, work: Work) -> None:
        """See ``LineOfWork``."""
        for evaluation_id, attempt in await work.transact(store.waiting):
            first = workflow_of(evaluation_id, attempt)
            if not await work.states([first]):
                await start(evaluation_id, attempt)
            for given_up in await work.given_up(first):
                what = given_up.removeprefix(first).removeprefix(".")
                if what.isdigit():
                    with SetWorkflowID(f"{given_up}.given-up"):
                        await DBOS.enqueue_workflow_async(
                            ITEMS, _given_up, evaluation_id, attempt, int(what)
                        )
                elif what == _END:
                    await work.transact(store.end, evaluation_id, attempt, None)
                elif not what:
                    await work.transact(store.fail, evaluation_id, attempt, ENDED)
        for evaluation_id, opened in list(self._opened.items()):
            if not opened.users and time.monotonic() - opened.left > _IDLE:
                del self._opened[evaluation_id]
                await opened.closing.aclose()

    async def close(self) -> None:
        """See ``LineOfWork``."""
        for opened in self._opened.values():
            await opened.closing.aclose()
        self._opened.clear()

    async def do_begin(self, work: Work, evaluation_id: str, attempt: int) -> None:
        """Read an evaluation's data and put its first items on the queue."""
        read = await until_in_reach(lambda: self._read(work, evaluation_id))
        if isinstance(read, str):
            await work.record(store.fail, evaluation_id, attempt, read)
            return
        places = await work.record(store.begin, evaluation_id, attempt, *read)
        for place in places:
            await _put(evaluation_id, attempt, place)
        if not places:
            await _put_end(evaluation_id, attempt)

    async def _read(
        self, work: Work, evaluation_id: str
    ) -> tuple[int, list[str], Row, str | None] | str:
        """How many items there are, what could not be read, what answers and what hinders it.

        Or why it cannot begin.
        """
        try:
            row = await work.transact(store.row_of, evaluation_id)
            async with self._open(work, row) as opened:
                total = len(opened.examples)
                bad = [str(one) for one in opened.bad]
                ran = opened.ran
        except OutOfReach:
            raise
        except (VerinoteError, OSError) as error:
            return str(error)
        if not total:
            return f"no row could be read: {'; '.join(bad[:3]) or 'there is none'}"
        return total, bad, ran, self._hindrance(work, row, ran) if row.items else None

    def _hindrance(self, work: Work, row: EvaluationRow, ran: Row) -> str | None:
        """Why what would answer here is not to answer, in words."""
        other = _other(row.told, ran)
        return other and f"{work.worker}: {other}"

    async def do_item(self, work: Work, evaluation_id: str, attempt: int, place: int) -> None:
        """Answer an item, and put the next one on the queue."""
        async with self._at_once:
            with span("answer", evaluation_id=evaluation_id, place=str(place)):
                answered, hindrance = await until_in_reach(
                    lambda: self._answered(work, evaluation_id, attempt, place)
                )
        await _went_on(work, evaluation_id, attempt, place, answered, hindrance)

    async def _answered(
        self, work: Work, evaluation_id: str, attempt: int, place: int
    ) -> tuple[Row | None, str | None]:
        """An item's row, where it is to be answered; or why none can be answered here."""
        row = await work.transact(store.wanted, evaluation_id, attempt, place)
        if row is None:
            return None, None
        try:
            async with self._open(work, row) as opened:
                if hindrance := self._hindrance(work, row, opened.ran):
                    return None, hindrance
                example = opened.examples[place]
                return await answer(opened.task, opened.subject, place, example, waits=True), None
        except OutOfReach:
            raise
        except (VerinoteError, OSError) as error:
            return None, f"{work.worker}: {error}"

    async def do_end(self, work: Work, evaluation_id: str, attempt: int) -> None:
        """Measure an evaluation whose items are over."""
        try:
            measures, revision = await until_in_reach(
                lambda: asyncio.to_thread(_measured, work, evaluation_id)
            )
        except NotFound:  # it was taken out meanwhile
            return
        await work.record(store.end, evaluation_id, attempt, measures, revision)

    @asynccontextmanager
    async def _open(self, work: Work, row: EvaluationRow) -> AsyncIterator[Opened]:
        """An evaluation, opened in this process as long as it is worked on."""
        async with self._opening:
            opened = self._opened.get(row.id)
            if opened is None:
                opened = self._opened[row.id] = await _opened(work, row)
            opened.users += 1
        try:
            yield opened
        finally:
            opened.users -= 1
            opened.left = time.monotonic()


async def _opened(work: Work, row: EvaluationRow) -> Opened:
    async with AsyncExitStack() as opening:
        folder = Path(opening.enter_context(tempfile.TemporaryDirectory(prefix="verinote-")))
        await asyncio.to_thread(_lay_out, work, row.id, folder)
        plan = plan_of(row, work, folder)
        bad: list[BadRow] = []
        found = plan.dataset.examples(plan.data, bad)
        try:
            examples = await asyncio.to_thread(list, islice(found, row.row_limit))
        except InputError as error:
            raise InputError(str(error).replace(f"{folder / DATA}/", "")) from error
        service = None if row.own_corpus else work.pipeline.corpus
        today = row.created_at.date()
        name = plan.dataset.card.name
        subject = await opening.enter_async_context(
            Subject.open(plan.settings, name, today, service, work.pipeline.models)
        )
        if plan.statements:
            await subject.load(plan.statements)
        ran, task = await ran_by(subject), plan.dataset.task(plan.data)
        return Opened(subject, task, examples, bad, ran, opening.pop_all())


def plan_of(row: EvaluationRow, work: Work, folder: Path) -> Plan:
    """What a worker runs, in a folder that the files are laid out in."""
    entry = dataset(row.dataset)
    statements = folder / STATEMENTS
    own = {"data_dir": folder / "corpus", "database_url": None, "chroma_url": None}
    return Plan(
        dataset=entry,
        data=_data(entry, folder, row.told["file"]),
        out=folder,
        settings=work.pipeline.settings.model_copy(update={**own, "engine": row.engine}),
        statements=statements if entry.corpus and row.own_corpus else None,
        limit=row.row_limit,
    )


def _data(entry: Dataset, folder: Path, file: str) -> Path:
    """The folder of the data, or the file, where it is not named as the dataset's own is."""
    return folder / DATA if file == entry.card.file else folder / DATA / file


def _lay_out(work: Work, evaluation_id: str, folder: Path) -> None:
    with work.pipeline.corpus.database.transaction() as session:
        for path, content in store.files(session, evaluation_id):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def _measured(work: Work, evaluation_id: str) -> tuple[Measures | None, int | None]:
    """The figures of all rows, and the corpus's revision now, where it may have changed."""
    with tempfile.TemporaryDirectory(prefix="verinote-") as temporary:
        folder = Path(temporary)
        with work.pipeline.corpus.database.transaction() as session:
            row = store.row_of(session, evaluation_id)
            store.lay_out(session, evaluation_id, RunFolder(folder))
            revision = None if row.own_corpus else work.pipeline.corpus.revision()
            answered = row.done
        if not answered:
            return None, revision
        plan = plan_of(row, work, folder)
        return measure(plan.dataset, plan.data, RunFolder(folder)), revision


def _other(began: Row, here: Row) -> str | None:
    """How what would answer here differs from what the evaluation was begun with."""
    for name, value in here.items():
        if name != _MAY_CHANGE and began.get(name) != value:
            return f"another {name} than it was begun with: {began.get(name)} then, {value} here"
    return None


_END = "end"


def workflows_of(evaluation_id: str) -> str:
    """How the ids of all workflows of an evaluation begin."""
    return f"evaluation.{evaluation_id}."


def workflow_of(evaluation_id: str, attempt: int) -> str:
    """The id of the workflow that begins an attempt; those of its items begin with it."""
    return f"{workflows_of(evaluation_id)}{attempt}"


async def start(evaluation_id: str, attempt: int = 1) -> None:
    """Have an accepted evaluation worked on. Once, however often it is called."""
    with SetWorkflowID(workflow_of(evaluation_id, attempt)):
        await DBOS.enqueue_workflow_async(EVALUATIONS, _begin, evaluation_id, attempt)


async def _put(evaluation_id: str, attempt: int, place: int) -> None:
    with SetWorkflowID(f"{workflow_of(evaluation_id, attempt)}.{place}"):
        await DBOS.enqueue_workflow_async(ITEMS, _item, evaluation_id, attempt, place)


async def _put_end(evaluation_id: str, attempt: int) -> None:
    with SetWorkflowID(f"{workflow_of(evaluation_id, attempt)}.{_END}"):
        await DBOS.enqueue_workflow_async(EVALUATIONS, _end, evaluation_id, attempt)


async def _went_on(
    work: Work,
    evaluation_id: str,
    attempt: int,
    place: int,
    answered: Row | None,
    hindrance: str | None = None,
) -> None:
    """Store what became of an item, and do what comes after it."""
    after = await work.record(
        store.was_answered, evaluation_id, attempt, place, answered, hindrance
    )
    if after["place"] is not None:
        await _put(evaluation_id, attempt, after["place"])
    elif after["is_over"]:
        await _put_end(evaluation_id, attempt)


@DBOS.workflow(name="evaluation")
async def _begin(evaluation_id: str, attempt: int) -> None:
    work = current()
    await work.line(Evaluations).do_begin(work, evaluation_id, attempt)


@DBOS.workflow(name="evaluation-item")
async def _item(evaluation_id: str, attempt: int, place: int) -> None:
    work = current()
    await work.line(Evaluations).do_item(work, evaluation_id, attempt, place)


@DBOS.workflow(name="evaluation-item-given-up")
async def _given_up(evaluation_id: str, attempt: int, place: int) -> None:
    row = {"place": place, "id": str(place), "failed": ENDED}
    row |= {"seconds": 0.0, "usage": spent(Usage())}
    await _went_on(current(), evaluation_id, attempt, place, row)


@DBOS.workflow(name="evaluation-end")
async def _end(evaluation_id: str, attempt: int) -> None:
    work = current()
    await work.line(Evaluations).do_end(work, evaluation_id, attempt)
