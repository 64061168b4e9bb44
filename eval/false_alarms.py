"""How often an ordinary text is taken for one that speaks to a model."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.facts.instructions import instructions_in
from service.kit.errors import InputError

SEED = 20251212
_SHORTEST = 60


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """What was found in so many texts: file and the words that raised the alarm."""

    texts: int
    alarms: tuple[tuple[str, str], ...]


def count(data: Path, limit: int) -> FalseAlarms:
    """Look through texts of the public sets, drawn at random by a fixed seed.

    Args:
        data: the folder of the public sets.
        limit: how many texts.

    Raises:
        InputError: there are none.
    """
    texts = sorted(
        {
            (path.name, text)
            for path in data.rglob("*.jsonl")
            for line in path.read_text("utf-8").splitlines()
            for text in _texts(json.loads(line))
        }
    )
    if not texts:
        raise InputError(f"{data}: no texts in there")
    chosen = random.Random(SEED).sample(texts, min(limit, len(texts)))  # noqa: S311  a sample
    alarms = tuple((name, told[0]) for name, text in chosen if (told := instructions_in(text)))
    return FalseAlarms(len(chosen), alarms)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401  any JSON
    if isinstance(value, str) and len(value) >= _SHORTEST:
        yield value
    for inner in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from _texts(inner)
