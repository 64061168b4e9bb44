"""Stance and verdict with the evidence given in the row: nothing is searched."""

from __future__ import annotations

from collections.abc import Sequence

from eval.baselines import majority, overlap_labels, word_overlap
from eval.datasets.examples import Example
from eval.measures import Measures, Row, calibration, classified, selective, separation, share
from eval.subject import Subject
from eval.tasks.task import Answer, Question, shown
from service.types import Stance, Verdict

STANCES = tuple(stance.value for stance in Stance)
SIDES = (Stance.SUPPORTS.value, Stance.REFUTES.value)
VERDICTS = tuple(verdict.value for verdict in Verdict)


class GivenEvidence:
    """Assesses each claim with its own passages.

    Args:
        sides_only: the set knows only supports and refutes, so the question is which of the two
            (forced choice), not whether the passage says anything.
        verdicts: the set has verdicts beyond the stance of one passage.
    """

    def __init__(self, *, sides_only: bool = False, verdicts: bool = False) -> None:
        self._sides_only = sides_only
        self._verdicts = verdicts

    async def run(self, subject: Subject, example: Example) -> Row:
        """Assess the example's passages and, where the set has verdicts, decide."""
        given = await subject.judge(example)
        row: Row = {
            "id": example.id,
            "group": example.group,
            "claim": example.claim,
            "overlap": [
                round(word_overlap(example.claim, [passage]), 4) for passage in example.passages
            ],
            "evidence": shown(given.evidence),
        }
        if example.stances:
            row["gold_stances"] = [stance.value for stance in example.stances]
            row["stances"] = [piece.stance.value for piece in given.evidence]
            row["probabilities"] = [round(piece.probability or 0.0, 4) for piece in given.evidence]
            row["scores"] = [
                [round(dict(piece.scores).get(stance, 0.0), 6) for stance in Stance]
                for piece in given.evidence
            ]
        if self._verdicts and example.verdict:
            row["gold_verdict"] = example.verdict.value
            row["verdict"] = given.verdict.value
            row["confidence"] = None if given.confidence is None else round(given.confidence, 4)
        return row

    def measure(self, rows: Sequence[Row]) -> Measures:
        """Stance figures a passage, forced choice where it applies, verdict figures a claim."""
        measures = Measures()
        if any("stances" in row for row in rows):
            measures |= _stances(rows, sides_only=self._sides_only)
        if any("verdict" in row for row in rows):
            measures |= _verdicts(rows)
        return measures

    def questions(self, rows: Sequence[Row]) -> dict[str, Question]:
        """The stance of every passage, and the verdict where the set has verdicts."""
        stances = [
            Answer(f"{row['id']}/{place}", row["group"], gold, said, probability, row)
            for row in rows
            for place, (gold, said, probability) in enumerate(
                zip(
                    row.get("gold_stances", ()),
                    row.get("stances", ()),
                    row.get("probabilities", ()),
                    strict=True,
                )
            )
        ]
        verdicts = [
            Answer(
                row["id"],
                row["group"],
                row["gold_verdict"],
                row["verdict"],
                row["confidence"],
                row,
            )
            for row in rows
            if "verdict" in row
        ]
        found = {
            "verdict": Question(VERDICTS, tuple(verdicts), Verdict.NOT_ENOUGH_EVIDENCE.value),
            "stance": Question(
                SIDES if self._sides_only else STANCES, tuple(stances), Stance.NEUTRAL.value
            ),
        }
        return {name: question for name, question in found.items() if question.answers}


def _stances(rows: Sequence[Row], *, sides_only: bool) -> Measures:
    pairs = [
        (row["group"], *pair)
        for row in rows
        for pair in zip(
            row["gold_stances"],
            row["stances"],
            row["probabilities"],
            row["scores"],
            row["overlap"],
            strict=True,
        )
    ]
    groups = [pair[0] for pair in pairs]
    gold: list[str] = [pair[1] for pair in pairs]
    said: list[str] = [pair[2] for pair in pairs]
    scores = [dict(zip(STANCES, pair[4], strict=True)) for pair in pairs]
    overlap = [pair[5] for pair in pairs]
    measures = Measures()
    if sides_only:
        lean = [score["supports"] - score["refutes"] for score in scores]
        truth = [stance == "supports" for stance in gold]
        baselines = {
            "majority": majority(gold),
            "word_overlap": overlap_labels(overlap, gold, groups, SIDES),
        }
        measures.figures["forced_choice_accuracy"] = share(
            [_chosen(side, yes) for side, yes in zip(lean, truth, strict=True)],
            groups,
            {
                name: [float(guess == stance) for guess, stance in zip(guesses, gold, strict=True)]
                for name, guesses in baselines.items()
            },
        )
        measures.figures["forced_choice_auroc"] = separation(truth, lean, {"word_overlap": overlap})
        wrong = {"supports": "refutes", "refutes": "supports"}
        measures.figures["stance_swapped"] = share(
            [float(guess == wrong[stance]) for guess, stance in zip(said, gold, strict=True)],
            groups,
        )
        measures.figures |= selective("stance", gold, said, Stance.NEUTRAL.value, groups)
        return measures
    baselines = {
        "majority": majority(gold),
        "word_overlap": overlap_labels(overlap, gold, groups, STANCES),
    }
    likeliest = [max(STANCES, key=score.__getitem__) for score in scores]
    measures |= classified("stance", gold, said, STANCES, groups, baselines=baselines)
    measures |= classified(
        "likeliest_stance", gold, likeliest, STANCES, groups, baselines=baselines
    )
    measures.figures["stance_ece"] = calibration(
        [pair[3] for pair in pairs],
        [guess == stance for guess, stance in zip(said, gold, strict=True)],
        groups,
    )
    measures.figures |= selective("stance", gold, said, Stance.NEUTRAL.value, groups)
    for side in SIDES:
        measures.figures[f"stance_auroc_{side}"] = separation(
            [stance == side for stance in gold], [score[side] for score in scores]
        )
    return measures


def _chosen(lean: float, supports: bool) -> float:
    """1 for the right side, 0 for the wrong one, a half for no preference."""
    return 0.5 if lean == 0 else float((lean > 0) == supports)


def _verdicts(rows: Sequence[Row]) -> Measures:
    gold = [row["gold_verdict"] for row in rows]
    said = [row["verdict"] for row in rows]
    groups = [row["group"] for row in rows]
    overlap = [max(row["overlap"], default=0.0) for row in rows]
    measures = classified(
        "verdict",
        gold,
        said,
        VERDICTS,
        groups,
        baselines={
            "majority": majority(gold),
            "word_overlap": overlap_labels(overlap, gold, groups, VERDICTS),
        },
    )
    measures.figures |= selective("verdict", gold, said, Verdict.NOT_ENOUGH_EVIDENCE.value, groups)
    right = [guess == verdict for guess, verdict in zip(said, gold, strict=True)]
    if all(row["confidence"] is not None for row in rows):  # else the engine gives none
        measures.figures["verdict_ece"] = calibration(
            [row["confidence"] for row in rows], right, groups
        )
    return measures
