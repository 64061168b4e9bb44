"""Uploads that are too large to wait for: accepted at once, added behind, asked for later."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from asking import body_of, problem
from desks import WITHIN, Served, database_of, served, settings_for
from servers import Quiet, serving
from sqlalchemy import func, select

from service.app import create_app
from service.audit.trail import entries
from service.work import uploads
from service.work.tables import UploadSourceRow

LATER = {"Prefer": "respond-async"}
_NUMBERS = count(1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(request, tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    changed = {"requests_per_minute": 0, "fetch_allow_private": True}
    with (
        database_of(request.param, request) as database,
        served(settings_for(folder, **changed, **database)) as opened,
    ):
        yield opened


def text(about: str) -> str:
    return f"The council of the town decided on Tuesday to build {about} on the hill."


def statement(**changed: Any) -> dict[str, Any]:
    id_ = f"U{next(_NUMBERS)}"
    return {"id": id_, "issuer": "A council", "title": f"On {id_}", "text": text(id_)} | changed


def jsonl(statements: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in statements)


def files(*contents: bytes, name: str = "all.jsonl") -> list[Any]:
    return [("files", (name, content, "application/octet-stream")) for content in contents]


def accepted(answer: httpx.Response) -> str:
    """The address of an upload that was accepted."""
    told = body_of(answer, 202)
    assert told["state"] == "queued"
    location = answer.headers["Location"]
    assert location == f"/v1/statements/uploads/{told['id']}"
    return location


def ended(client: httpx.Client, location: str) -> dict[str, Any]:
    """An upload that has ended, with all its results; what it tells on the way adds up."""
    until = time.monotonic() + WITHIN
    before = 0
    while True:
        shown = body_of(client.get(location), 200)
        progress = shown["progress"]
        stored = progress["sources_done"] + progress["sources_failed"]
        assert before <= stored <= progress["sources_total"]
        before = stored
        if shown["state"] not in {"queued", "running"}:
            break
        assert shown["finished_at"] is None
        assert time.monotonic() < until, shown
        time.sleep(0.05)
    assert stored == progress["sources_total"]
    return {**shown, "results": everything(client, location)}


def everything(client: httpx.Client, location: str, limit: int = 200) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    params: dict[str, object] = {"limit": limit}
    while True:
        page = body_of(client.get(location, params=params), 200)["results"]
        found += page["items"]
        if page["next"] is None:
            return found
        params["cursor"] = page["next"]


def told(desk: Served, statement_id: str) -> list[tuple[str, str | None, str | None, str | None]]:
    with desk.desk.transaction() as session:
        found = entries(session, after=0, limit=100, subject=f"statement:{statement_id}")
    return [(one.action, one.actor.user, one.actor.key_id, one.actor.origin) for one in found]


# What is large.


def test_what_is_small_is_answered_at_once(reviewer) -> None:
    body = {"statements": [statement() for _ in range(2)]}
    results = body_of(reviewer.post("/v1/statements", json=body), 201)["results"]
    assert [one["outcome"] for one in results] == ["added", "added"]
    answer = reviewer.post("/v1/statements/files", files=files(jsonl([statement()])))
    assert body_of(answer, 201)["results"][0]["name"] == "all.jsonl: line 1"


@pytest.mark.parametrize(
    "prefer", ["respond-async", "Respond-Async, wait=10", "handling=lenient,respond-async;foo=1"]
)
def test_what_is_small_is_a_job_where_the_sender_does_not_want_to_wait(
    reviewer, prefer: str
) -> None:
    given = statement()
    answer = reviewer.post(
        "/v1/statements", json={"statements": [given]}, headers={"Prefer": prefer}
    )
    assert answer.headers["Preference-Applied"] == "respond-async"
    shown = ended(reviewer, accepted(answer))
    assert shown["state"] == "done"
    assert shown["results"] == [
        {
            "name": given["id"],
            "outcome": "added",
            "statement_id": given["id"],
            "version": 1,
            "reason": None,
        }
    ]


@pytest.mark.parametrize("prefer", ["", "wait=10", "respond-asynchronously", ", ;"])
def test_another_preference_is_none(reviewer, prefer: str) -> None:
    body = {"statements": [statement()]}
    body_of(reviewer.post("/v1/statements", json=body, headers={"Prefer": prefer}), 201)


def test_more_statements_than_can_be_waited_for_are_a_job(reviewer) -> None:
    many = [statement() for _ in range(uploads.MOST_AT_ONCE + 1)]
    for answer in (
        reviewer.post("/v1/statements", json={"statements": many}),
        reviewer.post("/v1/statements/files", files=files(jsonl(many))),
    ):
        assert "Preference-Applied" not in answer.headers
        shown = ended(reviewer, accepted(answer))
        assert shown["progress"]["sources_total"] == len(many)
        assert len(shown["results"]) == len(many)


def test_more_bytes_than_can_be_waited_for_are_a_job(reviewer) -> None:
    given = statement()
    line = jsonl([given]) + b" " * uploads.MOST_BYTES_AT_ONCE
    shown = ended(reviewer, accepted(reviewer.post("/v1/statements/files", files=files(line))))
    assert [one["statement_id"] for one in shown["results"]] == [given["id"]]


# What becomes of it.


def test_every_source_has_its_outcome_and_who_sent_it_stands_in_the_trail(
    desk: Served, reviewer
) -> None:
    old, gone = statement(), statement()
    body_of(reviewer.post("/v1/statements", json={"statements": [old, gone]}), 201)
    body_of(reviewer.delete(f"/v1/statements/{gone['id']}"), 200)
    new, newer = statement(), old | {"text": text("a tower")}
    lines = jsonl([new, old, newer, gone]) + b"no JSON\n"
    answer = reviewer.post(
        "/v1/statements/files",
        files=[
            *files(lines),
            *files(b"\x00\x01binary", name="x.txt"),
            *files(text("a mill").encode(), name="mill.txt"),
        ],
        headers=LATER,
    )

    shown = ended(reviewer, accepted(answer))

    assert (shown["state"], shown["error"]) == ("done", None)
    assert shown["uploaded_by"] == "a.reviewer"
    assert shown["progress"] == {"sources_total": 7, "sources_done": 4, "sources_failed": 3}
    assert [(one["name"], one["outcome"], one["version"]) for one in shown["results"]] == [
        ("all.jsonl: line 1", "added", 1),
        ("all.jsonl: line 2", "unchanged", 1),
        ("all.jsonl: line 3", "failed", None),
        ("all.jsonl: line 4", "skipped", None),
        ("all.jsonl: line 5", "failed", None),
        ("x.txt", "failed", None),
        ("mill.txt", "added", 1),
    ]
    assert shown["results"][2]["reason"].startswith("has the same id as all.jsonl: line 2")
    revision = body_of(reviewer.get(f"/v1/statements/{new['id']}"), 200)["corpus_revision"]
    assert shown["corpus_revision"] >= revision
    ((action, user, key_id, origin),) = told(desk, new["id"])
    assert (action, user, origin) == ("statement.add", "a.reviewer", "127.0.0.1")
    assert key_id == desk.keys["reviewer"].split("_")[1]
    hits = body_of(reviewer.get("/v1/statements/search", params={"q": text(new["id"])}), 200)
    assert new["id"] in {hit["statement"]["statement_id"] for hit in hits}


def test_the_same_again_changes_nothing(desk: Served, reviewer) -> None:
    content = jsonl([statement() for _ in range(5)])
    outcomes = []
    for _ in range(2):
        answer = reviewer.post("/v1/statements/files", files=files(content), headers=LATER)
        outcomes.append(ended(reviewer, accepted(answer)))
    first, again = ([one["outcome"] for one in shown["results"]] for shown in outcomes)
    assert (first, again) == (["added"] * 5, ["unchanged"] * 5)
    assert outcomes[0]["corpus_revision"] == outcomes[1]["corpus_revision"]
    for one in outcomes[1]["results"]:
        assert len(told(desk, one["statement_id"])) == 1


def test_an_address_counts_for_what_it_turns_out_to_hold(reviewer) -> None:
    lines = jsonl([{"text": text(f"bridge {next(_NUMBERS)}")} for _ in range(3)])

    class Host(Quiet):
        def do_GET(self) -> None:
            found = self.path.startswith("/list")
            kind = "application/x-ndjson" if found else "text/plain"
            self.answer(lines if found else b"", kind, 200 if found else 404)

    with serving(Host) as port:
        url = f"http://127.0.0.1:{port}"
        given = [{"url": f"{url}{path}"} for path in ("/list", "/none", "/list")]
        answer = reviewer.post("/v1/statements", json={"statements": given}, headers=LATER)
        shown = ended(reviewer, accepted(answer))

    assert shown["progress"] == {"sources_total": 4, "sources_done": 3, "sources_failed": 1}
    assert [one["outcome"] for one in shown["results"]] == ["added"] * 3 + ["failed"]
    assert shown["results"][-1]["name"] == f"{url}/none"
    assert "404" in shown["results"][-1]["reason"]


def test_an_upload_of_which_everything_failed_has_failed(reviewer) -> None:
    answer = reviewer.post("/v1/statements/files", files=files(b"{}\n{}\n"), headers=LATER)
    shown = ended(reviewer, accepted(answer))
    assert (shown["state"], shown["error"]) == ("failed", "every source failed")
    assert [one["outcome"] for one in shown["results"]] == ["failed", "failed"]


def test_a_file_without_a_statement_is_done_with_nothing(reviewer) -> None:
    answer = reviewer.post("/v1/statements/files", files=files(b"\n \n"), headers=LATER)
    shown = ended(reviewer, accepted(answer))
    assert (shown["state"], shown["results"]) == ("done", [])
    assert shown["progress"]["sources_total"] == 0


@pytest.mark.parametrize("name", [b"a\x00b.jsonl", b"\xff.jsonl", b"x" * 3_000 + b".jsonl"])
@pytest.mark.parametrize("later", [True, False])
def test_a_name_that_no_database_holds_is_no_hindrance(reviewer, name: bytes, later: bool) -> None:
    given = statement()
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="' + name + b'"\r\n\r\n'
    answer = reviewer.post(
        "/v1/statements/files",
        content=head + jsonl([given]) + b"\r\n--x--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=x"} | (LATER if later else {}),
    )
    if later:
        results = ended(reviewer, accepted(answer))["results"]
    else:
        results = body_of(answer, 201)["results"]
    assert [one["statement_id"] for one in results] == [given["id"]]
    assert "\x00" not in results[0]["name"]


def test_what_was_sent_in_is_kept_no_longer_than_it_takes(desk: Served, reviewer) -> None:
    content = jsonl([statement() for _ in range(3)])
    ended(
        reviewer,
        accepted(reviewer.post("/v1/statements/files", files=files(content), headers=LATER)),
    )
    with desk.desk.transaction() as session:
        assert session.scalar(select(func.count()).select_from(UploadSourceRow)) == 0


def test_reviewers_are_not_kept_waiting_for_an_upload_that_goes_on(reviewer) -> None:
    victim = statement()
    body_of(reviewer.post("/v1/statements", json={"statements": [victim]}), 201)
    content = jsonl([statement() for _ in range(400)])
    location = accepted(reviewer.post("/v1/statements/files", files=files(content)))
    until = time.monotonic() + WITHIN
    while not (shown := body_of(reviewer.get(location), 200))["progress"]["sources_done"]:
        assert time.monotonic() < until, shown

    body_of(reviewer.delete(f"/v1/statements/{victim['id']}"), 200)
    body_of(reviewer.post("/v1/statements", json={"statements": [statement()]}), 201)

    shown = body_of(reviewer.get(location), 200)
    assert shown["state"] == "running"
    assert 0 < shown["progress"]["sources_done"] < 400
    other = reviewer.post("/v1/statements/files", files=files(jsonl([statement()])), headers=LATER)
    ended(reviewer, accepted(other))
    assert ended(reviewer, location)["progress"]["sources_done"] == 400


# Lists.


def test_results_come_in_pages_of_any_length(reviewer) -> None:
    sources = [jsonl([statement() for _ in range(3)]) for _ in range(3)]
    answer = reviewer.post("/v1/statements/files", files=files(*sources), headers=LATER)
    location = accepted(answer)
    whole = ended(reviewer, location)["results"]
    assert [one["name"] for one in whole] == [
        f"all.jsonl: line {line}" for _ in range(3) for line in (1, 2, 3)
    ]
    for limit in (1, 2, 3, 4, 9, 10):
        assert everything(reviewer, location, limit) == whole


def test_uploads_are_listed_the_newest_first_in_pages(reviewer) -> None:
    ids = []
    for _ in range(5):
        body = {"statements": [statement()]}
        answer = reviewer.post("/v1/statements", json=body, headers=LATER)
        ids.append(accepted(answer).rpartition("/")[2])
    seen: list[str] = []
    params: dict[str, object] = {"limit": 2}
    while len(seen) < 5:
        page = body_of(reviewer.get("/v1/statements/uploads", params=params), 200)
        assert "results" not in page["items"][0]
        seen += [one["id"] for one in page["items"]]
        params["cursor"] = page["next"]
    assert seen[:5] == ids[::-1]
    assert Counter(seen).most_common(1)[0][1] == 1


@pytest.mark.parametrize("path", ["0" * 24, "f" * 24])
def test_an_upload_that_is_not_there_is_not_found(reviewer, path: str) -> None:
    assert problem(reviewer.get(f"/v1/statements/uploads/{path}"), 404) == "not-found"


@pytest.mark.parametrize(
    "cursor", ["bm8", "WzEsLTFd", "WzFd", "WzAsMjE0NzQ4MzY0OF0", "W3RydWUsMV0"]
)
def test_what_is_no_cursor_of_results_is_refused(reviewer, cursor: str) -> None:
    body = {"statements": [statement()]}
    location = accepted(reviewer.post("/v1/statements", json=body, headers=LATER))
    answer = reviewer.get(location, params={"cursor": cursor})
    assert problem(answer, 422) == "invalid-request"
    assert "cursor" in answer.json()["detail"]


def test_the_document_says_when_an_upload_is_a_job(desk: Served) -> None:
    paths = create_app(desk.desk).openapi()["paths"]
    for path in ("/v1/statements", "/v1/statements/files"):
        route = paths[path]["post"]
        assert f"More than {uploads.MOST_AT_ONCE} statements" in route["description"]
        assert set(route["responses"]) >= {"201", "202"}
        assert "Location" in route["responses"]["202"]["headers"]
