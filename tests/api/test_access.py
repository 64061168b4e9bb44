"""Every route with every role, with a program's key and with none, as docs/access.md has them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from asking import body_of, problem
from desks import Served

from service.app import create_app

DOCS = Path(__file__).parents[2] / "docs" / "access.md"
ROW = re.compile(r"^\| `(?P<method>[A-Z]+) (?P<path>\S+)` \| (?P<takes>[^|]+) \|$", re.MULTILINE)
API = DOCS.read_text().partition("## Pages")[0]
TABLE = [(row["method"], row["path"], row["takes"]) for row in ROW.finditer(API)]
WITH_ROLE = [row for row in TABLE if not row[2].startswith(("nobody", "its own"))]
ROLES = ["submitter", "reviewer", "admin"]
IDS = {
    "submission_id": "0" * 24,
    "claim_id": "0" * 16,
    "note_id": "0" * 64,
    "statement_id": "nothing",
    "upload_id": "0" * 24,
    "evaluation_id": "0" * 24,
}


def ask(desk: Served, who: str | None, method: str, path: str):
    with desk.client(who) as client:
        return client.request(method, path.format(**IDS))


def test_the_table_has_every_route(desk: Served) -> None:
    routes = {
        (method.upper(), path)
        for path, methods in create_app(desk.desk).openapi()["paths"].items()
        for method in methods
    }
    assert {(method, path) for method, path, _ in TABLE} == routes


@pytest.mark.parametrize(("method", "path", "takes"), WITH_ROLE)
def test_without_a_key_nobody_is_let_in(desk: Served, method: str, path: str, takes: str) -> None:
    answer = ask(desk, None, method, path)
    assert problem(answer, 401) == "not-allowed"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path", "takes"), WITH_ROLE)
@pytest.mark.parametrize("who", ROLES)
def test_a_role_is_let_in_where_the_table_says_so(
    desk: Served, method: str, path: str, takes: str, who: str
) -> None:
    answer = ask(desk, who, method, path)
    if ROLES.index(who) < ROLES.index(takes.split(",", maxsplit=1)[0]):
        assert problem(answer, 403) == "forbidden"
        assert takes.split(",", maxsplit=1)[0] in answer.json()["detail"]
    else:
        assert answer.status_code not in {401, 403}


@pytest.mark.parametrize(("method", "path", "takes"), WITH_ROLE)
def test_a_programs_key_does_nothing_that_takes_a_person(
    desk: Served, method: str, path: str, takes: str
) -> None:
    answer = ask(desk, "service", method, path)
    if "a person" in takes:
        assert problem(answer, 403) == "forbidden"
    else:
        assert answer.status_code not in {401, 403}


@pytest.mark.parametrize("path", [path for _, path, takes in TABLE if takes == "nobody"])
def test_whether_the_service_lives_is_told_to_everybody(desk: Served, path: str) -> None:
    assert ask(desk, None, "GET", path).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Bearer vn_000000000000_" + "A" * 43,
        "Basic YWRtaW46YWRtaW4=",
        "vn_000000000000_" + "A" * 43,
    ],
)
def test_what_is_no_key_lets_nobody_in(desk: Served, header: str) -> None:
    with desk.client(None) as client:
        answer = client.get("/v1/notes", headers={"Authorization": header})
    assert problem(answer, 401) == "not-allowed"


def test_a_key_that_was_revoked_lets_nobody_in(desk: Served) -> None:
    key, token = desk.desk.register.issue("a.reviewer")
    with desk.client(None) as client:
        headers = {"Authorization": f"Bearer {token}"}
        body_of(client.get("/v1/notes", headers=headers), 200)
        desk.desk.register.revoke(key.id)
        assert problem(client.get("/v1/notes", headers=headers), 401) == "not-allowed"


def test_no_key_shows_the_metrics_where_they_have_no_token(desk: Served) -> None:
    with desk.client() as client:
        assert problem(client.get("/metrics"), 403) == "forbidden"
