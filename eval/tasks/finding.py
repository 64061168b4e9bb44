"""Finding the sentences that matter in a long document."""

from __future__ import annotations

from collections.abc import Sequence

import ir_measures
from ir_measures import RR, Qrel, R, ScoredDoc, Success, nDCG

from eval.baselines import bm25_order
from eval.datasets.examples import Example
from eval.measures import Measures, Row, mean, share
from eval.subject import Subject
from eval.tasks.task import Answer, Question

KEPT = 20
"""Places of a ranking that ``items.jsonl`` keeps."""
MEASURES = {
    "found_at_1": Success @ 1,
    "found_at_5": Success @ 5,
    "found_at_10": Success @ 10,
    "recall_at_5": R @ 5,
    "recall_at_10": R @ 10,
    "ndcg_at_10": nDCG @ 10,
    "mrr": RR,
}
"""By the name that stands in ``metrics.json``."""
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
        """How well the gold sentences are found, over the rows that have one."""
        asked = [row for row in rows if row["gold"]]
        groups = [row["group"] for row in asked]
        found, bm25 = (_measured(asked, ranking) for ranking in ("found", "bm25"))
        return Measures(
            {
                name: (share if name.startswith("found") else mean)(
                    found[name], groups, {"bm25": bm25[name]}
                )
                for name in MEASURES
            }
        )

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


def _found(row: Row, ranking: str, depth: int) -> bool:
    return bool(set(row[ranking][:depth]) & set(row["gold"]))


def _measured(rows: Sequence[Row], ranking: str) -> dict[str, list[float]]:
    """Every measure of every row, in their order."""
    wanted = [
        Qrel(str(number), str(place), 1) for number, row in enumerate(rows) for place in row["gold"]
    ]
    ranked = [
        ScoredDoc(str(number), str(place), -rank)
        for number, row in enumerate(rows)
        for rank, place in enumerate(row[ranking])
    ]
    values = {
        (one.measure, one.query_id): one.value
        for one in ir_measures.iter_calc(MEASURES.values(), wanted, ranked)
    }
    return {
        name: [values.get((measure, str(number)), 0.0) for number in range(len(rows))]
        for name, measure in MEASURES.items()
    }
