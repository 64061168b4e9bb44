"""Notes over HTTP: read, edited and decided on, by people who have seen the newest revision."""

from __future__ import annotations

from itertools import count

import pytest
from asking import body_of, problem
from desks import Served
from tiny_corpus import BOMBERS, LOAN

from service.notes import review
from service.notes.process import NoteState
from service.types import Verdict

_NUMBERS = count(1)


@pytest.fixture
def note(desk: Served, admin) -> dict:
    """A drafted note that cites a statement."""
    id_ = desk.submit(claims=[LOAN], title=f"Loan {next(_NUMBERS)}")
    (claim,) = admin.get(f"/v1/submissions/{id_}").json()["claims"]
    found: dict = body_of(admin.get(f"/v1/notes/{claim['note_id']}"), 200)
    assert found["verdict"] == "supported"
    assert found["note"]
    return found


def decided(client, note: dict, **body: object):
    return client.post(f"/v1/notes/{note['id']}/decisions", json={"revision": 1, **body})


@pytest.mark.parametrize(
    ("decision", "state"),
    [
        ("approve", "approved"),
        ("reject", "rejected"),
        ("request_changes", "changes_requested"),
    ],
)
def test_a_decision_is_kept_with_who_when_and_which_revision(
    reviewer, note: dict, decision: str, state: str
) -> None:
    shown = body_of(decided(reviewer, note, decision=decision, comment="Read twice."), 201)

    assert shown["state"] == state
    taken_up, kept = body_of(reviewer.get(f"/v1/notes/{note['id']}"), 200)["decisions"]
    assert (taken_up["decision"], taken_up["user"]) == ("review", "a.reviewer")
    assert kept["user"] == "a.reviewer"
    assert kept["revision"] == 1
    assert kept["decision"] == decision
    assert kept["comment"] == "Read twice."
    assert kept["at"].endswith("Z")


def test_a_note_is_decided_on_once(reviewer, note: dict) -> None:
    body_of(decided(reviewer, note, decision="approve"), 201)
    again = decided(reviewer, note, decision="reject")
    assert problem(again, 409) == "not-possible"
    assert "approved" in again.json()["detail"]


def test_another_revision_than_the_newest_is_not_decided_on(reviewer, note: dict) -> None:
    answer = decided(reviewer, note, decision="approve", revision=2)
    assert problem(answer, 409) == "outdated"
    assert reviewer.get(f"/v1/notes/{note['id']}").json()["state"] == "drafted"


def test_another_verdict_needs_a_reason_and_both_verdicts_are_kept(reviewer, note: dict) -> None:
    bare = decided(reviewer, note, decision="approve", verdict="refuted")
    assert problem(bare, 422) == "invalid-input"
    shown = body_of(
        decided(reviewer, note, decision="approve", verdict="refuted", reason="It was withdrawn."),
        201,
    )
    assert shown["verdict"] == "supported"
    assert shown["decided_verdict"] == "refuted"
    assert shown["decisions"][-1]["reason"] == "It was withdrawn."


def test_a_rejection_sets_no_verdict(reviewer, note: dict) -> None:
    answer = decided(reviewer, note, decision="reject", verdict="refuted", reason="No.")
    assert problem(answer, 422) == "invalid-input"


def edited(client, note: dict, findings: list, **headers: str):
    return client.patch(f"/v1/notes/{note['id']}", json={"findings": findings}, headers=headers)


def finding(note: dict, text: str) -> dict:
    """A finding in other words that cites what the note's first one cites."""
    cited = [
        {name: one[name] for name in ("statement_id", "version", "start", "end")}
        for one in note["note"][0]["citations"]
    ]
    return {"text": text, "citations": cited}


def test_an_edit_is_a_new_revision_and_the_draft_is_kept(reviewer, note: dict) -> None:
    etag = reviewer.get(f"/v1/notes/{note['id']}").headers["ETag"]
    words = "Leaders agreed to lend Ukraine EUR 90 billion."

    answer = edited(reviewer, note, [finding(note, words)], **{"If-Match": etag})

    shown = body_of(answer, 200)
    assert shown["revision"] == 2
    assert [one["text"] for one in shown["note"]] == [words]
    assert answer.headers["ETag"] != etag
    first, second = body_of(reviewer.get(f"/v1/notes/{note['id']}/history"), 200)
    assert (first["revision"], first["author"]) == (1, None)
    assert (second["revision"], second["author"]) == (2, "a.reviewer")
    assert first["note"]["note"] == note["note"]


def test_an_edit_of_what_somebody_changed_meanwhile_is_refused(reviewer, note: dict) -> None:
    words = [finding(note, "Leaders agreed to lend Ukraine EUR 90 billion.")]
    body_of(edited(reviewer, note, words, **{"If-Match": '"1"'}), 200)
    assert problem(edited(reviewer, note, words, **{"If-Match": '"1"'}), 412) == "outdated"
    assert problem(edited(reviewer, note, words, **{"If-Match": "new"}), 412) == "outdated"
    assert problem(edited(reviewer, note, words), 428) == "precondition-required"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Leaders agreed to lend Ukraine EUR 95 billion.", "95"),
        ("Leaders agreed on 11 December 2025 to lend Ukraine EUR 90 billion.", "11 December"),
        ("Viktor Orbán agreed to lend Ukraine EUR 90 billion.", "Orbán"),
    ],
)
def test_an_edit_that_the_citation_gate_refuses_changes_nothing(
    reviewer, note: dict, words: str, reason: str
) -> None:
    answer = edited(reviewer, note, [finding(note, words)], **{"If-Match": '"1"'})
    assert problem(answer, 422) == "citation-gate"
    assert any(reason in one["reason"] for one in answer.json()["errors"])
    assert reviewer.get(f"/v1/notes/{note['id']}").json()["revision"] == 1


def test_offsets_outside_a_statement_are_refused(reviewer, note: dict) -> None:
    bad = {"statement_id": "L1", "version": 1, "start": 5, "end": 900_000}
    answer = edited(
        reviewer, note, [{"text": "Leaders agreed.", "citations": [bad]}], **{"If-Match": '"1"'}
    )
    assert problem(answer, 422) == "citation-gate"
    unknown = {**bad, "statement_id": "L9"}
    answer = edited(
        reviewer, note, [{"text": "Leaders agreed.", "citations": [unknown]}], **{"If-Match": '"1"'}
    )
    assert problem(answer, 404) == "not-found"


def test_changes_that_were_asked_for_bring_the_note_back(reviewer, note: dict) -> None:
    body_of(decided(reviewer, note, decision="request_changes"), 201)
    words = [finding(note, "Leaders agreed to lend Ukraine EUR 90 billion.")]

    shown = body_of(edited(reviewer, note, words, **{"If-Match": '"1"'}), 200)

    assert shown["state"] == "drafted"
    body_of(decided(reviewer, note, decision="approve", revision=2), 201)


def test_an_approved_note_is_not_edited(reviewer, note: dict) -> None:
    body_of(decided(reviewer, note, decision="approve"), 201)
    assert problem(edited(reviewer, note, [], **{"If-Match": '"1"'}), 409) == "not-possible"


def test_a_rejected_note_is_not_used_again_for_the_same_claim(desk: Served, reviewer) -> None:
    claim = "Leaders agreed to lend Ukraine 90 billion euros in December 2025."

    def noted() -> dict:
        id_ = desk.submit(claims=[claim])
        (one,) = reviewer.get(f"/v1/submissions/{id_}").json()["claims"]
        found: dict = reviewer.get(f"/v1/notes/{one['note_id']}").json()
        return found

    first = noted()
    body_of(decided(reviewer, first, decision="reject"), 201)
    assert noted()["reused_from"] is None
    assert noted()["reused_from"] is not None


def test_notes_are_found_by_state_verdict_and_submission(desk: Served, reviewer, note) -> None:
    body_of(decided(reviewer, note, decision="reject"), 201)

    def found(**params: object) -> list[str]:
        return [
            one["id"] for one in body_of(reviewer.get("/v1/notes", params=params), 200)["items"]
        ]

    assert note["id"] in found(state="rejected")
    assert note["id"] not in found(state="drafted")
    assert note["id"] not in found(verdict="refuted")
    assert found(submission_id=note["submission_id"]) == [note["id"]]


def test_filters_go_by_the_persons_verdict_where_there_is_one(desk: Served, reviewer) -> None:
    ids = [desk.submit(claims=[LOAN]) for _ in range(2)]
    claims = [reviewer.get(f"/v1/submissions/{id_}").json()["claims"][0] for id_ in ids]
    overruled, kept = (reviewer.get(f"/v1/notes/{one['note_id']}").json() for one in claims)
    told = {"decision": "approve", "verdict": "refuted", "reason": "It was a forgery."}
    body_of(decided(reviewer, overruled, **told), 201)

    def found(path: str, verdict: str) -> set[str]:
        shown = body_of(reviewer.get(path, params={"verdict": verdict, "limit": 200}), 200)
        return {one["id"] for one in shown["items"]}

    for path, wrong, right in (
        ("/v1/notes", overruled["id"], kept["id"]),
        ("/v1/claims", claims[0]["id"], claims[1]["id"]),
    ):
        assert found(path, "refuted") & {wrong, right} == {wrong}
        assert found(path, "supported") & {wrong, right} == {right}
    with desk.desk.transaction() as session:
        wanted = review.Wanted(submission_id=ids[0])
        assert review.counts(session, wanted) == {(NoteState.APPROVED, Verdict.REFUTED): 1}


def test_a_note_waits_for_a_second_look_when_what_it_cites_changes(desk: Served, reviewer) -> None:
    statement = {"id": "H9", "issuer": "Port of Oulu", "published": "2025-12-01"}
    text = "The port of Oulu handled 3,500 containers in November 2025."
    body_of(
        reviewer.post("/v1/statements", json={"statements": [{**statement, "text": text}]}), 201
    )
    id_ = desk.submit(claims=["The port of Oulu handled 3,500 containers in November 2025."])
    (claim,) = reviewer.get(f"/v1/submissions/{id_}").json()["claims"]
    path = f"/v1/notes/{claim['note_id']}"
    assert reviewer.get(path).json()["changed"] == []

    newer = text.replace("3,500", "3,400")
    body_of(
        reviewer.post("/v1/statements", json={"statements": [{**statement, "text": newer}]}), 201
    )
    (changed,) = reviewer.get(path).json()["changed"]
    assert changed == {"statement_id": "H9", "cited": 1, "current": 2, "withdrawn": False}

    withdrawn = body_of(reviewer.delete("/v1/statements/H9"), 200)
    assert withdrawn["notes"] == [claim["note_id"]]
    (changed,) = reviewer.get(path).json()["changed"]
    assert changed["withdrawn"]
    waiting = reviewer.get("/v1/notes", params={"changed": True}).json()["items"]
    assert [one["id"] for one in waiting] == [claim["note_id"]]


def test_a_note_says_what_officials_said_word_for_word(desk: Served, reviewer) -> None:
    id_ = desk.submit(claims=[BOMBERS])
    (claim,) = reviewer.get(f"/v1/submissions/{id_}").json()["claims"]
    note = reviewer.get(f"/v1/notes/{claim['note_id']}").json()
    citations = [cited for one in note["note"] for cited in one["citations"]]
    assert citations
    for cited in citations:
        params = {"version": cited["version"]}
        stored = body_of(
            reviewer.get(f"/v1/statements/{cited['statement_id']}", params=params), 200
        )
        assert stored["text"][cited["start"] : cited["end"]] == cited["quote"]
