"""What those who run the service see of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from asking import body_of, problem
from desks import Served, served, settings_for
from pydantic import SecretStr
from tiny_corpus import BOMBERS, LOAN

from service.app import create_app
from service.audit.tables import EntryRow


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Served]:
    settings = settings_for(tmp_path_factory.mktemp("desk"), metrics_token=SecretStr("scrape"))
    with served(settings) as opened:
        yield opened


def test_a_desk_that_can_work_says_so(desk: Served) -> None:
    with desk.client(None) as client:
        told = body_of(client.get("/readyz"), 200)
    assert told == {
        "ready": True,
        "parts": {"database": "ok", "vectors": "ok", "engine": "ok", "queue": "ok"},
    }


def test_the_metrics_ask_for_their_token_and_count_claims(desk: Served) -> None:
    desk.submit(claims=[LOAN, BOMBERS])
    with desk.client(None) as client:
        assert problem(client.get("/metrics"), 401) == "not-allowed"
        wrong = client.get("/metrics", headers={"Authorization": "Bearer Scrape"})
        assert problem(wrong, 401) == "not-allowed"
        answer = client.get("/metrics", headers={"Authorization": "Bearer scrape"})
    assert answer.status_code == 200
    lines = answer.text.splitlines()
    assert 'verinote_claims{state="queued"} 0.0' in lines
    assert 'verinote_claims{state="drafted"} 2.0' in lines
    assert 'verinote_submissions{state="done"} 1.0' in lines
    assert any(line.startswith("verinote_step_seconds_count") for line in lines)


def test_the_metrics_count_uploads_and_evaluations(desk: Served) -> None:
    claim = {"id": "c1", "claim": BOMBERS, "verdict": "supported"}
    desk.evaluate(claims=[claim], engine="local")
    with desk.client("reviewer") as client:
        given = {"files": ("one.txt", b"The council met on 3 May 2024 and approved the plan.")}
        later = {"Prefer": "respond-async"}
        accepted = client.post("/v1/statements/files", files=given, headers=later)
        assert accepted.status_code == 202, accepted.text
        lines = client.get("/metrics", headers={"Authorization": "Bearer scrape"}).text.splitlines()

    assert 'verinote_evaluations{state="done"} 1.0' in lines
    assert 'verinote_evaluations{state="failed"} 0.0' in lines
    counted = [line for line in lines if line.startswith("verinote_uploads{")]
    assert sum(float(line.split()[-1]) for line in counted) == 1


def test_an_answer_bears_the_id_that_the_log_has(desk: Served) -> None:
    with desk.client() as client:
        ids = {client.get("/v1/notes").headers["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3


def test_what_is_not_there_is_a_problem_too(desk: Served) -> None:
    with desk.client() as client:
        assert problem(client.get("/v1/nothing"), 404) == "not-found"
        answer = client.put("/v1/notes")
        assert problem(answer, 405) == "method-not-allowed"
        assert answer.headers["Allow"]


def test_every_route_says_in_openapi_what_it_gives_and_how_it_fails(desk: Served) -> None:
    document = create_app(desk.desk).openapi()
    for path, methods in document["paths"].items():
        for route in methods.values():
            good = [status for status in route["responses"] if status.startswith("2")]
            assert good, path
            if path.startswith("/v1"):
                assert "401" in route["responses"], path
                content = route["responses"]["401"]["content"]
                assert "application/problem+json" in content, path
    json.dumps(document)


def test_the_audit_names_who_did_what_and_shows_that_nothing_was_changed(desk: Served) -> None:
    id_ = desk.submit(claims=["Nobody has ever claimed this before."])
    with desk.client() as client:
        page = body_of(client.get("/v1/audit", params={"subject": f"submission:{id_}"}), 200)
        verified = body_of(client.get("/v1/audit/verification"), 200)
    (entry,) = page["items"]
    assert (entry["user"], entry["action"]) == ("a.submitter", "submission.accept")
    assert entry["origin"] == "127.0.0.1"
    assert (verified["whole"], verified["broken"]) == (True, None)
    assert verified["head"]["number"] >= entry["number"]


def test_an_entry_that_was_changed_is_named(desk: Served) -> None:
    def move(days: int) -> None:
        with desk.desk.transaction() as session:
            second = session.get_one(EntryRow, 2)
            second.at += timedelta(days=days)

    with desk.client() as client:
        move(1)
        verified = body_of(client.get("/v1/audit/verification"), 200)
        move(-1)
        assert body_of(client.get("/v1/audit/verification"), 200)["whole"]
    assert not verified["whole"]
    assert verified["broken"]["number"] == 2
    assert "not what was sealed" in verified["broken"]["reason"]


def test_no_word_of_a_submission_is_logged(desk: Served, caplog) -> None:
    with caplog.at_level(logging.INFO):
        desk.submit(text="Minister Zubrowka sold 4,711 frigates to Peru in 2024.")
    assert "Zubrowka" not in caplog.text
