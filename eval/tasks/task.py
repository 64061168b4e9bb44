"""The one shape of all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from eval.measures import Measures, Row
from eval.subject import Subject

E_contra = TypeVar("E_contra", contravariant=True)


class Task(Protocol[E_contra]):
    """Asks the product about one row at a time; measures from the answers' rows alone."""

    async def run(self, subject: Subject, example: E_contra) -> Row:
        """Answer one example: what ``items.jsonl`` keeps of it.

        The row holds at least ``id`` and ``group``, what people say and what the product says.
        """

    def measure(self, rows: Sequence[Row]) -> Measures:
        """Figures of the rows that :meth:`run` made, in the dataset's order."""
