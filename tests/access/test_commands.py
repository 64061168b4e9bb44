"""``verinote users`` and ``verinote keys``, as an admin types them."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from service.access.register import NotAllowed, Register
from service.audit.trail import Trail, entries
from service.cli import main
from service.kit.database import Database
from service.kit.secret import installation_secret
from service.settings import load_settings

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys) -> Run:
    """Runs the command over an empty data folder; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VERINOTE_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["verinote", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return (stopped.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def register(tmp_path, run) -> Register:
    return Register(Database.open(load_settings().database, tmp_path / "data"), Trail(b"secret"))


def test_from_a_new_person_to_a_key_that_has_ended(run: Run, register: Register) -> None:
    assert run("users", "add", "amal", "--role", "reviewer")[0] == 0
    code, token, told = run("keys", "issue", "amal", "--label", "laptop", "--days", "30")
    assert code == 0
    assert register.caller(token.strip()).user == "amal"
    key_id = token.split("_")[1]
    assert key_id in told

    listed = run("keys", "list", "amal")[1]
    assert key_id in listed
    assert "laptop" in listed
    assert token.strip() not in listed
    assert run("users", "role", "amal", "admin")[1] == "amal is admin now\n"
    assert "admin" in run("users", "list")[1]

    assert run("keys", "revoke", key_id)[0] == 0
    with pytest.raises(NotAllowed, match="revoked"):
        register.caller(token.strip())


def test_a_programs_key_is_shown_as_one(run: Run, register: Register) -> None:
    run("users", "add", "amal", "--role", "reviewer")
    token = run("keys", "issue", "amal", "--service")[1].strip()
    assert not register.caller(token).may_decide
    assert "amal (a program)" in run("keys", "list")[1]


def test_somebody_who_left_is_still_listed(run: Run) -> None:
    run("users", "add", "amal")
    assert run("users", "remove", "amal")[0] == 0
    assert "amal" in run("users", "list")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("users", "add", "A B"), 2, "A B"),
        (("users", "add", "amal", "--role", "king"), 2, "king"),
        (("users", "role", "nobody", "admin"), 8, "nobody"),
        (("users", "remove", "nobody"), 8, "nobody"),
        (("keys", "issue", "nobody"), 8, "nobody"),
        (("keys", "revoke", "nothing"), 8, "nothing"),
    ],
)
def test_a_wrong_input_is_named(run: Run, arguments, code: int, named: str) -> None:
    found, _, told = run(*arguments)
    assert found == code
    assert named in told


def test_the_audit_trail_says_who_typed_a_command(run: Run, tmp_path) -> None:
    run("users", "add", "amal")
    database = Database.open(load_settings().database, tmp_path / "data")
    with database.transaction() as session:
        (entry,) = entries(session, after=0, limit=2)
        trail = Trail(installation_secret(None, tmp_path / "data"))
        assert trail.first_broken(session) is None
    database.close()
    assert (entry.action, entry.subject) == ("user.add", "user:amal")
    assert entry.actor.origin is not None
    assert entry.actor.origin.startswith("command:")
