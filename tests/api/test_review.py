"""The review process over HTTP: who did what to a note, and what each next step takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest
from asking import body_of, problem
from desks import Served
from tiny_corpus import BOMBERS, LOAN

from service.access.register import Role

_NUMBERS = count(1)
WORDS = "Leaders agreed to lend Ukraine EUR 90 billion."


@pytest.fixture(scope="module")
def others(desk: Served) -> dict[str, str]:
    """Keys of two more people who review."""
    keys = {}
    for name in ("ana", "ben"):
        desk.desk.register.add(name, Role.REVIEWER)
        keys[name] = desk.desk.register.issue(name)[1]
    return keys


def client_of(desk: Served, key: str) -> httpx.Client:
    return httpx.Client(base_url=desk.url, headers={"Authorization": f"Bearer {key}"}, timeout=60)


@pytest.fixture
def ana(desk: Served, others) -> Iterator[httpx.Client]:
    with client_of(desk, others["ana"]) as client:
        yield client


@pytest.fixture
def ben(desk: Served, others) -> Iterator[httpx.Client]:
    with client_of(desk, others["ben"]) as client:
        yield client


def drafted(desk: Served, claim: str = LOAN, **about: object) -> dict:
    """A drafted note on a claim that a submission of its own makes."""
    id_ = desk.submit(claims=[claim], title=f"Review {next(_NUMBERS)}", **about)
    with desk.client() as admin:
        (one,) = admin.get(f"/v1/submissions/{id_}").json()["claims"]
        found: dict = body_of(admin.get(f"/v1/notes/{one['note_id']}"), 200)
    return found


@pytest.fixture
def note(desk: Served) -> dict:
    return drafted(desk)


def post(client: httpx.Client, note: dict, what: str, **body: object) -> httpx.Response:
    return client.post(f"/v1/notes/{note['id']}/{what}", json={"revision": 1, **body})


def decide(client: httpx.Client, note: dict, decision: str, **body: object) -> httpx.Response:
    return post(client, note, "decisions", decision=decision, **body)


def finding(note: dict, text: str = WORDS) -> dict:
    cited = [
        {name: one[name] for name in ("statement_id", "version", "start", "end")}
        for one in note["note"][0]["citations"]
    ]
    return {"text": text, "citations": cited}


def edit(client: httpx.Client, note: dict, revision: int = 1, text: str = WORDS) -> httpx.Response:
    return client.patch(
        f"/v1/notes/{note['id']}",
        json={"findings": [finding(note, text)]},
        headers={"If-Match": f'"{revision}"'},
    )


def published(client: httpx.Client, note: dict) -> dict:
    body_of(decide(client, note, "approve"), 201)
    shown: dict = body_of(decide(client, note, "publish"), 201)
    return shown


def trail_of(desk: Served, note: dict) -> list[tuple[str, str | None]]:
    with desk.client() as admin:
        params = {"subject": f"note:{note['id']}"}
        items = body_of(admin.get("/v1/audit", params=params), 200)["items"]
    return [(one["action"], one["user"]) for one in items]


# The way of a note.


def test_from_a_draft_to_a_retraction_everything_is_kept_and_in_the_trail(
    desk: Served, note, ana, ben
) -> None:
    assert body_of(decide(ana, note, "review"), 201)["state"] == "in_review"
    assert body_of(edit(ana, note), 200)["state"] == "drafted"
    body_of(decide(ben, note, "approve", revision=2), 201)
    out = body_of(decide(ben, note, "publish", revision=2), 201)
    assert out["state"] == "published"
    assert out["published_at"].endswith("Z")
    corrected = body_of(
        decide(ana, note, "correct", revision=2, verdict="conflicting", reason="A second source."),
        201,
    )
    assert (corrected["state"], corrected["revision"]) == ("corrected", 2)
    assert corrected["decided_verdict"] == "conflicting"
    gone = body_of(decide(ben, note, "retract", revision=2, reason="It was a forgery."), 201)
    assert gone["state"] == "retracted"
    assert gone["published_at"] == out["published_at"]
    assert [(one["decision"], one["user"], one["revision"]) for one in gone["decisions"]] == [
        ("review", "ana", 1),
        ("review", "ben", 2),
        ("approve", "ben", 2),
        ("publish", "ben", 2),
        ("correct", "ana", 2),
        ("retract", "ben", 2),
    ]
    assert trail_of(desk, note) == [
        ("note.review", "ana"),
        ("note.edit", "ana"),
        ("note.review", "ben"),
        ("note.approve", "ben"),
        ("note.publish", "ben"),
        ("note.correct", "ana"),
        ("note.retract", "ben"),
    ]


def test_what_was_not_approved_is_not_published(note, ana) -> None:
    assert problem(decide(ana, note, "publish"), 409) == "not-possible"
    body_of(decide(ana, note, "reject"), 201)
    answer = decide(ana, note, "publish")
    assert problem(answer, 409) == "not-possible"
    assert "rejected" in answer.json()["detail"]


def test_what_never_leaves_the_machine_is_not_published(desk: Served, ana) -> None:
    note = drafted(desk, local_only=True)
    body_of(decide(ana, note, "approve"), 201)
    answer = decide(ana, note, "publish")
    assert problem(answer, 409) == "not-possible"
    assert "local_only" in answer.json()["detail"]


def test_a_correction_of_findings_is_a_revision_with_its_author(note, ana) -> None:
    published(ana, note)
    shown = body_of(
        decide(ana, note, "correct", findings=[finding(note)], reason="Plainer words."), 201
    )
    assert (shown["state"], shown["revision"]) == ("corrected", 2)
    assert [one["text"] for one in shown["note"]] == [WORDS]
    assert shown["decisions"][-1]["revision"] == 2
    again = body_of(
        decide(ana, note, "correct", revision=2, verdict="refuted", reason="Misread."), 201
    )
    assert again["state"] == "corrected"
    assert again["decided_verdict"] == "refuted"


@pytest.mark.parametrize(
    ("decision", "body", "named"),
    [
        ("correct", {"verdict": "refuted"}, "reason"),
        ("correct", {"verdict": "refuted", "reason": " "}, "reason"),
        ("correct", {"reason": "No change."}, "findings"),
        ("correct", {"reason": "The same.", "verdict": "supported"}, "findings"),
        ("retract", {}, "reason"),
        ("retract", {"reason": "No.", "verdict": "refuted"}, "verdict"),
        ("retract", {"reason": "No.", "findings": []}, "findings"),
    ],
)
def test_what_a_correction_or_a_retraction_lacks_is_named(
    note, ana, decision: str, body: dict, named: str
) -> None:
    published(ana, note)
    answer = decide(ana, note, decision, **body)
    assert problem(answer, 422) == "invalid-input"
    assert answer.json()["detail"].startswith(named)
    assert ana.get(f"/v1/notes/{note['id']}").json()["state"] == "published"


def test_a_correction_passes_the_citation_gate_or_changes_nothing(note, ana) -> None:
    published(ana, note)
    false = finding(note, "Leaders agreed to lend Ukraine EUR 95 billion.")
    answer = decide(ana, note, "correct", findings=[false], reason="Typing error.")
    assert problem(answer, 422) == "citation-gate"
    shown = ana.get(f"/v1/notes/{note['id']}").json()
    assert (shown["state"], shown["revision"]) == ("published", 1)


def test_a_correction_back_to_the_engines_verdict_leaves_no_other(note, ana) -> None:
    body_of(decide(ana, note, "approve", verdict="refuted", reason="Withdrawn."), 201)
    body_of(decide(ana, note, "publish"), 201)
    shown = body_of(decide(ana, note, "correct", verdict="supported", reason="It is not."), 201)
    assert shown["decided_verdict"] is None
    assert shown["decisions"][-1]["verdict"] == "supported"


def test_every_decision_needs_the_newest_revision(note, ana) -> None:
    published(ana, note)
    for decision in ("correct", "retract"):
        answer = decide(ana, note, decision, revision=2, reason="Late.")
        assert problem(answer, 409) == "outdated"


def test_a_history_tells_how_revisions_differ(note, ana) -> None:
    body_of(edit(ana, note), 200)
    body_of(edit(ana, note, 2, "Leaders agreed to lend Ukraine 90 billion euros."), 200)
    first, second, third = body_of(ana.get(f"/v1/notes/{note['id']}/history"), 200)
    assert first["difference"] is None
    assert second["author"] == third["author"] == "ana"
    told = second["difference"]
    assert told["added"] or told["changed"]
    (changed,) = third["difference"]["changed"]
    assert (third["difference"]["added"], third["difference"]["removed"]) == ([], [])
    assert changed["before"]["text"] == WORDS
    removed = "".join(one["text"] for one in changed["words"] if one["kind"] == "removed")
    assert removed.split() == ["EUR", "billion."]


# Four eyes, and a second opinion.


@pytest.fixture
def four_eyes(desk: Served) -> Iterator[None]:
    settings = desk.desk.settings
    object.__setattr__(desk.desk, "settings", settings.model_copy(update={"four_eyes": True}))
    yield
    object.__setattr__(desk.desk, "settings", settings)


def test_without_the_rule_who_edited_approves_alone(note, ana) -> None:
    body_of(edit(ana, note), 200)
    assert body_of(decide(ana, note, "approve", revision=2), 201)["state"] == "approved"


@pytest.mark.usefixtures("four_eyes")
def test_with_four_eyes_who_edited_once_needs_somebody_else(note, ana, ben) -> None:
    body_of(edit(ana, note), 200)
    body_of(edit(ben, note, 2, "Leaders agreed to lend Ukraine 90 billion euros."), 200)
    shown = body_of(decide(ana, note, "approve", revision=3), 201)
    assert shown["state"] == "in_review"
    again = decide(ana, note, "approve", revision=3)
    assert problem(again, 409) == "not-possible"
    assert "another person" in again.json()["detail"]
    assert body_of(decide(ben, note, "approve", revision=3), 201)["state"] == "approved"


@pytest.mark.usefixtures("four_eyes")
def test_with_four_eyes_approvals_count_for_one_revision_and_one_verdict(note, ana, ben) -> None:
    body_of(edit(ana, note), 200)
    body_of(decide(ana, note, "approve", revision=2), 201)
    body_of(edit(ben, note, 2, "Leaders agreed to lend Ukraine 90 billion euros."), 200)
    other = {"verdict": "refuted", "reason": "Withdrawn."}
    assert body_of(decide(ben, note, "approve", revision=3), 201)["state"] == "in_review"
    shown = body_of(decide(ana, note, "approve", revision=3, **other), 201)
    assert shown["state"] == "in_review"
    assert shown["decided_verdict"] is None
    shown = body_of(decide(ben, note, "approve", revision=3, **other), 201)
    assert (shown["state"], shown["decided_verdict"]) == ("approved", "refuted")


@pytest.mark.usefixtures("four_eyes")
def test_with_four_eyes_another_key_of_the_same_person_is_no_other_person(
    desk: Served, note, ana
) -> None:
    body_of(edit(ana, note), 200)
    body_of(decide(ana, note, "approve", revision=2), 201)
    with client_of(desk, desk.desk.register.issue("ana")[1]) as with_another_key:
        answer = decide(with_another_key, note, "approve", revision=2)
    assert problem(answer, 409) == "not-possible"


@pytest.mark.usefixtures("four_eyes")
def test_with_four_eyes_who_sent_the_text_in_needs_somebody_else(desk: Served, ana) -> None:
    body = {"claims": [LOAN], "published": "2025-12-12", "title": f"Own {next(_NUMBERS)}"}
    id_ = body_of(ana.post("/v1/submissions", json=body), 202)["id"]
    desk.wait(id_)
    (claim,) = ana.get(f"/v1/submissions/{id_}").json()["claims"]
    note = {"id": claim["note_id"]}
    assert body_of(decide(ana, note, "approve"), 201)["state"] == "in_review"
    with desk.client("reviewer") as reviewer:
        assert body_of(decide(reviewer, note, "approve"), 201)["state"] == "approved"


@pytest.mark.usefixtures("four_eyes")
def test_with_four_eyes_who_had_no_hand_in_it_approves_alone(note, ana, ben) -> None:
    body_of(edit(ana, note), 200)
    assert body_of(decide(ben, note, "approve", revision=2), 201)["state"] == "approved"


def test_while_an_opinion_is_wanted_who_asked_does_not_approve_alone(note, ana, ben) -> None:
    asked = body_of(post(ana, note, "opinions", question="Is a loan a grant?"), 201)
    (opinion,) = asked["opinions"]
    assert (opinion["asked_by"], opinion["agrees"]) == ("ana", None)
    assert body_of(decide(ana, note, "approve"), 201)["state"] == "in_review"

    given = body_of(
        post(ben, note, "opinions", agrees=False, verdict="refuted", words="A loan is repaid."),
        201,
    )
    (opinion,) = given["opinions"]
    assert opinion["question"] == "Is a loan a grant?"
    assert (opinion["answered_by"], opinion["agrees"]) == ("ben", False)
    assert (opinion["verdict"], opinion["words"]) == ("refuted", "A loan is repaid.")
    assert body_of(decide(ana, note, "approve"), 201)["state"] == "approved"


def test_while_an_opinion_is_wanted_anybody_else_approves(note, ana, ben) -> None:
    body_of(post(ana, note, "opinions", question="Sure?"), 201)
    assert body_of(decide(ben, note, "approve"), 201)["state"] == "approved"


def test_an_opinion_is_another_persons_and_one_at_a_time(note, ana, ben) -> None:
    answer = {"agrees": True, "verdict": "supported", "words": "It says so."}
    assert problem(post(ben, note, "opinions", **answer), 409) == "not-possible"
    body_of(post(ana, note, "opinions", question="Sure?"), 201)
    assert problem(post(ben, note, "opinions", question="Sure?"), 409) == "not-possible"
    assert problem(post(ana, note, "opinions", **answer), 409) == "not-possible"
    otherwise = post(ben, note, "opinions", **{**answer, "verdict": "refuted"})
    assert problem(otherwise, 422) == "invalid-input"
    body_of(post(ben, note, "opinions", **answer), 201)
    body_of(post(ben, note, "opinions", question="And the date?"), 201)


# Whose a note is, and what is said about it.


def put(client: httpx.Client, note: dict, **body: object) -> httpx.Response:
    return client.put(f"/v1/notes/{note['id']}/assignment", json={"revision": 1, **body})


def test_a_note_is_taken_given_on_and_let_go(desk: Served, note, ana, ben) -> None:
    assert body_of(put(ana, note), 200)["assigned_to"] == "ana"
    due = "2026-01-05T18:00:00+01:00"
    unaware = put(ben, note, to="ben", due_at=due)
    assert problem(unaware, 409) == "outdated"
    assert "ana" in unaware.json()["detail"]
    given = body_of(put(ben, note, to="ben", due_at=due, instead_of="ana"), 200)
    assert given["assigned_to"] == "ben"
    assert given["due_at"] == "2026-01-05T17:00:00Z"
    assert body_of(put(ben, note), 200)["due_at"] == given["due_at"]
    let_go = body_of(ana.delete(f"/v1/notes/{note['id']}/assignment", params={"revision": 1}), 200)
    assert (let_go["assigned_to"], let_go["due_at"]) == (None, None)
    assert trail_of(desk, note) == [
        ("note.assign", "ana"),
        ("note.assign", "ben"),
        ("note.assign", "ben"),
        ("note.unassign", "ana"),
    ]


def test_of_two_who_take_a_note_at_once_one_has_it(note, ana, ben) -> None:
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda client: put(client, note), (ana, ben)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


@pytest.mark.parametrize("to", ["a.submitter", "somebody"])
def test_a_note_goes_to_who_may_review(note, ana, to: str) -> None:
    answer = put(ana, note, to=to)
    assert problem(answer, 422) == "invalid-input"
    assert to in answer.json()["detail"]


def test_what_is_said_about_a_note_is_kept_in_order(desk: Served, note, ana, ben) -> None:
    path = f"/v1/notes/{note['id']}/comments"
    for client, text in ((ana, "Which loan?"), (ben, "The one of December."), (ana, "Thanks.")):
        body_of(client.post(path, json={"text": text}), 201)
    first = body_of(ben.get(path, params={"limit": 2}), 200)
    rest = body_of(ben.get(path, params={"cursor": first["next"]}), 200)
    assert [(one["user"], one["text"]) for one in first["items"] + rest["items"]] == [
        ("ana", "Which loan?"),
        ("ben", "The one of December."),
        ("ana", "Thanks."),
    ]
    assert rest["next"] is None
    with desk.client() as admin:
        entries = body_of(admin.get("/v1/audit", params={"subject": f"note:{note['id']}"}), 200)
    assert "December" not in json.dumps(entries), "the trail holds no words"


@pytest.mark.parametrize("text", ["", " \n ", "a\x00b"])
def test_a_comment_says_something(note, ana, text: str) -> None:
    answer = ana.post(f"/v1/notes/{note['id']}/comments", json={"text": text})
    assert problem(answer, 422) == "invalid-request"


# Second looks.


def test_a_note_that_stands_waits_no_longer_until_something_changes_again(
    desk: Served, ana
) -> None:
    statement = {"id": "T1", "issuer": "Port of Turku", "published": "2025-12-01"}
    text = "The port of Turku handled 4,500 containers in November 2025."

    def add(words: str) -> None:
        body = {"statements": [{**statement, "text": words}]}
        body_of(ana.post("/v1/statements", json=body), 201)

    def waiting() -> list[str]:
        items = body_of(ana.get("/v1/notes", params={"changed": True}), 200)["items"]
        return [one["id"] for one in items if one["id"] == note["id"]]

    add(text)
    note = drafted(desk, "The port of Turku handled 4,500 containers in November 2025.")
    assert problem(post(ana, note, "recheck", changed=[_change()]), 409) == "not-possible"
    add(text.replace("containers", "large containers"))
    (seen,) = ana.get(f"/v1/notes/{note['id']}").json()["changed"]
    assert waiting() == [note["id"]]

    add(text.replace("containers", "small containers"))
    assert problem(post(ana, note, "recheck", changed=[seen]), 409) == "outdated"
    (seen,) = ana.get(f"/v1/notes/{note['id']}").json()["changed"]
    shown = body_of(post(ana, note, "recheck", changed=[seen], comment="Same figure."), 201)
    assert shown["changed"] == []
    assert shown["state"] == "drafted"
    (kept,) = shown["decisions"]
    assert (kept["decision"], kept["user"], kept["revision"]) == ("stands", "ana", 1)
    assert waiting() == []

    body_of(ana.delete("/v1/statements/T1"), 200)
    assert waiting() == [note["id"]]
    (seen,) = ana.get(f"/v1/notes/{note['id']}").json()["changed"]
    assert seen["withdrawn"]
    body_of(post(ana, note, "recheck", changed=[seen]), 201)
    assert waiting() == []


def _change() -> dict:
    return {"statement_id": "T1", "cited": 1, "current": 2, "withdrawn": False}


# Many at once, and the queue.


def test_many_notes_are_assigned_each_by_itself(desk: Served, ana, ben) -> None:
    mine, taken, newer = drafted(desk), drafted(desk), drafted(desk)
    body_of(put(ben, taken), 200)
    body_of(edit(ben, newer), 200)
    notes = [{"id": one["id"], "revision": 1} for one in (mine, taken, newer)]
    notes.append({"id": "0" * 64, "revision": 1})
    found = body_of(ana.post("/v1/notes/bulk", json={"act": "assign", "notes": notes}), 200)
    assert [one["id"] for one in found] == [one["id"] for one in notes]
    assert [one["done"] for one in found] == [True, False, False, False]
    kinds = [one["problem"]["type"].rpartition(":")[2] for one in found[1:]]
    assert kinds == ["outdated", "outdated", "not-found"]
    assert ana.get(f"/v1/notes/{mine['id']}").json()["assigned_to"] == "ana"
    assert ana.get(f"/v1/notes/{taken['id']}").json()["assigned_to"] == "ben"


def test_changes_are_asked_for_of_many_notes(desk: Served, ana) -> None:
    notes = [drafted(desk), drafted(desk)]
    body_of(decide(ana, notes[1], "reject"), 201)
    body = {
        "act": "request_changes",
        "notes": [{"id": one["id"], "revision": 1} for one in notes],
        "comment": "Name the council.",
    }
    done, refused = body_of(ana.post("/v1/notes/bulk", json=body), 200)
    assert (done["done"], refused["done"]) == (True, False)
    assert refused["problem"]["type"].endswith("not-possible")
    shown = ana.get(f"/v1/notes/{notes[0]['id']}").json()
    assert shown["state"] == "changes_requested"
    assert shown["decisions"][-1]["comment"] == "Name the council."


@pytest.mark.parametrize("act", ["approve", "publish", "reject", "retract"])
def test_nothing_else_is_done_to_many(note, ana, act: str) -> None:
    body = {"act": act, "notes": [{"id": note["id"], "revision": 1}]}
    assert problem(ana.post("/v1/notes/bulk", json=body), 422) == "invalid-request"
    assert ana.get(f"/v1/notes/{note['id']}").json()["state"] == "drafted"


def found(client: httpx.Client, **params: object) -> list[str]:
    ids: list[str] = []
    while True:
        page = body_of(client.get("/v1/notes", params=params), 200)
        ids += [one["id"] for one in page["items"]]
        if page["next"] is None:
            return ids
        params["cursor"] = page["next"]


def test_the_queue_is_found_by_all_that_it_can_be_asked_for(desk: Served, ana, ben) -> None:
    early, late = drafted(desk, BOMBERS), drafted(desk)
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    body_of(put(ana, early, due_at=past), 200)
    whole = {early["id"], late["id"]}

    def among(**params: object) -> set[str]:
        return set(found(ana, **params)) & whole

    assert among(assigned="me") == {early["id"]}
    assert among(assigned_to="ana") == {early["id"]}
    assert among(assigned="nobody") == {late["id"]}
    assert among(overdue=True) == {early["id"]}
    assert among(overdue=False) == {late["id"]}
    assert among(text="b-52 BOMBERS") == {early["id"]}
    assert among(submission_id=late["submission_id"]) == {late["id"]}
    for one in (early, late):
        assert among(warned=bool(one["warnings"])) >= {one["id"]}
        assert one["id"] not in among(warned=not one["warnings"])
        assert among(verdict=one["verdict"], state="drafted") >= {one["id"]}
    body_of(decide(ana, early, "approve"), 201)
    assert among(overdue=True) == set(), "what was decided is late no more"
    assert set(found(ben, assigned="me")) & whole == set()


@pytest.mark.parametrize("order", ["newest", "oldest", "least_confident", "most_confident"])
def test_pages_of_every_order_hold_every_note_once(desk: Served, ana, order: str) -> None:
    drafted(desk, BOMBERS)
    drafted(desk, "The moon is made of cheese and was visited in 1969.")
    whole = found(ana, order=order, limit=200)
    assert len(whole) == len(set(whole)) > 2
    assert found(ana, order=order, limit=2) == whole
    items = ana.get("/v1/notes", params={"order": order, "limit": 200}).json()["items"]
    keys = [
        one["created_at"]
        if order in {"newest", "oldest"}
        else (-1 if one["confidence"] is None else one["confidence"])
        for one in items
    ]
    assert keys == sorted(keys, reverse=order in {"newest", "most_confident"})


@pytest.mark.parametrize("order", ["newest", "least_confident"])
def test_a_cursor_of_another_order_is_refused(desk: Served, ana, order: str) -> None:
    drafted(desk)
    drafted(desk)
    other = "oldest" if order == "least_confident" else "most_confident"
    cursor = ana.get("/v1/notes", params={"order": other, "limit": 1}).json()["next"]
    answer = ana.get("/v1/notes", params={"order": order, "cursor": cursor})
    assert problem(answer, 422) == "invalid-request"
