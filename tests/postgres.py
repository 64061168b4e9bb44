"""PostgreSQL from Debian's package, as plain processes for as long as the tests run."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT

import psycopg
import pytest

from service.kit.database import Database

OWNER = "postgres"
"""Whom Debian's package makes. PostgreSQL refuses to run for root."""
_READY_WITHIN = 60.0


class Cluster:
    """A running server, reached through a socket in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._execute("CREATE DATABASE migrated")
        migrated = Database(self._url("migrated"))
        migrated.migrate()
        migrated.close()

    @contextmanager
    def database(self, like: str = "migrated") -> Iterator[str]:
        """A database of its own, migrated unless it is to be ``like`` another; gives its address.

        When it goes, its connections are ended.
        """
        name = f"test{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        try:
            yield self._url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _url(self, name: str) -> str:
        return f"postgresql://{OWNER}@/{name}?host={self._folder}"

    def _execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self._folder), user=OWNER, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running(port: int | None = None) -> Iterator[Path]:
    """Run a new cluster; gives the folder of its socket.

    Its locale is C, which knows no letter beyond ASCII: what the index needs it has to bring along.

    Args:
        port: also listen here, on the loopback address.
    """
    folder = Path(tempfile.mkdtemp(prefix="verinote-postgresql-"))
    owner = {"user": OWNER, "group": OWNER, "extra_groups": ()} if os.geteuid() == 0 else {}
    if owner:
        shutil.chown(folder, OWNER, OWNER)
    try:
        made = [_program("initdb"), "-D", folder / "data", "-U", OWNER, "-A", "trust", "--no-sync"]
        subprocess.run(  # noqa: S603
            [*made, "-E", "UTF8", "--locale=C"], check=True, stdout=subprocess.DEVNULL, **owner
        )
        with started(folder, port):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def started(folder: Path, port: int | None = None) -> Iterator[None]:
    """Run the cluster of a folder, again if need be."""
    owner = {"user": OWNER, "group": OWNER, "extra_groups": ()} if os.geteuid() == 0 else {}
    settings = {
        "listen_addresses": "127.0.0.1" if port else "",
        "port": str(port or 5432),
        "unix_socket_directories": str(folder),
        "max_connections": "200",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
    }
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        # Whatever ends this process, the server ends with it.
        process = subprocess.Popen(  # noqa: S603
            [
                "/usr/bin/setpriv",
                "--pdeathsig=INT",
                _program("postgres"),
                "-D",
                folder / "data",
                *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
            ],
            stdout=log,
            stderr=log,
            **owner,
        )
    log_file = Path(log.name)
    try:
        _wait_until_ready(folder, process, log_file, port or 5432)
        yield
    finally:
        process.send_signal(SIGINT)
        process.wait(timeout=60)
        log_file.unlink()


def _wait_until_ready(folder: Path, process: subprocess.Popen, log: Path, port: int) -> None:
    until = time.monotonic() + _READY_WITHIN
    while True:
        try:
            psycopg.connect(host=str(folder), port=port, user=OWNER).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"PostgreSQL does not start:\n{log.read_text()}")
            time.sleep(0.02)
        else:
            return


def _program(name: str) -> str:
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: path.parts)
    found = str(newest[-1]) if newest else shutil.which(name)
    if found is None:
        pytest.fail("PostgreSQL is not installed: run .ci/postgresql, as make test does")
    return found
