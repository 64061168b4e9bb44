"""From an item's rows to figures with intervals, each beside its baselines.

A measure is computed from ``items.jsonl`` rows and nothing else, so a run that was stopped, resumed
or copied gives the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from eval.metrics import (
    Interval,
    accuracy,
    auroc,
    bootstrap,
    bootstrap_difference,
    bootstrap_weighted,
    confusion,
    ece,
    macro_f1,
    per_class,
    proportion,
    reliability,
)

Array = npt.NDArray[np.float64]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Against:
    """A baseline's figure on the same rows, and ours minus the baseline's (paired)."""

    interval: Interval
    difference: Interval

    @property
    def outcome(self) -> str:
        """``beaten``, ``ahead`` (the interval of the difference holds 0) or ``not beaten``."""
        if not self.difference.value > 0:
            return "not beaten"
        return "beaten" if self.difference.low > 0 else "ahead"


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure over ``n`` rows, with its baselines by name."""

    interval: Interval
    n: int
    baselines: Mapping[str, Against] = field(default_factory=dict)

    def as_json(self) -> Row:
        """``{value, low, high, n, baselines: {name: {value, low, high, difference}}}``."""
        told = _numbers(self.interval) | {"n": self.n}
        if self.baselines:
            told["baselines"] = {
                name: _numbers(against.interval) | {"difference": _numbers(against.difference)}
                for name, against in self.baselines.items()
            }
        return told

    @classmethod
    def from_json(cls, told: Row) -> Measure:
        """The measure that :meth:`as_json` wrote."""
        return cls(
            _interval(told),
            told["n"],
            {
                name: Against(_interval(against), _interval(against["difference"]))
                for name, against in told.get("baselines", {}).items()
            },
        )


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts a pair of labels: ``counts[people's][predicted]``."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(slots=True)
class Measures:
    """All that a task says of a run.

    Attributes:
        figures: by the name that stands in ``metrics.json``.
        confusions: by the name of what was classified.
    """

    figures: dict[str, Measure] = field(default_factory=dict)
    confusions: dict[str, Confusion] = field(default_factory=dict)

    def __or__(self, other: Measures) -> Measures:
        return Measures(self.figures | other.figures, self.confusions | other.confusions)


def classified(
    name: str,
    gold: Sequence[str],
    predicted: Sequence[str],
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    baselines: Mapping[str, Sequence[str]],
) -> Measures:
    """Macro-F1, accuracy and each class's F1 of predicted labels.

    A prediction that is none of the labels ("no match") is wrong, and no class of its own.

    Args:
        name: what is classified; figures are called ``{name}_macro_f1`` and so on.
        gold: ``(n,)`` people's labels.
        predicted: ``(n,)``.
        labels: people's labels.
        groups: ``(n,)``: rows drawn together.
        baselines: predictions ``(n,)`` by baseline.
    """
    guessed = set(predicted).union(*baselines.values())
    known = (*labels, *sorted(guessed - set(labels)))
    ours = _cells(gold, predicted, known)
    theirs = {other: _cells(gold, guesses, known) for other, guesses in baselines.items()}
    figures = {}
    over_labels = partial(macro_f1, classes=len(labels))
    for metric, statistic in (("macro_f1", over_labels), ("accuracy", accuracy)):
        figures[f"{name}_{metric}"] = Measure(
            bootstrap(ours, statistic, groups),
            len(gold),
            {
                other: Against(
                    bootstrap(cells, statistic, groups),
                    bootstrap_difference(ours, cells, statistic, groups),
                )
                for other, cells in theirs.items()
            },
        )
    for index, label in enumerate(labels):
        figures[f"{name}_f1_{label}"] = Measure(
            bootstrap(ours, partial(_class_f1, index=index), groups),
            list(gold).count(label),
        )
    counts = confusion(gold, predicted, known).astype(int)
    table = Confusion(known, tuple(tuple(int(cell) for cell in row) for row in counts))
    return Measures(figures, {name: table})


def share(
    hits: Sequence[float],
    groups: Sequence[str] | None = None,
    baselines: Mapping[str, Sequence[float]] | None = None,
) -> Measure:
    """Share of hits (1 hit, 0 miss, a half for a tie) beside the baselines' share."""
    ours = np.asarray(hits, dtype=np.float64)
    against = {}
    for name, theirs in (baselines or {}).items():
        other = np.asarray(theirs, dtype=np.float64)
        against[name] = Against(
            proportion(other, groups),
            bootstrap(_counted(ours - other), _mean, groups),
        )
    return Measure(proportion(ours, groups), len(hits), against)


def total(flags: Sequence[float], groups: Sequence[str] | None = None) -> Measure:
    """How many rows are flagged, with the interval of the share scaled to the rows there are."""
    interval = proportion(np.asarray(flags, dtype=np.float64), groups)
    n = len(flags)
    low, high = (interval.low * n, interval.high * n) if n else (0.0, 0.0)
    return Measure(Interval(float(sum(flags)), low, high), n)


def selective(
    name: str,
    gold: Sequence[str],
    predicted: Sequence[str],
    abstention: str,
    groups: Sequence[str] | None = None,
) -> dict[str, Measure]:
    """How often an answer is given at all, and how often it is right where it is.

    Args:
        name: what is answered; figures are called ``{name}_decided``, ``{name}_right_if_decided``.
        gold: ``(n,)`` people's labels.
        predicted: ``(n,)``.
        abstention: the label that gives no answer.
        groups: ``(n,)``: rows drawn together.
    """
    decided = [place for place, guess in enumerate(predicted) if guess != abstention]
    return {
        f"{name}_decided": share([float(guess != abstention) for guess in predicted], groups),
        f"{name}_right_if_decided": share(
            [float(predicted[place] == gold[place]) for place in decided],
            [groups[place] for place in decided] if groups is not None else None,
        ),
    }


def separation(
    positive: Sequence[bool],
    score: Sequence[float],
    baselines: Mapping[str, Sequence[float]] | None = None,
) -> Measure:
    """AUROC of a score, beside that of other scores."""
    truth = np.asarray(positive, dtype=bool)
    ours = np.asarray(score, dtype=np.float64)
    against = {}
    for name, values in (baselines or {}).items():
        theirs = np.asarray(values, dtype=np.float64)

        def difference(weights: Array, theirs: Array = theirs) -> Array:
            return auroc(truth, ours, weights) - auroc(truth, theirs, weights)

        against[name] = Against(
            bootstrap_weighted(len(truth), partial(auroc, truth, theirs)),
            bootstrap_weighted(len(truth), difference),
        )
    interval = bootstrap_weighted(len(truth), partial(auroc, truth, ours))
    return Measure(interval, len(truth), against)


def calibration(
    confidence: Sequence[float], correct: Sequence[bool], groups: Sequence[str] | None = None
) -> Measure:
    """Expected calibration error in ten bins of equal width; smaller is better."""
    rows = reliability(
        np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    )
    return Measure(bootstrap(rows, ece, groups), len(rows))


def mean(
    values: Sequence[float],
    groups: Sequence[str] | None = None,
    baselines: Mapping[str, Sequence[float]] | None = None,
) -> Measure:
    """The mean of a quantity beside the baselines' mean; nan on empty input."""
    ours = np.asarray(values, dtype=np.float64)
    against = {}
    for name, theirs in (baselines or {}).items():
        other = np.asarray(theirs, dtype=np.float64)
        against[name] = Against(
            bootstrap(_counted(other), _mean, groups),
            bootstrap(_counted(ours - other), _mean, groups),
        )
    return Measure(bootstrap(_counted(ours), _mean, groups), len(values), against)


def _class_f1(sums: Array, index: int) -> Array:
    f1: Array = per_class(sums)[2][..., index]
    return f1


def _cells(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> Array:
    """One confusion matrix a row, ``(n, k, k)``."""
    place = {label: index for index, label in enumerate(labels)}
    cells = np.zeros((len(gold), len(labels), len(labels)))
    rows = np.arange(len(gold))
    truth = np.array([place[label] for label in gold], dtype=np.intp)
    guess = np.array([place[label] for label in predicted], dtype=np.intp)
    cells[rows, truth, guess] = 1
    return cells


def _counted(values: Array) -> Array:
    return np.stack([values, np.ones(len(values))], axis=-1)


def _mean(sums: Array) -> Array:
    quotient: Array = sums[..., 0] / sums[..., 1]
    return quotient


def _numbers(interval: Interval) -> Row:
    return {
        name: None if math.isnan(number) else round(number, 6)
        for name, number in (
            ("value", interval.value),
            ("low", interval.low),
            ("high", interval.high),
        )
    }


def _interval(told: Row) -> Interval:
    value, low, high = (
        math.nan if told[name] is None else float(told[name]) for name in ("value", "low", "high")
    )
    return Interval(value, low, high)
