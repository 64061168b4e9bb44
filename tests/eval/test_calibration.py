"""Calibration makes confidence true where it was not fitted, and keeps every ranking."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval import calibration, fold_parameters
from eval.calibration import STANCES, Decided, Pair
from eval.datasets.examples import Example
from service.engines.local import stance
from service.engines.local.stance import Fitted
from service.models import Encoder, StanceModel
from service.types import Curve, Stance

CLAIM = "Four bridges were opened in Northport in 2023."


def overconfident(rows: int, seed: int = 1) -> tuple[np.ndarray, list[str]]:
    """Scores twice as sure (in log-odds) as they are right."""
    random = np.random.default_rng(seed)
    true = random.dirichlet((1.2, 1.2, 1.2), rows)
    labels = [STANCES[random.choice(3, p=row)] for row in true]
    sharpened = true**3
    return sharpened / sharpened.sum(axis=1, keepdims=True), labels


def pairs(labels: list[str], dataset: str = "set") -> list[Pair]:
    return [Pair(dataset, f"{dataset}/{row}", label) for row, label in enumerate(labels)]


def test_overconfident_scores_become_true_out_of_fold() -> None:
    scores, labels = overconfident(1500)
    found = calibration.calibrated(pairs(labels), scores)
    assert found.before["set"].interval.value > 0.12
    assert found.after["set"].interval.value < 0.05


def test_probabilities_add_up_to_one_and_a_surer_score_stays_surer() -> None:
    scores, labels = overconfident(300)
    curves = calibration.fit(scores, labels, ["set"] * 300)
    mapped = calibration.apply(curves, scores)
    assert np.allclose(mapped.sum(axis=1), 1)
    assert all(curve.slope > 0 for curve in curves.values())


def test_the_identity_curve_changes_nothing() -> None:
    same = {stance: Curve(1.0, 0.0) for stance in STANCES}
    scores = np.array([[0.7, 0.2, 0.1], [0.25, 0.25, 0.5]])
    assert np.allclose(calibration.apply(same, scores), scores)


def test_a_small_set_counts_as_much_as_a_large_one() -> None:
    large, large_labels = overconfident(900, 2)
    small, small_labels = overconfident(90, 3)
    scores = np.concatenate([large, small])
    labels = large_labels + small_labels
    sets = ["large"] * 900 + ["small"] * 90
    doubled = calibration.fit(
        np.concatenate([large, np.repeat(small, 10, axis=0)]),
        large_labels + [label for label in small_labels for _ in range(10)],
        ["all"] * 1800,
    )
    weighted = calibration.fit(scores, labels, sets)
    for name in STANCES:
        assert weighted[name].slope == pytest.approx(doubled[name].slope, rel=0.02)


def test_a_rows_own_label_does_not_change_its_probability() -> None:
    scores, labels = overconfident(200)
    groups = [str(row) for row in range(200)]

    def probabilities(labels: list[str]) -> np.ndarray:
        curves = calibration.fold_curves(scores, labels, ["set"] * 200, groups)
        return calibration.cross_fitted(scores, groups, curves)

    changed = [STANCES[(STANCES.index(labels[0]) + 1) % 3], *labels[1:]]
    assert np.array_equal(probabilities(labels)[0], probabilities(changed)[0])
    assert not np.array_equal(probabilities(labels), probabilities(changed))


def verdicts(rows: int, dataset: str = "set") -> list[Decided]:
    """Decided ones are half as often right as their evidence says, the others four in ten."""
    random = np.random.default_rng(rows)
    found = []
    for row in range(rows):
        confidence = float(random.uniform(0.5, 1))
        speaks = row % 2 == 0
        right = bool(random.random() < (confidence / 2 if speaks else 0.4))
        found.append(Decided(dataset, f"{dataset}/{row}", speaks, confidence, right))
    return found


def test_verdicts_are_as_often_right_as_their_confidence_says_out_of_fold() -> None:
    found = calibration.calibrated_verdicts(verdicts(2000))
    assert found.before["set"].interval.value > 0.3
    assert found.after["set"].interval.value < 0.06
    assert found.curves["undecided"].of(0.9) == pytest.approx(0.4, abs=0.1)


def test_verdicts_that_are_all_right_need_no_curve() -> None:
    found = [replace(one, right=True) for one in verdicts(20)]
    assert calibration.fit_verdicts(found) == calibration.SAME


def test_a_set_where_every_claim_can_be_decided_says_nothing_of_undecided_ones() -> None:
    passages = ("The harbour was closed.",)
    pair = Example(id="1", group="1", claim=CLAIM, passages=passages, stances=(Stance.SUPPORTS,))
    fitted = fold_parameters.read()[0]
    readings = calibration.read_example(pair, StanceModel(), Encoder())
    assert calibration.decided(calibration.ALWAYS_DECIDED, pair, readings, fitted) is None
    elsewhere = calibration.decided("healthver", pair, readings, fitted)
    assert elsewhere is not None
    assert (elsewhere.decided, elsewhere.right) == (False, False)


def test_the_file_holds_the_curves_that_the_engine_reads(tmp_path: Path) -> None:
    scores, labels = overconfident(300)
    path = tmp_path / "calibration.json"
    stances = calibration.calibrated(pairs(labels), scores)
    decided = calibration.calibrated_verdicts(verdicts(300))
    calibration.write(stances, decided, path)
    stored = json.loads(path.read_text())
    weights = json.loads(Path(stance.__file__).with_name("stance_weights.json").read_text())
    fitted = Fitted.of(weights, stored)
    assert list(fitted.curves) == [stances.curves[name] for name in STANCES]
    assert fitted.reliability.undecided == decided.curves["undecided"]
    assert stored["expected_calibration_error"]["stance"]["set"]["rows"] == 300
