"""Several processes on PostgreSQL and a Chroma server share the work of one that dies."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from processes import Process, server, wait_until, worker
from sqlalchemy import text
from tiny_corpus import write_statements

from eval.endpoint.scripts import silent
from eval.endpoint.server import ScriptedEndpoint
from service.kit.database import Database
from service.settings import load_settings
from service.statements.corpus import Corpus

CLAIM = "The ministry opened school number {number} in 2024."
WITHIN = 120.0


@pytest.fixture
def settings(postgresql_url: str, chroma_url: str, tmp_path: Path) -> dict[str, Any]:
    given = {"database_url": postgresql_url, "chroma_url": chroma_url}
    with Corpus.open(load_settings(data_dir=tmp_path / "first", **given)) as corpus:
        corpus.add([write_statements(tmp_path / "statements")])
    return {
        **given,
        "secret": "the same for all of them",
        "engine": "openai",
        "llm_cache": "false",
        "worker_concurrency": 2,
        "worker_gone_after": 3,
    }


def notes(url: str) -> tuple[int, int]:
    """How many claims have exactly one note, and how many notes there are."""
    database = Database(url)
    try:
        with database.transaction() as session:
            good = session.execute(
                text(
                    "SELECT count(*) FROM claims WHERE state = 'drafted' AND"
                    " (SELECT count(*) FROM notes WHERE notes.claim_id = claims.id) = 1"
                )
            ).scalar_one()
            return good, session.execute(text("SELECT count(*) FROM notes")).scalar_one()
    finally:
        database.close()


def test_the_living_finish_what_one_that_was_killed_had_begun(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    with ScriptedEndpoint(silent, latency=0.5) as endpoint, ExitStack() as opened:
        settings["openai_base_url"] = endpoint.url

        def start(process: Process) -> Process:
            return opened.enter_context(process)

        api = server(tmp_path / "api", "--no-work", **settings)
        start(api)
        api.wait()
        for one in range(3):
            api.submit(*(CLAIM.format(number=1000 * one + other) for other in range(6)))
        first = start(worker(tmp_path / "one", "one", **settings))
        start(worker(tmp_path / "two", "two", **settings))
        wait_until(lambda: endpoint.counted.calls >= 6, "nobody works")
        first.kill()

        wait_until(lambda: api.states() == {"done": 3}, "the other does not finish")

        assert notes(settings["database_url"]) == (18, 18)
        done = endpoint.counted.calls
        assert done <= 18 + 2, "no more is repeated than was in flight"
        start(worker(tmp_path / "three", "three", **settings))
        api.submit(CLAIM.format(number=0))
        wait_until(lambda: api.states() == {"done": 4}, "the third does not work")
        time.sleep(4)
        assert endpoint.counted.calls == done  # the same words: their note is used again


def test_a_second_process_on_sqlite_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with server(folder) as first:
        first.wait()
        second = worker(folder, "second")
        with second:
            assert second.running is not None
            assert second.running.wait(60) == 9
        assert "VERINOTE_DATABASE_URL" in second.log.read_text()
