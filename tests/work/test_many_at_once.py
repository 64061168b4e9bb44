"""One process keeps many requests to a slow model in flight, and many who submit are all served."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from processes import ADMIN_KEY, Server, server
from tiny_corpus import write_statements

from eval.endpoint.scripts import silent
from eval.endpoint.server import ScriptedEndpoint
from service.settings import load_settings
from service.statements.corpus import Corpus

SOAK = Path(__file__).parents[2] / "docs" / "soak"
CLAIM = "The ministry opened school number {number} in 2024."
WITHIN = 300.0


def filled(folder: Path) -> Path:
    """A data folder with a few statements."""
    with Corpus.open(load_settings(data_dir=folder)) as corpus:
        corpus.add([write_statements(folder / "statements")])
    return folder


def states(served: Server) -> dict[str, int]:
    with served.client() as client:
        text = client.get("/metrics", headers={"Authorization": "Bearer scrape"}).text
    found = {}
    for line in text.splitlines():
        if line.startswith("verinote_submissions{"):
            state, count = line.split('"')[1], line.rsplit(" ", 1)[1]
            found[state] = int(float(count))
    return found


def in_flight(folder: Path, wanted: int, latency: float) -> int:
    """The most requests that one process had in flight at a time."""
    with ScriptedEndpoint(silent, latency=latency) as endpoint:
        settings = {
            "engine": "openai",
            "openai_base_url": endpoint.url,
            "llm_concurrency": wanted,
            "worker_concurrency": wanted,
        }
        with server(filled(folder), **settings) as served:
            served.wait()
            claims = [CLAIM.format(number=number) for number in range(wanted)]
            with served.client() as client:
                assert client.post("/v1/submissions", json={"claims": claims}).status_code == 202
            most, until = 0, time.monotonic() + WITHIN
            while endpoint.counted.answered < wanted:
                assert time.monotonic() < until
                most = max(most, endpoint.counted.calls - endpoint.counted.answered)
                time.sleep(0.02)
            return most


def test_one_process_keeps_30_requests_in_flight(tmp_path: Path) -> None:
    assert in_flight(tmp_path / "data", 30, latency=5.0) == 30


@pytest.mark.soak
def test_one_process_keeps_100_requests_of_10_seconds_in_flight(tmp_path: Path) -> None:
    most = in_flight(tmp_path / "data", 100, latency=10.0)
    SOAK.mkdir(exist_ok=True)
    result = {"latency": 10.0, "claims": 100, "most_in_flight": most}
    (SOAK / "in_flight.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    assert most == 100


def posted_at_once(folder: Path, count: int, connections: int) -> dict[str, Any]:
    """Post many submissions at once, read a note all the while, and wait for the end of all."""
    settings = {"metrics_token": "scrape"}
    with server(filled(folder), **settings) as served:
        served.wait()
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        limits = httpx.Limits(max_connections=connections)
        client = httpx.Client(base_url=served.url, headers=headers, limits=limits, timeout=120)
        first = client.post("/v1/submissions", json={"claims": [CLAIM.format(number="one")]})
        note = _note_of(client, first.json()["id"])

        def post(number: int) -> int:
            body = {"claims": [CLAIM.format(number=number)]}
            return client.post("/v1/submissions", json=body).status_code

        began = time.monotonic()
        with ThreadPoolExecutor(connections) as pool:
            answers = [pool.submit(post, number) for number in range(count)]
            took: list[float] = []
            while not all(answer.done() for answer in answers) or len(took) < 100:
                at = time.monotonic()
                assert client.get(f"/v1/notes/{note}").status_code == 200
                took.append(time.monotonic() - at)
            statuses = [answer.result() for answer in answers]
        accepted = statuses.count(202)
        until = time.monotonic() + WITHIN
        while (counted := states(served)).get("done", 0) < accepted + 1:
            assert time.monotonic() < until, counted
            assert counted.get("failed", 0) == 0
            time.sleep(0.5)
        client.close()
        took.sort()
        return {
            "submissions": count,
            "connections": connections,
            "accepted": accepted,
            "told_429": statuses.count(429),
            "others": len(statuses) - accepted - statuses.count(429),
            "seconds": round(time.monotonic() - began, 1),
            "reads_of_a_note": len(took),
            "p50_ms": round(1000 * took[len(took) // 2], 1),
            "p95_ms": round(1000 * took[int(len(took) * 0.95)], 1),
        }


def _note_of(client: httpx.Client, submission_id: str) -> str:
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        (claim,) = client.get(f"/v1/submissions/{submission_id}").json()["claims"] or [{}]
        if claim.get("note_id"):
            return str(claim["note_id"])
        time.sleep(0.1)
    raise AssertionError("the first submission does not end")


def test_60_submissions_at_once_from_20_connections_are_all_done(tmp_path: Path) -> None:
    result = posted_at_once(tmp_path / "data", 60, 20)
    assert result["others"] == 0
    assert result["accepted"] == 60


@pytest.mark.soak
def test_500_submissions_at_once_from_50_connections_are_all_done(tmp_path: Path) -> None:
    result = posted_at_once(tmp_path / "data", 500, 50)
    SOAK.mkdir(exist_ok=True)
    (SOAK / "posted_at_once.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    assert result["others"] == 0
