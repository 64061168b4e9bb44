"""A damaged ``chroma`` folder: every command says so, and it is made again without embedding."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.audit.corpus import command_witness
from service.claims.factchecks import FactCheck
from service.claims.memory import Memory
from service.kit.errors import BrokenVectors
from service.settings import Settings
from service.statements.commands import corpus_app
from service.statements.corpus import Corpus

BOMBERS = "Two B-52H bombers flew with three F-35B fighters over the Sea of Japan on Wednesday."
LOAN = "The European Council agreed to provide a loan of EUR 90 billion to Ukraine for 2026."
CHECK = FactCheck(claim=LOAN, rating="True", publisher="A desk", url="https://desk.example/1")

Write = Callable[..., list[Path]]


def random_bytes(chroma: Path) -> None:
    (chroma / "chroma.sqlite3").write_bytes(os.urandom(20_000))


def a_sound_first_page_only(chroma: Path) -> None:
    file = chroma / "chroma.sqlite3"
    content = file.read_bytes()
    file.write_bytes(content[:4096] + os.urandom(len(content) - 4096))


def cut_short(chroma: Path) -> None:
    file = chroma / "chroma.sqlite3"
    file.write_bytes(file.read_bytes()[:9000])


def a_folder_for_a_file(chroma: Path) -> None:
    (chroma / "chroma.sqlite3").unlink()
    (chroma / "chroma.sqlite3").mkdir()


def a_file_for_the_folder(chroma: Path) -> None:
    shutil.rmtree(chroma)
    chroma.write_bytes(b"x")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data")


DAMAGES = [
    random_bytes,
    a_sound_first_page_only,
    cut_short,
    a_folder_for_a_file,
    a_file_for_the_folder,
]


@pytest.fixture
def damaged(settings: Settings, encoder, write: Write) -> Callable[..., Corpus]:
    def make(damage: Callable[[Path], None]) -> Corpus:
        with Corpus.open(settings, encoder) as corpus:
            corpus.add(write(a=BOMBERS, b=LOAN))
            Memory(corpus.database, corpus.vectors, corpus.embeddings).import_checks([CHECK])
        damage(settings.chroma_dir)
        encoder.encoded.clear()
        return Corpus.open(settings, encoder)

    return make


def found(corpus: Corpus) -> list[str]:
    return [hit.passage.statement.statement_id for hit in corpus.search(LOAN, 1)]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_search_names_the_folder_and_the_command(damaged, damage, settings: Settings):
    with damaged(damage) as corpus:
        for _ in range(2):  # the second must not meet what the first half opened
            with pytest.raises(BrokenVectors, match="verinote corpus reindex") as raised:
                corpus.search(LOAN, 1)
            assert str(settings.chroma_dir) in str(raised.value)


@pytest.mark.parametrize("damage", DAMAGES)
def test_reindex_makes_the_folder_again_and_embeds_nothing(damaged, damage, encoder):
    with damaged(damage) as corpus:
        corpus.reindex()

        assert encoder.encoded == []
        assert not corpus.check().differs
        assert found(corpus) == ["b"]


def test_the_damaged_folder_is_kept_aside_until_the_next(damaged, settings: Settings):
    with damaged(random_bytes) as corpus:
        corpus.reindex()
    with damaged(cut_short) as corpus:
        corpus.reindex()

    aside = settings.chroma_dir.with_name("chroma.broken") / "chroma.sqlite3"
    assert aside.stat().st_size == 9000


@pytest.mark.parametrize("damage", DAMAGES)
def test_check_reports_the_damage_and_repairs_it(damaged, damage, encoder):
    with damaged(damage) as corpus:
        report = corpus.check()
        assert report.vectors_unreadable
        assert report.vectors_missing == report.passages == 2
        assert not report.repaired

        assert corpus.check(repair=True).repaired
        assert not corpus.check().differs
        assert encoder.encoded == []


def test_damage_that_shows_while_the_folder_is_open_is_repaired(corpus: Corpus, write, settings):
    corpus.add(write(a=BOMBERS, b=LOAN))
    random_bytes(settings.chroma_dir)

    assert corpus.check(repair=True).vectors_unreadable
    assert not corpus.check().differs
    assert found(corpus) == ["b"]


def test_statements_are_stored_although_the_vectors_are_broken(damaged, write: Write):
    with damaged(random_bytes) as corpus:
        with pytest.raises(BrokenVectors, match="stored, but not indexed"):
            corpus.add(write(c="No airspace was violated by the bombers."))
        with pytest.raises(BrokenVectors, match="stored, but not indexed"):
            corpus.withdraw("a")

        corpus.reindex()
        assert corpus.coverage().statements == 2
        assert not corpus.check().differs


def test_the_claim_memory_in_the_folder_is_filled_again_and_embeds_nothing_known(damaged, encoder):
    with damaged(random_bytes) as corpus:
        corpus.reindex()
        memory = Memory(corpus.database, corpus.vectors, corpus.embeddings)

        assert [link.checked_by for link in memory.similar(LOAN)] == ["A desk"]
        assert encoder.encoded == [LOAN]  # the question alone


def test_the_commands_say_what_is_wrong_and_put_it_right(tmp_path, monkeypatch, write: Write):
    monkeypatch.setenv("VERINOTE_DATA_DIR", str(tmp_path / "data"))
    runner = CliRunner()

    def run(*arguments: str) -> tuple[int, str]:
        result = runner.invoke(corpus_app, arguments, obj=command_witness)
        return result.exit_code, result.output

    assert run("add", *map(str, write(a=BOMBERS, b=LOAN)))[0] == 0
    random_bytes(tmp_path / "data" / "chroma")
    code, shown = run("check")
    assert (code, "2 passages without a vector" in shown) == (1, True)
    assert run("check", "--repair")[0] == 0
    random_bytes(tmp_path / "data" / "chroma")
    assert run("reindex") == (0, "2 passages indexed\n")
    assert run("check")[0] == 0
