"""Figures and how sure they are. Every one says what it returns on empty input."""

from eval.metrics.calibration import ece, reliability
from eval.metrics.classification import accuracy, confusion, macro_f1, per_class
from eval.metrics.intervals import (
    Interval,
    all_alike,
    bootstrap,
    bootstrap_difference,
    bootstrap_weighted,
    proportion,
)
from eval.metrics.ranking import auroc

__all__ = [
    "Interval",
    "accuracy",
    "all_alike",
    "auroc",
    "bootstrap",
    "bootstrap_difference",
    "bootstrap_weighted",
    "confusion",
    "ece",
    "macro_f1",
    "per_class",
    "proportion",
    "reliability",
]
