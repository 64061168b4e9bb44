"""``verinote serve`` and ``verinote worker``: processes that run until they are told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from eval.durable.work import Evaluations
from service.api.desk import Desk
from service.app import create_app
from service.kit.telemetry import log_as_json, trace_if_configured
from service.pipeline import Pipeline
from service.settings import Settings
from service.work.durable import LineOfWork, Work
from service.work.upkeep import upkept


def serve(settings: Settings, host: str, port: int, *, takes_work: bool) -> None:
    """Serve the API until SIGTERM or SIGINT.

    Raises:
        VerinoteError: something cannot be used; the message says what.
    """
    asyncio.run(_serve(settings, host, port, takes_work))


async def _serve(settings: Settings, host: str, port: int, takes_work: bool) -> None:
    log_as_json()
    trace_if_configured("api")
    async with Desk.open(settings, takes_work=takes_work, lines=lines()) as desk:
        config = uvicorn.Config(
            create_app(desk),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=settings.stop_within,
        )
        server = _Server(config)
        _when_told_to_stop(server.stop)
        _tell_first_key(desk)
        await server.serve()
    if not server.started:
        sys.exit(1)


def lines() -> tuple[LineOfWork, ...]:
    """What work there is in every process, beside submissions, uploads and upkeep."""
    return (Evaluations(),)


class _Server(uvicorn.Server):
    """One that leaves signals to us: its own way ends the process before the desk is closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Answer what was asked, and end; the second time, end."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _when_told_to_stop(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _tell_first_key(desk: Desk) -> None:
    if desk.first_key is not None:
        print(
            f"verinote: the first admin's key, shown once: {desk.first_key}",
            file=sys.stderr,
            flush=True,
        )


def work(settings: Settings) -> None:
    """Work on what is submitted until SIGTERM or SIGINT.

    Raises:
        VerinoteError: something cannot be used; the message says what.
    """
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    log_as_json()
    trace_if_configured("worker")
    stopped = asyncio.Event()
    _when_told_to_stop(stopped.set)
    async with (
        Pipeline.open(settings) as pipeline,
        Work.open(pipeline, lines=lines()) as work,
        upkept(work),
    ):
        await stopped.wait()
