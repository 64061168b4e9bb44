"""Durable work: a submission is a workflow of DBOS, each of its claims another on a queue.

What is recorded of a workflow are ids, never texts. A workflow goes the same steps each time, as
DBOS wants it; one that is run again after a crash looks first at what is stored, so that what has
its note is not asked again. Notes are written in the same transaction as DBOS's own record of the
step: a note is there once, or not yet.

There is one DBOS in a process, and so there is one ``Work``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from dbos import (
    DBOS,
    DBOSClient,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    SetWorkflowID,
    SQLAlchemyDatasource,
)
from dbos._datasource import DatasourceOptions
from sqlalchemy.orm import Session

from service.audit.trail import Trail
from service.kit.database import Database
from service.kit.errors import OutOfReach
from service.kit.telemetry import METRICS, span
from service.notes.draft import failed
from service.pipeline import Pipeline, reason
from service.settings import Settings
from service.submissions.account import SubmissionAccount
from service.types import Note, Submission
from service.work import progress, uploads, workers
from service.work.schema import queue_url

P = ParamSpec("P")
R = TypeVar("R")

SUBMISSIONS, CLAIMS, UPLOADS, UPKEEP = "submissions", "claims", "uploads", "upkeep"
"""The queues: reading a text, assessing a claim and adding statements do not wait for each other;
upkeep is done by one process at a time."""
VERSION = "1"
"""Pinned: a new release goes on with the workflows of the last. A change of their steps needs
``DBOS.patch`` and a test that goes on with a database of the revision before."""

GIVEN_UP = frozenset({"ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
"""How DBOS calls workflows that nobody goes on with."""
ENDED = "the work on it ended by an error of ours, which is in the log; it can be tried again"

_NAME = "verinote"
_LOOKS_EVERY = 0.2
"""Seconds between two looks into a queue."""
_BEATS = 6
"""Signs of life in the time after which a process is taken for gone."""
_UPKEEP_LOOKS_EVERY = 2.0
_UPLOADS_AT_ONCE = 4
"""Some wait for addresses meanwhile. The rest waits for the same database."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_LOG = logging.getLogger(__name__)


class LineOfWork(Protocol):
    """Further work that a process does: with workflows, a queue and tables of its own.

    Attributes:
        name: what the figures call it.
    """

    name: str

    async def begin(self, work: Work) -> None:
        """Register its queue."""

    async def sweep(self, work: Work) -> None:
        """Find work of its own that nobody does."""

    def totals(self, session: Session) -> dict[str, int]:
        """How much of it is in which state."""

    async def close(self) -> None:
        """Close what it has opened; none of its workflows runs any more."""


L = TypeVar("L", bound=LineOfWork)


class Work:
    """The durable work of this process. Made by ``open``.

    Args:
        pipeline: what reads and assesses.
        worker: the id that this process takes work under.
        datasource: the database, as DBOS writes to it.
        known: all processes that take work.
        lines: further work that it does.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        worker: str,
        datasource: SQLAlchemyDatasource,
        known: workers.Workers,
        lines: Sequence[LineOfWork] = (),
    ) -> None:
        self.pipeline = pipeline
        self.lines = lines
        self.worker = worker
        self._database: Database = pipeline.corpus.database
        self._datasource = datasource
        self._workers = known
        self._accounts: dict[str, SubmissionAccount] = {}
        self._adding: set[asyncio.Task[None]] = set()
        self._stopping = False
        settings, engine = pipeline.settings, pipeline.engine
        self.at_once = settings.worker_concurrency or engine.concurrent_claims
        # Some more than are assessed are taken from the queue, so that none has to be waited for.
        self._at_once = asyncio.Semaphore(self.at_once)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, pipeline: Pipeline, *, takes_work: bool = True, lines: Sequence[LineOfWork] = ()
    ) -> AsyncIterator[Work]:
        """Start the work of this process, and stop it in the end.

        Args:
            pipeline: what reads and assesses.
            takes_work: whether it takes work itself, or only gives it to others.
            lines: further work that it does.

        Raises:
            ConfigurationError: another process works here already, and may not.
        """
        if _work is not None:
            raise RuntimeError("work is open in this process already")
        settings, database = pipeline.settings, pipeline.corpus.database
        worker = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        with workers.alone(settings):
            known = workers.Workers(database, settings, takes_work=takes_work)
            await asyncio.to_thread(known.begin, worker)
            DBOS(config=_config(settings, database, worker))
            logger = logging.getLogger("dbos")  # its lines go where all others go
            logger.handlers.clear()
            logger.propagate = True
            if not takes_work:
                DBOS.listen_queues([])
            try:
                datasource = await asyncio.to_thread(
                    SQLAlchemyDatasource.create,
                    database.url,
                    engine=database.engine,
                    serializer=DBOSPortableJSONSerializer(),
                )
                work = cls(pipeline, worker, datasource, known, lines)
                _set(work)
                DBOS.launch()
                await work._register()
                beating = asyncio.create_task(work._beat())
                try:
                    yield work
                finally:
                    beating.cancel()
                    work._leave_uploads()
            finally:
                patience = settings.stop_within
                await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=patience)
                # DBOS gave the event loop its own threads, and has just ended them.
                asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
                for line in lines:
                    await line.close()
                await asyncio.to_thread(known.end, worker)
                _set(None)

    async def _register(self) -> None:
        limit = self.pipeline.settings.claims_per_minute
        await DBOS.register_queue_async(
            SUBMISSIONS,
            worker_concurrency=2 * self.at_once,
            polling_interval_sec=_LOOKS_EVERY,
        )
        await DBOS.register_queue_async(
            CLAIMS,
            worker_concurrency=2 * self.at_once,
            limiter={"limit": limit, "period": 60.0} if limit else None,
            polling_interval_sec=_LOOKS_EVERY,
        )
        await DBOS.register_queue_async(
            UPLOADS, worker_concurrency=_UPLOADS_AT_ONCE, polling_interval_sec=_LOOKS_EVERY
        )
        await DBOS.register_queue_async(
            UPKEEP, global_concurrency=1, polling_interval_sec=_UPKEEP_LOOKS_EVERY
        )
        for line in self.lines:
            await line.begin(self)

    def line(self, kind: type[L]) -> L:
        """The line of work of a kind that this process does."""
        return next(line for line in self.lines if isinstance(line, kind))

    def totals(self, session: Session) -> dict[str, dict[str, int]]:
        """How much of each kind of work there is, in which state."""
        totals = progress.totals(session) | {"uploads": uploads.totals(session)}
        return totals | {line.name: line.totals(session) for line in self.lines}

    async def submit(self, submission_id: str, attempt: int = 1) -> None:
        """Have an accepted submission worked on. Once, however often it is called."""
        with SetWorkflowID(progress.workflow_of(submission_id, attempt)):
            await DBOS.enqueue_workflow_async(SUBMISSIONS, _submission, submission_id)

    async def add(self, upload_id: str) -> None:
        """Have an accepted upload added to the corpus. Once, however often it is called."""
        with SetWorkflowID(uploads.workflow_of(upload_id)):
            await DBOS.enqueue_workflow_async(UPLOADS, _upload, upload_id)

    def in_reach(self) -> None:
        """See that the queue can be asked. Blocking; raises what is wrong."""
        DBOS.retrieve_queue(CLAIMS)

    async def stop(self, workflow_ids: list[str]) -> None:
        """Keep workflows from going on."""
        await DBOS.cancel_workflows_async(workflow_ids)

    async def given_up(self, prefix: str) -> list[str]:
        """Workflows that ended by an error, or by bringing processes down, by how ids begin."""
        found = await DBOS.list_workflows_async(
            workflow_id_prefix=prefix,
            status=sorted(GIVEN_UP),
            load_input=False,
            load_output=False,
        )
        return [one.workflow_id for one in found]

    async def states(self, workflow_ids: list[str]) -> dict[str, str]:
        """How far workflows are, in DBOS's words; those that it does not know are left out."""
        known = await DBOS.list_workflows_async(
            workflow_ids=workflow_ids, load_input=False, load_output=False
        )
        return {one.workflow_id: one.status for one in known}

    async def give_up(self, claim_id: str, why: str) -> None:
        """End a claim whose workflow will not go on."""
        found = await self.transact(progress.to_assess, claim_id)
        if found is not None:
            claim, submission, _ = found
            note = failed(claim, why, self.pipeline.provenance(submission))
            await self.transact(progress.was_assessed, claim_id, note)

    async def forget(self, workflow_ids: list[str]) -> None:
        """Take the records of workflows out."""
        await DBOS.delete_workflows_async(workflow_ids)

    async def forget_all(self, prefix: str) -> None:
        """Take the records of workflows out, by how ids begin."""
        while True:
            found = await DBOS.list_workflows_async(
                workflow_id_prefix=prefix, limit=_AT_ONCE, load_input=False, load_output=False
            )
            if not found:
                return
            await self.forget([one.workflow_id for one in found])

    async def transact(
        self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Do something in a transaction of its own, off the event loop."""

        def within() -> R:
            with self._database.transaction() as session:
                return work(session, *args, **kwargs)

        return await asyncio.to_thread(within)

    async def record(
        self, change: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Change the database in the transaction in which DBOS records the step."""

        def within() -> R:
            return change(self._datasource.sql_session(), *args, **kwargs)

        # Our own locks order what must be in order; SQLite knows no other level than this.
        is_sqlite = self._database.kind == "sqlite"
        step: DatasourceOptions = {
            "name": change.__name__,
            "isolation_level": "SERIALIZABLE" if is_sqlite else "READ COMMITTED",
        }
        return await asyncio.to_thread(self._datasource.run_tx_step, step, within)

    async def do_submission(self, submission_id: str) -> None:
        """Read a submission, and have its claims assessed."""
        began = time.monotonic()
        with span("read", submission_id=submission_id):
            found = await until_in_reach(lambda: self._found(submission_id))
        METRICS.step_took("read", time.monotonic() - began)
        for claim_id, attempt in await self.record(progress.was_read, submission_id, found):
            with SetWorkflowID(progress.workflow_of(claim_id, attempt)):
                await DBOS.enqueue_workflow_async(CLAIMS, _claim, claim_id)

    async def _found(self, submission_id: str) -> progress.Found | None:
        """What is found in a submission; None where it is not to be read (any more)."""
        submission = await self.transact(progress.to_read, submission_id)
        if submission is None:
            return None
        account = await self._account(submission)
        before = account.used
        try:
            extracted = await self.pipeline.claims_of(submission, account)
        except OutOfReach:
            raise
        except Exception as error:  # noqa: BLE001  no submission is lost, whatever its text does
            return progress.Found(usage=account.used - before, error=reason(error))
        provenance = self.pipeline.provenance(submission)
        return progress.Found(
            claims=extracted.claims,
            unread=tuple(
                failed(claim, str(error), provenance, error.usage)
                for claim, error in extracted.unread
            ),
            rejected=extracted.rejected,
            usage=account.used - before,
        )

    async def do_claim(self, claim_id: str) -> None:
        """Assess a claim and store its note."""
        async with self._at_once:
            began = time.monotonic()
            with span("assess", claim_id=claim_id):
                note, submission = await until_in_reach(lambda: self._note(claim_id))
        wanted = await self.record(progress.was_assessed, claim_id, note)
        if wanted and note is not None and submission is not None:
            METRICS.step_took("assess", time.monotonic() - began)
            METRICS.claim_ended(note.verdict or note.state)
            if self.pipeline.memory is not None:
                await asyncio.to_thread(self.pipeline.memory.await_vector, note.claim, submission)

    async def _note(self, claim_id: str) -> tuple[Note | None, Submission | None]:
        """The note of a claim, and its submission.

        Neither where the claim has its note, or none is wanted any more.
        """
        found = await self.transact(progress.to_assess, claim_id)
        if found is None:
            return None, None
        claim, submission, as_of = found
        account = await self._account(submission)
        return await self.pipeline.draft_claim(claim, as_of, submission, account), submission

    async def do_upload(self, upload_id: str) -> None:
        """Add an upload to the corpus."""
        task = asyncio.current_task()
        if self._stopping or task is None:
            raise asyncio.CancelledError  # it stays under way: see ``_leave_uploads``
        self._adding.add(task)
        try:
            with span("add", upload_id=upload_id):
                await until_in_reach(lambda: self._add(upload_id))
        except Exception as error:  # noqa: BLE001  it ends, whatever its sources do
            _LOG.error("upload %s failed by an error of ours", upload_id, exc_info=error)
            await self.transact(uploads.end, upload_id, uploads.ENDED)
        finally:
            self._adding.discard(task)

    async def _add(self, upload_id: str) -> None:
        trail = Trail.of(self.pipeline.settings)
        adding = uploads.add(self.pipeline.corpus, trail, upload_id)
        more = True
        while more:
            step = asyncio.ensure_future(asyncio.to_thread(next, adding, False))
            try:
                more = await asyncio.shield(step)
            except asyncio.CancelledError:
                with suppress(Exception):
                    await step  # nothing may be closed under it
                raise

    def _leave_uploads(self) -> None:
        """Leave uploads to others, or to the next start, after what is being stored just now.

        DBOS waits for that, and then takes the workflow of a cancelled task for one that is under
        way, as after a crash.
        """
        self._stopping = True
        for task in self._adding:
            task.cancel()

    async def _account(self, submission: Submission) -> SubmissionAccount:
        """The account of a submission, with what was booked before this process had it."""
        known = self._accounts.get(submission.key)
        if known is None:
            booked = await self.transact(progress.spent, submission.key)
            known = self._accounts.setdefault(
                submission.key, self.pipeline.account(submission, booked)
            )
            while len(self._accounts) > _ACCOUNTS:
                self._accounts.pop(next(iter(self._accounts)))
        return known

    async def _beat(self) -> None:
        """Say that this process lives, and take over the work of those that don't."""
        while True:
            with suppress(OutOfReach):
                gone = await asyncio.to_thread(self._workers.beat, self.worker)
                if gone:
                    _LOG.warning("taking over the work of %s", ", ".join(gone))
                    await asyncio.to_thread(DBOS._recover_pending_workflows, gone)
                    await asyncio.to_thread(self._workers.forget, gone)
            await asyncio.sleep(self.pipeline.settings.worker_gone_after / _BEATS)


_ACCOUNTS = 1_000
_AT_ONCE = 500
_CONNECTIONS = 20
_work: Work | None = None


def _set(work: Work | None) -> None:
    global _work  # noqa: PLW0603  DBOS knows functions of modules alone
    _work = work


def current() -> Work:
    """The work of this process, for workflows: DBOS calls them without it."""
    if _work is None:
        raise RuntimeError("no work was opened in this process")
    return _work


@DBOS.workflow(name="submission")
async def _submission(submission_id: str) -> None:
    await current().do_submission(submission_id)


@DBOS.workflow(name="claim")
async def _claim(claim_id: str) -> None:
    await current().do_claim(claim_id)


@DBOS.workflow(name="upload")
async def _upload(upload_id: str) -> None:
    await current().do_upload(upload_id)


async def until_in_reach(work: Callable[[], Awaitable[R]]) -> R:
    """Do it again as long as a server is out of reach."""
    pause = _FIRST_PAUSE
    while True:
        try:
            return await work()
        except OutOfReach as error:
            _LOG.warning("out of reach, and tried again in %.1f s: %s", pause, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


@contextmanager
def from_outside(settings: Settings) -> Iterator[DBOSClient]:
    """What puts work on the queue from a process that takes none."""
    client = DBOSClient(
        system_database_url=queue_url(settings),
        serializer=DBOSPortableJSONSerializer(),
        application_name=_NAME,
    )
    try:
        yield client
    finally:
        client.destroy()


def _config(settings: Settings, database: Database, worker: str) -> DBOSConfig:
    beside = database.engine_beside(_CONNECTIONS) if database.kind == "postgresql" else None
    return {
        "name": _NAME,
        "system_database_url": queue_url(settings),
        "system_database_engine": beside,
        "executor_id": worker,
        "application_version": VERSION,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
    }
