"""A run on workers as its command sees it: refused, begun, cancelled, gone on with."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from evaluated import lines, told, write_claims
from processes import wait_until
from sqlalchemy import select
from tiny_corpus import write_statements
from typer.testing import CliRunner

from eval.commands import eval_app
from eval.durable import store
from eval.durable.tables import EvaluationRow
from service.audit.tables import EntryRow
from service.kit.database import Database
from service.kit.errors import ConfigurationError, InputError, LimitReached
from service.settings import Settings, load_settings
from service.work.schema import migrate
from service.work.workers import Workers


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(data_dir=tmp_path / "service")
    migrate(made)
    return made


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = Database.open(settings.database, settings.data_dir)
    yield opened
    opened.close()


@pytest.fixture
def worker(settings: Settings, database: Database) -> Workers:
    """One that says that it lives, and answers nothing."""
    known = Workers(database, settings)
    known.begin("one")
    return known


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    write_statements(folder / "statements")
    write_claims(folder, 3)
    return folder


def run(data: Path, out: Path, settings: Settings, *more: str) -> BaseException | None:
    words = ["run", "probes", "--data", str(data), "--out", str(out), "--workers", *more]
    found = CliRunner().invoke(eval_app, words, env={"VERINOTE_DATA_DIR": str(settings.data_dir)})
    return found.exception


def evaluations(database: Database) -> list[str]:
    with database.transaction() as session:
        return list(session.scalars(select(EvaluationRow.id)))


def audited(database: Database) -> list[str]:
    with database.transaction() as session:
        found = session.scalars(select(EntryRow.action).order_by(EntryRow.number))
        return [action for action in found if action.startswith("evaluation.")]


def test_a_process_that_takes_no_work_is_no_worker(
    data: Path, settings: Settings, database: Database, tmp_path: Path
) -> None:
    Workers(database, settings, takes_work=False).begin("an API without work")
    error = run(data, tmp_path / "out", settings)
    assert isinstance(error, ConfigurationError)
    assert "no worker lives" in str(error)
    assert evaluations(database) == []


@pytest.mark.usefixtures("worker")
def test_nothing_is_begun_where_the_folder_cannot_be_written(
    data: Path, settings: Settings, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    assert isinstance(run(data, tmp_path / "file" / "out", settings), OSError)
    assert evaluations(database) == []


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("more", [(), ("--resume",)])
def test_one_that_is_cancelled_meanwhile_does_not_end_as_if_it_were_whole(
    data: Path, settings: Settings, database: Database, tmp_path: Path, more: tuple[str, ...]
) -> None:
    out, ended = tmp_path / "out", []
    command = threading.Thread(target=lambda: ended.append(run(data, out, settings, *more)))
    command.start()
    wait_until(lambda: bool(evaluations(database)) and told(out).get("seconds") == 0, "not begun")
    with database.transaction() as session:
        store.cancel(session, evaluations(database)[0])
    command.join(30)
    (error,) = ended
    assert isinstance(error, LimitReached)
    assert str(error) == "it was cancelled; --resume goes on"
    assert (told(out)["state"], lines(out)) == ("cancelled", 0)


@pytest.mark.usefixtures("worker")
def test_an_interrupt_and_the_going_on_are_in_the_audit_trail(
    data: Path,
    settings: Settings,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    for more in ((), ("--resume",)):
        monkeypatch.setattr(time, "sleep", interrupted)
        run(data, out, settings, *more)
        monkeypatch.undo()
        assert told(out)["evaluation"] == evaluations(database)[0]
    assert audited(database) == [
        "evaluation.accept",
        "evaluation.cancel",
        "evaluation.resume",
        "evaluation.cancel",
    ]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--service-corpus", "--statements", "there"), "--statements and --service-corpus"),
        (("--max-cost", "inf"), "a limit of inf"),
        (("--max-tokens", str(2**60)), "a limit of 1152921504606846976 in tokens"),
    ],
)
@pytest.mark.usefixtures("worker")
def test_what_could_not_be_kept_is_refused(
    data: Path,
    settings: Settings,
    database: Database,
    tmp_path: Path,
    more: tuple[str, ...],
    named: str,
) -> None:
    error = run(data, tmp_path / "out", settings, *more)
    assert isinstance(error, InputError)
    assert named in str(error)
    assert evaluations(database) == []


def test_rows_that_bring_their_evidence_need_no_service(settings: Settings, tmp_path: Path) -> None:
    words: list[Any] = ["run", "healthver", "--data", tmp_path, "--workers", "--service-corpus"]
    error = CliRunner().invoke(eval_app, [str(word) for word in words]).exception
    assert isinstance(error, InputError)
    assert "the rows of healthver bring their own evidence" in str(error)
