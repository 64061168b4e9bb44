"""What has to be done again and again: lost work found, old texts erased, feeds read.

Every process looks whether something is due. What is due is a workflow whose id is the moment's, so
that it is done once, whoever sees it first.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from dbos import DBOS, SetWorkflowID
from sqlalchemy.orm import Session

from service.audit.corpus import witness
from service.audit.trail import Actor, Trail
from service.kit.database import utc_now
from service.kit.errors import NotFound, VerinoteError
from service.statements.feeds import Feed, due, load_feeds
from service.work import erasure, progress, uploads
from service.work.durable import ENDED, GIVEN_UP, UPKEEP, Work, current

FEEDS = "feeds.toml"
_SWEEPS_EVERY, _ERASES_EVERY, _FEEDS_EVERY = 30.0, 600.0, 60.0
_AT_ONCE = 100
_NOT_READ = progress.Found(error=ENDED)
_LOG = logging.getLogger(__name__)


@asynccontextmanager
async def upkept(work: Work) -> AsyncIterator[None]:
    """Look after what has to be done as long as the block lasts."""
    tasks = [
        asyncio.create_task(_regularly(every, look, work))
        for every, look in (
            (_SWEEPS_EVERY, sweep),
            (_ERASES_EVERY, erase_old),
            (_ERASES_EVERY, forget_uploads),
            (_FEEDS_EVERY, read_feeds),
        )
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _regularly(every: float, look: Callable[[Work], Awaitable[None]], work: Work) -> None:
    while True:
        try:
            await look(work)
        except VerinoteError as error:  # it may pass, or a person mends it meanwhile
            _LOG.warning("upkeep: %s", error)
        except Exception:  # noqa: BLE001  one bad look must not end all the others
            _LOG.exception("upkeep failed by an error of ours")
        await asyncio.sleep(every)


async def sweep(work: Work) -> None:
    """Find work that nobody does, and have it done, or end it.

    It never got into the queue: a crash right after a request, or a backup that was restored, which
    has no queue. Or its workflow ended by an error of ours, or brought one process down after the
    other: that is not tried for ever.
    """
    for submission_id, attempt in await work.transact(progress.waiting):
        workflow = progress.workflow_of(submission_id, attempt)
        state = (await work.states([workflow])).get(workflow)
        if state is None:
            await work.submit(submission_id, attempt)
        elif state in GIVEN_UP:
            await work.transact(progress.was_read, submission_id, _NOT_READ)
        else:
            claims = await work.transact(progress.queued, submission_id)
            of = {progress.workflow_of(*one): one[0] for one in claims}
            states = await work.states(list(of)) if of else {}
            for claim_workflow, claim_state in states.items():
                if claim_state in GIVEN_UP:
                    await work.give_up(of[claim_workflow], ENDED)

    for upload_id in await work.transact(uploads.waiting):
        workflow = uploads.workflow_of(upload_id)
        state = (await work.states([workflow])).get(workflow)
        if state is None:
            await work.add(upload_id)
        elif state in GIVEN_UP:
            await work.transact(uploads.end, upload_id, uploads.ENDED)

    for line in work.lines:
        await line.sweep(work)


async def forget_uploads(work: Work) -> None:
    """Take out uploads that ended long ago. The statements stay."""
    while old := await work.transact(uploads.expired, utc_now() - uploads.KEPT, _AT_ONCE):
        await work.forget([uploads.workflow_of(upload_id) for upload_id in old])
        await work.transact(uploads.forget, old)


async def erase_old(work: Work) -> None:
    """Have submissions erased that ended long enough ago, if the settings say how long that is."""
    before = _kept_since(work)
    old = await work.transact(erasure.expired, before, 1) if before is not None else []
    if old:
        await _once("erase", _ERASES_EVERY, _erase_old)


@DBOS.workflow(name="erase")
async def _erase_old() -> None:
    work = current()
    before, trail = _kept_since(work), Trail.of(work.pipeline.settings)

    def change(session: Session, submission_id: str) -> erasure.Erased:
        erased = erasure.erase(session, submission_id)
        trail.record(
            session,
            Actor(),
            "submission.expire",
            f"submission:{submission_id}",
            sha256=erased.sha256,
            notes=erased.notes,
        )
        return erased

    while before is not None and (ids := await work.transact(erasure.expired, before, _AT_ONCE)):
        for submission_id in ids:
            try:
                erased = await work.transact(change, submission_id)
            except NotFound:  # somebody deleted it meanwhile
                continue
            await erasure.finish(work, erased)


def _kept_since(work: Work) -> datetime | None:
    days = work.pipeline.settings.keep_days
    return utc_now() - timedelta(days=days) if days else None


async def read_feeds(work: Work) -> None:
    """Have the feeds read that are due, where there is a feeds.toml in the data folder."""
    if await asyncio.to_thread(_due, work):
        await _once("feeds", _FEEDS_EVERY, _read_feeds)


@DBOS.workflow(name="feeds")
async def _read_feeds() -> None:
    work = current()
    feeds = await asyncio.to_thread(_due, work)
    if feeds:
        pipeline = work.pipeline
        told = witness(Trail.of(pipeline.settings), Actor())
        report = await asyncio.to_thread(pipeline.corpus.sync, feeds, None, told)
        for feed in report.feeds:
            _LOG.info("feed %s: %s", feed.feed, feed.error or "read")


def _due(work: Work) -> list[Feed]:
    file = work.pipeline.settings.data_dir / FEEDS
    if not file.exists():
        return []
    return due(work.pipeline.corpus.database, load_feeds(file))


async def _once(name: str, every: float, workflow: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Have a workflow done once in a stretch of time, by whichever process comes to it."""
    with SetWorkflowID(f"{name}.{int(time.time() // every)}"):
        await DBOS.enqueue_workflow_async(UPKEEP, workflow)
