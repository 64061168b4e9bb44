"""The pairs written for Verinote: a passage in an official voice, and claims about it.

Each line of ``pairs/*.jsonl`` is ``{"passage", "supports": [], "refutes": [], "neutral": []}``.
Every ninth passage of a file is kept for development: the stance model is never trained on it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from service.types import Stance

FOLDER = Path(__file__).parent / "pairs"
STANCES = tuple(Stance)
_DEVELOPMENT = 9


@dataclass(frozen=True, slots=True)
class Pair:
    """A passage, a claim, and what the passage means for the claim."""

    passage: str
    claim: str
    stance: Stance


def read_pairs(folder: Path = FOLDER) -> tuple[list[Pair], list[Pair]]:
    """The pairs to train on and those kept for development."""
    training: list[Pair] = []
    development: list[Pair] = []
    for path in sorted(folder.glob("*.jsonl")):
        for place, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            row = json.loads(line)
            kept = development if place % _DEVELOPMENT == 0 else training
            kept += [
                Pair(row["passage"], claim, stance) for stance in STANCES for claim in row[stance]
            ]
    return training, development
