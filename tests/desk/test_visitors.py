"""Signing in, and forms: who is nobody, or sends from elsewhere, changes nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from desks import Served, served, settings_for

from service.access.register import Role
from service.app import PAGES
from service.desk.views import POLICY
from service.desk.visitors import COOKIE

DOCS = Path(__file__).parents[2] / "docs" / "access.md"
ROW = re.compile(r"^\| `(?P<method>GET|POST) (?P<path>/\S*)` \| (?P<takes>[^|]+) \|$", re.MULTILINE)
_PAGES = DOCS.read_text().partition("## Pages")[2]
TABLE = [(row["method"], row["path"], row["takes"]) for row in ROW.finditer(_PAGES)]
IDS = {
    "submission_id": "0" * 24,
    "note_id": "0" * 64,
    "statement_id": "nothing",
    "upload_id": "0" * 24,
    "evaluation_id": "0" * 24,
    "key_id": "0" * 12,
    "name": "nobody",
    "act": "role",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    with served(settings_for(folder, requests_per_minute=0)) as opened:
        yield opened


@contextmanager
def browser(desk: Served, who: str | None = "admin") -> Iterator[httpx.Client]:
    with httpx.Client(base_url=desk.url, headers={"Accept": "text/html"}, timeout=60) as client:
        if who is not None:
            answer = client.post("/sign-in", data={"key": desk.keys[who]})
            assert answer.status_code == 303, answer.text
        yield client


def token(client: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get("/queue").text)
    assert found is not None
    return found[1]


def test_the_table_has_every_page() -> None:
    routes = [route for room in PAGES for route in room.router.routes]
    assert {(m, route.path) for route in routes for m in route.methods} == {
        (method, path) for method, path, _ in TABLE
    }


@pytest.mark.parametrize(("method", "path", "takes"), TABLE)
def test_who_may_open_a_page(desk: Served, method: str, path: str, takes: str) -> None:
    address = path.format(**IDS)
    with browser(desk, None) as nobody:
        sent = {"comment": "typed before"} if method == "POST" else None
        answer = nobody.request(method, address, data=sent)
    if takes.startswith("nobody"):
        assert answer.status_code not in {303, 401, 403}
        return
    if method == "GET":
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/sign-in")
    else:
        assert answer.status_code == 401
        assert "Nothing was done" in answer.text
    needed = Role(takes)
    for role in Role:
        with browser(desk, role) as somebody:
            data = {"csrf": token(somebody)} if method == "POST" else None
            if path == "/sign-out":
                continue
            status = somebody.request(method, address, data=data).status_code
        assert (status == 403) is not role.covers(needed), (role, status)


@pytest.mark.parametrize(("method", "path", "takes"), [row for row in TABLE if row[0] == "POST"])
def test_a_form_from_elsewhere_is_refused(desk: Served, method, path, takes) -> None:
    if takes.startswith("nobody"):
        with browser(desk, None) as client:
            headers = {"Sec-Fetch-Site": "cross-site"}
            answer = client.post(path, data={"key": desk.keys["admin"]}, headers=headers)
            assert answer.status_code == 403
            assert COOKIE not in client.cookies
        return
    with browser(desk) as client, browser(desk, "reviewer") as other:
        for sent in ({}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": token(other)}):
            answer = client.post(path.format(**IDS), data=sent)
            assert answer.status_code == 403, (sent, answer.text)


ELSEWHERE = "https://elsewhere.example"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ELSEWHERE},
        {"Origin": "null"},
        {"Referer": f"{ELSEWHERE}/a"},
        {"Referer": f"{ELSEWHERE}/{{here}}"},
        {"Origin": "{here}.elsewhere.example"},
        {"Origin": ELSEWHERE, "Referer": "{here}/sign-in"},
        {"Sec-Fetch-Site": "same-site", "Origin": "{here}"},
    ],
)
def test_nobody_is_signed_in_from_another_site(desk: Served, headers: dict[str, str]) -> None:
    told = {name: value.format(here=desk.url) for name, value in headers.items()}
    with browser(desk, None) as client:
        answer = client.post("/sign-in", data={"key": desk.keys["admin"]}, headers=told)
        assert answer.status_code == 403
        assert "this form is from another site" in answer.text
        assert COOKIE not in client.cookies


@pytest.mark.parametrize("name", ["Origin", "Referer"])
@pytest.mark.parametrize("behind_a_proxy", [False, True])
def test_a_browser_that_says_little_signs_in_from_our_page(
    desk: Served, request, name: str, behind_a_proxy: bool
) -> None:
    site = desk.url
    if behind_a_proxy:  # which asks us under another name
        site = "https://notes.example"
        settings = desk.desk.settings
        request.addfinalizer(lambda: object.__setattr__(desk.desk, "settings", settings))
        named = settings.model_copy(update={"public_url": f"{site}/notes"})
        object.__setattr__(desk.desk, "settings", named)
    with browser(desk, None) as client:
        assert client.get("/sign-in").headers["Referrer-Policy"] == "same-origin"
        headers = {name: site if name == "Origin" else f"{site}/sign-in"}
        answer = client.post("/sign-in", data={"key": desk.keys["admin"]}, headers=headers)
    assert answer.status_code == 303


def test_a_program_cannot_sign_in(desk: Served) -> None:
    with browser(desk, None) as client:
        answer = client.post("/sign-in", data={"key": desk.keys["service"]})
        assert answer.status_code == 401
        assert "program" in answer.text
        assert COOKIE not in client.cookies


@pytest.mark.parametrize("key", ["", "x", "vn_0123456789ab_" + "k" * 43])
def test_a_wrong_key_lets_nobody_in(desk: Served, key: str) -> None:
    with browser(desk, None) as client:
        assert client.post("/sign-in", data={"key": key}).status_code in {401, 422}
        assert client.get("/queue").headers["Location"] == "/sign-in?next=/queue"


def test_signing_out_ends_the_session_for_good(desk: Served) -> None:
    with browser(desk) as client:
        kept = client.cookies[COOKIE]
        assert client.post("/sign-out", data={"csrf": token(client)}).status_code == 303
        client.cookies.set(COOKIE, kept)
        assert client.get("/queue").status_code == 303


def test_a_session_ends_with_its_key(desk: Served) -> None:
    key, sent = desk.desk.register.issue("admin")
    with browser(desk, None) as client:
        client.post("/sign-in", data={"key": sent})
        assert client.get("/queue").status_code == 200
        desk.desk.register.revoke(key.id)
        assert client.get("/queue").status_code == 303


def test_what_a_browser_keeps_is_not_stored(desk: Served) -> None:
    with browser(desk) as client:
        kept = client.cookies[COOKIE]
        cookie = client.post("/sign-in", data={"key": desk.keys["admin"]}).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    for file in desk.desk.settings.data_dir.glob("verinote.db*"):
        assert kept.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "\n/x"],
)
def test_nobody_is_led_elsewhere_by_signing_in(desk: Served, wanted: str) -> None:
    with browser(desk, None) as client:
        answer = client.post("/sign-in", data={"key": desk.keys["admin"], "next": wanted})
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("path", ["/sign-in", "/queue", "/submissions/new", "/nothing", "/audit"])
def test_every_page_says_what_may_run_in_it(desk: Served, path: str) -> None:
    with browser(desk) as client:
        answer = client.get(path)
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/sign-in", "/queue", "/", "/submissions/new", "/published", "/published/feed.json",
     "/published/feed.atom", "/static/desk.css", "/healthz", "/nothing"],
)  # fmt: skip
def test_what_can_be_read_can_be_asked_about_without_reading_it(desk: Served, path: str) -> None:
    with browser(desk) as client:
        read, asked = client.get(path), client.head(path)
        assert asked.status_code == read.status_code != 405
        for name in ("Content-Type", "Content-Length", "Location", "Content-Security-Policy"):
            assert asked.headers.get(name) == read.headers.get(name), name
        assert asked.content == b""
        assert client.get(path).status_code == read.status_code, "the connection serves on"
    with browser(desk, None) as nobody:
        assert nobody.head("/audit").headers["Location"] == "/sign-in?next=/audit"


def test_errors_are_pages_for_people_and_problems_for_programs(desk: Served) -> None:
    with browser(desk) as client:
        shown = client.get("/notes/" + "0" * 64)
        assert shown.status_code == 404
        assert "there is no such note" in shown.text
        assert shown.headers["Content-Type"].startswith("text/html")
    with desk.client() as program:
        told = program.get("/v1/notes/" + "0" * 64, headers={"Accept": "text/html"})
        assert told.headers["Content-Type"] == "application/problem+json"


def test_what_was_typed_survives_the_end_of_a_session(desk: Served) -> None:
    with browser(desk) as client:
        sent = {
            "csrf": token(client), "kind": "claims", "title": "Typed with <care>",
            "claims": "The port of Kemi handled 4,711 containers in November 2025.",
        }  # fmt: skip
        client.cookies.clear()
        answer = client.post("/submissions/new", data=sent)
        assert answer.status_code == 401
        kept = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
        assert {name: html.unescape(value) for name, value in kept.items()} == sent
        assert 'action="/submissions/new"' in answer.text
        client.post("/sign-in", data={"key": desk.keys["admin"]})
        assert client.post("/submissions/new", data=sent).status_code == 303
