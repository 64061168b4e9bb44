from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from service.audit.corpus import command_witness
from service.kit.errors import ConfigurationError, NotFound
from service.kit.vectors import Vectors
from service.settings import Settings
from service.statements.commands import corpus_app
from service.statements.corpus import Corpus

BOMBERS = "Two B-52H bombers flew with three F-35B fighters over the Sea of Japan on Wednesday."
LOAN = "The European Council agreed to provide a loan of EUR 90 billion to Ukraine for 2026."

Write = Callable[..., list[Path]]


def test_listing_and_showing_need_no_encoder_and_no_vectors(
    settings: Settings, corpus: Corpus, counting, write: Write
):
    corpus.add(write(a=BOMBERS))
    corpus.close()

    with Corpus.open(settings, counting("other-model@1")) as other:
        assert [stored.ref.statement_id for stored in other.list()] == ["a"]
        assert other.show("a").text == other.text("a", 1)
        assert other.coverage().passages == 1


def test_the_revision_grows_with_every_change_and_with_nothing_else(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS))
    first = corpus.revision()
    corpus.add(write(a=BOMBERS))
    corpus.search(BOMBERS, 1)
    corpus.reindex()
    corpus.check(repair=True)
    assert corpus.revision() == first

    assert corpus.withdraw("a") == corpus.revision() > first


def test_coverage_counts_what_is_searched(corpus: Corpus, write: Write):
    corpus.add(write(a=BOMBERS, b=LOAN))
    corpus.withdraw("b")

    coverage = corpus.coverage()

    assert (coverage.statements, coverage.passages, coverage.issuers) == (1, 1, 1)


def test_withdrawing_what_is_not_there_is_an_error(corpus: Corpus):
    with pytest.raises(NotFound):
        corpus.withdraw("nothing")


def test_a_folder_that_cannot_hold_data_is_named(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("")

    with pytest.raises(ConfigurationError, match="VERINOTE_DATA_DIR"):
        Corpus.open(Settings(_env_file=None, data_dir=file / "data"))


def test_the_commands_search_check_and_repair(tmp_path: Path, monkeypatch, write: Write):
    monkeypatch.setenv("VERINOTE_DATA_DIR", str(tmp_path / "data"))
    sources = [str(path) for path in write(a=BOMBERS, b=LOAN)]
    runner = CliRunner()

    def run(*arguments: str) -> tuple[int, str]:
        result = runner.invoke(corpus_app, arguments, obj=command_witness)
        return result.exit_code, result.output

    assert run("add", *sources)[0] == 0
    code, shown = run("search", "a loan of €90bn to Ukraine", "--limit", "1")
    assert code == 0
    assert "b@1:0-84" in shown
    assert BOMBERS not in shown
    assert run("check") == (0, "2 passages: the database and the index agree\n")
    settings = Settings(_env_file=None, data_dir=tmp_path / "data")
    with Corpus.open(settings) as corpus, corpus.database.transaction() as session:
        session.execute(text("INSERT INTO passages_fts(passages_fts) VALUES ('delete-all')"))
    code, shown = run("check")
    assert code == 1
    assert "2 passages missing from the index of words" in shown
    assert "verinote corpus check --repair" in shown
    assert run("check", "--repair")[0] == 0
    assert run("check")[0] == 0
    assert run("reindex") == (0, "2 passages indexed\n")


def test_statements_are_indexed_while_others_are_still_stored(
    corpus: Corpus, write, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("service.statements.index._BATCH", 1)
    met: list[int] = []

    def progress(done: int, _total: int, _name: str) -> None:
        until = time.monotonic() + 20
        while done == 1 and not met and time.monotonic() < until:
            time.sleep(0.01)
            met.extend(filter(None, [corpus.count_vectors()]))

    corpus.add(write(a="Two bombers flew.", b="The bank raised its rate."), progress)

    assert met == [1]
    assert corpus.count_vectors() == 2


def test_what_was_left_undone_before_is_told_of_as_it_is_indexed(
    settings: Settings, write, counting, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("service.statements.index._BATCH", 1)
    told: list[tuple[int, str]] = []

    class Away:
        name = "away@1"

        def encode(self, texts: Sequence[str]) -> Vectors:
            raise RuntimeError(f"{len(texts)} texts cannot be embedded yet")

    with Corpus.open(settings, Away()) as corpus, pytest.raises(RuntimeError):
        corpus.add(write(a="Two bombers flew."))
    with Corpus.open(settings, counting("away@1")) as corpus:
        corpus.add(write(b="The bank raised its rate."), lambda *one: told.append((one[0], one[2])))
        assert corpus.count_vectors() == 2
    indexed = [done for done, name in told if name == "passages indexed"]
    assert indexed == [1, 2]
