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
from typing import Any

import psycopg
import pytest

from service.kit.database import Database

OWNER = "postgres"
"""Whom Debian's package makes, and who the databases' only user is."""
_TOGETHER = ("/usr/bin/setpriv", "--pdeathsig=INT")
"""Whatever ends this process, the server ends with it."""
_READY_WITHIN = 60.0


class Cluster:
    """A running server, reached through a socket in its folder.

    Attributes:
        folder: where the socket is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        self._execute("CREATE DATABASE migrated")
        migrated = Database(self._url("migrated"))
        migrated.migrate()
        migrated.close()

    @contextmanager
    def database(self, template: str = "migrated") -> Iterator[str]:
        """A new database, migrated unless made from another template; gives its address.

        When it goes, its connections are ended.
        """
        name = f"test{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self._url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _url(self, name: str) -> str:
        return f"postgresql://{OWNER}@/{name}?host={self.folder}"

    def _execute(self, statement: str) -> None:
        with psycopg.connect(host=str(self.folder), user=OWNER, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def cluster_folder() -> Iterator[Path]:
    """The folder of a new cluster, which does not run yet.

    Its locale is C, which knows no letter beyond ASCII: what the index needs it has to bring along.
    """
    folder = Path(tempfile.mkdtemp(prefix="verinote-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, OWNER, OWNER)
    made = [_program("initdb"), "-D", folder / "data", "-U", OWNER, "-A", "trust", "--no-sync"]
    try:
        subprocess.run(
            [*made, "-E", "UTF8", "--locale=C"],
            check=True,
            stdout=subprocess.DEVNULL,
            **_unprivileged(),
        )
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def started(folder: Path) -> Iterator[None]:
    """Run the cluster of a folder, with a socket in that folder and no port."""
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "max_connections": "200",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
    }
    given = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    log = folder / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*_TOGETHER, _program("postgres"), "-D", folder / "data", *given],
            stdout=written,
            stderr=written,
            **_unprivileged(),
        )
    try:
        _wait_until_ready(folder, process, log)
        yield
    finally:
        process.send_signal(SIGINT)
        process.wait(timeout=60)


def _unprivileged() -> dict[str, Any]:
    """How to run a program that refuses to run for root."""
    return {"user": OWNER, "group": OWNER, "extra_groups": ()} if os.geteuid() == 0 else {}


def _wait_until_ready(folder: Path, process: subprocess.Popen, log: Path) -> None:
    until = time.monotonic() + _READY_WITHIN
    while True:
        try:
            psycopg.connect(host=str(folder), user=OWNER).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"PostgreSQL does not start:\n{log.read_text()}")
            time.sleep(0.02)
        else:
            return


def _program(name: str) -> str:
    versions = sorted(Path("/usr/lib/postgresql").glob("*"), key=lambda path: float(path.name))
    found = shutil.which(name, path=str(versions[-1] / "bin")) if versions else shutil.which(name)
    if found is None:
        pytest.fail("PostgreSQL is not installed: run .ci/programs, as make test does")
    return found
