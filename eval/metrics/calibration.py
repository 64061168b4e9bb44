"""Whether a confidence of 0.8 is right eight times in ten."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
BINS = 10


def reliability(confidence: Array, correct: Array, bins: int = BINS) -> Array:
    """Sort rows into bins of equal width by confidence.

    Args:
        confidence: ``(n,)``, 0 to 1.
        correct: ``(n,)``, 1 where the prediction was right, else 0.
        bins: how many; the last one includes 1.

    Returns:
        ``(n, bins, 3)``: for each row, 1, its confidence and its correctness in its bin, else 0.
        Its sum over rows is the reliability table; ``(0, bins, 3)`` on empty input.
    """
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    rows = np.zeros((len(confidence), bins, 3))
    rows[np.arange(len(confidence)), place] = np.stack(
        [np.ones(len(confidence)), confidence, correct], axis=-1
    )
    return rows


def ece(table: Array) -> Array:
    """Expected calibration error (Naeini et al. 2015), 0 to 1; nan on empty input.

    Args:
        table: ``(..., bins, 3)``: sums of 1, confidence and correctness a bin, as the sum over
            rows of :func:`reliability`.
    """
    rows = table[..., 0].sum(axis=-1)
    gaps = np.abs(table[..., 1] - table[..., 2]).sum(axis=-1)
    error: Array = np.divide(gaps, rows, out=np.full(np.shape(rows), np.nan), where=rows > 0)
    return error
