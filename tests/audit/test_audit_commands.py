"""``verinote audit``, as who answers for the trail types it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
from sqlalchemy import text

from service.access.register import Register, Role
from service.audit.trail import Trail
from service.cli import main
from service.kit.database import Database
from service.settings import load_settings

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, database_url: str) -> Run:
    """Runs the command over a database with a few entries; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VERINOTE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VERINOTE_DATABASE_URL", database_url)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["verinote", "audit", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return (stopped.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def database(run: Run) -> Database:
    settings = load_settings()
    opened = Database.open(settings.database, settings.data_dir)
    register = Register(opened, Trail.of(settings))
    for name in ("ana", "ben", "cleo"):
        register.add(name, Role.REVIEWER)
    return opened


def change(database: Database, *statements: str) -> None:
    with database.transaction() as session:
        for statement in statements:
            session.execute(text(statement))


CUT = [
    "DELETE FROM audit WHERE number = 3",
    "UPDATE audit_head SET number = 2,"
    " digest = (SELECT digest FROM audit WHERE number = 2) WHERE id = 1",
]


def test_a_trail_that_nobody_touched_is_whole(run: Run, database: Database) -> None:
    assert run("verify") == (0, "3 entries, all as they were written\n", "")


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["UPDATE audit SET action = 'user.remove' WHERE number = 2"], "entry 2: it is not what"),
        (["DELETE FROM audit WHERE number = 1"], "entry 1: it is gone"),
        (["DELETE FROM audit WHERE number = 3"], "entry 3: it is gone"),
        (
            [
                "UPDATE audit SET number = 9 WHERE number = 1",
                "UPDATE audit SET number = 1 WHERE number = 2",
                "UPDATE audit SET number = 2 WHERE number = 9",
            ],
            "entry 1: it was sealed behind another entry",
        ),
    ],
)
def test_the_first_broken_entry_is_named_and_the_exit_code_is_not_zero(
    run: Run, database: Database, statements: list[str], told: str
) -> None:
    change(database, *statements)
    code, output, _ = run("verify")
    assert code == 1
    assert output.startswith(told)


def test_a_head_that_was_kept_shows_what_was_cut_off(
    run: Run, database: Database, tmp_path
) -> None:
    code, head, _ = run("head")
    assert code == 0
    assert json.loads(head)["number"] == 3
    (tmp_path / "head.json").write_text(head)
    assert run("verify", "--head", "head.json")[0] == 0

    change(database, *CUT)
    assert run("verify")[0] == 0
    code, output, _ = run("verify", "--head", "head.json")
    assert (code, output.startswith("entry 3: it is gone")) == (1, True)


@pytest.mark.parametrize("kept", [None, "", "[]", '{"number": 3}', '{"number": "x", "digest": ""}'])
def test_what_is_no_head_is_named(run: Run, database: Database, tmp_path, kept: str | None) -> None:
    if kept is not None:
        (tmp_path / "kept.json").write_text(kept)
    code, _, told = run("verify", "--head", "kept.json")
    assert code == 2
    assert "kept.json" in told
