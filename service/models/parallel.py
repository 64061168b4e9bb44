"""Running a model over many texts, each text alone, several at a time.

The int8 models quantise activations with one scale for the whole input tensor, so a text's output
depends on what shares its batch: of 800 pairs, batches of 16 changed 4 to 8 percent of arg-maxes,
and a probability by up to 0.32. A verdict must not depend on its neighbours, so every text runs in
a batch of one; that costs no processor time here, and needs no padding. Speed comes from one-thread
sessions run side by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


class Parallel:
    """Maps a function over items with ``threads`` workers (0: one a core), keeping the order."""

    def __init__(self, threads: int) -> None:
        workers = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(workers, "model") if workers > 1 else None

    def map(self, function: Callable[[In], Out], items: Iterable[In]) -> list[Out]:
        """Return ``[function(item) for item in items]``, computed side by side."""
        if self._pool is None:
            return [function(item) for item in items]
        return list(self._pool.map(function, items))
