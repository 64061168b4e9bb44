"""A Chroma server as a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import chromadb
import httpx
import pytest
from chromadb.config import Settings

_READY_WITHIN = 60.0


@contextmanager
def chroma_server(folder: Path, port: int) -> Iterator[str]:
    """Run ``chroma run`` over a folder; gives its address."""
    url = f"http://127.0.0.1:{port}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.log").open("ab") as log:
        process = subprocess.Popen(
            [
                "/usr/bin/setpriv",
                "--pdeathsig=TERM",
                Path(sys.executable).with_name("chroma"),
                *("run", "--path", folder, "--host", "127.0.0.1", "--port", str(port)),
            ],
            stdout=log,
            stderr=log,
        )
    try:
        _wait_until_ready(url, process, Path(log.name))
        yield url
    finally:
        process.terminate()
        process.wait(timeout=60)


def emptied(url: str) -> str:
    """Remove every collection of the server at an address, which is given back."""
    host, port = url.removeprefix("http://").split(":")
    settings = Settings(_env_file=None, anonymized_telemetry=False)
    client = chromadb.HttpClient(host, int(port), settings=settings)
    for collection in client.list_collections():
        client.delete_collection(collection.name)
    return url


def _wait_until_ready(url: str, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + _READY_WITHIN
    while True:
        try:
            httpx.get(f"{url}/api/v2/heartbeat").raise_for_status()
        except httpx.HTTPError:
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"Chroma does not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.02)
        else:
            return
