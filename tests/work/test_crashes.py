"""Killed at any moment and started again, the service loses nothing and does nothing twice."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from processes import Process, server, worker
from sqlalchemy import select, text
from tiny_corpus import write_statements

from eval.endpoint.asked import Asked
from eval.endpoint.server import ScriptedEndpoint
from service.kit.database import Database
from service.settings import load_settings
from service.statements.corpus import Corpus
from service.submissions.tables import EventRow

SOAK = Path(__file__).parents[2] / "docs" / "soak"
CLAIM = "The ministry opened school number {number} in 2024."
SETTINGS = {"engine": "openai", "llm_cache": "false", "worker_concurrency": 3}


@dataclass
class Calls:
    """Which claim was asked for in which life of the service; each answer takes a while."""

    latency: float
    life: int = 0
    asked: Counter[tuple[int, str]] = field(default_factory=Counter)

    def answer(self, asked: Asked) -> dict[str, Any]:
        """Say nothing of any passage, and remember who asked."""
        self.asked[self.life, asked.parts["claim"].strip()] += 1
        time.sleep(self.latency)
        return {"evidence": [], "verdict": "not_enough_evidence", "findings": []}


def numbers(submissions: int, each: int) -> list[list[str]]:
    return [
        [CLAIM.format(number=1000 * one + other) for other in range(each)]
        for one in range(submissions)
    ]


def run(folder: Path, *, submissions: int, claims: int, kills: int, seed: int) -> dict[str, Any]:
    """Kill the service again and again until all is done; hold what is left to its promises."""
    chance = random.Random(seed)
    with Corpus.open(load_settings(data_dir=folder)) as corpus:
        corpus.add([write_statements(folder / "statements")])
    calls = Calls(latency=0.5)
    killed = 0
    with ScriptedEndpoint(calls.answer) as endpoint:
        settings = {**SETTINGS, "openai_base_url": endpoint.url}
        made = numbers(submissions, claims)
        began = time.monotonic()
        with server(folder, **settings) as first:
            first.wait()
            for claims_ in made:
                first.submit(*claims_)
            first.kill()
        while killed < kills:
            calls.life += 1
            with server(folder, **settings) as served:
                if chance.random() < 0.2:
                    time.sleep(chance.uniform(0, 3))  # on its way up
                else:
                    served.wait()
                    time.sleep(chance.uniform(0, 2))
                    if not served.states().keys() & {"queued", "running"}:
                        more = numbers(1, claims)[0]
                        made.append([one.replace("2024", f"19{killed:02}") for one in more])
                        served.submit(*made[-1])
                served.kill()
                killed += 1
        calls.life += 1
        with server(folder, **settings) as last:
            last.wait()
            until = time.monotonic() + 120
            while last.states().keys() & {"queued", "running"} and time.monotonic() < until:
                time.sleep(0.2)
            assert last.states() == {"done": len(made)}
            assert last.stop() == 0
    url = f"sqlite:///{folder / 'verinote.db'}"
    check(url, [claim for one in made for claim in one], calls)
    return {
        "seed": seed,
        "submissions": len(made),
        "claims": sum(map(len, made)),
        "kills": killed,
        "calls": sum(calls.asked.values()),
        "seconds": round(time.monotonic() - began, 1),
    }


def run_two(
    folder: Path, given: dict[str, Any], *, submissions: int, claims: int, kills: int, seed: int
) -> dict[str, Any]:
    """Kill one of two workers again and again, and start another in its place."""
    chance = random.Random(seed)
    with Corpus.open(load_settings(data_dir=folder / "first", **given)) as corpus:
        corpus.add([write_statements(folder / "statements")])
    calls = Calls(latency=1.0)
    with ScriptedEndpoint(calls.answer) as endpoint, ExitStack() as opened:
        settings = {
            **SETTINGS,
            **given,
            "openai_base_url": endpoint.url,
            "worker_gone_after": 3,
            "worker_concurrency": 2,
        }
        api = opened.enter_context(server(folder / "api", "--no-work", **settings))
        api.wait()
        made = numbers(submissions, claims)
        began = time.monotonic()
        for claims_ in made:
            api.submit(*claims_)
        names = count()

        def start() -> Process:
            name = f"worker{next(names)}"
            return opened.enter_context(worker(folder / name, name, **settings))

        workers = [start(), start()]
        for killed in range(kills):
            time.sleep(chance.uniform(0.5, 7))
            if not api.states().keys() & {"queued", "running"}:
                more = numbers(1, claims)[0]
                made.append([one.replace("2024", f"19{killed:02}") for one in more])
                api.submit(*made[-1])
            which = chance.randrange(2)
            workers[which].kill()
            calls.life += 1
            workers[which] = start()
        until = time.monotonic() + 180
        while api.states() != {"done": len(made)}:
            assert time.monotonic() < until, api.states()
            time.sleep(0.3)
        assert [one.stop() for one in (*workers, api)] == [0, 0, 0]
    check(given["database_url"], [claim for one in made for claim in one], calls)
    return {
        "seed": seed,
        "workers": 2,
        "submissions": len(made),
        "claims": sum(map(len, made)),
        "kills": kills,
        "calls": sum(calls.asked.values()),
        "seconds": round(time.monotonic() - began, 1),
    }


def check(url: str, claims: list[str], calls: Calls) -> None:
    """One note a claim, none missing, told once; no claim asked for twice in one life."""
    database = Database(url)
    with database.transaction() as session:
        notes = dict(
            session.execute(
                text(
                    "SELECT max(claims.text), count(*) FROM claims"
                    " JOIN notes ON notes.claim_id = claims.id"
                    " JOIN note_revisions ON note_revisions.note_id = notes.id"
                    " WHERE notes.id = claims.note_id AND claims.state = 'drafted'"
                    " GROUP BY claims.id"
                )
            ).all()
        )
        told = Counter(
            body["claim_id"]
            for body in session.scalars(select(EventRow.body).where(EventRow.kind == "claim"))
        )
        strays = session.execute(text("SELECT count(*) FROM notes")).scalar_one() - len(notes)
    assert notes == dict.fromkeys(claims, 1)
    database.close()
    assert list(told.values()) == [1] * len(claims)
    assert strays == 0
    assert {claim for _, claim in calls.asked} == set(claims)
    twice = {asked: count for asked, count in calls.asked.items() if count > 1}
    assert twice == {}, "asked for twice in one life"


def test_killed_at_some_moments_every_claim_is_done_once(tmp_path: Path) -> None:
    run(tmp_path / "data", submissions=2, claims=5, kills=3, seed=11)


@pytest.mark.soak
def test_killed_at_40_moments_every_claim_of_10_submissions_is_done_once(tmp_path: Path) -> None:
    result = run(tmp_path / "data", submissions=10, claims=6, kills=40, seed=2024)
    SOAK.mkdir(exist_ok=True)
    (SOAK / "crashes_sqlite.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")


@pytest.fixture
def servers(postgresql_url: str, chroma_url: str) -> dict[str, Any]:
    return {
        "database_url": postgresql_url,
        "chroma_url": chroma_url,
        "secret": "the same for all of them",
    }


def test_with_two_workers_killed_in_turns_every_claim_is_done_once(
    tmp_path: Path, servers: dict[str, Any]
) -> None:
    run_two(tmp_path, servers, submissions=2, claims=4, kills=2, seed=5)


@pytest.mark.soak
def test_with_two_workers_killed_20_times_every_claim_is_done_once(
    tmp_path: Path, servers: dict[str, Any]
) -> None:
    result = run_two(tmp_path, servers, submissions=10, claims=6, kills=20, seed=2025)
    SOAK.mkdir(exist_ok=True)
    (SOAK / "crashes_postgresql.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
