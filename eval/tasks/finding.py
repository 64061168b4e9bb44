"""Finding the sentences that matter in a long document."""

from __future__ import annotations

from collections.abc import Sequence

from eval.baselines import bm25_order
from eval.datasets.examples import Example
from eval.measures import Measures, Row, mean, share
from eval.subject import Subject
from eval.tasks.task import Answer, Question

KEPT = 20
"""Places of a ranking that ``items.jsonl`` keeps."""
DEPTHS = (1, 5, 10)
FOUND, MISSED = "found", "missed"


class FindSentences:
    """Ranks a document's sentences for the claim, beside BM25 over the same sentences."""

    async def run(self, subject: Subject, example: Example) -> Row:
        """Rank the example's passages; positions, best first."""
        # The search shows sentences of the same words once: any of them is the one to find.
        wanted = {example.passages[place] for place in example.gold}
        gold = [place for place, sentence in enumerate(example.passages) if sentence in wanted]
        return {
            "id": example.id,
            "group": example.group,
            "claim": example.claim,
            "sentences": len(example.passages),
            "gold": gold,
            "found": await subject.rank(example.claim, example.passages, KEPT),
            "bm25": bm25_order(example.claim, example.passages)[:KEPT],
        }

    def measure(self, rows: Sequence[Row]) -> Measures:
        """Whether a gold sentence is among the first, over the rows that have one."""
        asked = [row for row in rows if row["gold"]]
        measures = Measures()
        for depth in DEPTHS:
            measures.figures[f"found_at_{depth}"] = share(
                [_found(row, "found", depth) for row in asked],
                [row["group"] for row in asked],
                {"bm25": [_found(row, "bm25", depth) for row in asked]},
            )
        measures.figures["mrr"] = mean(
            [_reciprocal_rank(row, "found") for row in asked],
            [row["group"] for row in asked],
            {"bm25": [_reciprocal_rank(row, "bm25") for row in asked]},
        )
        return measures

    def questions(self, rows: Sequence[Row]) -> dict[str, Question]:
        """Whether a gold sentence is among the first five."""
        answers = (
            Answer(
                row["id"],
                row["group"],
                FOUND,
                FOUND if _found(row, "found", 5) else MISSED,
                None,
                row,
            )
            for row in rows
            if row["gold"]
        )
        return {"found_at_5": Question((FOUND,), tuple(answers), MISSED)}


def _found(row: Row, ranking: str, depth: int) -> float:
    return float(bool(set(row[ranking][:depth]) & set(row["gold"])))


def _reciprocal_rank(row: Row, ranking: str) -> float:
    gold = set(row["gold"])
    return next(
        (1 / rank for rank, place in enumerate(row[ranking], start=1) if place in gold), 0.0
    )
