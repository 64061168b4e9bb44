"""Killed at any moment and started again, the service loses nothing and does nothing twice."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from processes import Server, server
from sqlalchemy import text
from tiny_corpus import write_statements

from eval.endpoint.asked import Asked
from eval.endpoint.server import ScriptedEndpoint
from service.kit.database import Database
from service.settings import load_settings
from service.statements.corpus import Corpus

SOAK = Path(__file__).parents[2] / "docs" / "soak"
CLAIM = "The ministry opened school number {number} in 2024."
SETTINGS = {"engine": "openai", "llm_cache": "false", "worker_concurrency": 3}


@dataclass
class Calls:
    """Which claim was asked for in which life of the service."""

    life: int = 0
    asked: Counter[tuple[int, str]] = field(default_factory=Counter)

    def answer(self, asked: Asked) -> dict[str, Any]:
        """Say nothing of any passage, and remember who asked."""
        self.asked[self.life, asked.parts["claim"].strip()] += 1
        return {"evidence": [], "verdict": "not_enough_evidence", "findings": []}


def numbers(count: int, each: int) -> list[list[str]]:
    return [
        [CLAIM.format(number=1000 * one + other) for other in range(each)] for one in range(count)
    ]


def submitted(served: Server, claims: list[list[str]]) -> list[str]:
    with served.client() as client:
        answers = [client.post("/v1/submissions", json={"claims": one}) for one in claims]
    assert [answer.status_code for answer in answers] == [202] * len(claims)
    return [answer.json()["id"] for answer in answers]


def states(served: Server) -> Counter[str]:
    with served.client() as client:
        items = client.get("/v1/submissions", params={"limit": 200}).json()["items"]
    return Counter(one["state"] for one in items)


def run(folder: Path, *, submissions: int, claims: int, kills: int, seed: int) -> dict[str, Any]:
    """Kill the service again and again until all is done; hold what is left to its promises."""
    chance = random.Random(seed)
    with Corpus.open(load_settings(data_dir=folder)) as corpus:
        corpus.add([write_statements(folder / "statements")])
    calls = Calls()
    killed = 0
    with ScriptedEndpoint(calls.answer, latency=0.5) as endpoint:
        settings = {**SETTINGS, "openai_base_url": endpoint.url}
        made = numbers(submissions, claims)
        began = time.monotonic()
        with server(folder, **settings) as first:
            first.wait()
            submitted(first, made)
            first.kill()
        while killed < kills:
            calls.life += 1
            with server(folder, **settings) as served:
                if chance.random() < 0.2:
                    time.sleep(chance.uniform(0, 3))  # on its way up
                else:
                    served.wait()
                    time.sleep(chance.uniform(0, 2))
                    if not states(served).keys() & {"queued", "running"}:
                        more = numbers(1, claims)
                        more = [[one.replace("2024", f"19{killed:02}") for one in more[0]]]
                        made += more
                        submitted(served, more)
                served.kill()
                killed += 1
        calls.life += 1
        with server(folder, **settings) as last:
            last.wait()
            until = time.monotonic() + 120
            while states(last).keys() & {"queued", "running"} and time.monotonic() < until:
                time.sleep(0.2)
            assert states(last) == {"done": len(made)}
            assert last.stop() == 0
    check(folder, [claim for one in made for claim in one], calls)
    return {
        "seed": seed,
        "submissions": len(made),
        "claims": sum(map(len, made)),
        "kills": killed,
        "calls": sum(calls.asked.values()),
        "seconds": round(time.monotonic() - began, 1),
    }


def check(folder: Path, claims: list[str], calls: Calls) -> None:
    """One note a claim, none missing, told once; no claim asked for twice in one life."""
    database = Database(f"sqlite:///{folder / 'verinote.db'}")
    with database.transaction() as session:
        notes = dict(
            session.execute(
                text(
                    "SELECT claims.text, count(*) FROM claims"
                    " JOIN notes ON notes.claim_id = claims.id"
                    " JOIN note_revisions ON note_revisions.note_id = notes.id"
                    " WHERE notes.id = claims.note_id AND claims.state = 'drafted'"
                    " GROUP BY claims.id"
                )
            ).all()
        )
        told = session.execute(
            text(
                "SELECT json_extract(body, '$.claim_id'), count(*) FROM submission_events"
                " WHERE kind = 'claim' GROUP BY 1"
            )
        ).all()
        strays = session.execute(text("SELECT count(*) FROM notes")).scalar_one() - len(notes)
    assert notes == dict.fromkeys(claims, 1)
    assert [count for _, count in told] == [1] * len(claims)
    assert strays == 0
    assert {claim for _, claim in calls.asked} == set(claims)
    twice = {asked: count for asked, count in calls.asked.items() if count > 1}
    assert twice == {}, "asked for twice in one life"


def test_killed_at_some_moments_every_claim_is_done_once(tmp_path: Path) -> None:
    run(tmp_path / "data", submissions=3, claims=5, kills=4, seed=11)


@pytest.mark.soak
def test_killed_at_40_moments_every_claim_of_10_submissions_is_done_once(tmp_path: Path) -> None:
    result = run(tmp_path / "data", submissions=10, claims=6, kills=40, seed=2024)
    SOAK.mkdir(exist_ok=True)
    (SOAK / "crashes_sqlite.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
