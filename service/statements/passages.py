"""Passages: the spans of a few whole sentences that are searched and read beside a claim.

A passage holds at most 110 word pieces, so that the stance model, which reads 160, sees it whole
with a claim beside it. Passages end where paragraphs end, but a paragraph of a line or two (a
heading, a list item) goes with the next one, and a long paragraph is cut between sentences into
parts of about equal size, so that none is left with half a line. Only a sentence longer than a
passage (a table, a text without full stops) is cut inside: after a clause, else at white space,
else anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from service.kit.sentences import sentences
from service.kit.vectors import batches
from service.models.files import tokenizer

__all__ = ["PassageSpan", "sentences", "split"]

MOST_PIECES = 110
MOST_CHARACTERS = 700
"""Bounds what the tokenizer counts as one piece: a word of more than 100 characters."""
_TINY = 40
"""Word pieces below which a paragraph is not left alone."""

_PARAGRAPH_GAP = re.compile(r"\n\s*\n|[\f\v\u2029]")
_CUTS = (
    re.compile(r"[.!?…][\"'”’)\]]*\s"),
    re.compile(r"[;:,—–][\"'”’)\]]*\s|\n"),
    re.compile(r"\s"),
)
_WORD = re.compile(r"\S")
_BATCH = 1024
_LEAST_CUT = 0.4
"""A cut inside a sentence leaves at least this share of a passage before it."""


@dataclass(frozen=True, slots=True)
class PassageSpan:
    """Where a passage stands in its text: half-open, in code points."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, or a part of one that is too long, with its size in word pieces."""

    start: int
    end: int
    size: float


def split(text: str) -> list[PassageSpan]:
    """Cut a stored text into passages.

    Args:
        text: the text; any Unicode, any length.

    Returns:
        Spans in text order, without overlap; every character but white space is in one, and none
        begins or ends with white space.
    """
    passages: list[PassageSpan] = []
    for group in _groups(_paragraphs(text)):
        passages += [PassageSpan(part[0].start, part[-1].end) for part in _parts(group)]
    return passages


def _paragraphs(text: str) -> list[list[_Unit]]:
    paragraphs: list[list[_Unit]] = []
    previous = 0
    for unit in _units(text):
        if not paragraphs or _PARAGRAPH_GAP.search(text, previous, unit.start):
            paragraphs.append([])
        paragraphs[-1].append(unit)
        previous = unit.end
    return paragraphs


def _units(text: str) -> Iterator[_Unit]:
    """The sentences, or the parts of those that no passage can hold."""
    spans = sentences(text)
    for (start, end), size in zip(spans, _sizes(text, spans), strict=True):
        if size <= MOST_PIECES:
            yield _Unit(start, end, size)
        else:
            parts = list(_cut(text, start, end))
            for part, least in zip(parts, _sizes(text, parts), strict=True):
                yield _Unit(*part, least)


def _sizes(text: str, spans: Sequence[tuple[int, int]]) -> list[float]:
    sizes: list[float] = []
    for batch in batches(spans, _BATCH):
        texts = [text[start:end] for start, end in batch]
        encodings = tokenizer().encode_batch(texts, add_special_tokens=False)
        sizes += [
            max(len(encoding.ids), len(one) * MOST_PIECES / MOST_CHARACTERS)
            for encoding, one in zip(encodings, texts, strict=True)
        ]
    return sizes


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the sentence, or the parts of one that no passage can hold."""
    while start < end:
        fits = _fitting(text[start : min(end, start + MOST_CHARACTERS)])
        if start + fits >= end:
            yield start, end
            return
        least = start + int(fits * _LEAST_CUT)
        stop = start + fits
        for pattern in _CUTS:
            found = [match.end() for match in pattern.finditer(text, least, stop)]
            if found:
                stop = found[-1]
                break
        piece = text[start:stop].rstrip()
        yield start, start + len(piece)
        following = _WORD.search(text, stop, end)
        start = following.start() if following else end


def _fitting(window: str) -> int:
    """How many of the window's first characters make at most one passage."""
    encoding = tokenizer().encode(window, add_special_tokens=False)
    if len(encoding.ids) <= MOST_PIECES:
        return len(window)
    return max(1, int(encoding.offsets[MOST_PIECES][0]))


def _groups(paragraphs: Sequence[list[_Unit]]) -> list[list[_Unit]]:
    """Put tiny paragraphs together with the next, the last one with the one before."""
    groups: list[list[_Unit]] = []
    for paragraph in paragraphs:
        if groups and _total(groups[-1]) < _TINY:
            groups[-1] += paragraph
        else:
            groups.append(list(paragraph))
    if len(groups) > 1 and _total(groups[-1]) < _TINY:
        last = groups.pop()
        groups[-1] += last
    return groups


def _parts(units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    target = _total(units) / ceil(_total(units) / MOST_PIECES)
    part: list[_Unit] = []
    for unit in units:
        size = _total(part)
        if part and (size + unit.size > MOST_PIECES or size + unit.size / 2 > target):
            yield part
            part = []
        part.append(unit)
    yield part


def _total(units: Sequence[_Unit]) -> float:
    return sum(unit.size for unit in units)
