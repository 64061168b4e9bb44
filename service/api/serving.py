"""``verinote serve`` and ``verinote worker``: processes that run until they are told to stop."""

from __future__ import annotations

import asyncio
import signal
import sys

import uvicorn

from service.api.app import create_app
from service.api.desk import Desk
from service.kit.telemetry import log_as_json
from service.pipeline import Pipeline
from service.settings import Settings
from service.work.durable import Work


def serve(settings: Settings, host: str, port: int, *, takes_work: bool) -> None:
    """Serve the API until SIGTERM or SIGINT.

    Raises:
        VerinoteError: something cannot be used; the message says what.
    """
    asyncio.run(_serve(settings, host, port, takes_work))


async def _serve(settings: Settings, host: str, port: int, takes_work: bool) -> None:
    log_as_json()
    async with Desk.open(settings, takes_work=takes_work) as desk:
        app = create_app(desk)
        config = uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, lifespan="off"
        )
        server = uvicorn.Server(config)
        _tell_first_key(desk)
        await server.serve()
    if not server.started:
        sys.exit(1)


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
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Pipeline.open(settings) as pipeline, Work.open(pipeline):
        await stopped.wait()
