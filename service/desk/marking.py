"""Marking stretches of a text: a text as segments, each with what covers it.

The segments of a text, put together, are the text: marking never changes a word.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mark(Generic[T]):
    """A stretch that is to be marked, in half-open offsets of the text, and what it is."""

    start: int
    end: int
    what: T


@dataclass(frozen=True, slots=True)
class Segment(Generic[T]):
    """A piece of a text under the same marks.

    Attributes:
        marks: what covers it, in the order in which the marks were given.
        begins: those of them that begin with it.
    """

    text: str
    marks: tuple[T, ...]
    begins: tuple[T, ...]


def segments(text: str, marks: Iterable[Mark[T]], offset: int = 0) -> list[Segment[T]]:
    """Cut a text where marks begin and end.

    Args:
        text: a stretch of a whole.
        marks: in offsets of that whole; what lies outside the stretch is left out.
        offset: where the stretch begins in it.
    """
    end = offset + len(text)
    kept = [
        Mark(max(mark.start, offset), min(mark.end, end), (number, mark.what))
        for number, mark in enumerate(marks)
        if mark.start < end and mark.end > offset and mark.start < mark.end
    ]
    beginning: dict[int, list[Mark[tuple[int, T]]]] = {}
    for mark in kept:
        beginning.setdefault(mark.start, []).append(mark)
    cuts = {offset, end}.union(*((mark.start, mark.end) for mark in kept))
    covering: list[Mark[tuple[int, T]]] = []
    found = []
    for start, stop in pairwise(sorted(cuts)):
        begun = beginning.get(start, [])
        covering = [mark for mark in covering if mark.end > start] + begun
        covering.sort(key=lambda mark: mark.what[0])
        found.append(
            Segment(
                text[start - offset : stop - offset],
                tuple(mark.what[1] for mark in covering),
                tuple(mark.what[1] for mark in begun),
            )
        )
    return found
