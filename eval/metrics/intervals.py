"""Bootstrap intervals: how much a figure would move with other rows of the same kind.

A figure here is a function of sums over rows (counts of a confusion matrix, sums a bin), so a
resample is a weight for each row and all resamples are one matrix product. Rows that belong
together (five sentences of one claim) are drawn together (cluster bootstrap; Davison & Hinkley
1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Statistic = Callable[[Array], Array]

RESAMPLES = 1000
LEVEL = 0.95
SEED = 20251212
_CHUNK = 100


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 percent interval; nan where there was nothing to measure."""

    value: float
    low: float
    high: float


def bootstrap(
    rows: Array,
    statistic: Statistic,
    groups: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Return ``statistic`` of the rows' sum, with its percentile interval.

    Args:
        rows: ``(n, ...)``: what each row adds to the sums that ``statistic`` reads.
        statistic: maps sums ``(..., *rows.shape[1:])`` to figures ``(...)``.
        groups: ``(n,)``: rows of one group are drawn together; each alone by default.
        resamples: how many.
        seed: the same seed gives the same interval.

    Returns:
        nan, nan, nan on empty input.
    """
    if not len(rows):
        return Interval(np.nan, np.nan, np.nan)
    flat = _by_group(rows.reshape(len(rows), -1), groups)
    shape = rows.shape[1:]
    drawn = np.concatenate(
        [
            statistic((weights @ flat).reshape(-1, *shape))
            for weights in draw(len(flat), resamples, seed)
        ]
    )
    value = float(statistic(flat.sum(axis=0).reshape(shape)))
    return _percentiles(value, drawn)


def bootstrap_difference(
    rows: Array,
    other: Array,
    statistic: Statistic,
    groups: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Return ``statistic(rows) - statistic(other)``, both drawn with the same rows (paired).

    Args and result as in :func:`bootstrap`; ``rows`` and ``other`` have the same shape.
    """
    if not len(rows):
        return Interval(np.nan, np.nan, np.nan)
    shape = rows.shape[1:]
    both = np.stack([rows.reshape(len(rows), -1), other.reshape(len(other), -1)], axis=1)

    def difference(sums: Array) -> Array:
        ours, theirs = (sums[..., side, :].reshape(*sums.shape[:-2], *shape) for side in range(2))
        return statistic(ours) - statistic(theirs)

    return bootstrap(both, difference, groups, resamples=resamples, seed=seed)


def bootstrap_weighted(
    count: int,
    statistic: Callable[[Array], Array],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """As :func:`bootstrap`, for figures that are no function of sums (an AUROC).

    Args:
        count: how many rows there are.
        statistic: maps weights ``(..., count)`` to figures ``(...)``.
        resamples: how many.
        seed: the same seed gives the same interval.
    """
    if not count:
        return Interval(np.nan, np.nan, np.nan)
    drawn = np.concatenate([statistic(weights) for weights in draw(count, resamples, seed)])
    return _percentiles(float(statistic(np.ones(count))), drawn)


def proportion(
    hits: Array,
    groups: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Share of ``hits`` (each 0 or 1) with its interval; nan, nan, nan on empty input.

    Where all rows are alike every resample is too, and a bootstrap would claim certainty: there the
    interval is the exact one (:func:`all_alike`) over the groups.
    """
    rows = np.stack([hits, np.ones(len(hits))], axis=-1) if len(hits) else np.zeros((0, 2))
    interval = bootstrap(
        rows, lambda sums: sums[..., 0] / sums[..., 1], groups, resamples=resamples, seed=seed
    )
    if len(hits) and interval.value in {0.0, 1.0}:
        drawn = len(set(groups)) if groups is not None else len(hits)
        return all_alike(interval.value, drawn)
    return interval


def all_alike(value: float, count: int) -> Interval:
    """Exact interval (Clopper & Pearson 1934) of a proportion that is 0 or 1 in all rows.

    Args:
        value: 0.0 or 1.0.
        count: of how many independent rows; nan, nan, nan when 0.
    """
    if not count:
        return Interval(np.nan, np.nan, np.nan)
    reach = ((1 - LEVEL) / 2) ** (1 / count)
    return Interval(1.0, reach, 1.0) if value else Interval(0.0, 0.0, 1 - reach)


def draw(count: int, resamples: int, seed: int) -> Iterator[Array]:
    """Yield weights ``(up to 100, count)``: how often each of ``count`` rows is in a resample."""
    random = np.random.default_rng(seed)
    share = np.full(count, 1 / count)
    for start in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - start)
        yield random.multinomial(count, share, size=size).astype(np.float64)


def _by_group(rows: Array, groups: Sequence[str] | None) -> Array:
    if groups is None:
        return rows
    places = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    sums = np.zeros((len(places), rows.shape[1]))
    np.add.at(sums, [places[group] for group in groups], rows)
    return sums


def _percentiles(value: float, drawn: Array) -> Interval:
    known = drawn[~np.isnan(drawn)]
    if not len(known):
        return Interval(value, np.nan, np.nan)
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(known, [tail, 100 - tail])
    return Interval(value, float(low), float(high))
