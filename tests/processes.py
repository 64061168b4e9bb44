"""The service as processes of its own, started, killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

VERINOTE = Path(sys.executable).with_name("verinote")
ADMIN_KEY = "vn_0123456789ab_" + "k" * 43
STARTS_WITHIN = 60.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def wait_until(is_so: Callable[[], bool], otherwise: str, within: float = 120.0) -> None:
    """Wait until something is so."""
    end = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < end, otherwise
        time.sleep(0.1)


@dataclass
class Process:
    """A ``verinote`` command that runs until it is told to stop, or is killed.

    Attributes:
        arguments: of the command.
        environment: its settings; nothing else of ``VERINOTE_*`` gets through.
        log: where it writes.
        folder: where it is started; by default where this process was.
    """

    arguments: list[str]
    environment: dict[str, str]
    log: Path
    folder: Path | None = None
    running: subprocess.Popen[bytes] | None = field(default=None)

    def __enter__(self) -> Self:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VERINOTE", "OPENAI"))
        }
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                [VERINOTE, *self.arguments],
                env=inherited | self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self._end(signal.SIGKILL, STARTS_WITHIN)

    def wait_for_end(self) -> int:
        """Wait until it has done what it was started for. Returns the exit code."""
        assert self.running is not None
        return self.running.wait(STARTS_WITHIN)

    def stop(self) -> int:
        """SIGTERM, and wait for its end. Returns the exit code."""
        return self._end(signal.SIGTERM, STARTS_WITHIN)

    def _end(self, number: signal.Signals, within: float) -> int:
        if self.running is None:
            return 0
        if self.running.poll() is None:
            self.running.send_signal(number)
        code = self.running.wait(within)
        self.running = None
        return code


@dataclass
class Server(Process):
    """``verinote serve`` on a port of its own."""

    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        """The admin."""
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def submit(self, *claims: str) -> str:
        """Send claims in, as the admin. Returns the submission's id."""
        with self.client() as client:
            answer = client.post("/v1/submissions", json={"claims": claims})
        assert answer.status_code == 202, answer.text
        id_: str = answer.json()["id"]
        return id_

    def states(self) -> Counter[str]:
        """How many submissions are in which state, of the newest 200."""
        with self.client() as client:
            items = client.get("/v1/submissions", params={"limit": 200}).json()["items"]
        return Counter(one["state"] for one in items)

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < until:
            assert self.running is not None
            if self.running.poll() is not None:
                raise AssertionError(f"it ended by itself:\n{self.log.read_text()[-3000:]}")
            try:
                if httpx.get(f"{self.url}/healthz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError(f"it does not answer:\n{self.log.read_text()[-3000:]}")


def server(folder: Path, *arguments: str, **settings: Any) -> Server:
    """A server over a folder, with the settings given (without ``VERINOTE_``)."""
    port = free_port()
    environment = {
        "VERINOTE_DATA_DIR": str(folder),
        "VERINOTE_ADMIN_KEY": ADMIN_KEY,
        "VERINOTE_REQUESTS_PER_MINUTE": "0",
        **_settings(settings),
    }
    log = folder.with_name(f"{folder.name}.log")
    return Server(["serve", "--port", str(port), *arguments], environment, log, port=port)


def worker(folder: Path, name: str, **settings: Any) -> Process:
    """A worker over a folder, with the settings given."""
    environment = {"VERINOTE_DATA_DIR": str(folder), **_settings(settings)}
    return Process(["worker"], environment, folder.with_name(f"{name}.log"))


def _settings(given: dict[str, Any]) -> dict[str, str]:
    return {
        name.upper() if name.startswith("openai_") else f"VERINOTE_{name.upper()}": str(value)
        for name, value in given.items()
    }
