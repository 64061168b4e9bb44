"""The page of figures says what the benchmarks wrote, and nothing else."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from eval.benchmarks import scale_out
from eval.benchmarks.page import FIGURES, page
from eval.benchmarks.result import Made, Record, Table, read, write
from eval.commands import eval_app
from service.kit.errors import InputError

ROOT = Path(__file__).parents[2]
MADE = Made("verinote eval bench scale-out", date(2025, 12, 1), "x", 2, 8.0, 0.5, "c" * 40, {})
RATES = scale_out.Result(1.0, 4, [scale_out.Rate(1, 80, 3.77, 1.0, 0.321)])


def test_the_page_is_what_the_committed_figures_make() -> None:
    written = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert written == page(ROOT / "docs" / "performance")


def test_every_table_stands_under_its_command_machine_day_and_commit(tmp_path: Path) -> None:
    write(Record("scale-out", MADE, RATES), tmp_path / "one.json")
    told = page(tmp_path)
    assert (
        "`verinote eval bench scale-out`: "
        "2025-12-01, x, 2 cores, 8 GiB, load 0.5, commit cccccccccccc\n\n"
        "| workers | claims | a second | times one worker | cores busy |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        "| 1 | 80 | 3.77 | 1.00 | 32% |\n"
    ) in told


def test_a_benchmark_that_was_not_run_has_no_section(tmp_path: Path) -> None:
    write(Record("scale-out", MADE, RATES), tmp_path / "one.json")
    assert [line for line in page(tmp_path).splitlines() if line.startswith("## ")] == [
        "## More workers",
        "## What stood in the way",
    ]


@pytest.mark.parametrize("name", sorted(FIGURES))
@given(data=st.data())
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_what_was_written_is_read_again(tmp_path: Path, name: str, data: st.DataObject) -> None:
    figures = data.draw(st.from_type(FIGURES[name]))
    written, again = tmp_path / "written.json", tmp_path / "again.json"
    write(Record(name, MADE, figures), written)
    found = read(written, FIGURES)
    write(found, again)
    assert type(found.figures) is FIGURES[name]
    assert again.read_text() == written.read_text()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"benchmark": "naps"}', '{"benchmark": "scale-out", "figures": {}}']
)
def test_a_file_that_is_no_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(InputError, match=r"other\.json: is no record of a benchmark"):
        page(tmp_path)


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    write(Record("scale-out", MADE, RATES), tmp_path / "figures" / "one.json")
    arguments = ["--figures", str(tmp_path / "figures"), "--out", str(tmp_path / "page.md")]
    told = CliRunner().invoke(eval_app, ["performance-page", *arguments])
    assert told.exit_code == 0, told.output
    assert (tmp_path / "page.md").read_text() == page(tmp_path / "figures")


def test_a_terminal_and_a_page_show_the_same_table() -> None:
    table = Table(("", "p50"), [("encoding", "1.5 ms")])
    shown = table.on_terminal()
    assert [list(column.cells) for column in shown.columns] == [["encoding"], ["1.5 ms"]]
    assert table.as_markdown() == "|  | p50 |\n| --- | ---: |\n| encoding | 1.5 ms |\n"


def test_what_is_measured_is_repeated_by_the_command_that_is_written(tmp_path: Path) -> None:
    out = tmp_path / "search.json"
    arguments = ["bench", "search", "--passages", "30", "--out", str(out)]
    told = CliRunner().invoke(eval_app, arguments)
    assert told.exit_code == 0, told.output
    written = json.loads(out.read_text())
    assert written["made"]["command"] == "verinote eval bench search --passages 30"
    figures = written["figures"]
    assert figures["filler"] == "generated from templates (synthetic)"
    recalls = {part["name"]: part["recall"] for part in figures["parts"]}
    assert recalls["search, claim encoded"] == recalls["by meaning"] == 1.0
    assert recalls["encoding the claim"] is None
