"""What goes with every answer, and what parts of pages do when something goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from conftest import Visits
from desks import Served
from playwright.sync_api import Route, expect
from tiny_corpus import LOAN

from service.access.register import Role
from service.api.access import Asking
from service.kit.errors import InputError

RENEW = """htmx.ajax("GET", location.pathname + "?part=yes",
                  {target: "#submission", swap: "outerMorph"})"""


@pytest.fixture
def person(desk: Served) -> Iterator[httpx.Client]:
    """Somebody's browser."""
    with httpx.Client(base_url=desk.url, headers={"Accept": "text/html"}, timeout=60) as client:
        client.post("/sign-in", data={"key": desk.keys["admin"]})
        yield client


@pytest.fixture
def two_a_minute(desk: Served) -> Iterator[None]:
    """The desk lets nobody ask more than twice a minute."""
    before = desk.desk.asking
    object.__setattr__(desk.desk, "asking", Asking(2))
    yield
    object.__setattr__(desk.desk, "asking", before)


@pytest.mark.parametrize(
    "path",
    ["/static/desk.css", "/static/icon.svg", "/docs", "/openapi.json", "/healthz", "/v1/notes",
     "/queue", "/", "/published", "/published/feed.atom", "/nothing"],
)  # fmt: skip
def test_no_answer_is_taken_for_another_kind_of_file(person, path: str) -> None:
    assert person.get(path).headers["X-Content-Type-Options"] == "nosniff"


def test_nobody_keeps_a_copy_of_what_takes_a_key(desk: Served, person) -> None:
    id_ = desk.submit(claims=[LOAN])
    for path in ("/queue", "/", f"/submissions/{id_}/export"):
        assert person.get(path).headers["Cache-Control"] == "no-store"
    with desk.client() as program:
        answer = program.get(f"/v1/submissions/{id_}")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_newer_release_is_not_shown_with_old_files(person) -> None:
    first = person.get("/static/desk.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = person.get("/static/desk.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_a_page_that_is_refused_says_when_to_come_again(person, two_a_minute: None) -> None:
    answers = [person.get("/queue") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) >= 1


def test_a_long_address_keeps_nobody_from_signing_in(desk: Served) -> None:
    with httpx.Client(base_url=desk.url, headers={"Accept": "text/html"}) as client:
        asked = client.get("/statements", params={"q": "ß" * 1_900})
        form = client.get(asked.headers["Location"])
        wanted = re.search(r'name="next" value="([^"]*)"', form.text)
        assert wanted is not None
        answer = client.post("/sign-in", data={"key": desk.keys["admin"], "next": wanted[1]})
    assert answer.status_code == 303


@pytest.mark.parametrize("name", ["me", "nobody", "command", "verinote"])
def test_nobody_is_called_what_stands_for_somebody_else(desk: Served, name: str) -> None:
    with pytest.raises(InputError, match=f"{name}: "):
        desk.desk.register.add(name, Role.REVIEWER)


def answering(status: int) -> Callable[[Route], None]:
    """Answers a browser's request with a trouble."""
    return lambda route: route.fulfill(
        status=status, content_type="text/html", body="<h1>Trouble</h1>"
    )


def test_a_part_that_cannot_be_renewed_leaves_the_page_as_it_is(
    desk: Served, visit: Visits
) -> None:
    id_ = desk.submit(claims=[LOAN])
    page = visit().go(f"/submissions/{id_}")
    for status in (429, 500, 503):
        with page.expect_response("**/*part=yes"):
            page.route("**/*part=yes", answering(status), times=1)
            page.evaluate(RENEW)
        expect(page.get_by_role("heading", name="Trouble")).to_have_count(0)
        expect(page.get_by_text(LOAN).first).to_be_visible()
    with desk.client() as admin:
        assert admin.delete(f"/v1/submissions/{id_}").status_code == 204
    page.evaluate(RENEW)
    expect(page.get_by_text("there is no such submission")).to_be_visible()
    expect(page.get_by_role("banner")).to_have_count(1)


def test_what_somebody_opened_stays_open_while_a_part_is_renewed(
    desk: Served, visit: Visits
) -> None:
    page = visit("admin").go(f"/submissions/{desk.submit(claims=[LOAN])}")
    page.get_by_text("Erase…").focus()
    page.keyboard.press("Enter")
    page.evaluate("document.querySelector('.heading h1').textContent = 'Old'")
    page.evaluate(RENEW)
    expect(page.get_by_role("heading", name="Untitled text")).to_be_visible()
    expect(page.get_by_role("button", name="Erase it for good")).to_be_visible()


def test_a_part_leads_to_signing_in_and_back(desk: Served) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"{desk.url}/submissions/x?y=1#z"}
    with httpx.Client(base_url=desk.url, headers=headers) as client:
        answer = client.get("/queue/running")
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/submissions/x%3Fy%3D1"
