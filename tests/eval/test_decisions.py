"""What people decided is an evaluation set, and tells how often they overrode the engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from desks import DAY, Served, served, settings_for
from hypothesis import given
from hypothesis import strategies as st
from tiny_corpus import BOMBERS, LOAN, UNKNOWN
from typer.testing import CliRunner

from eval.catalogue import dataset
from eval.commands import eval_app
from eval.decisions import Decision, rates
from service.kit.errors import InputError
from service.types import Verdict

# The desk works beside in this process, and may well use ``random`` while strategies draw.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")

OVERRIDE = {"verdict": "refuted", "reason": "Withdrawn."}


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Served]:
    with served(settings_for(tmp_path_factory.mktemp("desk"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def notes(desk: Served) -> dict[str, dict]:
    """Notes by claim: upheld, overridden, corrected, rejected, retracted, kept here, open."""
    kept_here = f"{LOAN} It was raised here."
    retracted = f"{LOAN} It was raised there."
    corrected = f"{LOAN} It was raised in Brussels."
    claims = [LOAN, BOMBERS, UNKNOWN, retracted, corrected, "The port of Oulu was open in 2025."]
    desk.submit(claims=claims)
    desk.submit(claims=[kept_here], local_only=True)
    with desk.client() as client:
        items = client.get("/v1/notes").json()["items"]
        found = {one["claim"]: one for one in items}

        def decide(claim: str, decision: str, **body: object) -> None:
            told = {"decision": decision, "revision": 1, **body}
            path = f"/v1/notes/{found[claim]['id']}/decisions"
            client.post(path, json=told).raise_for_status()

        decide(LOAN, "approve")
        decide(BOMBERS, "approve", **OVERRIDE)
        decide(UNKNOWN, "reject")
        decide(kept_here, "approve")
        for claim in (retracted, corrected):
            decide(claim, "approve")
            decide(claim, "publish")
        decide(retracted, "retract", reason="No.")
        decide(corrected, "correct", verdict="conflicting", reason="A second source.")
    return found


def export(desk: Served, out: Path, monkeypatch) -> tuple[int, str, BaseException | None]:
    monkeypatch.setenv("VERINOTE_DATA_DIR", str(desk.desk.settings.data_dir))
    monkeypatch.setenv("COLUMNS", "160")
    result = CliRunner().invoke(eval_app, ["export-decisions", "--out", str(out)])
    return result.exit_code, result.output, result.exception


def test_decided_notes_are_rows_of_a_dataset_that_can_be_run(
    desk: Served, notes, tmp_path, monkeypatch
) -> None:
    out = tmp_path / "new" / "probes.jsonl"
    code, told, _ = export(desk, out, monkeypatch)
    assert code == 0
    assert "3 claims; written to" in told
    bad: list = []
    rows = {one.claim: one for one in dataset("probes").examples(out, bad)}
    assert bad == []
    corrected = f"{LOAN} It was raised in Brussels."
    assert {claim: (row.verdict, row.kind) for claim, row in rows.items()} == {
        LOAN: (Verdict.SUPPORTED, "upheld"),
        BOMBERS: (Verdict.REFUTED, "overridden"),
        corrected: (Verdict.CONFLICTING, "overridden"),
    }
    assert rows[LOAN].statements == ("L1",)
    assert str(rows[LOAN].as_of) == DAY
    assert rows[LOAN].id == notes[LOAN]["id"]


def test_overrides_are_told_by_verdict(desk: Served, notes, tmp_path, monkeypatch) -> None:
    _, told, _ = export(desk, tmp_path / "out.jsonl", monkeypatch)
    lines = [line.split() for line in told.splitlines()]
    (total,) = [line for line in lines if line[:1] == ["any"]]
    assert total[1:4] == ["3", "2", "66.7%"]
    assert {notes[claim]["verdict"] for claim in (LOAN, BOMBERS)} == {"supported"}
    (supported,) = [line for line in lines if line[:1] == ["supported"]]
    assert supported[1] in {"2", "3"}, "as the engine judged the third one"
    assert supported[2] in {"1", "2"}


def test_where_nothing_was_decided_nothing_is_written(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("VERINOTE_DATA_DIR", str(tmp_path))
    out = tmp_path / "out.jsonl"
    result = CliRunner().invoke(eval_app, ["export-decisions", "--out", str(out)])
    assert isinstance(result.exception, InputError)
    assert "approved" in str(result.exception)
    assert not out.exists()


def test_what_cannot_be_written_is_named(desk: Served, notes, tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    _, _, error = export(desk, tmp_path / "file" / "out.jsonl", monkeypatch)
    assert isinstance(error, InputError)
    assert "out.jsonl" in str(error)


@given(st.lists(st.tuples(st.sampled_from(Verdict), st.sampled_from(Verdict))))
def test_the_rates_by_verdict_add_up_to_that_of_all(pairs) -> None:
    found = [Decision(engine, person, {}) for engine, person in pairs]
    *by_verdict, total = rates(found)
    assert sum(one.decided for one in by_verdict) == total.decided == len(pairs)
    assert sum(one.overridden for one in by_verdict) == total.overridden
    assert total.overridden == sum(engine is not person for engine, person in pairs)
    assert all(one.instead[one.verdict] == 0 for one in by_verdict)


def test_the_file_is_one_object_a_line(desk: Served, notes, tmp_path, monkeypatch) -> None:
    out = tmp_path / "out.jsonl"
    export(desk, out, monkeypatch)
    lines = out.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    assert all(set(json.loads(line)) >= {"id", "claim", "verdict"} for line in lines)
