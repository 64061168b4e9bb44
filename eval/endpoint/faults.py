"""What a scripted endpoint can do wrong, and when it does."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from threading import Lock

from eval.endpoint.asked import Asked


class Fault(StrEnum):
    """A way in which an endpoint fails."""

    HANGS = "hangs"
    DROPS = "drops the connection"
    BUSY = "429"
    BUSY_FOR = "429 with Retry-After"
    BROKEN = "500"
    UNAVAILABLE = "503"
    REFUSES = "refuses"
    CUTS = "cuts the answer"
    INVALID = "invalid JSON"
    OTHER_SHAPE = "JSON of another shape"
    NO_CHOICES = "empty choices"
    PAGE = "an HTML page"
    WRONG_KEY = "401"
    UNKNOWN_MODEL = "404"
    TOO_LONG = "context too long"
    SHAPE_UNKNOWN = "unknown response_format"


PASSING = (
    Fault.HANGS,
    Fault.DROPS,
    Fault.BUSY,
    Fault.BUSY_FOR,
    Fault.BROKEN,
    Fault.UNAVAILABLE,
    Fault.CUTS,
    Fault.INVALID,
    Fault.OTHER_SHAPE,
    Fault.NO_CHOICES,
    Fault.PAGE,
)
"""Those after which asking again may help."""

Faults = Callable[[Asked], Fault | None]
"""Says how a request fails; None lets it be answered."""


def never(_asked: Asked) -> Fault | None:
    """No faults."""
    return None


def always(fault: Fault) -> Faults:
    """The same fault every time."""
    return lambda _asked: fault


def first(faults: Sequence[Fault]) -> Faults:
    """These faults at the first tries of every request, then none."""
    tries: Counter[str] = Counter()
    lock = Lock()

    def fails(asked: Asked) -> Fault | None:
        with lock:
            done = tries[asked.text]
            tries[asked.text] += 1
        return faults[done] if done < len(faults) else None

    return fails


def mixed(rate: float, seed: int, kinds: Sequence[Fault] = PASSING) -> Faults:
    """A share of all tries fails, in every way; which ones, the seed and the texts say."""
    tries: Counter[str] = Counter()
    lock = Lock()

    def fails(asked: Asked) -> Fault | None:
        text = "\n".join(asked.parts.values())  # marks differ by installation
        with lock:
            tries[text] += 1
            told = f"{seed}:{tries[text]}:{text}"
        digest = hashlib.sha256(told.encode()).digest()
        if int.from_bytes(digest[:4], "big") / 2**32 >= rate:
            return None
        return kinds[int.from_bytes(digest[4:8], "big") % len(kinds)]

    return fails
