"""PostgreSQL or Chroma away for a while in the middle of a run: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from chroma_server import chroma_server
from postgres import Cluster, cluster_folder, started
from processes import free_port, server
from sqlalchemy import text
from tiny_corpus import write_statements

from eval.endpoint.scripts import silent
from eval.endpoint.server import ScriptedEndpoint
from service.kit.database import Database
from service.settings import load_settings
from service.statements.corpus import Corpus

SOAK = Path(__file__).parents[2] / "docs" / "soak"
CLAIM = "The ministry opened school number {number} in 2024."
WITHIN = 120.0


@dataclass
class Outside:
    """A server that Verinote needs and that can go away."""

    begin: Callable[[], AbstractContextManager[Any]]
    opened: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        self.opened.enter_context(self.begin())

    def stop(self) -> None:
        self.opened.close()


@contextmanager
def outside(folder: Path) -> Iterator[tuple[dict[str, Outside], dict[str, str]]]:
    """Both servers, running, and the settings that name them."""
    port = free_port()
    with cluster_folder() as cluster, ExitStack() as opened:
        servers = {
            "database": Outside(lambda: started(cluster)),
            "vectors": Outside(lambda: chroma_server(folder / "chroma", port)),
        }
        for one in servers.values():
            one.start()
            opened.callback(one.stop)
        with Cluster(cluster).database() as url:
            yield (
                servers,
                {
                    "database_url": url,
                    "chroma_url": f"http://127.0.0.1:{port}",
                    "secret": "the same for all",
                },
            )


@dataclass
class Watch:
    """Asks /readyz again and again, and remembers what it said and when."""

    url: str
    told: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self.over.wait(0.2):
            at = time.monotonic()
            answer = httpx.get(f"{self.url}/readyz", timeout=30)
            told = answer.json()
            assert (answer.status_code == 200) == told["ready"]
            self.told.append((at, told["parts"]))

    def of(self, part: str, begin: float, end: float) -> set[bool]:
        """Whether a part was said to be well in a stretch of time."""
        return {parts[part] == "ok" for at, parts in self.told if begin <= at <= end}


def run(folder: Path, part: str, seconds: float) -> dict[str, Any]:
    """Take one of the servers away in the middle of a run, and give it back."""
    with outside(folder) as (servers, given), ExitStack() as opened:
        with Corpus.open(load_settings(data_dir=folder / "first", **given)) as corpus:
            corpus.add([write_statements(folder / "statements")])
        endpoint = opened.enter_context(ScriptedEndpoint(silent, latency=0.3))
        settings = {
            **given,
            "engine": "openai",
            "openai_base_url": endpoint.url,
            "llm_cache": "false",
            "worker_concurrency": 2,
        }
        served = opened.enter_context(server(folder / "data", **settings))
        served.wait()
        claims = [[CLAIM.format(number=100 * one + n) for n in range(10)] for one in range(3)]
        with served.client() as client:
            for one in claims:
                assert client.post("/v1/submissions", json={"claims": one}).status_code == 202
        watch = opened.enter_context(Watch(served.url))
        while endpoint.counted.calls < 5:
            time.sleep(0.05)

        gone = time.monotonic()
        servers[part].stop()
        away = time.monotonic()
        time.sleep(seconds)
        called = endpoint.counted.calls
        back = time.monotonic()
        servers[part].start()

        until = time.monotonic() + WITHIN
        while True:
            assert time.monotonic() < until, served.log.read_text()[-3000:]
            try:
                if served.states() == {"done": 3}:
                    break
            except (httpx.HTTPError, KeyError, ValueError):
                pass
            time.sleep(0.3)
        done = time.monotonic()
        time.sleep(1)
        assert watch.of(part, away + 0.5, back - 0.5) == {False}, "it was away"
        assert True in watch.of(part, done, time.monotonic()), "it is back"
        assert watch.of("engine", gone, done) == {True}
        database = Database(given["database_url"])
        with database.transaction() as session:
            counted = session.execute(
                text(
                    "SELECT claims.state, count(DISTINCT claims.id), count(notes.id) FROM claims"
                    " LEFT JOIN notes ON notes.claim_id = claims.id GROUP BY claims.state"
                )
            ).all()
        database.close()
        assert [tuple(row) for row in counted] == [("drafted", 30, 30)]
        return {
            "away": part,
            "seconds": seconds,
            "claims": 30,
            "calls": endpoint.counted.calls,
            "calls_before_it_was_back": called,
            "done_after_it_was_back": round(done - back, 1),
        }


@pytest.mark.parametrize("part", ["database", "vectors"])
def test_a_server_that_is_away_for_a_while_costs_time_and_nothing_else(
    tmp_path: Path, part: str
) -> None:
    run(tmp_path, part, 3.0)


@pytest.mark.soak
@pytest.mark.parametrize("part", ["database", "vectors"])
def test_a_server_that_is_away_for_20_seconds_costs_time_and_nothing_else(
    tmp_path: Path, part: str
) -> None:
    result = run(tmp_path, part, 20.0)
    SOAK.mkdir(exist_ok=True)
    (SOAK / f"outage_{part}.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
