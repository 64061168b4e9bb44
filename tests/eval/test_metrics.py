"""Metrics agree with values worked out by hand and with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support, roc_auc_score

from eval.metrics import (
    accuracy,
    all_alike,
    auroc,
    bootstrap,
    bootstrap_difference,
    confusion,
    ece,
    macro_f1,
    per_class,
    proportion,
    reliability,
)

LABELS = ("supports", "refutes", "neutral")
labelled = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=40
)


def split(pairs: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [gold for gold, _ in pairs], [guess for _, guess in pairs]


def test_macro_f1_by_hand() -> None:
    # supports: tp 1, fp 1, fn 1 -> 0.5; refutes: tp 1, fp 0, fn 1 -> 2/3; neutral: tp 0 -> 0
    gold = ["supports", "supports", "refutes", "refutes"]
    guess = ["supports", "neutral", "refutes", "supports"]
    matrix = confusion(gold, guess, LABELS)
    assert macro_f1(matrix) == pytest.approx((0.5 + 2 / 3 + 0) / 3)
    assert accuracy(matrix) == 0.5


@given(labelled)
@settings(max_examples=100)
def test_class_figures_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    gold, guess = split(pairs)
    matrix = confusion(gold, guess, LABELS)
    assert accuracy(matrix) == pytest.approx(accuracy_score(gold, guess))
    assert macro_f1(matrix) == pytest.approx(
        f1_score(gold, guess, labels=LABELS, average="macro", zero_division=0)
    )
    theirs = precision_recall_fscore_support(gold, guess, labels=LABELS, zero_division=0)
    assert np.allclose(per_class(matrix), theirs[:3])


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ValueError, match="maybe"):
        confusion(["maybe"], ["supports"], LABELS)


def test_empty_input_has_no_accuracy() -> None:
    nothing = confusion([], [], LABELS)
    assert np.isnan(accuracy(nothing))
    assert np.isnan(macro_f1(nothing))


def test_auroc_by_hand() -> None:
    # positives 0.9, 0.4; negatives 0.4, 0.1: pairs won 1, 1, tie 0.5, 1
    positive = np.array([True, True, False, False])
    score = np.array([0.9, 0.4, 0.4, 0.1])
    assert auroc(positive, score) == pytest.approx(3.5 / 4)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40))
@settings(max_examples=100)
def test_auroc_is_that_of_scikit_learn_with_ties(rows: list[tuple[bool, int]]) -> None:
    positive = np.array([truth for truth, _ in rows])
    score = np.array([float(value) for _, value in rows])
    if positive.all() or not positive.any():
        assert np.isnan(auroc(positive, score))
    else:
        assert auroc(positive, score) == pytest.approx(roc_auc_score(positive, score))


def test_a_weighted_auroc_is_that_of_the_repeated_rows() -> None:
    positive = np.array([True, False, True, False, False])
    score = np.array([0.7, 0.7, 0.2, 0.1, 0.5])
    weights = np.array([[2.0, 1, 0, 3, 1], [1, 1, 1, 1, 1]])
    for row, area in zip(weights, auroc(positive, score, weights), strict=True):
        times = row.astype(int)
        assert area == pytest.approx(
            roc_auc_score(np.repeat(positive, times), np.repeat(score, times))
        )


def test_ece_by_hand() -> None:
    # bin 0.9-1: mean confidence 0.95, right 1 of 2; bin 0.6-0.7: 0.65, right 1 of 1
    table = reliability(np.array([0.92, 0.98, 0.65]), np.array([1.0, 0.0, 1.0])).sum(axis=0)
    assert ece(table) == pytest.approx((2 * abs(0.95 - 0.5) + abs(0.65 - 1)) / 3)


def test_a_confidence_of_one_falls_into_the_last_bin() -> None:
    assert reliability(np.array([1.0]), np.array([1.0]))[0, -1].tolist() == [1, 1, 1]


def test_ece_of_nothing_is_not_a_number() -> None:
    assert np.isnan(ece(reliability(np.zeros(0), np.zeros(0)).sum(axis=0)))


def test_a_bootstrap_is_the_same_for_the_same_seed() -> None:
    rows = np.stack([np.arange(30) % 3 == 0, np.ones(30)], axis=-1).astype(float)

    def share(sums: np.ndarray) -> np.ndarray:
        return sums[..., 0] / sums[..., 1]

    assert bootstrap(rows, share, seed=1) == bootstrap(rows, share, seed=1)
    assert bootstrap(rows, share, seed=1) != bootstrap(rows, share, seed=2)


def test_a_bootstrap_interval_is_as_wide_as_theory_says() -> None:
    hits = np.array([1.0] * 300 + [0.0] * 700)
    interval = proportion(hits)
    reach = 1.96 * (0.3 * 0.7 / 1000) ** 0.5
    assert interval.value == pytest.approx(0.3)
    assert interval.low == pytest.approx(0.3 - reach, abs=0.006)
    assert interval.high == pytest.approx(0.3 + reach, abs=0.006)


def test_rows_of_one_group_are_drawn_together() -> None:
    hits = np.array([1.0] * 500 + [0.0] * 500)
    alone = proportion(hits)
    together = proportion(hits, [str(row // 100) for row in range(1000)])
    assert together.high - together.low > 5 * (alone.high - alone.low)


def test_a_macro_f1_interval_agrees_with_plain_resampling() -> None:
    random = np.random.default_rng(7)
    gold = random.integers(0, 3, 200)
    guess = np.where(random.random(200) < 0.6, gold, random.integers(0, 3, 200))
    cells = np.zeros((200, 3, 3))
    cells[np.arange(200), gold, guess] = 1
    plain = [
        f1_score(gold[drawn], guess[drawn], labels=range(3), average="macro", zero_division=0)
        for drawn in (random.integers(0, 200, 200) for _ in range(1000))
    ]
    low, high = np.percentile(plain, [2.5, 97.5])
    interval = bootstrap(cells, macro_f1)
    assert interval.low == pytest.approx(low, abs=0.015)
    assert interval.high == pytest.approx(high, abs=0.015)


def test_a_paired_difference_of_the_same_rows_is_nought() -> None:
    cells = np.zeros((10, 2, 2))
    cells[np.arange(10), [0, 1] * 5, [0] * 10] = 1
    difference = bootstrap_difference(cells, cells, macro_f1)
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_all_right_is_not_certainty() -> None:
    # Clopper-Pearson for 15 of 15 at 95 percent: 0.782 to 1
    interval = proportion(np.ones(15))
    assert interval == all_alike(1.0, 15)
    assert (interval.low, interval.high) == (pytest.approx(0.782, abs=0.001), 1)
    assert proportion(np.zeros(15)).high == pytest.approx(0.218, abs=0.001)


def test_intervals_of_nothing_are_not_numbers() -> None:
    assert np.isnan(proportion(np.zeros(0)).value)
    assert np.isnan(bootstrap(np.zeros((0, 2, 2)), macro_f1).low)
