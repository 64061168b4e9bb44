"""How well a score puts what matters before the rest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def auroc(positive: npt.NDArray[np.bool_], score: Array, weights: Array | None = None) -> Array:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties half.

    Args:
        positive: ``(n,)``.
        score: ``(n,)``, higher means more surely positive.
        weights: ``(..., n)``: how often each row counts, for resamples; each once by default.

    Returns:
        ``(...)``, 0 to 1; nan where there is no positive or no negative, so nan on empty input.
    """
    if weights is None:
        weights = np.ones(len(score))
    if not len(score):
        return np.full(weights.shape[:-1], np.nan)
    order = np.argsort(score, kind="stable")
    _, firsts = np.unique(score[order], return_index=True)
    drawn, truth = weights[..., order], positive[order]
    # Sums at each distinct score, so that ties count half; then the negatives strictly below.
    positives = np.add.reduceat(drawn * truth, firsts, axis=-1)
    negatives = np.add.reduceat(drawn * ~truth, firsts, axis=-1)
    below = np.cumsum(negatives, axis=-1) - negatives
    won = (positives * (below + negatives / 2)).sum(axis=-1)
    pairs = positives.sum(axis=-1) * negatives.sum(axis=-1)
    area: Array = np.divide(won, pairs, out=np.full(np.shape(pairs), np.nan), where=pairs > 0)
    return area
