"""A desk that is served on this machine: the whole service in this process, asked over HTTP."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn
from tiny_corpus import write_statements

from service.access.register import Role
from service.api.desk import Desk
from service.app import create_app
from service.serving import lines
from service.settings import Settings, load_settings

T = TypeVar("T")

WITHIN = 60.0
DAY = "2025-12-12"
"""When what is submitted was published: some statements are dated later."""


@dataclass
class Served:
    """A desk and its address, with a key of a person of each role."""

    desk: Desk
    url: str
    keys: dict[str, str]
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something on the desk's own event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(WITHIN)

    def client(self, who: str | None = "admin") -> httpx.Client:
        """Somebody who asks, by role; None has no key."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"} if who else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=WITHIN)

    def submit(self, **body: Any) -> str:
        """Send a submission in and wait for its end. Returns its id."""
        with self.client("submitter") as client:
            answer = client.post("/v1/submissions", json={"published": DAY, **body})
            assert answer.status_code == 202, answer.text
            id_: str = answer.json()["id"]
        self.wait(id_)
        return id_

    def wait(self, submission_id: str) -> dict[str, Any]:
        """Wait for the end of a submission."""
        until = time.monotonic() + WITHIN
        while time.monotonic() < until:
            with self.client() as client:
                shown: dict[str, Any] = client.get(f"/v1/submissions/{submission_id}").json()
            if shown["state"] not in {"queued", "running"}:
                return shown
            time.sleep(0.1)
        raise AssertionError(f"{submission_id} does not end")


def settings_for(folder: Path, **changed: Any) -> Settings:
    """Settings of a desk whose data lives in a folder."""
    return load_settings(data_dir=folder).model_copy(update={"stop_within": 5, **changed})


@contextmanager
def database_of(kind: str, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The settings of a desk on a database of a kind, for fixtures of more than one test."""
    if kind == "sqlite":
        yield {}
        return
    with request.getfixturevalue("postgres").database() as url:
        yield {"database_url": url}


@contextmanager
def served(settings: Settings, statements: Path | None = None) -> Iterator[Served]:
    """Open a desk with the statements of a folder, or a few, and serve it on a free port."""
    opened: list[Served] = []
    ready, stop = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    async def run() -> None:
        async with Desk.open(settings, lines=lines()) as desk:
            folder = statements or write_statements(settings.data_dir / "statements")
            await asyncio.to_thread(desk.pipeline.corpus.add, [folder])
            config = uvicorn.Config(
                create_app(desk), host="127.0.0.1", port=0, log_config=None, lifespan="off"
            )
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110  uvicorn has no event for it
                await asyncio.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            loop = asyncio.get_running_loop()
            url = f"http://127.0.0.1:{port}"
            opened.append(Served(desk, url, await _people(desk), loop))
            ready.set()
            await asyncio.to_thread(stop.wait)
            server.should_exit = True
            await serving

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001  it is raised where the desk was opened
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait()
    try:
        if failed:
            raise failed[0]
        yield opened[0]
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]


async def _people(desk: Desk) -> dict[str, str]:
    def make() -> dict[str, str]:
        keys = {"admin": desk.register.issue("admin")[1]}
        for role in (Role.SUBMITTER, Role.REVIEWER):
            name = f"a.{role}"
            desk.register.add(name, role)
            keys[role.value] = desk.register.issue(name)[1]
        keys["service"] = desk.register.issue("admin", for_service=True)[1]
        return keys

    return await asyncio.to_thread(make)
