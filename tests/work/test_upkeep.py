"""What is due is done: work that never reached the queue, old texts, feeds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from desks import Served, served, settings_for
from processes import wait_until
from servers import Quiet, serving
from sqlalchemy import update
from tiny_corpus import LOAN

from service.audit.trail import Actor, Trail
from service.kit.database import utc_now
from service.kit.ids import new_id
from service.statements.intake import Upload
from service.submissions import inbox
from service.submissions.intake import read_claims
from service.submissions.tables import SubmissionRow
from service.work import erasure, upkeep, uploads


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Served]:
    changed = {"keep_days": 30, "fetch_allow_private": True, "feed_pause": 0.0}
    with served(settings_for(tmp_path_factory.mktemp("desk"), **changed)) as opened:
        yield opened


def set_back(desk: Served, submission_id: str, **moments: timedelta) -> None:
    values = {name: utc_now() - ago for name, ago in moments.items()}
    with desk.desk.transaction() as session:
        session.execute(
            update(SubmissionRow).where(SubmissionRow.id == submission_id).values(**values)
        )


def accepted(desk: Served) -> str:
    """A submission that was accepted right before a crash: nobody told the queue."""
    submission = replace(read_claims([LOAN], desk.desk.settings), id=new_id())
    with desk.desk.transaction() as session:
        inbox.accept(session, submission, user="admin")
    return submission.id


def test_what_was_accepted_and_never_queued_is_found_and_done(desk: Served) -> None:
    id_ = accepted(desk)
    set_back(desk, id_, created_at=timedelta(minutes=1))
    desk.run(upkeep.sweep(desk.desk.work))
    assert desk.wait(id_)["state"] == "done"


def test_what_came_just_now_is_left_to_who_took_it(desk: Served) -> None:
    id_ = accepted(desk)
    desk.run(upkeep.sweep(desk.desk.work))
    with desk.client() as client:
        assert client.get(f"/v1/submissions/{id_}").json()["state"] == "queued"
        assert client.post(f"/v1/submissions/{id_}/cancel").status_code == 200


def sent(desk: Served, id_: str) -> str:
    """An upload that was accepted right before a crash, a minute ago."""
    content = json.dumps({"id": id_, "text": LOAN}).encode()
    given = uploads.Sent.of([Upload(f"{id_}.jsonl", content)])
    with desk.desk.transaction() as session:
        upload_id = uploads.accept(session, given, Actor("admin", "0" * 12))
        uploads.row_of(session, upload_id).created_at -= timedelta(minutes=1)
    return upload_id


def state_of(desk: Served, upload_id: str) -> dict[str, Any]:
    with desk.client() as client:
        answer = client.get(f"/v1/statements/uploads/{upload_id}")
    shown: dict[str, Any] = answer.json()
    return shown


def test_an_upload_that_was_accepted_and_never_queued_is_found_and_added(desk: Served) -> None:
    id_ = sent(desk, "swept")
    assert state_of(desk, id_)["state"] == "queued"
    desk.run(upkeep.sweep(desk.desk.work))
    wait_until(lambda: state_of(desk, id_)["state"] == "done", "it does not come about")
    with desk.client() as client:
        assert client.get("/v1/statements/swept").status_code == 200


def test_an_upload_whose_work_ended_by_an_error_of_ours_ends_and_says_so(
    desk: Served, monkeypatch
) -> None:
    work = desk.desk.work

    async def broken(upload_id: str) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(type(work), "do_upload", lambda _, upload_id: broken(upload_id))
        id_ = sent(desk, "broken")
        desk.run(upkeep.sweep(work))
        workflow = uploads.workflow_of(id_)
        wait_until(
            lambda: desk.run(work.states([workflow])) == {workflow: "ERROR"},
            "it does not come about",
        )

    desk.run(upkeep.sweep(work))

    shown = state_of(desk, id_)
    assert (shown["state"], shown["error"]) == ("failed", uploads.ENDED)


def test_an_upload_that_ends_by_an_error_of_ours_ends_at_once(desk: Served, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(Trail, "record", broken)
        id_ = sent(desk, "unrecorded")
        desk.run(upkeep.sweep(desk.desk.work))
        wait_until(lambda: state_of(desk, id_)["state"] == "failed", "it does not come about")
    with desk.client() as client:
        assert client.get("/v1/statements/unrecorded").status_code == 404


def test_uploads_that_ended_long_ago_are_forgotten(desk: Served) -> None:
    old, new = sent(desk, "old"), sent(desk, "new")
    desk.run(upkeep.sweep(desk.desk.work))
    wait_until(
        lambda: {state_of(desk, id_)["state"] for id_ in (old, new)} == {"done"},
        "it does not come about",
    )
    with desk.desk.transaction() as session:
        uploads.row_of(session, old).finished_at -= uploads.KEPT

    desk.run(upkeep.forget_uploads(desk.desk.work))

    with desk.client() as client:
        for id_, status in ((old, 404), (new, 200)):
            assert client.get(f"/v1/statements/uploads/{id_}").status_code == status
        assert client.get("/v1/statements/old").status_code == 200
    workflows = [uploads.workflow_of(id_) for id_ in (old, new)]
    wait_until(
        lambda: desk.run(desk.desk.work.states(workflows)) == {workflows[1]: "SUCCESS"},
        "it does not come about",
    )


def test_only_what_ended_long_ago_is_erased(desk: Served) -> None:
    old, new = desk.submit(claims=[LOAN]), desk.submit(claims=[LOAN])
    set_back(desk, old, finished_at=timedelta(days=31))
    set_back(desk, new, finished_at=timedelta(days=29))
    desk.run(upkeep.erase_old(desk.desk.work))
    with desk.client() as client:
        wait_until(
            lambda: client.get(f"/v1/submissions/{old}").status_code == 404,
            "it does not come about",
        )
        assert client.get(f"/v1/submissions/{new}").status_code == 200
        told = client.get("/v1/audit", params={"subject": f"submission:{old}"}).json()["items"]
    assert told[-1]["action"] == "submission.expire"
    assert told[-1]["user"] is None


def test_what_is_published_is_not_erased(desk: Served) -> None:
    old, public = desk.submit(claims=[LOAN]), desk.submit(claims=[LOAN])
    with desk.client() as client:
        (claim,) = client.get(f"/v1/submissions/{public}").json()["claims"]
        for decision in ("approve", "publish"):
            told = {"decision": decision, "revision": 1}
            client.post(f"/v1/notes/{claim['note_id']}/decisions", json=told).raise_for_status()
        for id_ in (public, old):
            set_back(desk, id_, finished_at=timedelta(days=40))
        with desk.desk.transaction() as session:
            assert erasure.expired(session, utc_now() - timedelta(days=30), 100) == [old]


def test_feeds_that_are_due_are_read(desk: Served) -> None:
    text = "The ministry of fisheries of Oulu banned trawling within 12 miles on 3 March 2025."
    feed = (
        "<rss version='2.0'><channel><title>News</title><item><title>Trawling</title>"
        "<link>/trawling</link><pubDate>Mon, 03 Mar 2025 10:00:00 GMT</pubDate></item>"
        "</channel></rss>"
    )

    class Ministry(Quiet):
        def do_GET(self) -> None:
            if self.path == "/feed":
                self.answer(feed.encode(), "application/rss+xml")
            elif self.path == "/trawling":
                page = f"<html><body><article><p>{text}</p></article></body></html>"
                self.answer(page.encode(), "text/html; charset=utf-8")
            else:
                self.answer(b"", "text/plain", 404)

    with serving(Ministry) as port, desk.client() as client:
        url = f"http://127.0.0.1:{port}/feed"
        file = desk.desk.settings.data_dir / upkeep.FEEDS
        file.write_text(f'[[feed]]\nurl = "{url}"\nissuer = "Ministry of Fisheries"\n')

        desk.run(upkeep.read_feeds(desk.desk.work))

        def found() -> bool:
            hits = client.get("/v1/statements/search", params={"q": "trawling ban Oulu"}).json()
            return any(hit["statement"]["issuer"] == "Ministry of Fisheries" for hit in hits)

        wait_until(found, "it does not come about")
        told = client.get("/v1/audit", params={"limit": 200}).json()["items"]
    assert [(one["action"], one["user"]) for one in told if one["origin"] is None][-1] == (
        "statement.add",
        None,
    )


def test_a_claim_whose_work_ended_by_an_error_of_ours_ends_and_can_be_tried_again(
    desk: Served, monkeypatch
) -> None:
    work = desk.desk.work

    async def broken(claim_id: str) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(type(work), "do_claim", lambda _, claim_id: broken(claim_id))
        with desk.client("submitter") as client:
            body = {"claims": ["A claim that meets a bug."]}
            id_ = client.post("/v1/submissions", json=body).json()["id"]

            def ended() -> bool:
                claims = client.get(f"/v1/submissions/{id_}").json()["claims"]
                return bool(claims) and desk.run(work.states([claims[0]["id"]])) == {
                    claims[0]["id"]: "ERROR"
                }

            wait_until(ended, "it does not come about")
    set_back(desk, id_, created_at=timedelta(minutes=1))

    desk.run(upkeep.sweep(work))

    shown = desk.wait(id_)
    assert shown["state"] == "failed"
    assert "error of ours" in shown["claims"][0]["error"]
    with desk.client("submitter") as client:
        assert client.post(f"/v1/submissions/{id_}/retry").status_code == 202
    assert desk.wait(id_)["state"] == "done"
