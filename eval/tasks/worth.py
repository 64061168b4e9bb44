"""Whether what the extraction takes, and scores highly, is what people call checkable."""

from __future__ import annotations

from collections.abc import Sequence

from eval.baselines import majority
from eval.datasets.examples import WorthExample
from eval.measures import Measures, Row, classified, separation
from eval.subject import Subject
from eval.tasks.task import Answer, Question

LABELS = ("checkable", "not")


class CheckWorthiness:
    """Extracts claims from each text alone; its score is that of its best claim, 0 without one."""

    async def run(self, subject: Subject, example: WorthExample) -> Row:
        """Extract the claims of one text."""
        claims = await subject.extract(example.text)
        return {
            "id": example.id,
            "group": example.id,
            "text": example.text,
            "gold": LABELS[0] if example.checkable else LABELS[1],
            "score": round(max((claim.score for claim in claims), default=0.0), 4),
            "claims": [claim.text for claim in claims],
        }

    def measure(self, rows: Sequence[Row]) -> Measures:
        """AUROC of the score (baseline: the number of words) and F1 of taking a claim at all."""
        gold = [row["gold"] for row in rows]
        groups = [row["group"] for row in rows]
        taken = [LABELS[0] if row["claims"] else LABELS[1] for row in rows]
        measures = classified(
            "taken", gold, taken, LABELS, groups, baselines={"majority": majority(gold)}
        )
        measures.figures["auroc"] = separation(
            [label == LABELS[0] for label in gold],
            [row["score"] for row in rows],
            {"length": [float(len(row["text"].split())) for row in rows]},
        )
        return measures

    def questions(self, rows: Sequence[Row]) -> dict[str, Question]:
        """Whether a claim is taken at all."""
        answers = (
            Answer(row["id"], row["group"], row["gold"], LABELS[not row["claims"]], None, row)
            for row in rows
        )
        return {"taken": Question(LABELS, tuple(answers))}
