"""Marking stretches of a text: a text as segments, each with what covers it.

The segments of a text, put together, are the text: marking never changes a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        Mark(max(mark.start, offset), min(mark.end, end), mark.what)
        for mark in marks
        if mark.start < end and mark.end > offset and mark.start < mark.end
    ]
    places = {offset, end} | {mark.start for mark in kept} | {mark.end for mark in kept}
    cuts = sorted(places)
    return [
        _segment(text[start - offset : stop - offset], start, kept)
        for start, stop in pairwise(cuts)
    ]


def _segment(text: str, start: int, marks: Sequence[Mark[T]]) -> Segment[T]:
    covering = [mark for mark in marks if mark.start <= start < mark.end]
    return Segment(
        text,
        tuple(mark.what for mark in covering),
        tuple(mark.what for mark in covering if mark.start == start),
    )
