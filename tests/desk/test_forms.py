"""Forms that are refused: each says what is wrong with which input, and loses nothing typed."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest
from desks import Served, database_of, served, settings_for
from sqlalchemy import select
from tiny_corpus import LOAN

from service.notes import review
from service.notes.tables import CommentRow

TYPED = "What I typed, <b>all</b> of it"
LENT = "agreed on 10 December 2025 to lend Ukraine EUR 90 billion"
NUL = "a\x00b"
Send = Callable[..., httpx.Response]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(request, tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    with (
        database_of(request.param, request) as database,
        served(settings_for(folder, requests_per_minute=0, **database)) as opened,
    ):
        yield opened


@contextmanager
def browser(desk: Served, who: str = "admin") -> Iterator[tuple[httpx.Client, Send]]:
    """Somebody who is signed in, and what sends forms for them."""
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=desk.url, headers=headers, timeout=60) as client:
        assert client.post("/sign-in", data={"key": desk.keys[who]}).status_code == 303
        token = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/queue").text)
        assert token is not None

        def send(path: str, files: object = None, **data: object) -> httpx.Response:
            return client.post(path, data={"csrf": token[1], **data}, files=files)

        yield client, send


@pytest.fixture
def note(desk: Served) -> str:
    """The id of a new note."""
    id_ = desk.submit(claims=[LOAN])
    with desk.client() as client:
        found: str = client.get(f"/v1/submissions/{id_}").json()["claims"][0]["note_id"]
    return found


def told(answer: httpx.Response, status: int) -> str:
    """The words of a page that comes with a status, as they are read."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<b>all</b>" not in answer.text
    return html.unescape(answer.text)


# Characters that no database can hold.


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/notes/{note}/comments", {"text": NUL}),
        ("/notes/{note}/opinions", {"revision": 1, "question": NUL}),
        ("/notes/{note}/decisions", {"revision": 1, "decision": "reject", "comment": NUL}),
        ("/notes/{note}/edit", {"revision": 1, "text-0": NUL}),
        ("/queue/many", {"act": "assign", "note": f"{NUL}:1"}),
        ("/submissions/new", {"kind": "claims", "claims": NUL}),
        ("/people", {"name": NUL, "role": "reviewer"}),
    ],
)
def test_a_field_that_cannot_be_stored_is_named(
    desk: Served, note: str, path: str, given: dict
) -> None:
    field = next(name for name, value in given.items() if NUL in str(value))
    with browser(desk) as (_, send):
        assert f"{field}: " in told(send(path.format(note=note), **given), 422)


@pytest.mark.parametrize(
    ("path", "field"),
    [("/queue", "q"), ("/queue", "whose"), ("/statements", "issuer"), ("/audit", "subject")],
)
def test_an_address_that_cannot_be_looked_for_is_named(desk: Served, path: str, field: str) -> None:
    with browser(desk) as (client, _):
        assert f"{field}: " in told(client.get(path, params={field: NUL}), 422)


# What was typed.


def test_a_session_that_is_over_loses_nothing(desk: Served, note: str) -> None:
    with browser(desk) as (client, send):
        client.cookies.clear()
        page = told(send(f"/notes/{note}/comments", text=TYPED), 401)
    assert TYPED in page
    assert "/sign-in" in page
    assert "Sign in again" in page


def test_a_form_of_somebody_else_is_refused_and_loses_nothing(desk: Served, note: str) -> None:
    with browser(desk) as (client, send):
        client.post("/sign-in", data={"key": desk.keys["reviewer"]})
        assert TYPED in told(send(f"/notes/{note}/comments", text=TYPED), 403)


def test_another_site_puts_no_words_into_our_pages(desk: Served, note: str) -> None:
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "cross-site"}
    with httpx.Client(base_url=desk.url, headers=headers) as client:
        answer = client.post(f"/notes/{note}/comments", data={"text": "Call 555"})
    assert answer.status_code == 303
    assert "Call 555" not in answer.text


def test_what_is_too_long_is_shown_again(desk: Served, note: str) -> None:
    with browser(desk) as (_, send):
        page = told(send(f"/notes/{note}/comments", text=f"{TYPED} {'x' * 10_000}"), 422)
    assert TYPED in page
    assert "text: String should have at most" in page


def test_a_browsers_line_ends_do_not_count_twice(desk: Served, note: str) -> None:
    with browser(desk) as (client, send):
        text = "a\r\n" * 4_999 + "b"  # 9,999 characters to a browser, which sends 14,998
        assert send(f"/notes/{note}/comments", text=text).status_code == 303
        assert "a\na\n" in html.unescape(client.get(f"/notes/{note}").text)


def test_a_trouble_of_ours_loses_nothing(desk: Served, note: str, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("service.notes.review.comment", broken)
    with browser(desk) as (_, send):
        assert TYPED in told(send(f"/notes/{note}/comments", text=TYPED), 500)


def test_who_disagrees_is_not_made_to_agree_by_a_refusal(desk: Served, note: str) -> None:
    with browser(desk) as (_, ask):
        assert ask(f"/notes/{note}/opinions", revision=1, question="Is it so?").status_code == 303
    with browser(desk, "reviewer") as (_, send):
        given = {"agrees": "no", "verdict": "conflicting", "words": TYPED}
        page = told(send(f"/notes/{note}/opinions", revision=2, **given), 409)
    assert '<option value="no" selected>' in page
    assert page.count('<option value="conflicting" selected>') == 1
    assert TYPED in page


def test_the_reason_of_a_refused_retraction_is_kept(desk: Served, note: str) -> None:
    with browser(desk) as (_, send):
        for decision in ("approve", "publish"):
            assert send(f"/notes/{note}/decisions", revision=1, decision=decision).is_redirect
        given = {"revision": 2, "decision": "retract", "reason": TYPED}
        page = told(send(f"/notes/{note}/decisions", **given), 409)
    assert f'value="{TYPED}"' in page


def test_a_comment_on_what_somebody_else_decided_meanwhile_is_kept(desk: Served, note: str) -> None:
    with browser(desk, "reviewer") as (_, send):
        assert send(f"/notes/{note}/decisions", revision=1, decision="approve").is_redirect
    with browser(desk) as (_, send):
        given = {"revision": 1, "decision": "reject", "comment": TYPED}
        page = told(send(f"/notes/{note}/decisions", **given), 409)
    assert "the note is approved" in page
    assert TYPED in page


def test_a_refused_address_stands_in_the_form_again(desk: Served) -> None:
    with browser(desk) as (_, send):
        page = told(send("/statements/new", url="ftp://example.org/a"), 422)
        assert 'value="ftp://example.org/a"' in page
        page = told(send("/people", name="Ana", role="reviewer"), 422)
        assert 'value="Ana"' in page
        assert page.count("<option selected>reviewer</option>") >= 1


def test_a_moment_that_is_none_of_our_time_is_named(desk: Served, note: str) -> None:
    given = {"revision": 1, "to": "admin", "due": "0001-01-01T00:00+23:00"}
    with browser(desk) as (_, send):
        assert "due: " in told(send(f"/notes/{note}/assignment", **given), 409)


def test_changes_of_no_note_cannot_be_asked_for(desk: Served) -> None:
    with browser(desk) as (_, send):
        page = told(send("/queue/many", act="request_changes", comment=TYPED), 422)
    assert "note: choose at least one" in page
    assert TYPED in page


def test_why_changes_are_asked_for_is_kept_where_they_cannot_be(desk: Served, note: str) -> None:
    given = {"act": "request_changes", "note": f"{note}:2", "comment": TYPED}
    with browser(desk) as (_, send):
        page = told(send("/queue/many", **given), 409)
    assert "the note is at 1 by now" in page
    assert TYPED in page


# Findings, and what they cite.


def cited(times: int, *, finding: int = 0) -> dict[str, str]:
    """The fields of a finding that cites a quote so many times."""
    fields = {f"text-{finding}": f"in other words: {LENT}"}
    for number in range(times):
        fields[f"quote-{finding}-{number}"] = LENT
        fields[f"statement-{finding}-{number}"] = "L1@1"
        fields[f"start-{finding}-{number}"] = "0"
    return fields


def test_a_form_of_all_that_a_note_can_hold_is_taken(desk: Served, note: str) -> None:
    fields: dict[str, str] = {}
    for number in range(20):
        fields |= cited(20, finding=number)
    with browser(desk) as (_, send):
        assert send(f"/notes/{note}/edit", revision=1, **fields).is_redirect
    with desk.client() as client:
        findings = client.get(f"/v1/notes/{note}").json()["note"]
    assert [len(one["citations"]) for one in findings] == [20] * 20


@pytest.mark.parametrize("times", [21, 60])
def test_what_a_finding_cites_too_often_is_not_left_out_silently(
    desk: Served, note: str, times: int
) -> None:
    with browser(desk) as (_, send):
        page = told(send(f"/notes/{note}/edit", revision=1, **cited(times)), 422)
    assert f"cites {times} times: a finding cites at most 20 times" in page
    assert f'name="quote-0-{times - 1}"' in page


def test_what_a_refused_finding_cites_stays_as_it_was(desk: Served, note: str) -> None:
    given = cited(1) | {"statement-0-0": "G1@1"}  # which is no evidence of the note
    with browser(desk) as (_, send):
        page = told(send(f"/notes/{note}/edit", revision=1, **given), 422)
    assert re.findall(r'<option value="([^"]*)" selected>', page) == ["G1@1"]


def test_too_many_findings_are_not_left_out_silently(desk: Served, note: str) -> None:
    fields: dict[str, str] = {}
    for number in range(0, 60, 2):
        fields |= cited(1, finding=number)
    with browser(desk) as (_, send):
        page = told(send(f"/notes/{note}/edit", revision=1, **fields), 422)
    assert "a note has at most 20" in page
    assert page.count(f">in other words: {LENT}</textarea>") == 30


def test_a_finding_that_is_too_long_is_named(desk: Served, note: str) -> None:
    long = f"{LENT} " * 40
    with browser(desk) as (_, send):
        page = told(send(f"/notes/{note}/edit", revision=1, **cited(1) | {"text-0": long}), 422)
    assert f"has {len(long.strip()):,} characters: a finding has at most 2,000" in page


def test_a_form_of_too_many_fields_says_how_many_there_may_be(desk: Served, note: str) -> None:
    fields: dict[str, str] = {}
    for number in range(40):
        fields |= cited(20, finding=number)
    with browser(desk) as (_, send):
        page = told(send(f"/notes/{note}/edit", revision=1, **fields), 400)
    assert "Maximum number of fields is 2000" in page


# What somebody else wrote meanwhile.


def edited(text: str) -> dict[str, object]:
    """The fields of a form with one finding, which quotes what the note rests on."""
    return {"text-0": f"{text}: {LENT}", "quote-0-0": LENT, "statement-0-0": "L1@1"}


def hidden(page: str, name: str) -> list[str]:
    """What a page's forms send of a field that nobody types."""
    return re.findall(rf'type="hidden" name="{name}" value="([^"]*)"', page)


def changed_meanwhile(desk: Served, note: str) -> None:
    """Somebody gives a note other findings."""
    with browser(desk) as (_, send):
        assert send(f"/notes/{note}/edit", revision=1, **edited("in their words")).is_redirect


@pytest.mark.parametrize("quote", [LENT, "Stands nowhere in it"])
def test_an_edit_of_what_changed_meanwhile_overwrites_nothing_unseen(
    desk: Served, note: str, quote: str
) -> None:
    changed_meanwhile(desk, note)
    mine = edited(TYPED) | {"quote-0-0": quote}
    with browser(desk, "reviewer") as (client, send):
        for _ in range(2):  # however often it is sent
            answer = send(f"/notes/{note}/edit", revision=1, **mine)
            page = told(answer, 409 if quote == LENT else 422)
            assert hidden(page, "revision") == ["1"]
        assert TYPED in page
        assert "Revision 2</b> by admin" in page
        assert "<ins>their words: </ins>" in page
        assert "in their words" in html.unescape(client.get(f"/notes/{note}").text)


def test_who_has_seen_what_changed_meanwhile_may_save_theirs_instead(
    desk: Served, note: str
) -> None:
    changed_meanwhile(desk, note)
    with browser(desk, "reviewer") as (_, send):
        page = told(send(f"/notes/{note}/edit", revision=1, **edited("in my words")), 409)
        assert 'name="instead_of" value="2"' in page
        changed_again = send(f"/notes/{note}/edit", revision=2, **edited("in other words"))
        assert changed_again.is_redirect
        page = told(
            send(f"/notes/{note}/edit", revision=1, instead_of=2, **edited("in my words")), 409
        )
        assert "the note is at 3 by now, not at 2" in page
        assert 'name="instead_of" value="3"' in page
        assert send(
            f"/notes/{note}/edit", revision=1, instead_of=3, **edited("in my words")
        ).is_redirect


def test_what_was_just_said_is_not_said_twice(desk: Served, note: str) -> None:
    def said() -> list[tuple[str, str]]:
        with desk.desk.transaction() as session:
            return [(one.user, one.text) for one in review.comments(session, note, limit=9)]

    def a_minute_passes() -> None:
        with desk.desk.transaction() as session:
            for row in session.scalars(select(CommentRow)):
                row.created_at -= timedelta(minutes=1)

    with browser(desk) as (_, send), browser(desk, "reviewer") as (_, answer):
        for speak in (send, send, answer, send):
            assert speak(f"/notes/{note}/comments", text="Agreed").is_redirect
        assert said() == [("admin", "Agreed"), ("a.reviewer", "Agreed"), ("admin", "Agreed")]
        a_minute_passes()
        for text in ("Agreed", "Agreed", "But see L1"):
            assert send(f"/notes/{note}/comments", text=text).is_redirect
        assert [text for _, text in said()[3:]] == ["Agreed", "But see L1"]


# Texts.


def test_a_double_click_sends_a_text_in_once(desk: Served) -> None:
    with browser(desk) as (client, send):
        form = client.get("/submissions/new").text
        once = re.search(r'name="once" value="(\w+)"', form)
        assert once is not None
        given = {"kind": "claims", "claims": LOAN, "title": "Twice"}
        first, second = (send("/submissions/new", once=once[1], **given) for _ in range(2))
        other = send("/submissions/new", once=once[1], **given | {"title": "Another"})
    assert first.status_code == second.status_code == other.status_code == 303
    assert first.headers["Location"] == second.headers["Location"] != other.headers["Location"]
    desk.wait(first.headers["Location"].rpartition("/")[2])
    desk.wait(other.headers["Location"].rpartition("/")[2])


def test_a_file_is_sent_in_with_all_that_was_told_of_it(desk: Served) -> None:
    files = {"file": ("a.txt", LOAN.encode(), "text/plain")}
    about = {"title": "A file", "source_url": "https://example.org/a", "published": "2025-12-12"}
    with browser(desk) as (_, send):
        answer = send("/submissions/new", files, kind="file", **about)
        assert answer.status_code == 303, answer.text
        id_ = answer.headers["Location"].rpartition("/")[2]
        with desk.client() as client:
            shown = client.get(f"/v1/submissions/{id_}").json()
        assert (shown["title"], shown["source"]) == (about["title"], about["source_url"])
        desk.wait(id_)
        for field, odd in (("title", "x" * 1_001), ("source_url", "a b"), ("published", "soon")):
            page = told(send("/submissions/new", files, kind="file", **about | {field: odd}), 422)
            assert f"{field}: " in page
