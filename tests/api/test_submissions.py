"""Submissions over HTTP: accepted once, worked on, watched, stopped, tried again, erased."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from asking import body_of, problem
from desks import DAY, Served
from tiny_corpus import BOMBERS, LOAN, UNKNOWN


def test_a_submission_is_accepted_and_every_claim_of_it_gets_a_note(desk: Served, admin) -> None:
    with desk.client("submitter") as client:
        answer = client.post(
            "/v1/submissions", json={"claims": [BOMBERS, LOAN, UNKNOWN], "published": DAY}
        )
    accepted = body_of(answer, 202)
    assert answer.headers["Location"] == f"/v1/submissions/{accepted['id']}"

    shown = desk.wait(accepted["id"])

    assert shown["state"] == "done"
    assert shown["progress"] == {"claims_total": 3, "claims_done": 3, "claims_failed": 0}
    assert [claim["text"] for claim in shown["claims"]] == [BOMBERS, LOAN, UNKNOWN]
    assert [claim["verdict"] for claim in shown["claims"]] == [
        "supported",
        "supported",
        "not_enough_evidence",
    ]
    for claim in shown["claims"]:
        note = body_of(admin.get(f"/v1/notes/{claim['note_id']}"), 200)
        assert note["claim_id"] == claim["id"]
        assert note["submission_id"] == accepted["id"]


def test_an_article_is_read_and_its_claims_point_into_it(desk: Served, admin) -> None:
    text = f"The bombers were back. {BOMBERS} Nobody had seen them coming."
    id_ = desk.submit(text=text, title="Bombers")

    shown = admin.get(f"/v1/submissions/{id_}").json()

    assert shown["title"] == "Bombers"
    assert shown["claims"]
    for claim in shown["claims"]:
        source = claim["source"]
        assert text[source["start"] : source["end"]] == source["text"]


def test_the_same_request_under_a_key_is_taken_once(submitter) -> None:
    headers = {"Idempotency-Key": "morning-1"}
    first = body_of(
        submitter.post("/v1/submissions", json={"claims": [LOAN]}, headers=headers), 202
    )
    again = body_of(
        submitter.post("/v1/submissions", json={"claims": [LOAN]}, headers=headers), 202
    )
    assert again["id"] == first["id"]
    other = submitter.post("/v1/submissions", json={"claims": [BOMBERS]}, headers=headers)
    assert problem(other, 409) == "idempotency-key-used"


def test_a_key_of_one_person_is_not_another_persons(submitter, reviewer) -> None:
    headers = {"Idempotency-Key": "shared"}
    ids = {
        body_of(client.post("/v1/submissions", json={"claims": [LOAN]}, headers=headers), 202)["id"]
        for client in (submitter, reviewer)
    }
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("body", "status", "kind", "words"),
    [
        ({}, 422, "invalid-request", "exactly one of text, url and claims"),
        ({"text": "a", "claims": ["b"]}, 422, "invalid-request", "not text and claims"),
        ({"claims": []}, 422, "invalid-request", "claims"),
        ({"claims": [LOAN, " ?! "]}, 422, "invalid-input", "number 2 holds no word"),
        ({"text": "…"}, 422, "invalid-input", "holds no word"),
        ({"text": "Die Bank hat ihren Leitzins erhöht, wie sie am Dienstag mitteilte."}, 422,
         "not-english", "German"),
        ({"text": "x " * 600_000}, 413, "too-large", "1,000,000"),
        ({"url": "http://127.0.0.1/news"}, 422, "address-refused", "127.0.0.1"),
        ({"url": "file:///etc/passwd"}, 422, "invalid-request", "url"),
        ({"claims": [LOAN], "colour": "red"}, 422, "invalid-request", "colour"),
        ({"claims": [LOAN], "published": "yesterday"}, 422, "invalid-request", "published"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name(
    submitter, body: dict, status: int, kind: str, words: str
) -> None:
    answer = submitter.post("/v1/submissions", json=body)
    assert problem(answer, status) == kind
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("language", ["en", "EN", "en-GB", "en_US"])
def test_english_is_english_wherever_it_is_from(submitter, language: str) -> None:
    body_of(submitter.post("/v1/submissions", json={"text": BOMBERS, "language": language}), 202)


def test_no_json_and_no_object_are_refused(submitter) -> None:
    headers = {"Content-Type": "application/json"}
    for content in (b"{", b"[]", b'"text"', b"null"):
        answer = submitter.post("/v1/submissions", content=content, headers=headers)
        assert problem(answer, 422) == "invalid-request"
    answer = submitter.post("/v1/submissions", content=b"\xff", headers=headers)
    assert problem(answer, 400) == "bad-request"


def test_an_unknown_submission_is_not_found(admin) -> None:
    for method, path in [
        ("GET", ""),
        ("GET", "/events"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
        ("DELETE", ""),
    ]:
        answer = admin.request(method, f"/v1/submissions/{'0' * 24}{path}")
        assert problem(answer, 404) == "not-found"


def test_claims_come_in_the_order_of_the_text_also_those_of_one_sentence(
    desk: Served, submitter
) -> None:
    aircraft = "old aircraft, including three F-35B fighters and three F-15J jets"
    for _ in range(3):
        id_ = desk.submit(text=f"The exercise featured {aircraft}.")
        claims = body_of(submitter.get(f"/v1/submissions/{id_}"), 200)["claims"]
        places = [(claim["source"]["start"], claim["source"]["end"]) for claim in claims]
        assert len(set(places)) == 3
        assert places == sorted(places)


def test_pages_hold_every_submission_once(desk: Served, admin) -> None:
    made = {desk.submit(claims=[f"{LOAN} Number {number}."]) for number in range(3)}
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = admin.get("/v1/submissions", params={"limit": 2, **cursor}).json()
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert made <= set(found)
    assert len(found) == len(set(found))
    assert found == sorted(found, reverse=True)


def test_a_made_up_cursor_is_refused(admin) -> None:
    for cursor in ("x", "bnVsbA", "WzFd", "W3t9XQ", "ZZZZ"):
        for path in ("submissions", "claims", "notes", "audit"):
            answer = admin.get(f"/v1/{path}", params={"cursor": cursor})
            if (path, cursor) != ("audit", "WzFd"):  # [1] is a cursor there
                assert problem(answer, 422) == "invalid-request"


def events(lines: list[str]) -> list[tuple[int, str, dict]]:
    found = []
    for block in "\n".join(lines).split("\n\n"):
        parts = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "id" in parts:
            found.append((int(parts["id"]), parts["event"], json.loads(parts["data"])))
    return found


def test_events_tell_every_step_and_go_on_where_one_was_seen(desk: Served, submitter) -> None:
    id_ = body_of(submitter.post("/v1/submissions", json={"claims": [BOMBERS, LOAN]}), 202)["id"]
    with submitter.stream("GET", f"/v1/submissions/{id_}/events") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        told = events(list(answer.iter_lines()))

    assert [kind for _, kind, _ in told] == ["state", "state", "read", "claim", "claim", "state"]
    assert told[-1][2] == {"state": "done"}
    assert sorted(number for number, _, _ in told) == [number for number, _, _ in told]
    rest = submitter.get(
        f"/v1/submissions/{id_}/events", headers={"Last-Event-ID": str(told[3][0])}
    )
    assert events(rest.text.split("\n")) == told[4:]


def test_what_is_over_cannot_be_cancelled_or_tried_again(desk: Served, submitter) -> None:
    id_ = desk.submit(claims=[LOAN])
    assert problem(submitter.post(f"/v1/submissions/{id_}/cancel"), 409) == "not-possible"
    assert problem(submitter.post(f"/v1/submissions/{id_}/retry"), 409) == "not-possible"


def test_a_submission_that_is_cancelled_stops_and_can_be_taken_up_again(
    desk: Served, submitter
) -> None:
    claims = [f"{number} bombers took part in the exercise over the sea." for number in range(60)]
    id_ = body_of(submitter.post("/v1/submissions", json={"claims": claims}), 202)["id"]

    assert body_of(submitter.post(f"/v1/submissions/{id_}/cancel"), 200)["state"] == "cancelled"

    stopped = desk.wait(id_)
    assert stopped["state"] == "cancelled"
    assert not any(claim["state"] == "queued" for claim in stopped["claims"])
    assert body_of(submitter.post(f"/v1/submissions/{id_}/retry"), 202)["state"] == "queued"
    again = desk.wait(id_)
    assert again["state"] == "done"
    assert again["progress"]["claims_done"] == 60


def test_a_deleted_submission_leaves_no_word_behind(desk: Served, submitter, reviewer) -> None:
    odd = "Quibberwick Zanthorpe"
    text = f"Minister {odd} sold 4,711 frigates to Peru in 2024. {BOMBERS}"
    id_ = desk.submit(text=text, title=f"{odd}!")
    shown = submitter.get(f"/v1/submissions/{id_}").json()
    note_id = shown["claims"][-1]["note_id"]
    decided = reviewer.post(
        f"/v1/notes/{note_id}/decisions",
        json={"decision": "reject", "revision": 1, "comment": f"{odd} again"},
    )
    assert decided.status_code == 201
    folder = desk.desk.settings.data_dir
    assert words_in(folder, odd), "the check can find it"

    assert submitter.delete(f"/v1/submissions/{id_}").status_code == 204

    assert problem(submitter.get(f"/v1/submissions/{id_}"), 404) == "not-found"
    assert problem(submitter.get(f"/v1/notes/{note_id}"), 404) == "not-found"
    assert words_in(folder, odd) == []
    kept = desk.client().get("/v1/audit", params={"subject": f"submission:{id_}"}).json()["items"]
    assert [entry["action"] for entry in kept] == ["submission.accept", "submission.delete"]
    assert kept[0]["detail"]["sha256"] == kept[1]["detail"]["sha256"]


def words_in(folder: Path, words: str) -> list[str]:
    """Files of a folder that hold words, in the encodings that a database may use."""
    wanted = [words.encode(), words.encode("utf-16-le"), words.split(maxsplit=1)[0].encode()]
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and any(one in path.read_bytes() for one in wanted)
    ]


def test_only_who_sent_it_in_and_an_admin_may_delete(desk: Served, reviewer, admin) -> None:
    id_ = desk.submit(claims=[LOAN])
    assert problem(reviewer.delete(f"/v1/submissions/{id_}"), 403) == "forbidden"
    assert admin.delete(f"/v1/submissions/{id_}").status_code == 204


def test_claims_are_found_by_verdict_state_words_and_day(desk: Served, admin) -> None:
    desk.submit(claims=["The crane in Sakata fell on a 100% new_dock.", BOMBERS])

    def found(**params: object) -> list[str]:
        page = body_of(admin.get("/v1/claims", params=params), 200)
        return [claim["text"] for claim in page["items"]]

    assert found(text="100% NEW_dock") == ["The crane in Sakata fell on a 100% new_dock."]
    assert found(text="100%new") == []
    assert BOMBERS in found(verdict="supported")
    assert BOMBERS not in found(verdict="refuted")
    assert found(state="failed") == []
    assert found(until="2001-01-01") == []
    assert found(since="2001-01-01", text="new_dock")


def test_a_claim_is_shown_with_its_evidence_and_those_near_it(desk: Served, admin) -> None:
    id_ = desk.submit(claims=[BOMBERS])
    claim = admin.get(f"/v1/submissions/{id_}").json()["claims"][0]

    shown = body_of(admin.get(f"/v1/claims/{claim['id']}"), 200)
    near = body_of(admin.get("/v1/claims/similar", params={"text": BOMBERS}), 200)

    assert any(piece["decides"] for piece in shown["evidence"])
    assert near[0]["relation"] == "duplicate"
    assert near[0]["text"] == BOMBERS


def exported(client, submission_id: str, file: str):
    answer = client.get(f"/v1/submissions/{submission_id}/export", params={"format": file})
    assert answer.status_code == 200, answer.text
    name = f'attachment; filename="submission-{submission_id}.{file}"'
    assert answer.headers["Content-Disposition"] == name
    return answer


def test_a_submission_is_a_file_for_spreadsheets_and_for_programs(desk: Served, admin) -> None:
    formula = f'=HYPERLINK("http://example.org","{LOAN}")'
    id_ = desk.submit(claims=[LOAN, BOMBERS, formula], title="For files")
    claims = admin.get(f"/v1/submissions/{id_}").json()["claims"]
    path = f"/v1/notes/{claims[0]['note_id']}/decisions"
    override = {"verdict": "refuted", "reason": "Withdrawn."}
    body_of(admin.post(path, json={"decision": "approve", "revision": 1, **override}), 201)
    body_of(admin.post(path, json={"decision": "publish", "revision": 1}), 201)

    told = exported(admin, id_, "csv")
    assert told.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(told.text, newline="")))
    assert [row["claim"] for row in rows] == [LOAN, BOMBERS, f"'{formula}"]
    assert (rows[0]["verdict"], rows[0]["decided_verdict"]) == ("supported", "refuted")
    assert rows[0]["state"] == "published"
    assert rows[0]["published_at"].endswith("Z")
    assert "European Council, 10 December 2025 (L1, version 1, " in rows[0]["citations"]
    assert (rows[1]["state"], rows[1]["decided_verdict"]) == ("drafted", "")

    lines = [json.loads(line) for line in exported(admin, id_, "jsonl").text.splitlines()]
    assert [line["claim"] for line in lines] == [LOAN, BOMBERS, formula]
    assert lines[0]["note"][0]["citations"][0]["statement_id"] == "L1"
    assert [line["note_id"] for line in lines] == [claim["note_id"] for claim in claims]
    assert [line["decided_verdict"] for line in lines] == ["refuted", None, None]


def test_a_claim_without_a_note_is_in_the_file_too(desk: Served, submitter, admin) -> None:
    claims = [f"{LOAN} Part {number}." for number in range(30)]
    id_ = body_of(submitter.post("/v1/submissions", json={"claims": claims}), 202)["id"]
    with submitter.stream("GET", f"/v1/submissions/{id_}/events") as stream:
        assert "event: read" in stream.iter_lines()
        body_of(submitter.post(f"/v1/submissions/{id_}/cancel"), 200)
    rows = list(csv.DictReader(io.StringIO(exported(admin, id_, "csv").text, newline="")))
    lines = [json.loads(line) for line in exported(admin, id_, "jsonl").text.splitlines()]
    assert [row["claim"] for row in rows] == [line["claim"] for line in lines] == claims
    left = [row for row in rows if row["state"] == "cancelled"]
    assert left
    assert {row["note_id"] for row in left} == {""}
    assert {line["state"] for line in lines} == {row["state"] for row in rows}


def test_only_what_is_there_is_exported(admin) -> None:
    missing = f"/v1/submissions/{'0' * 24}/export"
    assert problem(admin.get(missing), 404) == "not-found"
    assert problem(admin.get(missing, params={"format": "xlsx"}), 422) == "invalid-request"
