"""A backup brings everything back in an empty place: rows, secret and vectors."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from desks import Served, served, settings_for
from processes import VERINOTE
from sqlalchemy import select, table, text
from tiny_corpus import BOMBERS, LOAN
from typer.testing import CliRunner

from service.audit.trail import Trail
from service.backups import back_up, restore
from service.cli import app
from service.kit.database import Database
from service.kit.errors import InputError
from service.kit.secret import installation_secret
from service.settings import Settings
from service.statements.corpus import Corpus


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Served]:
    with served(settings_for(tmp_path_factory.mktemp("desk"))) as opened:
        id_ = opened.submit(claims=[BOMBERS, LOAN], title="Two claims")
        with opened.client("reviewer") as client:
            for claim in client.get(f"/v1/submissions/{id_}").json()["claims"]:
                path = f"/v1/notes/{claim['note_id']}/decisions"
                client.post(path, json={"decision": "approve", "revision": 1}).raise_for_status()
        rows = [{"id": "a", "claim": BOMBERS, "verdict": "supported"}]
        assert opened.evaluate(claims=rows)["state"] == "done"
        yield opened


@pytest.fixture(scope="module")
def archive(desk: Served, tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("archive") / "desk.tar.gz"
    back_up(desk.desk.settings, desk.desk.pipeline.corpus.database, path)
    return path


def everything(database: Database) -> dict[str, list]:
    """All rows of all tables that a backup has."""
    with database.transaction() as session:
        names = session.scalars(
            text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        )
        left_out = ("passages_fts", "sqlite_", "workers", "passage_changes", "datasource", "dbos")
        return {
            name: sorted(map(repr, session.execute(select(text("*")).select_from(table(name)))))
            for name in names
            if not name.startswith(left_out)
        }


def test_what_is_restored_is_what_was_backed_up(
    desk: Served, archive: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("VERINOTE_DATA_DIR", str(tmp_path / "new"))
    told = CliRunner().invoke(app, ["restore", str(archive)], catch_exceptions=False)
    assert told.exit_code == 0, told.output

    settings = settings_for(tmp_path / "new")
    with Corpus.open(settings) as corpus:
        restored = everything(corpus.database)
        assert restored == everything(desk.desk.pipeline.corpus.database)
        assert restored["notes"]
        assert restored["decisions"]
        assert restored["keys"]
        assert corpus.search(BOMBERS, 3) == desk.desk.pipeline.corpus.search(BOMBERS, 3)
        assert not corpus.check().differs
        trail = Trail(installation_secret(None, settings.data_dir))
        with corpus.database.transaction() as session:
            assert trail.first_broken(session) is None


def test_the_command_by_itself_backs_up_and_brings_back_every_table(
    desk: Served, tmp_path: Path
) -> None:
    path, there = tmp_path / "desk.tar.gz", desk.desk.settings.data_dir
    for words, folder in (("backup", there), ("restore", tmp_path / "new")):
        environment = {"PATH": os.defpath, "VERINOTE_DATA_DIR": str(folder)}
        subprocess.run([VERINOTE, words, path], cwd=tmp_path, env=environment, check=True)
    restored = Database(f"sqlite:///{tmp_path / 'new' / 'verinote.db'}")
    try:
        found = everything(restored)
    finally:
        restored.close()
    assert found == everything(desk.desk.pipeline.corpus.database)
    assert {"note_revisions", "answers", "uploads", "evaluation_items"} <= set(found)
    assert found["evaluation_items"]


def test_an_archive_is_for_its_owner_alone(archive: Path) -> None:
    assert archive.stat().st_mode & 0o077 == 0


def test_nothing_is_restored_where_something_is(
    desk: Served, archive: Path, tmp_path: Path
) -> None:
    settings = desk.desk.settings
    with pytest.raises(InputError, match="empty place"):
        restore(settings, desk.desk.pipeline.corpus.database, archive)


def fresh(folder: Path) -> tuple[Settings, Database]:
    folder.mkdir()
    return settings_for(folder), Database(f"sqlite:///{folder / 'verinote.db'}")


def test_what_is_no_archive_is_refused_by_name(archive: Path, tmp_path: Path) -> None:
    settings, database = fresh(tmp_path / "new")
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[:-200])
    words = tmp_path / "words.tar.gz"
    words.write_text("no archive")
    for path in (cut, words, tmp_path / "nothing.tar.gz"):
        with pytest.raises(InputError, match=path.name):
            restore(settings, database, path)


def test_a_changed_archive_is_refused(archive: Path, tmp_path: Path) -> None:
    settings, database = fresh(tmp_path / "new")
    folder = tmp_path / "opened"
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    rows = folder / "decisions.jsonl"
    rows.write_text(rows.read_text().replace("approve", "reject"))
    changed = tmp_path / "changed.tar.gz"
    with tarfile.open(changed, "w:gz") as made:
        for file in folder.iterdir():
            made.add(file, file.name)

    with pytest.raises(InputError, match=r"damaged \(decisions\)"):
        restore(settings, database, changed)


def test_a_file_that_is_there_is_not_written_over(desk: Served, archive: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(InputError, match="is there already"):
        back_up(desk.desk.settings, desk.desk.pipeline.corpus.database, archive)
    assert archive.read_bytes() == before
