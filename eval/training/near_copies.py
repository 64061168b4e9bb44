"""``python -m eval.training.near_copies OUT``: pairs whose claims nearly copy the passage.

The written pairs are made so that word overlap tells nothing, and a model trained on them alone
comes to think that whoever keeps the words has changed the sense. So every training passage is also
read by the embedded engine's extraction: the claims that it takes out of the passage are supported
by it, word for word, and the same claims with another number are refuted.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from eval.training.pairs import Pair, read_pairs
from service.engines.local.extract import extract_claims
from service.kit.text import normalise, sha256_hex
from service.types import Stance, Submission, Window

SEED = 0
_NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w-]|[.,]\d)")
_MOST = 3
"""Claims taken from one passage."""


def near_copies(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Pairs made of the passages of pairs: claims taken from them, and those with other numbers."""
    rng = random.Random(SEED)  # noqa: S311  an order, not a secret
    for passage in dict.fromkeys(pair.passage for pair in pairs):
        text = normalise(passage)
        submission = Submission(text, sha256_hex(text))
        claims = [one.text for one in extract_claims(Window(submission, 0, len(text)))]
        rng.shuffle(claims)
        for claim in claims[:_MOST]:
            yield Pair(passage, claim, Stance.SUPPORTS)
            changed = _with_another_number(claim, passage, rng)
            if changed is not None:
                yield Pair(passage, changed, Stance.REFUTES)


def _with_another_number(claim: str, passage: str, rng: random.Random) -> str | None:
    """The claim with one of its numbers changed to one that the passage does not have."""
    numbers = list(_NUMBER.finditer(claim))
    if not numbers:
        return None
    chosen = rng.choice(numbers)
    digits = [place for place, letter in enumerate(chosen.group()) if letter.isdigit()]
    for _ in range(20):
        place = rng.choice(digits[:2])
        digit = rng.choice("123456789")
        other = f"{chosen.group()[:place]}{digit}{chosen.group()[place + 1 :]}"
        if other not in passage:
            return f"{claim[: chosen.start()]}{other}{claim[chosen.end() :]}"
    return None


def main() -> None:
    """Write the pairs as JSON lines."""
    training, _ = read_pairs()
    with Path(sys.argv[1]).open("w", encoding="utf-8") as out:
        for pair in near_copies(training):
            out.write(json.dumps(asdict(pair), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
