"""``verinote eval`` from the outside: what it writes, what it says, how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval.commands import eval_app
from service.kit.errors import InputError, NotFound

ROWS = [
    {
        "id": "1",
        "claim": "Two bombers flew over the Sea of Japan.",
        "evidence": "Two bombers flew over the Sea of Japan on 10 December.",
        "label": "Supports",
    },
    {"id": "2", "claim": "Ten bombers flew.", "label": "Refutes"},
    {
        "id": "3",
        "claim": "Wheat prices rose.",
        "evidence": "The museum opened in 1921.",
        "label": "Neutral",
    },
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "healthver.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def call(*words: str | Path) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(eval_app, [str(word) for word in words])
    return result.exit_code, result.output, result.exception


def test_a_run_writes_its_folder_and_reports_malformed_rows(data: Path) -> None:
    out = data / "run"
    code, output, _ = call("run", "healthver", "--data", data, "--out", out)
    assert code == 0
    assert "line 2: field 'evidence' is missing" in output
    told = json.loads((out / "run.json").read_text())
    assert (told["state"], told["items"], told["failed"]) == ("done", 2, 0)
    assert told["bad_rows"] == ["line 2: field 'evidence' is missing"]
    assert {"seed", "engine", "model", "prompt_version", "corpus_revision", "packages"} <= set(told)
    items = [json.loads(line) for line in (out / "items.jsonl").open()]
    assert {item["id"] for item in items} == {"1", "3"}
    metrics = json.loads((out / "metrics.json").read_text())
    assert all({"value", "low", "high"} <= set(figure) for figure in metrics.values())
    assert sorted(path.name for path in out.iterdir()) == [
        "confusion.json",
        "items.jsonl",
        "metrics.json",
        "report.html",
        "run.json",
        "run.lock",
    ]


def test_two_runs_of_the_same_rows_say_the_same(data: Path) -> None:
    for name in ("a", "b"):
        assert call("run", "healthver", "--data", data, "--out", data / name)[0] == 0
    assert (data / "a/metrics.json").read_text() == (data / "b/metrics.json").read_text()


def test_a_limit_takes_the_first_rows(data: Path) -> None:
    out = data / "run"
    call("run", "healthver", "--data", data, "--out", out, "--limit", "1")
    assert [json.loads(line)["id"] for line in (out / "items.jsonl").open()] == ["1"]


def test_an_unknown_dataset_names_the_known_ones(data: Path) -> None:
    _, _, error = call("run", "nosuch", "--data", data)
    assert isinstance(error, NotFound)
    assert "climate-fever" in str(error)


def test_a_missing_file_says_where_to_get_it(tmp_path: Path) -> None:
    _, _, error = call("run", "healthver", "--data", tmp_path, "--out", tmp_path / "run")
    assert isinstance(error, InputError)
    assert "sarrouti/HealthVer" in str(error)
    assert f"--data {tmp_path}: holds no healthver.jsonl" in str(error)


def test_data_that_is_not_there_is_named_as_it_was_typed(tmp_path: Path) -> None:
    _, _, error = call("run", "probes", "--data", "missing.csv", "--out", tmp_path / "run")
    assert isinstance(error, InputError)
    assert "--data missing.csv: there is no such file or folder" in str(error)
    assert "missing.csv/" not in str(error)


def test_claims_without_statements_name_the_option(tmp_path: Path) -> None:
    (tmp_path / "probes.jsonl").write_text('{"id": "1", "claim": "A.", "verdict": "refuted"}\n')
    _, _, error = call("run", "probes", "--data", tmp_path, "--out", tmp_path / "run")
    assert isinstance(error, InputError)
    assert "--statements" in str(error)


def test_a_newsrooms_claims_are_checked_against_its_statements(tmp_path: Path) -> None:
    statements = tmp_path / "statements"
    statements.mkdir()
    (statements / "one.md").write_text(
        "---\nid: N1\nissuer: Ministry of Works\npublished: 2024-03-01\nkind: original\n"
        "language: en\n---\n\nThe Ministry of Works opened four bridges in Northport in 2023.\n"
    )
    (tmp_path / "probes.jsonl").write_text(
        json.dumps(
            {
                "id": "1",
                "claim": "The Ministry of Works opened four bridges in Northport in 2023.",
                "verdict": "supported",
                "statement": "N1",
                "as_of": "2024-06-01",
            }
        )
        + "\n"
    )
    out = tmp_path / "run"
    assert call("run", "probes", "--data", tmp_path, "--out", out)[0] == 0
    (item,) = [json.loads(line) for line in (out / "items.jsonl").open()]
    assert item["shown"] == ["N1"]
    assert item["verdict"] == "supported"


def test_the_cards_are_shown() -> None:
    code, output, _ = call("datasets")
    assert code == 0
    assert "CC BY-NC 4.0" in output


def test_citations_exit_with_1_when_one_is_not_verbatim(tmp_path: Path) -> None:
    (tmp_path / "s.md").write_text("Four bridges were opened.")
    cited = {"sha256": "0" * 64, "quote": "Five bridges", "start": 0, "end": 12}
    notes = tmp_path / "notes.jsonl"
    notes.write_text(json.dumps({"note": [{"text": "x", "citations": [cited]}]}))
    code, output, _ = call("citations", notes, "--statements", tmp_path)
    assert code == 1
    assert "0 verbatim" in output
