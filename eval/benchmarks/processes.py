"""Commands of ours as processes of their own, for as long as something is measured."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from service.kit.errors import VerinoteError

_VERINOTE = Path(sys.executable).with_name("verinote")
_WITHIN = 120.0


@contextmanager
def running(arguments: Sequence[str], folder: Path, settings: Mapping[str, str]) -> Iterator[None]:
    """A command of ours, over a data folder, with these settings and none of the environment.

    Raises:
        VerinoteError: it has ended before the block does.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VERINOTE", "OPENAI"))
    }
    log = folder.with_suffix(".log")
    with log.open("wb") as written:
        process = subprocess.Popen(  # noqa: S603  our own command
            [_VERINOTE, *arguments],
            env={**inherited, **settings, "VERINOTE_DATA_DIR": str(folder)},
            stdout=written,
            stderr=written,
        )
    try:
        yield
        if process.poll() is not None:
            raise VerinoteError(f"verinote {arguments[0]} ended: {log.read_text()[-2000:]}")
    finally:
        process.terminate()
        process.wait()


@contextmanager
def served(folder: Path, settings: Mapping[str, str], *options: str) -> Iterator[httpx.Client]:
    """``verinote serve`` on a port of its own, and its admin."""
    key = f"vn_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        running(
            ["serve", "--port", str(port), *options],
            folder,
            {**settings, "VERINOTE_ADMIN_KEY": key},
        ),
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=_WITHIN,
        ) as client,
    ):
        wait_until(lambda: _answers(client), "the service does not answer")
        yield client


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def wait_until(is_so: Callable[[], bool], otherwise: str) -> None:
    """Look every tenth of a second whether something is so.

    Raises:
        VerinoteError: it has not become so.
    """
    until = time.monotonic() + _WITHIN
    while not is_so():
        if time.monotonic() > until:
            raise VerinoteError(f"{otherwise} within {_WITHIN:g} s")
        time.sleep(0.1)
