"""Figures follow from the rows of a run, with baselines measured on the very same rows."""

from __future__ import annotations

import json
import math

import pytest

from eval.measures import (
    Measure,
    calibration,
    classified,
    mean,
    selective,
    separation,
    share,
    total,
)


def test_a_baseline_that_a_figure_surely_beats_is_beaten() -> None:
    figure = share([1.0] * 90 + [0.0] * 10, baselines={"coin": [1.0, 0.0] * 50})
    against = figure.baselines["coin"]
    assert against.interval.value == 0.5
    assert against.difference.value == pytest.approx(0.4)
    assert against.outcome == "beaten"


def test_a_lead_within_the_noise_is_only_ahead() -> None:
    figure = share([1.0, 1.0, 1.0, 0.0], baselines={"coin": [1.0, 0.0, 1.0, 0.0]})
    assert figure.baselines["coin"].outcome == "ahead"


def test_a_tie_is_not_beaten() -> None:
    figure = share([1.0, 0.0], baselines={"same": [1.0, 0.0]})
    assert figure.baselines["same"].outcome == "not beaten"


def test_no_answer_is_wrong_but_no_class_of_its_own() -> None:
    measures = classified(
        "verdict",
        ["supported", "supported", "refuted", "refuted"],
        ["supported", "no match", "refuted", "refuted"],
        ("supported", "refuted"),
        ["a", "b", "c", "d"],
        baselines={},
    )
    # supported: precision 1, recall 1/2 -> 2/3; refuted: 1; the mean is over these two
    assert measures.figures["verdict_macro_f1"].interval.value == pytest.approx((2 / 3 + 1) / 2)
    assert measures.figures["verdict_accuracy"].interval.value == 0.75
    assert measures.figures["verdict_f1_supported"].n == 2
    table = measures.confusions["verdict"]
    assert table.labels == ("supported", "refuted", "no match")
    assert table.counts == ((1, 0, 1), (0, 2, 0), (0, 0, 0))


def test_a_total_counts_and_its_interval_is_in_rows() -> None:
    figure = total([0.0] * 15)
    assert figure.interval.value == 0
    assert figure.interval.low == 0
    assert figure.interval.high == pytest.approx(15 * 0.218, abs=0.01)


def test_separation_is_held_against_another_score() -> None:
    figure = separation([True, True, False], [0.9, 0.8, 0.1], {"length": [1.0, 2.0, 3.0]})
    assert figure.interval.value == 1
    assert figure.baselines["length"].interval.value == 0
    assert figure.baselines["length"].difference.value == 1


def test_calibration_and_mean_of_nothing_are_not_numbers() -> None:
    assert math.isnan(calibration([], []).interval.value)
    assert math.isnan(mean([]).interval.value)


def test_a_measure_survives_its_json() -> None:
    figure = share([1.0, 0.0, 1.0], baselines={"coin": [0.0, 1.0, 0.0]})
    told = json.loads(json.dumps(figure.as_json()))
    assert {"value", "low", "high", "n", "baselines"} == set(told)
    assert Measure.from_json(told).as_json() == figure.as_json()


def test_a_measure_without_rows_is_null_in_json() -> None:
    assert share([]).as_json() == {"value": None, "low": None, "high": None, "n": 0}


def test_an_abstaining_answer_is_measured_where_it_answers() -> None:
    gold = ["supports", "refutes", "neutral", "supports"]
    guess = ["supports", "neutral", "refutes", "neutral"]
    figures = selective("stance", gold, guess, "neutral")
    assert figures["stance_decided"].interval.value == 0.5
    assert figures["stance_right_if_decided"].interval.value == 0.5
    assert figures["stance_right_if_decided"].n == 2


def test_an_answer_never_given_is_never_right_or_wrong() -> None:
    figures = selective("stance", ["supports"], ["neutral"], "neutral")
    assert math.isnan(figures["stance_right_if_decided"].interval.value)
