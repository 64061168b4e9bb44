"""What ``verinote corpus`` changes stands in the trail, as from who typed the command."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers import Quiet, serving
from typer.testing import CliRunner, Result

from service.audit.trail import Entry, Trail, entries
from service.cli import app
from service.kit.database import Database
from service.settings import load_settings
from service.statements.corpus import Corpus

TEXT = "Two bombers flew over the sea on Wednesday, and they landed in the evening."
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch) -> Run:
    """Runs ``verinote corpus`` over an empty data folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VERINOTE_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, ["corpus", *map(str, arguments)])

    return run


@pytest.fixture
def database(run: Run) -> Iterator[Database]:
    settings = load_settings()
    opened = Database.open(settings.database, settings.data_dir)
    yield opened
    opened.close()


def trail(database: Database) -> list[Entry]:
    """All entries, of a trail that is whole."""
    with database.transaction() as session:
        assert Trail.of(load_settings()).first_broken(session) is None
        return entries(session, after=0, limit=100)


def told(database: Database) -> list[tuple[str, str, int | None]]:
    return [(entry.action, entry.subject, entry.revision) for entry in trail(database)]


def write(folder: Path, text: str = TEXT) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "a.md").write_text(f"---\nid: s01\nissuer: A navy\n---\n{text}\n")
    return folder


def test_every_change_is_an_entry_and_what_changes_nothing_is_none(
    run: Run, database: Database, tmp_path: Path
) -> None:
    sources = tmp_path / "sources"
    for text in (TEXT, TEXT, f"{TEXT} Later they left."):
        assert run("add", write(sources, text)).exit_code == 0
    for arguments in (["withdraw", "s01"], ["withdraw", "--undo", "s01"]):
        for _ in range(2):
            assert run(*arguments).exit_code == 0

    subject = "statement:s01"
    assert told(database) == [
        ("statement.add", subject, 1),
        ("statement.change", subject, 2),
        ("statement.withdraw", subject, None),
        ("statement.reinstate", subject, None),
    ]
    actors = {entry.actor for entry in trail(database)}
    assert {(one.user, one.key_id, one.origin) for one in actors} == {
        (None, None, f"command:{getpass.getuser()}")
    }


def test_what_a_sync_adds_is_an_entry(
    run: Run, database: Database, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("VERINOTE_FETCH_ALLOW_PRIVATE", "true")
    monkeypatch.setenv("VERINOTE_FEED_PAUSE", "0")
    feed = (
        "<rss version='2.0'><channel><title>News</title><item><title>Bombers</title>"
        "<link>/bombers</link></item></channel></rss>"
    )

    class Ministry(Quiet):
        def do_GET(self) -> None:
            pages = {"/feed": feed, "/bombers": f"<html><body><p>{TEXT}</p></body></html>"}
            kind = "application/rss+xml" if self.path == "/feed" else "text/html"
            status = 200 if self.path in pages else 404
            self.answer(pages.get(self.path, "").encode(), kind, status)

    file = tmp_path / "feeds.toml"
    with serving(Ministry) as port:
        file.write_text(f'[[feed]]\nurl = "http://127.0.0.1:{port}/feed"\nissuer = "A ministry"\n')
        for _ in range(2):
            assert run("sync", file).exit_code == 0

    ((action, subject, revision),) = told(database)
    assert (action, revision) == ("statement.add", 1)
    (entry,) = trail(database)
    assert entry.actor.origin == f"command:{getpass.getuser()}"
    with Corpus.open(load_settings()) as corpus:
        (stored,) = corpus.list()
    assert subject == f"statement:{stored.ref.statement_id}"


def test_where_no_entry_can_be_written_nothing_is_changed(
    run: Run, database: Database, tmp_path: Path, monkeypatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no entry")

    monkeypatch.setattr(Trail, "record", fail)
    assert run("add", write(tmp_path / "sources")).exit_code != 0
    with Corpus.open(load_settings()) as corpus:
        assert corpus.list() == []
        assert corpus.revision() == 0
