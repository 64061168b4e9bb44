"""Confidence that means what it says: fitted by cross-fitting, on people's labels.

Each stance's raw score is mapped by a logistic curve of its log-odds (Platt 1999), and the three
are scaled to add up to 1: smooth, so that no two scores become equal. Sets count alike, however
many rows they have. What is reported comes from folds that the curve was not fitted on; what is
shipped is fitted on all rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from eval.catalogue import DATASETS
from eval.datasets.examples import Example
from eval.datasets.reading import BadRow
from eval.folds import folds
from eval.measures import Measure, calibration
from service.types import Stance

Array = npt.NDArray[np.float64]

STANCES = tuple(stance.value for stance in Stance)
SETS = ("climate-fever", "healthver", "fool-me-twice", "wice-claims")
"""AVeriTeC is left out: its licence allows evaluation, not fitting."""
_LEAST = 1e-4
_NEUTRAL_WINDOW = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim and a passage that people labelled."""

    dataset: str
    group: str
    claim: str
    passage: str
    title: str
    stance: str


@dataclass(frozen=True, slots=True)
class Curve:
    """``1 / (1 + exp(-(slope * log-odds + shift)))``."""

    slope: float
    shift: float


def labelled_pairs(data: Path, bad: list[BadRow]) -> Iterator[Pair]:
    """Stream every labelled pair of the sets in the folder ``data``.

    From WiCE, a supported claim with its sentences supports, and a claim that nothing in its
    article supports is neutral with the article's opening.

    Raises:
        InputError: a set's file is missing.
    """
    for name in SETS:
        for example in DATASETS[name].examples(data, bad):
            yield from _pairs_of(name, example)


def _pairs_of(name: str, example: Example) -> Iterator[Pair]:
    def pair(passage: str, title: str, stance: str) -> Pair:
        return Pair(name, f"{name}/{example.group}", example.claim, passage, title, stance)

    if name != "wice-claims":
        titles = example.titles or ("",) * len(example.passages)
        for passage, title, stance in zip(example.passages, titles, example.stances, strict=True):
            yield pair(passage, title, stance.value)
    elif example.kind == "supported" and example.gold:
        passage = " ".join(example.passages[place] for place in sorted(example.gold)[:5])
        yield pair(passage, "", Stance.SUPPORTS.value)
    elif example.kind == "not_supported":
        yield pair(" ".join(example.passages[1 : 1 + _NEUTRAL_WINDOW]), "", Stance.NEUTRAL.value)


def fit(scores: Array, stances: Sequence[str], sets: Sequence[str]) -> dict[str, Curve]:
    """Fit a curve a stance.

    Args:
        scores: ``(n, 3)`` raw scores in the order of ``STANCES``, 0 to 1.
        stances: ``(n,)`` people's labels.
        sets: ``(n,)``: the set of each row; every set has the same weight in all.
    """
    odds = log_odds(scores)
    truth, names = np.array(stances), np.array(sets)
    weights = np.zeros(len(names))
    for name in set(sets):
        weights[names == name] = len(names) / (names == name).sum()
    curves = {}
    for column, stance in enumerate(STANCES):
        model = LogisticRegression(C=1e3)
        model.fit(odds[:, [column]], truth == stance, sample_weight=weights)
        curves[stance] = Curve(float(model.coef_[0, 0]), float(model.intercept_[0]))
    return curves


def apply(curves: Mapping[str, Curve], scores: Array) -> Array:
    """Map raw scores ``(n, 3)`` to probabilities ``(n, 3)`` that add up to 1."""
    odds = log_odds(scores)
    raised = np.stack(
        [
            1 / (1 + np.exp(-(curves[stance].slope * odds[:, column] + curves[stance].shift)))
            for column, stance in enumerate(STANCES)
        ],
        axis=1,
    )
    probabilities: Array = raised / raised.sum(axis=1, keepdims=True)
    return probabilities


def log_odds(scores: Array) -> Array:
    """``log(p / (1 - p))``, with p kept 0.0001 from 0 and 1."""
    kept = np.clip(scores, _LEAST, 1 - _LEAST)
    odds: Array = np.log(kept / (1 - kept))
    return odds


def cross_fitted(
    scores: Array, stances: Sequence[str], sets: Sequence[str], groups: Sequence[str]
) -> Array:
    """Calibrated probabilities ``(n, 3)``, each by curves fitted without the row's fold."""
    result = scores.astype(np.float64).copy()
    for fitted, reported in folds(groups):
        curves = fit(
            scores[fitted], [stances[row] for row in fitted], [sets[row] for row in fitted]
        )
        result[reported] = apply(curves, scores[reported])
    return result


def errors(
    scores: Array, stances: Sequence[str], sets: Sequence[str], groups: Sequence[str]
) -> dict[str, Measure]:
    """Expected calibration error of the likeliest stance, by set."""
    likeliest = scores.argmax(axis=1)
    found = {}
    for name in dict.fromkeys(sets):
        rows = [row for row, owner in enumerate(sets) if owner == name]
        found[name] = calibration(
            [float(scores[row, likeliest[row]]) for row in rows],
            [STANCES[likeliest[row]] == stances[row] for row in rows],
            [groups[row] for row in rows],
        )
    return found
