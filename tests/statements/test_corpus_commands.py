from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.audit.corpus import command_witness
from service.kit.errors import SOME_FAILED, InputError, NotFound
from service.statements.commands import corpus_app

TEXT = "Two bombers flew over the sea on Wednesday, and they landed in the evening — “all well”."


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch):
    """Runs ``verinote corpus`` with its own data folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VERINOTE_DATA_DIR", str(tmp_path / "data"))

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(
            corpus_app, [str(argument) for argument in arguments], obj=command_witness
        )

    return run


def statement(text: str = TEXT, **keys: str) -> str:
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in keys.items()) + f"---\n{text}"


def counts(result: Result) -> list[int]:
    """The figures of the summary: added, new version, unchanged, skipped, failed, revision."""
    return [int(figure) for figure in re.findall(r"│ (\d+)", result.stdout)]


def test_adding_prints_a_summary(corpus, folder):
    made = folder(a_md=statement(id="s01"), b_txt=TEXT, c_png=b"x")

    first, again = corpus("add", made), corpus("add", made)

    assert first.exit_code == again.exit_code == 0
    assert counts(first) == [2, 0, 0, 1, 0, 2]
    assert counts(again) == [0, 0, 2, 1, 0, 2]


def test_what_failed_is_named_with_its_reason_and_the_rest_is_added(corpus, folder):
    made = folder(a_txt=TEXT, b_txt=b"caf\xe9")

    result = corpus("add", made)

    assert result.exit_code == SOME_FAILED
    assert counts(result) == [1, 0, 0, 0, 1, 1]
    assert f"failed: {made / 'b.txt'}: is not utf-8" in result.stderr


def test_strict_adding_fails_when_anything_fails(corpus, folder):
    assert corpus("add", "--strict", folder(a_txt=TEXT, b_txt=b"caf\xe9")).exit_code == 2


def test_adding_nothing_but_failures_exits_with_2(corpus, folder):
    assert corpus("add", folder(b_txt=b"")).exit_code == 2


def test_adding_an_empty_directory_is_an_error(corpus, folder):
    assert isinstance(corpus("add", folder()).exception, InputError)


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_adds_nothing(corpus, tmp_path: Path, name: str):
    (tmp_path / "a.txt").write_text(TEXT)

    error = corpus("add", name).exception

    assert isinstance(error, InputError)
    assert "name of a source is empty" in str(error)


def test_a_progress_bar_is_drawn_on_a_terminal(corpus, folder, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")

    result = corpus("add", folder(a_txt=TEXT))

    assert "1/1" in result.stderr
    assert "1/1" not in result.stdout


def test_no_progress_bar_is_drawn_elsewhere(corpus, folder):
    assert corpus("add", folder(a_txt=TEXT)).stderr == ""


def test_listing_shows_each_statement_and_whether_it_is_searched(corpus, folder):
    german = "Zwei Bomber flogen am Mittwoch über das Meer, und sie landeten am Abend wieder."
    corpus(
        "add",
        folder(
            a_md=statement(id="s01", issuer="Joint Staff", published="2025-12-11"),
            b_md=statement(german, id="s02", language="de"),
            c_md=statement(id="s03"),
        ),
    )
    corpus("withdraw", "s03")

    shown = corpus("list").stdout

    assert re.search(r"s01 .* Joint Staff .* 2025-12-11 .* searched", shown)
    assert re.search(r"s02 .* de .* not searched", shown)
    assert re.search(r"s03 .* withdrawn", shown)
    assert "3 statements, corpus revision 4" in shown


def test_the_text_is_printed_exactly_and_nothing_else(corpus, folder):
    text = f"{TEXT}\n\nSecond [red]paragraph[/red].\x1b[31m"
    corpus("add", folder(a_md=statement(text, id="s01")))

    assert corpus("show", "s01", "--text").stdout_bytes == text.encode()


def test_an_older_version_is_shown_on_demand(corpus, folder):
    corpus("add", folder(a_md=statement(id="s01")))
    corpus("add", folder(a_md=statement("Another text now.", id="s01")))

    assert corpus("show", "s01", "--text").stdout == "Another text now."
    assert corpus("show", "s01", "--version", "1", "--text").stdout == TEXT
    assert "1 of 2" in corpus("show", "s01", "--version", "1").stdout


def test_what_a_document_says_of_itself_does_nothing_to_the_terminal(corpus, folder):
    corpus("add", folder(a_md=statement(id="s01", title='"\\e[31mred [bold]x"')))

    shown = corpus("show", "s01").stdout

    assert "\x1b" not in shown
    assert "[31mred [bold]x" in shown


def test_a_withdrawal_can_be_taken_back(corpus, folder):
    corpus("add", folder(a_md=statement(id="s01")))

    assert "withdrawn; corpus revision 2" in corpus("withdraw", "s01").stdout
    assert "in force again; corpus revision 3" in corpus("withdraw", "s01", "--undo").stdout
    assert " searched" in corpus("list").stdout


@pytest.mark.parametrize("command", ["show", "withdraw"])
def test_a_statement_that_is_not_there_is_an_error(corpus, command: str):
    assert isinstance(corpus(command, "nobody").exception, NotFound)
