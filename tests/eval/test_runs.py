"""A run lasts: killed, stopped at a limit or failed in part, it goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from evaluated import Model, environment, lines, told, write_claims
from processes import Process, wait_until
from tiny_corpus import write_statements
from typer.testing import CliRunner

from eval.commands import eval_app
from eval.endpoint.asked import Asked
from eval.endpoint.server import ScriptedEndpoint
from eval.run_folder import RunFolder
from service.kit.errors import InputError, LimitReached

SOAK = Path(__file__).parents[2] / "docs" / "soak"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_statements(tmp_path / "statements")
    return tmp_path


def arguments(data: Path, out: Path, *more: str | Path) -> list[str]:
    words = ["run", "probes", "--data", data, "--out", out, "--engine", "openai", *more]
    return [str(word) for word in words]


def call(endpoint: ScriptedEndpoint, words: list[str], **more: str) -> tuple[int, Any]:
    result = CliRunner().invoke(eval_app, words, env=environment(endpoint, **more))
    return result.exit_code, result.exception


def killed_and_resumed(data: Path, claims: int, concurrency: int, kills: int) -> dict[str, Any]:
    """Kill a run in its middle, go on with it, and hold it against one that nobody disturbed."""
    write_claims(data, claims)
    options = ("--concurrency", str(concurrency))
    whole, broken = data / "whole", data / "broken"
    with ScriptedEndpoint(Model(0.05)) as endpoint:
        assert call(endpoint, arguments(data, whole, *options))[0] == 0
    model = Model(0.05)
    with ScriptedEndpoint(model) as endpoint:
        settings = environment(endpoint)
        resume = arguments(data, broken, *options, "--resume")
        for kill in range(1, kills + 1):
            with Process(["eval", *resume], settings, data / "broken.log") as run:
                wanted = claims * kill // (kills + 1)
                wait_until(lambda wanted=wanted: lines(broken) >= wanted, "no rows are written")
                run.kill()
        written = lines(broken)
        assert told(broken)["state"] == "running"
        with Process(["eval", *resume], settings, data / "broken.log") as run:
            assert run.wait_for_end() == 0
    return {
        "claims": claims,
        "concurrency": concurrency,
        "kills": kills,
        "written_before_the_last_kill": written,
        "asked": sum(model.asked.values()),
        "asked_twice": sum(times - 1 for times in model.asked.values()),
        "same_metrics": (whole / "metrics.json").read_text()
        == (broken / "metrics.json").read_text(),
        "items": told(broken)["items"],
        "rows": lines(broken),
    }


def hold(found: dict[str, Any]) -> None:
    assert found["same_metrics"]
    assert found["items"] == found["rows"] == found["claims"]
    assert found["written_before_the_last_kill"] < found["claims"]
    assert found["asked"] - found["asked_twice"] == found["claims"]
    assert found["asked_twice"] <= found["kills"] * found["concurrency"]


def test_a_run_that_is_killed_goes_on_and_asks_only_what_was_in_flight_again(data: Path) -> None:
    hold(killed_and_resumed(data, claims=40, concurrency=3, kills=1))


@pytest.mark.soak
def test_a_run_of_500_claims_that_is_killed_five_times_loses_nothing(data: Path) -> None:
    found = killed_and_resumed(data, claims=500, concurrency=8, kills=5)
    (SOAK / "eval-resume.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    hold(found)


def test_a_run_stops_at_its_tokens_says_so_and_goes_on_with_more(data: Path) -> None:
    write_claims(data, 8)
    out, model = data / "run", Model()
    with ScriptedEndpoint(model) as endpoint:
        limited = arguments(data, out, "--max-tokens", "1", "--concurrency", "1")
        _, error = call(endpoint, limited)
        assert isinstance(error, LimitReached)
        assert "the limit in tokens, 1, is reached" in str(error)
        assert (told(out)["state"], told(out)["items"]) == ("stopped", 1)
        assert told(out)["reason"].startswith("the limit in tokens, 1, is reached")
        assert call(endpoint, arguments(data, out, "--resume"))[0] == 0
    assert (told(out)["state"], told(out)["items"]) == ("done", 8)
    assert set(model.asked.values()) == {1}
    assert told(out)["usage"]["calls"] == 8
    assert told(out)["usage"]["cost"] > 0
    assert told(out)["bad_rows"] == ["line 4: field 'claim' is missing"]
    assert not (out / "data").exists()


def test_a_run_stops_at_its_cost(data: Path) -> None:
    write_claims(data, 8)
    with ScriptedEndpoint(Model()) as endpoint:
        words = arguments(data, data / "run", "--max-cost", "0.000001", "--concurrency", "1")
        _, error = call(endpoint, words)
    assert isinstance(error, LimitReached)
    assert told(data / "run")["items"] == 1


def test_a_limit_that_the_last_row_reaches_stops_nothing(data: Path) -> None:
    write_claims(data, 1)
    with ScriptedEndpoint(Model()) as endpoint:
        assert call(endpoint, arguments(data, data / "run", "--max-tokens", "1"))[0] == 0
    assert told(data / "run")["state"] == "done"


def test_a_cost_cannot_be_limited_where_no_price_is_known(data: Path) -> None:
    write_claims(data, 2)
    with ScriptedEndpoint(Model()) as endpoint:
        words = arguments(data, data / "run", "--max-cost", "1")
        _, error = call(endpoint, words, VERINOTE_LLM_PRICES="{}")
    assert isinstance(error, InputError)
    assert "VERINOTE_LLM_PRICES" in str(error)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"VERINOTE_LLM_MODEL": "another"}, "model"),
        ({"VERINOTE_PASSAGES_PER_CLAIM": "3"}, "passages_per_claim"),
    ],
)
def test_a_run_does_not_go_on_with_other_settings(
    data: Path, change: dict[str, str], named: str
) -> None:
    write_claims(data, 4)
    out = data / "run"
    with ScriptedEndpoint(Model()) as endpoint:
        call(endpoint, arguments(data, out, "--max-tokens", "1", "--concurrency", "1"))
        _, error = call(endpoint, arguments(data, out, "--resume"), **change)
    assert isinstance(error, InputError)
    assert f"another {named}" in str(error)
    assert lines(out) == 1


def test_a_run_does_not_go_on_over_other_statements(data: Path) -> None:
    write_claims(data, 4)
    out = data / "run"
    with ScriptedEndpoint(Model()) as endpoint:
        call(endpoint, arguments(data, out, "--max-tokens", "1", "--concurrency", "1"))
        write_statements(data / "statements", E1="Nothing was announced.")
        _, error = call(endpoint, arguments(data, out, "--resume"))
    assert isinstance(error, InputError)
    assert "another statements_sha256" in str(error)


@pytest.mark.parametrize("more", [(), ("--resume",)])
def test_a_run_keeps_out_of_a_folder_that_another_writes_into(data: Path, more: Any) -> None:
    write_claims(data, 3)
    out = data / "run"
    with ScriptedEndpoint(Model()) as endpoint:
        assert call(endpoint, arguments(data, out))[0] == 0
        written = (out / "items.jsonl").read_bytes()
        with RunFolder(out).held():
            _, error = call(endpoint, arguments(data, out, *more))
        assert isinstance(error, InputError)
        assert f"{out}: another run writes here" in str(error)
        assert (out / "items.jsonl").read_bytes() == written
        assert call(endpoint, arguments(data, out, *more))[0] == 0


def test_an_item_that_failed_is_tried_again(data: Path) -> None:
    write_claims(data, 3)
    out = data / "run"
    model = Model()
    broken = {"on": True}

    def answer(asked: Asked) -> dict[str, Any]:
        if broken["on"] and "school 1 " in asked.parts["claim"]:
            return {"answer": 42}
        return model(asked)

    with ScriptedEndpoint(answer) as endpoint:
        assert call(endpoint, arguments(data, out))[0] == 10
        assert told(out)["failed"] == 1
        broken["on"] = False
        assert call(endpoint, arguments(data, out, "--resume"))[0] == 0
    assert (told(out)["items"], told(out)["failed"]) == (3, 0)
    assert set(model.asked.values()) == {1}


def test_a_row_that_a_kill_left_half_written_is_answered_again(data: Path) -> None:
    write_claims(data, 3)
    out = data / "run"
    with ScriptedEndpoint(Model()) as endpoint:
        call(endpoint, arguments(data, out, "--max-tokens", "1", "--concurrency", "1"))
        with (out / "items.jsonl").open("a", encoding="utf-8") as items:
            items.write('{"place": 1, "id": "1", "ver')
        assert call(endpoint, arguments(data, out, "--resume"))[0] == 0
    found = [json.loads(line) for line in (out / "items.jsonl").open(encoding="utf-8")]
    assert sorted(row["place"] for row in found) == [0, 1, 2]
