"""A run on the durable queue: answered by several workers, killed, limited, gone on with."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from evaluated import Model, environment, lines, told, write_claims
from processes import Process, wait_until, worker
from tiny_corpus import write_statements
from typer.testing import CliRunner

from eval.commands import eval_app
from eval.endpoint.server import ScriptedEndpoint
from service.kit.errors import ConfigurationError, InputError

CLAIMS = 60


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "given"
    write_statements(folder / "statements")
    write_claims(folder, CLAIMS)
    return folder


@pytest.fixture
def shared(postgresql_url: str, chroma_url: str) -> dict[str, Any]:
    return {
        "database_url": postgresql_url,
        "chroma_url": chroma_url,
        "secret": "the same for all of them",
        "worker_concurrency": 2,
        "worker_gone_after": 3,
    }


def of(endpoint: ScriptedEndpoint, shared: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Settings, as processes get them."""
    return shared | {
        "openai_base_url": endpoint.url,
        "llm_cross_check": "false",
        **more,
    }


def arguments(data: Path, out: Path, *more: str | Path) -> list[str]:
    words = ["run", "probes", "--data", data, "--out", out, "--engine", "openai", *more]
    return [str(word) for word in words]


def call(words: list[str], variables: dict[str, str]) -> tuple[int, Any]:
    result = CliRunner().invoke(eval_app, words, env=variables)
    return result.exit_code, result.exception


def variables_of(
    endpoint: ScriptedEndpoint, shared: dict[str, Any], tmp_path: Path
) -> dict[str, str]:
    given = {f"VERINOTE_{name.upper()}": str(value) for name, value in shared.items()}
    return environment(endpoint) | given | {"VERINOTE_DATA_DIR": str(tmp_path / "command")}


def metrics(out: Path) -> Any:
    return json.loads((out / "metrics.json").read_text(encoding="utf-8"))


def test_without_a_worker_nobody_would_answer(
    data: Path, shared: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with ScriptedEndpoint(Model()) as endpoint:
        variables = variables_of(endpoint, shared, tmp_path)
        _, error = call(arguments(data, out, "--workers"), variables)
    assert isinstance(error, ConfigurationError)
    assert "no worker lives on this database" in str(error)
    assert not (out / "run.json").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--workers", "--concurrency", "4"), "VERINOTE_WORKER_CONCURRENCY"),
        (("--service-corpus",), "--workers"),
    ],
)
def test_words_that_do_not_go_together_are_refused(
    data: Path, tmp_path: Path, words: tuple[str, ...], named: str
) -> None:
    _, error = call(arguments(data, tmp_path / "out", *words), {})
    assert isinstance(error, InputError)
    assert named in str(error)


def test_a_run_goes_on_the_way_that_it_was_begun(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with ScriptedEndpoint(Model()) as endpoint:
        variables = environment(endpoint)
        assert call(arguments(data, out, "--limit", "2"), variables) == (0, None)
        told_of = told(out)
        (out / "run.json").write_text(json.dumps(told_of | {"evaluation": "0" * 24}))
        _, error = call(arguments(data, out, "--limit", "2", "--resume"), variables)
    assert isinstance(error, InputError)
    assert "go on with --workers" in str(error)


def test_one_of_two_workers_is_killed_and_the_command_too(
    data: Path, shared: dict[str, Any], tmp_path: Path
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "shared"
    with ScriptedEndpoint(Model()) as endpoint:
        assert call(arguments(data, whole), environment(endpoint))[0] == 0
    model = Model(0.2)
    with ScriptedEndpoint(model) as endpoint, ExitStack() as opened:
        given = of(endpoint, shared)
        first = opened.enter_context(worker(tmp_path / "one", "one", **given))
        opened.enter_context(worker(tmp_path / "two", "two", **given))
        variables = variables_of(endpoint, shared, tmp_path)
        words = ["eval", *arguments(data, out, "--workers", "--resume")]

        def log() -> str:
            return (tmp_path / "log").read_text() if (tmp_path / "log").exists() else ""

        command = Process(words, variables, tmp_path / "log")
        with command:
            wait_until(lambda: begun(command, out), log())
            command.kill()
        first.kill()
        assert call(words[1:], variables) == (0, None)
    assert metrics(out) == metrics(whole)
    assert sorted(row["place"] for row in rows(out)) == list(range(CLAIMS))
    asked = sum(model.asked.values())
    assert set(model.asked.values()) <= {1, 2}
    assert asked <= CLAIMS + 2, "no more is repeated than was in flight in who was killed"
    assert told(out)["state"] == "done"


def test_a_worker_that_is_told_to_stop_finishes_what_it_has_begun_and_asks_nothing_twice(
    data: Path, shared: dict[str, Any], tmp_path: Path
) -> None:
    out, model = tmp_path / "out", Model(0.5)
    with ScriptedEndpoint(model) as endpoint, ExitStack() as opened:
        given = of(endpoint, shared, stop_within=20)
        first = opened.enter_context(worker(tmp_path / "one", "one", **given))
        words = ["eval", *arguments(data, out, "--workers", "--resume")]
        variables = variables_of(endpoint, shared, tmp_path)
        command = Process(words, variables, tmp_path / "log")
        with command:
            wait_until(lambda: begun(command, out), "not begun")
            began = time.monotonic()
            assert first.stop() == 0
            assert time.monotonic() - began < 10, "as long as items in flight take"
            opened.enter_context(worker(tmp_path / "two", "two", **given))
            assert command.wait_for_end() == 0
    assert sorted(row["place"] for row in rows(out)) == list(range(CLAIMS))
    assert set(model.asked.values()) == {1}


def begun(command: Process, out: Path) -> bool:
    """Whether some rows are there; the command is begun anew as long as no worker lives."""
    if command.running and command.running.poll() is not None:
        command.__enter__()
    return lines(out) >= CLAIMS // 6


def rows(out: Path) -> list[dict[str, Any]]:
    text = (out / "items.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
