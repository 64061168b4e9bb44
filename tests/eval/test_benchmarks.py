"""The benchmarks of the served desk measure what they say; the long ones are held to what is
asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from eval.benchmarks.commands import _made, bench_app
from service.cli import app

ROOT = Path(__file__).parents[2]
PERFORMANCE = ROOT / "docs" / "performance"


def bench(monkeypatch: pytest.MonkeyPatch, out: Path, *arguments: str) -> dict:
    monkeypatch.chdir(ROOT)
    told = CliRunner().invoke(app, ["eval", "bench", *arguments, "--out", str(out)])
    assert told.exit_code == 0, told.output
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["benchmark"] == arguments[0]
    assert written["made"]["command"] == " ".join(("verinote eval bench", *arguments))
    return written["figures"]


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch, postgresql_url: str, chroma_url: str) -> None:
    monkeypatch.setenv("VERINOTE_DATABASE_URL", postgresql_url)
    monkeypatch.setenv("VERINOTE_CHROMA_URL", chroma_url)
    monkeypatch.setenv("VERINOTE_SECRET", "a secret of forty characters, for a test")


def test_a_small_desk_is_measured(monkeypatch, tmp_path: Path) -> None:
    arguments = ("desk", "--notes", "41", "--evidence", "12", "--repeats", "2")
    found = bench(monkeypatch, tmp_path / "desk.json", *arguments)
    assert (found["notes"], found["evidence"]) == (41, 12)
    assert found["queue"]["n"] == 2 * len(found["queue_each"])
    assert 0 < found["queue"]["p50"] <= found["queue"]["p95"]
    assert found["interactive"]["p50"] > 0


def test_a_small_service_is_asked_by_one_and_by_three_at_once(monkeypatch, tmp_path: Path) -> None:
    arguments = ["api", "--notes", "21", "--passages", "30", "--rounds", "2"]
    arguments += ["--at-once", "1", "--at-once", "3"]
    found = bench(monkeypatch, tmp_path / "api.json", *arguments)
    assert found["notes"] == 21
    assert found["passages"] >= 130 + 30  # the seeds' are searched too
    alone, three = found["asked"]
    assert (alone["at_once"], three["at_once"]) == (1, 3)
    assert {spread["n"] for spread in alone["each"].values()} == {2}
    assert {spread["n"] for spread in three["each"].values()} == {6}
    assert "GET /v1/notes/{note_id}" in alone["each"]
    assert alone["requests_per_second"] > 0


@pytest.mark.parametrize("options", ["", " --rounds 2 --at-once 1 --at-once 3"])
def test_figures_tell_the_command_that_makes_them_again(options: str) -> None:
    command = typer.main.get_command(bench_app).commands["api"]
    context = command.make_context("api", [*options.split(), "--data", "/somewhere"])
    assert _made(context).command == f"verinote eval bench api --data DIR{options}"


def test_adding_is_measured_beside_the_encoder_alone(monkeypatch, tmp_path: Path) -> None:
    found = bench(monkeypatch, tmp_path / "ingest.json", "ingest", "--passages", "60")
    assert found["statements"] == 6
    assert 60 <= found["passages"] < 90
    assert found["share"] > 0
    assert found["encoder_alone"]["n"] == found["ingest"]["n"] == 3


def test_one_worker_is_measured(monkeypatch, tmp_path: Path, servers) -> None:
    arguments = ("scale-out", "--workers", "1", "--latency", "0.2", "--seconds", "1.5")
    found = bench(monkeypatch, tmp_path / "scale.json", *arguments)
    (rate,) = found["rates"]
    assert (rate["workers"], rate["claims"], rate["times_one"]) == (1, 30, 1.0)
    assert rate["claims_per_second"] > 0


def test_a_database_that_is_used_is_not_measured_on(
    monkeypatch, tmp_path: Path, database_url: str
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("VERINOTE_DATABASE_URL", database_url)
    told = CliRunner().invoke(app, ["eval", "bench", "scale-out", "--out", str(tmp_path / "x")])
    assert told.exit_code != 0
    assert "VERINOTE_CHROMA_URL" in str(told.exception)


@pytest.mark.soak
def test_the_desk_keeps_nobody_waiting(monkeypatch) -> None:
    found = bench(monkeypatch, PERFORMANCE / "desk.json", "desk")
    assert found["queue"]["p95"] < 100
    assert found["interactive"]["p95"] < 200


@pytest.mark.soak
def test_four_workers_do_four_times_as_much(monkeypatch, servers) -> None:
    found = bench(monkeypatch, PERFORMANCE / "scale-out.json", "scale-out")
    assert found["rates"][-1]["times_one"] >= 3.6
