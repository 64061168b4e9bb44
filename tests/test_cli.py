"""``verinote verify`` as people and programs use it: streams, lines, exit codes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_corpus import ARTICLE, BOMBERS, IGNORE, LOAN, MORE_BOMBERS, UNKNOWN, write_statements

from eval.endpoint.asked import Asked
from eval.endpoint.faults import Fault, always
from eval.endpoint.scripts import clean
from eval.endpoint.server import ScriptedEndpoint
from service.cli import main
from service.kit.chroma import EmbeddedChroma
from service.kit.errors import SOME_FAILED, ConfigurationError
from service.kit.vectors import VectorStore
from service.statements.index import COLLECTION

GERMAN = (
    "Das Auswärtige Amt hat am Dienstag mitgeteilt, dass zwei Fregatten in das Mittelmeer verlegt "
    "werden. Die Entscheidung fiel nach Angaben der Regierung im Kabinett."
)
CONTRACT = {
    "claim_id", "claim", "speaker", "claim_date", "source", "state", "error", "verdict",
    "confidence", "note", "basis", "warnings", "evidence", "engine", "model", "prompt_version",
    "corpus_revision", "usage",
}  # fmt: skip
ADDED = {"context", "score", "dropped", "links", "reused_from"}


class Result:
    """What a command left: exit code, standard output and standard error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.out.splitlines()]


Verinote = Callable[..., Result]


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the statements; tests add nothing but remembered claims to it."""
    folder = tmp_path_factory.mktemp("cli")
    statements = write_statements(folder / "statements")
    subprocess.run(
        [sys.executable, "-c", "from service.cli import main; main()", "corpus", "add", statements],
        env=os.environ | {"VERINOTE_DATA_DIR": str(folder / "data")},
        check=True,
        capture_output=True,
    )
    return folder / "data"


@pytest.fixture
def verinote(data, monkeypatch, capfd, tmp_path) -> Verinote:
    """Runs the command in this process, in an empty folder."""

    def run(*arguments: str | Path, stdin: bytes | None = None, **settings: str) -> Result:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("VERINOTE_DATA_DIR", str(data))
        monkeypatch.setenv("VERINOTE_THREADS", "1")
        for name, value in settings.items():
            monkeypatch.setenv(f"VERINOTE_{name.upper()}", value)
        monkeypatch.setattr(sys, "argv", ["verinote", *map(str, arguments)])
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main()
        return Result(stopped.value.code or 0, *capfd.readouterr())

    return run


@pytest.fixture
def article(tmp_path) -> Path:
    path = tmp_path / "article.md"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


@pytest.fixture
def claims(tmp_path) -> Path:
    path = tmp_path / "claims.txt"
    path.write_text(f"{BOMBERS}\n\n- {MORE_BOMBERS}\n{UNKNOWN}\n", encoding="utf-8")
    return path


# What comes out.


def test_a_line_a_claim_with_exactly_the_contracts_keys(verinote, article) -> None:
    result = verinote("verify", article, "--json")
    assert result.code == 0
    assert len(result.lines) >= 3
    for line in result.lines:
        assert set(line) == CONTRACT | ADDED
    starts = [line["source"]["start"] for line in result.lines]
    assert starts == sorted(starts)
    assert {line["claim_date"] for line in result.lines} == {"2025-12-12"}


def test_every_quote_stands_at_its_offsets_in_what_corpus_show_prints(verinote, claims) -> None:
    cited = [
        citation
        for line in verinote("verify", claims, "--claims", "--json").lines
        for finding in line["note"]
        for citation in finding["citations"]
    ]
    assert cited
    for one in cited:
        arguments = ("corpus", "show", one["statement_id"], "--version", str(one["version"]))
        text = verinote(*arguments, "--text").out
        assert text[one["start"] : one["end"]] == one["quote"]


def test_one_claim_a_line_without_its_bullet(verinote, claims) -> None:
    result = verinote("verify", claims, "--claims", "--json", "--as-of", "2025-12-12")
    assert [line["claim"] for line in result.lines] == [BOMBERS, MORE_BOMBERS, UNKNOWN]
    assert [line["verdict"] for line in result.lines] == [
        "supported", "refuted", "not_enough_evidence",
    ]  # fmt: skip
    assert result.lines[2]["note"] == []
    assert result.lines[2]["basis"]["nearest"]


def test_a_person_sees_a_table(verinote, claims) -> None:
    result = verinote("verify", claims, "--claims", "--as-of", "2025-12-12")
    assert "✔ supported" in result.out
    assert "3 claims: 1 supported, 1 refuted, 1 not enough evidence." in result.out
    assert result.err == ""


def test_a_later_statement_does_not_decide_before_its_date(verinote, claims) -> None:
    by_date = {
        day: verinote("verify", claims, "--claims", "--json", "--as-of", day).lines[1]["verdict"]
        for day in ("2025-12-09", "2025-12-19", "2025-12-20")
    }
    assert by_date == {
        "2025-12-09": "not_enough_evidence",
        "2025-12-19": "refuted",
        "2025-12-20": "supported",
    }


def test_the_lines_are_also_written_where_out_says(verinote, article, tmp_path) -> None:
    out = tmp_path / "new" / "notes.jsonl"
    shown = verinote("verify", article, "--json", "--out", out)
    assert out.read_text(encoding="utf-8") == shown.out
    table = verinote("verify", article, "--out", out)
    assert len(out.read_text(encoding="utf-8").splitlines()) == len(shown.lines)
    assert "what officials said" in table.out


def test_several_articles_are_verified_one_after_the_other(verinote, article, claims) -> None:
    one = verinote("verify", article, "--json").lines
    both = verinote("verify", article, article, "--json").lines
    assert [line["claim_id"] for line in both] == [line["claim_id"] for line in one] * 2


def test_an_article_comes_from_standard_input(verinote) -> None:
    result = verinote("verify", "-", "--json", stdin=f"{BOMBERS} {LOAN}".encode())
    assert [line["claim"] for line in result.lines] == [BOMBERS, LOAN]


def test_the_same_command_prints_the_same_twice(verinote, tmp_path) -> None:
    path = tmp_path / "once.txt"
    path.write_text("Two U.S. B-52 bombers took part in an exercise in December 2025.\n")
    first, second, third = (
        verinote("verify", path, "--claims", "--json", "--as-of", "2025-12-12") for _ in range(3)
    )
    assert first.lines[0]["reused_from"] is None
    assert second.lines[0]["reused_from"] == first.lines[0]["claim_id"]
    assert second.out == third.out


def test_an_article_without_a_claim_has_no_lines(verinote) -> None:
    result = verinote("verify", "-", "--json", stdin=b"What a lovely day it was, was it not?")
    assert (result.code, result.out) == (0, "")


def test_whoever_has_no_statements_is_told_how_to_add_some(verinote, claims, tmp_path) -> None:
    result = verinote("verify", claims, "--claims", "--json", data_dir=str(tmp_path / "empty"))
    assert {line["verdict"] for line in result.lines} == {"not_enough_evidence"}
    assert "verinote corpus add" in result.err


def test_the_text_of_a_statement_acts_neither_in_lines_nor_in_the_table(verinote, tmp_path) -> None:
    path = tmp_path / "harbour.txt"
    path.write_text("The harbour of Sakata was closed for five days in December 2025.\n")
    lines = verinote("verify", path, "--claims", "--json", "--as-of", "2025-12-12")
    assert "\x1b" not in lines.out
    assert lines.lines[0]["note"][0]["citations"][0]["issuer"] == (
        "[red]Port of Sakata[/red] \x1b[31m"
    )
    table = verinote("verify", path, "--claims", "--as-of", "2025-12-12")
    assert "\x1b" not in table.out
    assert "[red]Port of" in table.out


def test_instructions_in_an_article_do_not_print_or_decide(verinote) -> None:
    hostile = f"{MORE_BOMBERS} {IGNORE} [bold]\x1b[2J"
    result = verinote("verify", "-", "--json", stdin=hostile.encode())
    assert "\x1b" not in result.out
    verdicts = {line["claim"]: line["verdict"] for line in result.lines}
    assert (
        verdicts[MORE_BOMBERS] != "supported" or result.lines[0]["basis"]["as_of"] >= "2025-12-20"
    )


# What goes wrong.


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b"", 2, "empty"),
        (b" \n\n ", 2, ""),
        (b"\x00\x01\x02\xff\xfe" * 400, 2, ""),
        (b"x" * 5_000_000, 4, "VERINOTE_MAX_SUBMISSION_BYTES"),
        (GERMAN.encode(), 3, "German"),
    ],
    ids=["empty", "blank", "binary", "5 MB", "German"],
)
@pytest.mark.parametrize("way", ["file", "stdin"])
def test_what_cannot_be_read_has_its_exit_code_and_one_line(
    verinote, tmp_path, content, code, told, way
) -> None:
    path = tmp_path / "input.txt"
    path.write_bytes(content)
    result = (
        verinote("verify", path, "--json")
        if way == "file"
        else verinote("verify", "-", "--json", stdin=content)
    )
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("verinote: ")
    assert len(result.err.splitlines()) == 1
    assert told in result.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["verify", "missing.txt"], 2, "missing.txt: no such file"),
        (["verify", "."], 2, "is a directory"),
        (["verify", "ftp://example.org/a"], 5, "ftp"),
        (["verify", "http://127.0.0.1:9/a"], 5, "127.0.0.1"),
        (["verify", "article.md", "--engine", "oracle"], 9, "oracle"),
        (["verify", "article.md", "--as-of", "yesterday"], 2, "yesterday"),
        (["verify", "article.md", "--as-of", "2025-13-01"], 2, "2025-13-01"),
        (["verify"], 2, "Missing argument"),
        (["verify", "article.md", "--out", "article.md"], 2, "is what is to be verified"),
        (["verify", "article.md", "--out", "article.md/notes.jsonl"], 2, "cannot be written"),
        (["corpus", "show", "nothing"], 8, "nothing"),
        (["verify", ""], 2, "the name of a source is empty"),
        (["verify", "article.md", "--out", "/dev/full"], 2, "/dev/full: cannot be written"),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(verinote, article, arguments, code, told) -> None:
    result = verinote(*arguments)
    assert (result.code, result.out) == (code, "")
    assert told in result.err
    assert article.read_text(encoding="utf-8") == ARTICLE


def test_an_unknown_engine_in_the_environment_is_refused_too(verinote, article) -> None:
    result = verinote("verify", article, engine="oracle")
    assert result.code == 9
    assert "oracle" in result.err


def test_a_setting_that_cannot_be_used_is_named_as_the_variable_it_is(verinote, article) -> None:
    result = verinote("verify", article, threads="abc")
    assert result.code == 9
    assert "VERINOTE_THREADS='abc'" in result.err


@pytest.mark.parametrize(
    "url", ["garbage", "oracle9://nowhere", "postgresql://reader:secret@127.0.0.1:9/news"]
)
def test_a_database_that_cannot_be_had_is_a_setting_to_be_changed(verinote, url) -> None:
    result = verinote("corpus", "list", database_url=url)
    assert (result.code, result.out) == (9, "")
    assert "VERINOTE_DATABASE_URL" in result.err
    assert "secret" not in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("command", [["corpus", "list"], ["verify", "article.md"]])
def test_a_damaged_database_is_named(verinote, article, tmp_path, command) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "verinote.db").write_bytes(b"no database " * 400)
    result = verinote(*command, data_dir=str(tmp_path / "damaged"))
    assert (result.code, result.out) == (9, "")
    assert "damaged/verinote.db: cannot be used as the database" in result.err
    assert len(result.err.splitlines()) == 1


def test_a_line_that_is_not_english_fails_and_the_others_are_verified(verinote, tmp_path) -> None:
    path = tmp_path / "claims.txt"
    path.write_text(f"{BOMBERS}\n{GERMAN}\n{LOAN * 40}\n{UNKNOWN}\n", encoding="utf-8")
    result = verinote("verify", path, "--claims", "--json")
    assert result.code == SOME_FAILED
    assert [line["state"] for line in result.lines] == ["drafted", "failed", "failed", "drafted"]
    assert "line 2 looks like German" in result.lines[1]["error"]
    assert "line 3 has" in result.lines[2]["error"]


def test_where_no_line_is_english_nothing_is_verified(verinote) -> None:
    result = verinote("verify", "-", "--claims", "--json", stdin=f"{GERMAN}\n{GERMAN}".encode())
    assert (result.code, result.out) == (3, "")
    assert "line 1" in result.err


def test_the_name_of_a_file_does_not_act_on_the_terminal(verinote) -> None:
    result = verinote("verify", "\x1b[31mno\nsuch\u202efile")
    assert result.code == 2
    assert not {"\x1b", "\u202e"} & set(result.err)
    assert len(result.err.splitlines()) == 1


def test_a_data_folder_that_is_a_file_is_a_setting_to_be_changed(verinote, article) -> None:
    result = verinote("verify", article, data_dir=str(article))
    assert (result.code, result.out) == (9, "")
    assert "VERINOTE_DATA_DIR" in result.err


def test_where_claims_fail_the_others_are_printed_and_the_exit_code_tells(
    verinote, claims, tmp_path
) -> None:
    """A corpus whose vectors came from another model answers no claim at all."""
    other = str(tmp_path / "other")
    verinote("corpus", "add", write_statements(tmp_path / "more"), data_dir=other)
    store = VectorStore(EmbeddedChroma(tmp_path / "other" / "chroma"))
    store.recreate(COLLECTION, "another-model@1")
    store.close()
    result = verinote("verify", claims, "--claims", "--json", data_dir=other)
    assert result.code == SOME_FAILED
    assert [line["state"] for line in result.lines] == ["failed"] * 3
    assert all("verinote corpus reindex" in line["error"] for line in result.lines)


# As a process of its own.


def run_alone(data: Path, *arguments: str, **kept) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", "from service.cli import main; main()", *arguments],
        env=os.environ | {"VERINOTE_DATA_DIR": str(data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        **kept,
    )


def test_lines_are_utf8_whatever_the_locale(data) -> None:
    quoted = BOMBERS.replace("exercise", "exercise ‘Äther’")
    process = run_alone(data, "verify", "-", "--claims", "--json", "--as-of", "2025-12-12")
    with process:
        out, err = process.communicate(quoted.encode())
    assert process.returncode == 0, err.decode()
    assert err == b""
    assert json.loads(out.decode("utf-8"))["claim"] == quoted


@pytest.mark.parametrize(
    "command",
    [("verify", "-", "--claims", "--json"), ("verify", "-", "--claims"), ("corpus", "list")],
    ids=["lines", "table", "list"],
)
def test_a_reader_that_leaves_early_is_no_error(data, command) -> None:
    process = run_alone(data, *command)
    process.stdout.close()
    _, err = process.communicate(f"{BOMBERS}\n{LOAN}\n".encode())
    assert (process.returncode, err) == (0, b"")


def run_in_a_shell(data: Path, line: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["/bin/sh", "-c", line],
        env=os.environ | {"VERINOTE_DATA_DIR": str(data)},
        capture_output=True,
        check=False,
        text=True,
    )


VERINOTE = f"'{sys.executable}' -c 'from service.cli import main; main()'"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"{VERINOTE} verify - <&-", "standard input: is closed"),
        (f"{VERINOTE} corpus list >&-", "standard output: is closed"),
        (f"{VERINOTE} corpus list >/dev/full", "standard output: cannot be"),
        (f"echo {BOMBERS} | {VERINOTE} verify - --json >/dev/full", "standard output: cannot be"),
        (f"echo {BOMBERS} | {VERINOTE} verify - >/dev/full", "standard output: cannot be"),
    ],
)
def test_a_stream_that_cannot_be_used_is_one_line_on_standard_error(data, line, told) -> None:
    process = run_in_a_shell(data, line)
    assert process.returncode == 2
    assert process.stderr.startswith(f"verinote: {told}")
    assert len(process.stderr.splitlines()) == 1


def test_what_is_read_from_standard_input_is_not_written_over(data, tmp_path) -> None:
    path = tmp_path / "claims.txt"
    path.write_text(BOMBERS)
    process = run_in_a_shell(data, f"{VERINOTE} verify - --claims --out {path} <{path}")
    assert process.returncode == 2
    assert "is what is to be verified" in process.stderr
    assert path.read_text() == BOMBERS


# With a language model.


@pytest.fixture
def ask(verinote, monkeypatch):
    """Runs the command with a scripted endpoint."""

    def run(scripted: ScriptedEndpoint, *arguments: str | Path) -> Result:
        monkeypatch.setenv("OPENAI_BASE_URL", scripted.url)
        monkeypatch.setenv("OPENAI_API_KEY", "a-key")
        return verinote(*arguments, engine="openai", llm_cache="false")

    return run


def test_what_was_spent_is_told(ask, claims) -> None:
    with ScriptedEndpoint(clean) as scripted:
        result = ask(scripted, "verify", "--claims", claims)
    assert result.code == 0, result.out
    assert "3 calls (1.0 a claim)" in result.err
    assert "VERINOTE_LLM_PRICES" in result.err


def test_what_each_of_several_texts_took_is_told(ask, claims, tmp_path) -> None:
    another = tmp_path / "another.txt"
    another.write_text(f"{LOAN}\n", encoding="utf-8")
    with ScriptedEndpoint(clean) as scripted:
        result = ask(scripted, "verify", "--claims", claims, another)
    told = [line for line in result.err.splitlines() if " calls (" in line]
    assert [line.split(": ")[1] for line in told] == [str(claims), str(another), "in all"]
    assert [line.split(": ")[3].split()[0] for line in told] == ["3", "1", "4"]


def test_what_is_no_claim_of_the_text_is_told(ask, article) -> None:
    def script(asked: Asked):
        invented = {"source": "Nobody \x1b[31msaid so.", "claim": "Pigs \x1b[2Jfly."}
        invented |= {"speaker": None, "cue": None, "date": None}
        return {"claims": [invented]} if asked.kind == "ClaimsFound" else clean(asked)

    with ScriptedEndpoint(script) as scripted:
        result = ask(scripted, "verify", article, "--json")
    assert "Pigs" not in result.out
    assert "left out 1 that the engine gave as claims: Pigs" in result.err
    assert "\x1b" not in result.err


def test_a_wrong_key_ends_the_run_and_what_it_took_is_told(ask, article) -> None:
    with ScriptedEndpoint(clean, faults=always(Fault.WRONG_KEY)) as scripted:
        result = ask(scripted, "verify", article)
    assert result.code == ConfigurationError.exit_code
    assert "OPENAI_API_KEY" in result.err
    assert "1 calls" in result.err
    assert scripted.counted.calls == 1
