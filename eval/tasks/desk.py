"""Verdicts end to end: extraction, search over the corpus, assessment, the rules.

Two sources of claims: an article whose assertions are known (``ArticleClaims``) and a list of
claims (``ClaimList``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from eval.baselines import majority
from eval.datasets.examples import Example, GoldClaim
from eval.measures import Measures, Row, calibration, classified, selective, share, total
from eval.subject import Article, Subject
from eval.tasks.notes import examined, note_measures
from eval.tasks.task import Answer, Question, shown
from service.types import Note, Span, Verdict

VERDICTS = tuple(verdict.value for verdict in Verdict)
_SIDES = {Verdict.SUPPORTED.value, Verdict.REFUTED.value}
_FLIPPED = {
    (Verdict.SUPPORTED.value, Verdict.REFUTED.value),
    (Verdict.REFUTED.value, Verdict.SUPPORTED.value),
}
_NO_MATCH = "no match"


class ClaimList:
    """Verifies each claim of the list by itself."""

    async def run(self, subject: Subject, example: Example) -> Row:
        """Verify one claim as of its row's date."""
        if example.verdict is None:
            raise ValueError(f"row {example.id} has no expected verdict")
        note = await subject.verify(example.claim, example.as_of)
        return {
            "id": example.id,
            "group": example.group,
            "kind": example.kind,
            "claim": example.claim,
            "gold_verdict": example.verdict.value,
            "gold_statements": list(example.statements),
        } | await _told(subject, note)

    def measure(self, rows: Sequence[Row]) -> Measures:
        """Accuracy, flips, abstention and what was found, in all and by kind of claim."""
        measures = _outcomes(rows) | note_measures(rows)
        kinds = sorted({row["kind"] for row in rows if row["kind"]})
        for kind in kinds:
            measures.figures[f"accuracy_{kind}"] = share(
                [_right(row) for row in rows if row["kind"] == kind]
            )
        return measures

    def questions(self, rows: Sequence[Row]) -> dict[str, Question]:
        """The verdict of every claim."""
        return _questions(rows)


class ArticleClaims:
    """Verifies each article once, then matches its notes with the known assertions.

    Args:
        articles: the folder of the articles, ``NAME.md``.
    """

    def __init__(self, articles: Path) -> None:
        self._articles = articles
        self._read: dict[str, Article] = {}
        self._one_at_a_time = asyncio.Lock()

    async def run(self, subject: Subject, example: GoldClaim) -> Row:
        """Match one assertion with the notes of its article."""
        async with self._one_at_a_time:
            if example.article not in self._read:
                path = self._articles / f"{example.article}.md"
                self._read[example.article] = await subject.verify_article(path)
        article = self._read[example.article]
        matches = matching(example, article.notes)
        spans = [note.claim.source for note in article.notes]
        row: Row = {
            "id": example.id,
            "group": example.id,
            "kind": "",
            "claim": example.claim,
            "gold_verdict": example.verdict.value,
            "gold_statements": list(example.statements),
            "article": example.article,
            "extracted": len(spans),
            "spans_verbatim": sum(article.text[one.start : one.end] == one.text for one in spans),
            "matches": [note.claim.text for note in matches],
            "match_verdicts": [_verdict(note) for note in matches],
        }
        if not matches:
            return row | {"verdict": _NO_MATCH, "confidence": 0.0, "deciding": [], "shown": []}
        told = await _told(subject, matches[0])
        source = matches[0].claim.source
        told["same_span"] = (source.start, source.end) == (example.start, example.end)
        if len(set(row["match_verdicts"])) > 1:
            told["verdict"] = "matches disagree"
        return row | told

    def measure(self, rows: Sequence[Row]) -> Measures:
        """Accuracy (an assertion without a match is wrong), flips, abstention, extraction."""
        measures = _outcomes(rows) | note_measures(rows)
        measures.figures["matched"] = share([float(bool(row["matches"])) for row in rows])
        return measures | _extraction([row for row in rows if "extracted" in row])

    def questions(self, rows: Sequence[Row]) -> dict[str, Question]:
        """The verdict of every known assertion."""
        return _questions(rows)


def _extraction(rows: Sequence[Row]) -> Measures:
    """What was extracted from whole articles: each counts once, whatever is known of it."""
    articles = {row["article"]: row for row in rows}
    known: dict[str, set[str]] = {name: set() for name in articles}
    for row in rows:
        known[row["article"]].update(row["matches"])
    claims = [
        (name, float(place < len(known[name])), float(place < row["spans_verbatim"]))
        for name, row in articles.items()
        for place in range(row["extracted"])
    ]
    return Measures(
        {
            "extracted_known": share([is_known for _, is_known, _ in claims]),
            "spans_verbatim": share([verbatim for _, _, verbatim in claims]),
            "same_span": share([float(row["same_span"]) for row in rows if "same_span" in row]),
        }
    )


def matching(example: GoldClaim, notes: Sequence[Note]) -> list[Note]:
    """Return the notes that speak of the assertion.

    Of the notes whose claims hold its key terms, the ones whose source overlaps its span most:
    several only when they overlap it equally, none when none does.
    """
    overlaps = [
        (_overlap(note.claim.source, example), note)
        for note in notes
        if _holds(note.claim.text, example.key_terms)
    ]
    most = max((overlap for overlap, _ in overlaps), default=0)
    return [note for overlap, note in overlaps if overlap == most > 0]


def _overlap(source: Span, example: GoldClaim) -> int:
    return min(source.end, example.end) - max(source.start, example.start)


def _holds(text: str, key_terms: tuple[tuple[str, ...], ...]) -> bool:
    lower = text.lower()
    return all(any(term.lower() in lower for term in group) for group in key_terms)


def _verdict(note: Note) -> str:
    return note.verdict.value if note.verdict else "failed"


async def _told(subject: Subject, note: Note) -> Row:
    return await examined(subject, note) | {
        "verdict": _verdict(note),
        "confidence": None if note.confidence is None else round(note.confidence, 4),
        "deciding": _named(note, deciding=True),
        "shown": _named(note, deciding=False),
        "findings": [finding.text for finding in note.findings],
        "evidence": shown(note.evidence),
        "mismatches": sorted(
            {str(found) for item in note.evidence if item.decides for found in item.mismatches}
        ),
        "error": note.error,
    }


def _named(note: Note, *, deciding: bool) -> list[str]:
    """Ids of the statements in the note's evidence, in its order."""
    return list(
        dict.fromkeys(
            item.passage.statement.statement_id
            for item in note.evidence
            if item.decides or not deciding
        )
    )


def _questions(rows: Sequence[Row]) -> dict[str, Question]:
    answers = (
        Answer(row["id"], row["group"], row["gold_verdict"], row["verdict"], row["confidence"], row)
        for row in rows
    )
    gold = {row["gold_verdict"] for row in rows}
    labels = tuple(verdict for verdict in VERDICTS if verdict in gold)
    return {"verdict": Question(labels, tuple(answers), Verdict.NOT_ENOUGH_EVIDENCE.value)}


def _right(row: Row) -> float:
    return float(row["verdict"] == row["gold_verdict"])


def _outcomes(rows: Sequence[Row]) -> Measures:
    gold = [row["gold_verdict"] for row in rows]
    said = [row["verdict"] for row in rows]
    right = [_right(row) for row in rows]
    groups = [row["group"] for row in rows]
    commonest = majority(gold)
    labels = [verdict for verdict in VERDICTS if verdict in set(gold)]
    measures = classified("verdict", gold, said, labels, groups, baselines={"majority": commonest})
    del measures.figures["verdict_accuracy"]  # the headline, below, is the same
    measures.figures |= {
        "accuracy": share(
            right,
            baselines={
                "majority": [
                    float(guess == verdict) for guess, verdict in zip(commonest, gold, strict=True)
                ]
            },
        ),
        "flipped": total([float(pair in _FLIPPED) for pair in zip(gold, said, strict=True)]),
        "abstained": share(
            [
                float(verdict == Verdict.NOT_ENOUGH_EVIDENCE)
                for verdict, truth in zip(said, gold, strict=True)
                if truth in _SIDES
            ]
        ),
        **selective("verdict", gold, said, Verdict.NOT_ENOUGH_EVIDENCE.value, groups),
        "statement_shown": share(
            [
                float(bool(set(row["gold_statements"]) & set(row["shown"])))
                for row in rows
                if row["gold_statements"]
            ]
        ),
        "statement_decides": share(
            [
                float(set(row["gold_statements"]) >= set(row["deciding"]))
                for row in rows
                if row["gold_statements"] and row["deciding"]
            ]
        ),
    }
    if all(row["confidence"] is not None for row in rows):  # else the engine gives none
        measures.figures["verdict_ece"] = calibration(
            [row["confidence"] for row in rows], [bool(hit) for hit in right]
        )
    return measures
