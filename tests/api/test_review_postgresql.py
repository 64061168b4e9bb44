"""The same review on PostgreSQL: every query of the desk and of what is published, to the end."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from asking import body_of
from desks import Served, served, settings_for
from sqlalchemy import func, select
from tiny_corpus import LOAN

from service.notes.tables import CommentRow, DecisionRow, OpinionRow, RevisionRow

TEXT = "The port of Turku handled 4,500 containers in November 2025."


@pytest.fixture(scope="module")
def desk(tmp_path_factory, postgres) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    with postgres.database() as url:
        settings = settings_for(folder, requests_per_minute=0, database_url=url, four_eyes=True)
        with served(settings) as opened:
            yield opened


def post(client: httpx.Client, path: str, **body: object) -> dict:
    shown: dict = body_of(client.post(path, json=body), 201)
    return shown


def notes(client: httpx.Client, **params: object) -> list[str]:
    items = body_of(client.get("/v1/notes", params=params), 200)["items"]
    return [f"/v1/notes/{one['id']}" for one in items]


def check_public(desk: Served, path: str) -> None:
    """See that everybody may read the note, as it was corrected."""
    with desk.client(None) as public:
        assert TEXT in public.get("/published").text
        page = public.get(path).text
        assert "A second statement." in page
        (item,) = public.get("/published/feed.json").json()["items"]
        assert "conflict" in item["title"]
        assert public.get("/published/feed.atom").status_code == 200


def test_a_note_goes_all_its_way_and_is_erased(desk: Served, admin, reviewer) -> None:
    statement = {"id": "T1", "issuer": "Port of Turku", "published": "2025-12-01"}

    def add(text: str) -> None:
        told = {"statements": [{**statement, "text": text}]}
        body_of(reviewer.post("/v1/statements", json=told), 201)

    add(TEXT)
    id_ = desk.submit(claims=[TEXT, LOAN])
    claims = admin.get(f"/v1/submissions/{id_}").json()["claims"]
    note, other = (f"/v1/notes/{claim['note_id']}" for claim in claims)

    def found(**params: object) -> list[str]:
        return notes(reviewer, **params)

    due = "2025-12-31T12:00:00Z"
    seen = [{"id": claim["note_id"], "revision": 1} for claim in claims]
    bulk = {"act": "assign", "due_at": due, "notes": seen}
    told = body_of(reviewer.post("/v1/notes/bulk", json=bulk), 200)
    assert [one["done"] for one in told] == [True, True]
    assert sorted(found(assigned="me", overdue=True)) == sorted([note, other])
    assert found(assigned="nobody") == found(state="approved") == []
    assert found(text="TURKU", verdict="supported", submission_id=id_) == [note]
    assert sorted(found(warned=True) + found(warned=False)) == sorted([note, other])
    for order in ("newest", "oldest", "least_confident", "most_confident"):
        whole = found(order=order)
        first = body_of(reviewer.get("/v1/notes", params={"order": order, "limit": 1}), 200)
        assert [*whole[:1], *found(order=order, cursor=first["next"])] == whole

    comment = post(reviewer, f"{note}/comments", text="Which month?")
    assert body_of(admin.get(f"{note}/comments"), 200)["items"] == [comment]
    post(reviewer, f"{note}/opinions", revision=1, question="November?")
    opinion = {"agrees": True, "verdict": "supported", "words": "So it says."}
    post(admin, f"{note}/opinions", revision=1, **opinion)
    shown = reviewer.get(note).json()
    citations = [
        {name: one[name] for name in ("statement_id", "version", "start", "end")}
        for one in shown["note"][0]["citations"]
    ]
    edited = {"findings": [{"text": TEXT, "citations": citations}]}
    body_of(reviewer.patch(note, json=edited, headers={"If-Match": '"1"'}), 200)
    decisions = f"{note}/decisions"
    kept = post(reviewer, decisions, decision="approve", revision=2)
    assert kept["state"] == "in_review", "who edited approves with somebody else"
    assert post(admin, decisions, decision="approve", revision=2)["state"] == "approved"
    post(admin, decisions, decision="publish", revision=2)

    add(TEXT.replace("containers", "large containers"))
    assert found(changed=True) == [note]
    changed = reviewer.get(note).json()["changed"]
    assert post(reviewer, f"{note}/recheck", revision=2, changed=changed)["changed"] == []
    assert found(changed=True) == []
    amends = {"verdict": "conflicting", "reason": "A second statement."}
    post(reviewer, decisions, decision="correct", revision=2, **amends)

    check_public(desk, note.replace("/v1/notes", "/published"))
    assert TEXT in admin.get(f"/v1/submissions/{id_}/export").text
    assert body_of(admin.get("/v1/audit/verification"), 200)["whole"]

    assert admin.delete(f"/v1/submissions/{id_}").status_code == 204
    with desk.desk.transaction() as session:
        for table in (CommentRow, OpinionRow, DecisionRow, RevisionRow):
            assert session.scalar(select(func.count()).select_from(table)) == 0
