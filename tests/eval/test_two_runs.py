"""Two runs side by side: what flipped is said exactly, and how sure that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.metrics import accuracy_score, f1_score
from typer.testing import CliRunner

from eval.commands import eval_app
from eval.compare import Gate, compare, mcnemar
from eval.run_folder import RunFolder
from service.kit.errors import InputError

VERDICTS = ("supported", "refuted", "not_enough_evidence")


def row(place: int, said: str, **more: Any) -> dict[str, Any]:
    return {
        "place": place,
        "id": f"c{place}",
        "group": f"c{place}",
        "kind": "",
        "claim": f"Claim number {place}.",
        "gold_verdict": VERDICTS[place % 3],
        "gold_statements": [],
        "verdict": said,
        "confidence": 0.8,
        "deciding": [],
        "shown": [],
        "findings": [],
        "evidence": [],
        "seconds": 0.5,
        "usage": {"calls": 1, "prompt_tokens": 90, "completion_tokens": 10, "cost": 0.01},
    } | more


def write(folder: Path, rows: list[dict[str, Any]], **told: Any) -> RunFolder:
    folder.mkdir()
    run = RunFolder(folder)
    run.tell({"dataset": "probes", "engine": "local", "state": "done"} | told)
    run.items_file.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return run


def right(place: int) -> str:
    return VERDICTS[place % 3]


def wrong(place: int) -> str:
    return VERDICTS[(place + 1) % 3]


@pytest.fixture
def runs(tmp_path: Path) -> tuple[RunFolder, RunFolder]:
    """Of 60 rows, 2 are righted, 9 broken and 1 is wrong in another way; 8 are wrong in both."""
    before = [row(n, wrong(n) if n < 11 else right(n)) for n in range(60)]
    after = [row(n, right(n) if n < 2 or n >= 20 else wrong(n)) for n in range(60)]
    after[10]["verdict"] = VERDICTS[(10 + 2) % 3]
    dearer = {"calls": 2, "prompt_tokens": 180, "completion_tokens": 20, "cost": 0.03}
    after = [one | {"usage": dearer, "seconds": 1.5} for one in after]
    return write(tmp_path / "a", before), write(tmp_path / "b", after, engine="openai")


def test_known_flips_are_said_exactly(runs: tuple[RunFolder, RunFolder]) -> None:
    found = compare(*runs).questions["verdict"]
    assert (found.rows, found.righted, found.broken) == (60, 2, 9)
    assert [(flip.key, flip.kind) for flip in found.flips] == [
        *((f"c{n}", "righted") for n in range(2)),
        ("c10", "still wrong"),
        *((f"c{n}", "broken") for n in range(11, 20)),
    ]
    # Two-sided, over the binomial distribution written out: at most 2 of 11 changes, or at least 9.
    assert found.p == pytest.approx(2 * binom.cdf(2, 11, 0.5))


def test_the_figures_are_scikit_learns_and_their_difference_has_an_interval(
    runs: tuple[RunFolder, RunFolder],
) -> None:
    changes = compare(*runs).questions["verdict"].changes
    gold = [right(n) for n in range(60)]
    for side, run in zip(("before", "after"), runs, strict=True):
        said = [one["verdict"] for one in run.items()]
        macro = f1_score(gold, said, average="macro", labels=VERDICTS)
        assert getattr(changes["verdict_macro_f1"], side) == pytest.approx(macro)
        assert getattr(changes["verdict_accuracy"], side) == pytest.approx(
            accuracy_score(gold, said)
        )
    difference = changes["verdict_accuracy"].difference
    assert difference.value == pytest.approx(-7 / 60)
    assert difference.low < difference.value < difference.high < 0


def test_cost_time_and_settings_are_told(runs: tuple[RunFolder, RunFolder]) -> None:
    found = compare(*runs)
    assert (found.before.cost, found.after.cost) == pytest.approx((0.6, 1.8))
    assert (found.before.tokens, found.after.tokens) == (6000, 12000)
    assert (found.before.p95, found.after.p95) == (0.5, 1.5)
    assert found.settings == {"engine": ("local", "openai")}


@given(righted=st.integers(0, 40), broken=st.integers(0, 40))
def test_the_p_value_is_that_of_the_binomial_distribution(righted: int, broken: int) -> None:
    fewer, changed = min(righted, broken), righted + broken
    assert mcnemar(righted, broken) == pytest.approx(min(1, 2 * binom.cdf(fewer, changed, 0.5)))
    assert mcnemar(righted, broken) == mcnemar(broken, righted)


def test_a_run_does_not_differ_from_itself(runs: tuple[RunFolder, RunFolder]) -> None:
    found = compare(runs[0], runs[0])
    verdict = found.questions["verdict"]
    assert (verdict.flips, verdict.p, found.settings) == ((), 1.0, {})
    assert all(change.difference.high == 0 for change in verdict.changes.values())


def test_rows_of_one_run_alone_are_left_out_and_counted(tmp_path: Path) -> None:
    some = [row(n, right(n)) for n in range(6)]
    failed = {"place": 5, "id": "c5", "failed": "EngineFailed: no answer", "seconds": 1.0}
    found = compare(write(tmp_path / "a", some), write(tmp_path / "b", [*some[:5], failed]))
    assert (found.questions["verdict"].rows, found.left_out) == (5, 1)


def test_an_answer_that_is_no_label_is_wrong_in_either_run(tmp_path: Path) -> None:
    before = write(tmp_path / "a", [row(n, "no match" if n == 1 else right(n)) for n in range(3)])
    after = write(tmp_path / "b", [row(n, right(n)) for n in range(3)])
    for pair, righted in (((before, after), 1), ((after, before), 0)):
        assert compare(*pair).questions["verdict"].righted == righted


def test_runs_of_different_datasets_are_not_compared(tmp_path: Path) -> None:
    runs = [write(tmp_path / name, [], dataset=name) for name in ("probes", "seeds")]
    with pytest.raises(InputError, match=r"is a run of probes and .* of seeds"):
        compare(*runs)


def test_runs_without_a_common_row_are_not_compared(tmp_path: Path) -> None:
    runs = [write(tmp_path / str(n), [row(n, right(n))]) for n in range(2)]
    with pytest.raises(InputError, match="no row both"):
        compare(*runs)


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing/run\.json: no such file"):
        compare(RunFolder(tmp_path / "nothing"), RunFolder(tmp_path))


@pytest.mark.parametrize("words", ["macro_f1", "macro_f1:", ":0.1", "macro_f1:-1", "macro_f1:nan"])
def test_a_gate_that_cannot_be_read_says_how_to_write_it(words: str) -> None:
    with pytest.raises(InputError, match="METRIC:AMOUNT"):
        Gate.read(words)


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        ("accuracy:0.01", 1),
        ("macro_f1:0.01", 1),
        ("verdict_accuracy:0.1", 1),
        ("verdict_accuracy:0.2", 0),
    ],
)
def test_the_exit_code_is_a_gate(
    runs: tuple[RunFolder, RunFolder], tmp_path: Path, gate: str, code: int
) -> None:
    out = tmp_path / "found.json"
    words = [str(run.path) for run in runs]
    result = CliRunner().invoke(
        eval_app, ["compare", *words, "--fail-if-worse", gate, "--out", str(out)]
    )
    assert result.exit_code == code
    assert "2 righted, 9 broken" in result.output
    told = json.loads(out.read_text(encoding="utf-8"))
    assert [flip["kind"] for flip in told["questions"]["verdict"]["flips"]].count("broken") == 9


def test_better_is_never_refused(runs: tuple[RunFolder, RunFolder]) -> None:
    assert Gate.read("accuracy:0").refuses(compare(runs[1], runs[0])) is None


def test_a_gate_on_an_unknown_metric_names_the_known_ones(
    runs: tuple[RunFolder, RunFolder],
) -> None:
    with pytest.raises(InputError, match="verdict_macro_f1"):
        Gate.read("recall:0.1").refuses(compare(*runs))
