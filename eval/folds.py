"""Folds for cross-fitting: what is fitted never sees the rows it is reported on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

FOLDS = 5

Places = npt.NDArray[np.intp]


def folds(groups: Sequence[str], count: int = FOLDS) -> Iterator[tuple[Places, Places]]:
    """Yield positions to fit on and positions to report on, ``count`` times.

    A group's fold is a digest of its name: the same whatever the order, the machine or the other
    rows. Folds that hold no row are left out, and so is one that holds them all.
    """
    fold = np.array([fold_of(group, count) for group in groups], dtype=np.intp)
    for number in range(count):
        fitted, reported = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if len(fitted) and len(reported):
            yield fitted, reported


def fold_of(group: str, count: int = FOLDS) -> int:
    """The number of a group's fold, from 0."""
    digest = hashlib.sha256(group.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % count
