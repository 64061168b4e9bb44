"""Evidence: what an engine said of each passage, put beside the passage."""

from __future__ import annotations

import math
from collections.abc import Sequence

from service.types import Assessment, Evidence, Passage, Stance


def gather(passages: Sequence[Passage], assessment: Assessment) -> tuple[Evidence, ...]:
    """Join passages, in the order found, with the engine's opinions of them.

    A passage that the engine left out is neutral. An opinion about a passage that it was not
    given is dropped; words outside the passage are taken as the whole passage, and what is no
    probability as the nearest one.
    """
    opinions = {opinion.passage_id: opinion for opinion in assessment.opinions}
    found = []
    for passage in passages:
        opinion = opinions.get(passage.id)
        if opinion is None:
            found.append(Evidence(passage, Stance.NEUTRAL, 0.0, passage.start, passage.end))
            continue
        start, end = max(passage.start, opinion.start), min(passage.end, opinion.end)
        if start >= end:
            start, end = passage.start, passage.end
        found.append(
            Evidence(
                passage=passage,
                stance=opinion.stance,
                probability=(
                    None if opinion.probability is None else _probability(opinion.probability)
                ),
                start=start,
                end=end,
                mismatches=opinion.mismatches,
                cross_check=opinion.cross_check,
                scores=tuple((stance, _probability(score)) for stance, score in opinion.scores),
            )
        )
    return tuple(found)


def _probability(value: float) -> float:
    return 0.0 if math.isnan(value) else min(1.0, max(0.0, value))
