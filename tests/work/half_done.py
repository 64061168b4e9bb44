"""Makes ``half_done.tar.gz``: the data of a service that was killed in the middle of its work.

Run this file with ``tests`` in PYTHONPATH, at a revision whose work the next ones have to go on
with. The archive holds SQLite's two files and the secret; vectors are made again.
"""

from __future__ import annotations

import shutil
import socket
import sqlite3
import tarfile
import time
from contextlib import closing
from pathlib import Path

from processes import server
from tiny_corpus import write_statements

from eval.endpoint.scripts import silent
from eval.endpoint.server import ScriptedEndpoint
from service.settings import load_settings
from service.statements.corpus import Corpus

ARCHIVE = Path(__file__).with_name("half_done.tar.gz")
CLAIMS = [f"The ministry opened school number {number} in 2024." for number in range(6)]
_FOLDER = Path("/tmp/verinote-half-done")  # noqa: S108  its name is in the archive


def make() -> None:
    """Let a service do two claims of six, and kill it."""
    shutil.rmtree(_FOLDER, ignore_errors=True)
    with Corpus.open(load_settings(data_dir=_FOLDER)) as corpus:
        corpus.add([write_statements(_FOLDER / "statements")])
    with ScriptedEndpoint(silent, latency=1.0) as endpoint:
        settings = {"openai_base_url": endpoint.url, "engine": "openai", "worker_concurrency": 1}
        with server(_FOLDER, **settings) as served, served.client() as client:
            served.wait()
            client.post("/v1/submissions", json={"claims": CLAIMS}).raise_for_status()
            while endpoint.counted.answered < 2:
                time.sleep(0.05)
            time.sleep(0.5)
            served.kill()
    _forget_host()
    with tarfile.open(ARCHIVE, "w:gz") as archive:
        for name in ("verinote.db", "verinote.db-wal", "work.db", "work.db-wal", "secret"):
            if (_FOLDER / name).exists():
                archive.add(_FOLDER / name, name)
    shutil.rmtree(_FOLDER)


def _forget_host() -> None:
    """Take the name of the machine out of the names of workers."""
    for file, table, column in (
        ("verinote.db", "workers", "id"),
        ("work.db", "workflow_status", "executor_id"),
    ):
        with closing(sqlite3.connect(_FOLDER / file)) as database:
            database.execute("PRAGMA secure_delete=ON")
            change = f"UPDATE {table} SET {column} = replace({column}, ?, 'host')"  # noqa: S608
            database.execute(change, (socket.gethostname(),))
            database.commit()
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


if __name__ == "__main__":
    make()
