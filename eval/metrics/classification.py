"""Right or wrong, over classes. All of it follows from the confusion matrix.

Functions take a matrix ``(..., k, k)`` of counts (rows: people's labels, columns: predictions), so
that one call serves a figure and its thousand resamples. They agree with scikit-learn's, where an
undefined precision, recall or F1 counts as 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def confusion(gold: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> Array:
    """Return counts ``(k, k)``; all zeros on empty input.

    Raises:
        ValueError: a label is none of ``labels``.
    """
    place = {label: index for index, label in enumerate(labels)}
    matrix = np.zeros((len(labels), len(labels)))
    for truth, guess in zip(gold, predicted, strict=True):
        if truth not in place or guess not in place:
            raise ValueError(f"label {truth!r} or {guess!r} is none of {', '.join(labels)}")
        matrix[place[truth], place[guess]] += 1
    return matrix


def accuracy(matrix: Array) -> Array:
    """Share of right predictions, 0 to 1; nan on empty input."""
    right = np.trace(matrix, axis1=-2, axis2=-1)
    return _ratio(right, matrix.sum(axis=(-2, -1)), empty=np.nan)


def macro_f1(matrix: Array, classes: int | None = None) -> Array:
    """Mean of the classes' F1, 0 to 1; nan on empty input.

    A class that has neither rows nor predictions counts as 0, as in scikit-learn when ``labels``
    are given.

    Args:
        matrix: ``(..., k, k)``.
        classes: how many of the labels, from the first, the mean is over; all by default. The
            others are ways of being wrong (no answer).
    """
    scores = per_class(matrix)[2][..., :classes].mean(axis=-1)
    return np.where(matrix.sum(axis=(-2, -1)) > 0, scores, np.nan)


def per_class(matrix: Array) -> tuple[Array, Array, Array]:
    """Precision, recall and F1, each ``(..., k)``; 0 where undefined, so 0 on empty input."""
    right = np.diagonal(matrix, axis1=-2, axis2=-1)
    rows, columns = matrix.sum(axis=-1), matrix.sum(axis=-2)
    return _ratio(right, columns), _ratio(right, rows), _ratio(2 * right, rows + columns)


def _ratio(part: Array, whole: Array, empty: float = 0.0) -> Array:
    ratio: Array = np.divide(part, whole, out=np.full(np.shape(whole), empty), where=whole > 0)
    return ratio
