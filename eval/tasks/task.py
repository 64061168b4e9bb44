"""The one shape of all tasks, and of the questions that they ask of every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from eval.measures import Measures, Row
from eval.subject import Subject
from service.types import Evidence

E_contra = TypeVar("E_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """What people say to one question of a row, and what the product says.

    Attributes:
        key: the same in every run of the dataset, and unique in each.
        group: rows that belong together.
        confidence: that ``said`` is right, 0 to 1; None where the engine gives none.
        row: the row of ``items.jsonl`` that it stands in.
    """

    key: str
    group: str
    gold: str
    said: str
    confidence: float | None
    row: Row


@dataclass(frozen=True, slots=True)
class Question:
    """A question with all its answers, in the dataset's order.

    Attributes:
        labels: what people may say.
        abstention: the label that gives no answer, where there is one.
    """

    labels: tuple[str, ...]
    answers: tuple[Answer, ...]
    abstention: str | None = None


class Task(Protocol[E_contra]):
    """Asks the product about one row at a time; measures from the answers' rows alone."""

    async def run(self, subject: Subject, example: E_contra) -> Row:
        """Answer one example: what ``items.jsonl`` keeps of it.

        The row holds at least ``id`` and ``group``, what people say and what the product says.
        """

    def measure(self, rows: Sequence[Row]) -> Measures:
        """Figures of the rows that :meth:`run` made, in the dataset's order."""

    def questions(self, rows: Sequence[Row]) -> Mapping[str, Question]:
        """The questions that the rows answer, by name, the one to read first before others."""


def shown(evidence: Sequence[Evidence]) -> list[Row]:
    """What a reader of a row needs to see of its evidence."""
    return [
        {
            "issuer": piece.passage.statement.issuer,
            "title": piece.passage.statement.title,
            "published": str(piece.passage.statement.published or ""),
            "text": piece.passage.text,
            "stance": piece.stance.value,
            "decides": piece.decides,
        }
        for piece in evidence
    ]
