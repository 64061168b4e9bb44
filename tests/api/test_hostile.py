"""What somebody may try who wishes the desk no good, and two who do the same at the same time."""

from __future__ import annotations

import base64
import gc
import gzip
import io
import json
import logging
import re
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from types import AsyncGeneratorType

import httpx
import pytest
from asking import body_of, problem
from desks import WITHIN, Served
from sqlalchemy import func, select
from tiny_corpus import LOAN, submission_of

from service.access.register import Role
from service.app import create_app
from service.claims.tables import ClaimRow, NoteRow
from service.submissions import inbox
from service.submissions.tables import EventRow

_NUMBERS = count(1)
SENTENCE = "The bank raised its rates in London on Tuesday."


def at_once(times: int, ask: Callable[[int], httpx.Response]) -> list[httpx.Response]:
    """Ask the same many times at the same moment."""
    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(ask, range(times)))


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


@pytest.fixture
def note_id(desk: Served, admin) -> str:
    id_ = desk.submit(claims=[LOAN], title=f"Loan {next(_NUMBERS)}")
    (claim,) = admin.get(f"/v1/submissions/{id_}").json()["claims"]
    return str(claim["note_id"])


# Two at the same time.


def test_of_many_who_decide_at_once_one_decides(reviewer, note_id: str) -> None:
    path = f"/v1/notes/{note_id}/decisions"
    choices = ["approve", "reject"]
    answers = at_once(
        8, lambda n: reviewer.post(path, json={"decision": choices[n % 2], "revision": 1})
    )
    assert statuses(answers) == {201: 1, 409: 7}
    assert len(reviewer.get(f"/v1/notes/{note_id}").json()["decisions"]) == 2  # and taken up


def test_of_many_who_edit_at_once_one_edits(reviewer, note_id: str) -> None:
    headers = {"If-Match": '"1"'}
    path = f"/v1/notes/{note_id}"
    answers = at_once(8, lambda _: reviewer.patch(path, json={"findings": []}, headers=headers))
    assert statuses(answers) == {200: 1, 412: 7}
    assert len(reviewer.get(f"{path}/history").json()) == 2


def test_the_same_request_twenty_times_at_once_is_taken_once(submitter) -> None:
    headers = {"Idempotency-Key": "at-once"}
    body = {"claims": [LOAN]}
    answers = at_once(20, lambda _: submitter.post("/v1/submissions", json=body, headers=headers))
    assert statuses(answers) == {202: 20}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_of_other_requests_under_one_key_at_once_one_is_taken(submitter) -> None:
    headers = {"Idempotency-Key": "at-odds"}
    answers = at_once(
        20,
        lambda n: submitter.post(
            "/v1/submissions", json={"claims": [f"{LOAN} {n}"]}, headers=headers
        ),
    )
    assert statuses(answers) == {202: 1, 409: 19}


def test_many_who_cancel_and_retry_at_once_do_it_once(desk: Served, submitter) -> None:
    claims = [f"{LOAN} Number {number}." for number in range(40)]
    id_ = body_of(submitter.post("/v1/submissions", json={"claims": claims}), 202)["id"]
    path = f"/v1/submissions/{id_}"
    assert statuses(at_once(6, lambda _: submitter.post(f"{path}/cancel"))) == {200: 1, 409: 5}
    assert desk.wait(id_)["state"] == "cancelled"
    assert statuses(at_once(6, lambda _: submitter.post(f"{path}/retry"))) == {202: 1, 409: 5}
    assert desk.wait(id_)["progress"]["claims_done"] == 40


def test_what_is_deleted_while_it_is_worked_on_does_not_come_back(desk: Served, submitter) -> None:
    claims = [f"{LOAN} Instalment {number}." for number in range(40)]
    id_ = body_of(submitter.post("/v1/submissions", json={"claims": claims}), 202)["id"]
    with submitter.stream("GET", f"/v1/submissions/{id_}/events") as stream:
        lines = stream.iter_lines()
        assert "event: claim" in lines  # some are done, most are not
        answers = at_once(6, lambda _: submitter.delete(f"/v1/submissions/{id_}"))
        assert statuses(answers) == {204: 1, 404: 5}
        list(lines)  # a stream ends with what it tells of
    desk.submit(claims=[LOAN])  # is worked on after what was under way
    with desk.desk.transaction() as session:
        for table in (ClaimRow, EventRow):
            left = select(func.count()).where(table.submission_id == id_)
            assert session.scalar(left) == 0
        ids = select(ClaimRow.id)
        assert session.scalar(select(func.count()).where(NoteRow.claim_id.not_in(ids))) == 0


def test_pages_skip_and_repeat_nothing_while_more_comes_in(desk: Served, submitter) -> None:
    for _ in range(3):
        desk.submit(claims=[LOAN])
    before = [one["id"] for one in submitter.get("/v1/submissions").json()["items"]]
    seen: list[str] = []
    params: dict[str, object] = {"limit": 2}
    while True:
        page = body_of(submitter.get("/v1/submissions", params=params), 200)
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None or len(seen) >= len(before):
            break
        body_of(submitter.post("/v1/submissions", json={"claims": [LOAN]}), 202)
        params["cursor"] = page["next"]
    assert seen[: len(before)] == before


# Those who listen.


@pytest.mark.parametrize("number", ["-1", "abc", "9" * 30, "1e3", ""])
def test_what_is_no_number_of_an_event_is_refused(desk: Served, submitter, number: str) -> None:
    id_ = desk.submit(claims=[LOAN])
    answer = submitter.get(f"/v1/submissions/{id_}/events", headers={"Last-Event-ID": number})
    assert problem(answer, 422) == "invalid-request"


def test_everybody_who_listens_hears_the_same_to_the_end(submitter) -> None:
    claims = [f"{LOAN} Listener {number}." for number in range(5)]
    id_ = body_of(submitter.post("/v1/submissions", json={"claims": claims}), 202)["id"]
    answers = at_once(30, lambda _: submitter.get(f"/v1/submissions/{id_}/events"))
    assert statuses(answers) == {200: 30}
    (told,) = {answer.text for answer in answers}
    assert told.count("event: claim") == 5


def test_a_listener_who_goes_away_is_not_waited_for(desk: Served, submitter) -> None:
    with desk.desk.transaction() as session:  # accepted, and given to nobody: it goes on for long
        submission = submission_of(SENTENCE, id="5" * 24)
        inbox.accept(session, submission, user="a.submitter")
    with submitter.stream("GET", f"/v1/submissions/{'5' * 24}/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        assert listening() == 1
    until = time.monotonic() + WITHIN
    while listening() and time.monotonic() < until:
        time.sleep(0.05)
    assert listening() == 0
    assert body_of(submitter.get(f"/v1/submissions/{'5' * 24}"), 200)["state"] == "queued"


def listening() -> int:
    """How many streams of events are open in this process."""
    return sum(
        isinstance(thing, AsyncGeneratorType)
        and thing.__qualname__ == "events"
        and thing.ag_frame is not None
        for thing in gc.get_objects()
    )


# What is sent.


@pytest.mark.parametrize(
    "path",
    [
        "/v1/notes/",
        "//v1/notes",
        "/v1//notes",
        "/v1/notes/%00",
        "/v1/statements/%2e%2e",
        "/v1/statements/..%2f..%2fsecret",
        "/v1/statements/E1%00",
        "/v1/statements/E1%0a",
        "/v1/statements/E1/",
        "/v1/statements/" + "a" * 20_000,
        "/v1/%ff",
        "/V1/notes",
        "/static-offline-docs/..%2fcore.py",
    ],
)
def test_no_trick_with_a_path_leads_anywhere(admin, path: str) -> None:
    answer = admin.get(path, headers={"Host": "elsewhere.example"})
    assert answer.status_code in {404, 422}
    assert problem(answer, answer.status_code) in {"not-found", "invalid-request"}
    assert "elsewhere" not in str(answer.headers)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"claims": [' + b"[" * 100_000, 400),
        (b'{"claims": ' + b"9" * 5_000 + b"}", 400),
        (b'{"claims": NaN}', 422),
        (b'{"claims": ["a"], "published": Infinity}', 422),
        (b'{"claims": ["a"], "published": 0}', 422),
        (b'{"claims": ["a"], "published": "2025-12-12T00:00:00"}', 422),
        (b'{"claims": ["a"], "local_only": "yes"}', 422),
        (b'{"claims": ["a"], "title": "\\ud800"}', 422),
        (b'{"claims": ["a"], "\\ud800": 1}', 422),
        (b'{"claims": ["a"], "title": "a\\u0000b"}', 422),
        (b'{"claims": ["a"], "title": "two\\nlines"}', 422),
        (gzip.compress(b'{"claims": ["a"]}'), 400),
    ],
    ids=range(12),
)
def test_bodies_that_nobody_means_well_are_refused(submitter, content: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = submitter.post("/v1/submissions", content=content, headers=headers)
    assert problem(answer, status) in {"bad-request", "invalid-request"}


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", ""])
def test_json_under_another_name_is_not_read(submitter, media_type: str) -> None:
    content = json.dumps({"claims": [LOAN]}).encode()
    headers = {"Content-Type": media_type}
    answer = submitter.post("/v1/submissions", content=content, headers=headers)
    assert problem(answer, 422) == "invalid-request"


@pytest.mark.parametrize("field", ["verdict", "revision"])
@pytest.mark.parametrize("value", [True, "1", 1.5, 10**30, -1, None])
def test_what_is_no_revision_decides_nothing(reviewer, note_id: str, field: str, value) -> None:
    body = {"decision": "approve", "revision": 1, "comment": "x", "verdict": None, field: value}
    if (field, value) == ("verdict", None):
        body["revision"] = 0
    answer = reviewer.post(f"/v1/notes/{note_id}/decisions", json=body)
    assert problem(answer, 422) == "invalid-request"


@pytest.mark.parametrize("path", ["submissions", "claims", "notes", "audit"])
@pytest.mark.parametrize(
    "held",
    [["\ud800"], ["a\0"], [None], [True], [1e400], {}, ["2025-01-01", "\ud800"], ["9999", "\0"]],
    ids=range(8),
)
def test_a_cursor_of_ones_own_making_is_refused(admin, path: str, held: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(held).encode()).decode().rstrip("=")
    answer = admin.get(f"/v1/{path}", params={"cursor": cursor})
    assert problem(answer, 422) == "invalid-request"


def test_a_proxy_that_passes_on_anything_puts_nothing_into_the_audit(submitter, admin) -> None:
    headers = {"X-Forwarded-For": "<script>" + "x" * 200}
    answer = submitter.post("/v1/submissions", json={"claims": [LOAN]}, headers=headers)
    params = {"subject": f"submission:{body_of(answer, 202)['id']}"}
    (entry,) = admin.get("/v1/audit", params=params).json()["items"]
    assert entry["origin"] is None


def test_an_address_says_all_that_may_be_done_with_it(admin) -> None:
    answer = admin.put("/v1/statements/E1")
    assert problem(answer, 405) == "method-not-allowed"
    assert answer.headers["Allow"] == "DELETE, GET"


# Statements.


def uploaded(reviewer, name: str, content: bytes) -> dict:
    """What became of a file."""
    files = [("files", (name, content, "text/plain"))]
    answer = reviewer.post("/v1/statements/files", files=files)
    result: dict
    (result,) = body_of(answer, 201)["results"]
    return result


@pytest.mark.parametrize(
    ("name", "shown"), [("../../x.txt", "x.txt"), ("..", ".."), ("a\\..\\b.txt", "a\\..\\b.txt")]
)
def test_a_files_name_leads_nowhere(desk: Served, reviewer, name: str, shown: str) -> None:
    text = f"{SENTENCE} {next(_NUMBERS)}"
    result = uploaded(reviewer, name, text.encode())
    assert (result["name"], result["outcome"]) == (shown, "added")
    assert reviewer.get(f"/v1/statements/{result['statement_id']}").json()["text"] == text


def test_the_same_file_is_stored_once_whatever_it_is_called(reviewer) -> None:
    content = f"{SENTENCE} {next(_NUMBERS)}".encode()
    first, again = (uploaded(reviewer, name, content) for name in ("a.txt", "b.txt"))
    assert (first["outcome"], again["outcome"]) == ("added", "unchanged")
    assert again["statement_id"] == first["statement_id"]


def test_another_file_of_the_same_name_takes_no_statements_place(reviewer) -> None:
    first, other = (
        uploaded(reviewer, "report.txt", f"{SENTENCE} {next(_NUMBERS)}".encode()) for _ in range(2)
    )
    assert (first["outcome"], other["outcome"]) == ("added", "added")
    assert other["statement_id"] != first["statement_id"]


def bomb() -> bytes:
    """A few kilobytes of DOCX that inflate to 300 MB."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("word/document.xml", "w") as document:
            for _ in range(300):
                document.write(b" " * 1_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("zeros.txt", lambda: b"\0" * 1_000_000, "NUL"),
        ("bomb.docx", bomb, "zip bomb"),
        ("broken.pdf", lambda: b"%PDF-1.7\n1 0 obj <<>> stream" + b"x" * 500, "PDF"),
        ("empty.txt", lambda: b"", "empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(
    desk: Served, reviewer, name: str, content: Callable[[], bytes], reason: str
) -> None:
    result = uploaded(reviewer, name, content())
    assert (result["name"], result["outcome"]) == (name, "failed")
    assert reason in result["reason"]


@pytest.mark.parametrize(
    "title",
    [
        "!!python/object/apply:os.system ['id']",
        "---",
        "- a: b",
        "{a: *b}",
        "<script>alert(1)</script>",
        "'\" # & %",
        "a\u2028b",
        "x" * 1_000,
    ],
)
def test_a_statements_title_is_what_was_sent(reviewer, title: str) -> None:
    id_ = f"T{next(_NUMBERS)}"
    text = f"---\nid: EVIL\ntitle: another\n---\n{SENTENCE} {id_}"
    given = {"id": id_, "title": title, "issuer": title, "text": text}
    (result,) = body_of(reviewer.post("/v1/statements", json={"statements": [given]}), 201)[
        "results"
    ]
    assert (result["name"], result["outcome"], result["statement_id"]) == (id_, "added", id_)
    shown = reviewer.get(f"/v1/statements/{id_}").json()
    assert shown["title"] == " ".join(title.split())
    assert shown["text"] == text


@pytest.mark.parametrize("id_", ["null", "None", "..", "a/b", "~", "", "x" * 61])
def test_what_is_no_id_is_refused(reviewer, id_: str) -> None:
    given = {"id": id_, "text": SENTENCE}
    answer = reviewer.post("/v1/statements", json={"statements": [given]})
    assert problem(answer, 422) == "invalid-request"


def test_no_refusal_names_a_place_on_the_machine(desk: Served, reviewer) -> None:
    def add(**given: str) -> str:
        answer = reviewer.post("/v1/statements", json={"statements": [{"id": "P1", **given}]})
        reason: str = body_of(answer, 201)["results"][0]["reason"] or ""
        return reason

    add(text=SENTENCE, issuer="A bank")
    reason = add(text=f"No. {SENTENCE}", issuer="Another bank")
    assert "taken" in reason
    assert not re.search(r"/\w+/", reason)


# Rights.


def test_who_was_let_go_can_do_nothing_any_more(desk: Served) -> None:
    register = desk.desk.register
    register.add("leaver", Role.ADMIN)
    token = register.issue("leaver")[1]
    register.remove("leaver")
    with desk.client(None) as client:
        answer = client.get("/v1/audit", headers={"Authorization": f"Bearer {token}"})
    assert problem(answer, 401) == "not-allowed"


def test_a_key_that_has_expired_lets_nobody_in(desk: Served) -> None:
    token = desk.desk.register.issue("admin", lasts=timedelta(microseconds=1))[1]
    with desk.client(None) as client:
        answer = client.get("/v1/audit", headers={"Authorization": f"Bearer {token}"})
    assert problem(answer, 401) == "not-allowed"


def test_a_refusal_does_not_tell_which_half_of_a_key_is_wrong(desk: Served) -> None:
    key, token = desk.desk.register.issue("admin")
    known, unknown = token[:-43] + "A" * 43, f"vn_{'0' * 12}_" + "A" * 43
    desk.desk.register.revoke(key.id)  # nor that it was once a key
    with desk.client(None) as client:
        answers = [
            client.get("/v1/notes", headers={"Authorization": f"Bearer {wrong}"})
            for wrong in (known, unknown)
        ]
    assert {answer.text for answer in answers} == {answers[0].text}


def test_statements_leave_a_trace_of_who_changed_them_and_from_where(reviewer, admin) -> None:
    given = {"id": "A1", "issuer": "A bank", "text": SENTENCE}
    for text in (SENTENCE, SENTENCE, f"{SENTENCE} Again."):
        body = {"statements": [{**given, "text": text}]}
        body_of(reviewer.post("/v1/statements", json=body), 201)
    body_of(reviewer.delete("/v1/statements/A1"), 200)
    entries = admin.get("/v1/audit", params={"subject": "statement:A1"}).json()["items"]
    assert [entry["action"] for entry in entries] == [
        "statement.add",
        "statement.change",
        "statement.withdraw",
    ]
    assert {(entry["user"], entry["origin"]) for entry in entries} == {("a.reviewer", "127.0.0.1")}


# What is told.


def test_the_page_of_the_routes_takes_nothing_from_elsewhere(desk: Served) -> None:
    with desk.client(None) as client:
        page = client.get("/docs")
        assert page.status_code == 200
        wanted = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
        assert wanted
        for address in wanted:
            assert client.get(address).status_code == 200  # on the desk's own address


@pytest.fixture
def broken(desk: Served) -> Iterator[httpx.AsyncClient]:
    """The desk with a route that has a bug."""
    app = create_app(desk.desk)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("a word of a submission")

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk")


async def test_an_error_of_ours_is_told_without_its_words(broken, caplog) -> None:
    async with broken:
        answer = await broken.get("/broken")
    assert problem(answer, 500) == "failed"
    assert "submission" not in answer.text
    assert answer.headers["X-Request-ID"]
    assert [record.levelno for record in caplog.records].count(logging.ERROR) == 1
