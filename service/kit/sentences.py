"""Where the sentences of a text are, with exact offsets.

sentencex finds the ends; around it stand the guards for what news texts do to it: lines broken
after "U.S.", headings without a full stop, bullets, and numbers of lists.
"""

from __future__ import annotations

import re
from itertools import pairwise

from sentencex import get_sentence_boundaries

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n|[\f\v\u2029]")
_BULLET = re.compile(r"[^\S\n]*(?:[-*•–—▪◦·]|#{1,6}|\(?\d{1,3}[.)]|\(?[a-z]\))[^\S\n]+")
_ENDS_OPEN = re.compile(r"[\w)\]%]$")
_NEVER_LAST = frozenset(
    ["the", "a", "an", "of", "in", "on", "at", "to", "for", "and", "or", "by", "with", "from", "as"]
)
_ENUMERATOR = re.compile(r"[\W_]*(?:(?:\d{1,3}|[a-zA-Z])[.)])?")
_ABBREVIATED = re.compile(r"\b(?:approx|ca|est|incl|max|min|nos?|arts?|figs?|secs?|vols?)\.$", re.I)
_MARKS = re.compile("[\"'“”‘’«»„‚‹›]")
_INITIAL = re.compile(r"\b[A-Z]\.$")


def sentences(text: str) -> list[tuple[int, int]]:
    """Return the half-open offsets of the sentences of ``text``, in order, without overlaps.

    A blank line always ends a sentence; another line end does so only where a heading or a bullet
    shows it. Blanks around a sentence belong to none; every other character belongs to one.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for match in _PARAGRAPH_BREAK.finditer(text):
        found += _of_paragraph(text, start, match.start())
        start = match.end()
    return found + _of_paragraph(text, start, len(text))


def _of_paragraph(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for block_start, block_end in _blocks(text, start, end):
        block = re.sub(r"\s", " ", text[block_start:block_end])
        opening = 0
        for boundary in get_sentence_boundaries("en", _readable(block)):
            closing = boundary["end_index"]
            piece = block[opening:closing].strip()
            if closing < len(block) and _goes_on(piece, block[closing - 1], block[closing]):
                continue
            if piece:
                left = block_start + block.index(piece[0], opening)
                found.append((left, left + len(piece)))
            opening = closing
    return found


def _readable(block: str) -> str:
    """A block, without its quotation marks where it is full of them.

    sentencex takes quadratic time over nested marks; prose has one in a hundred characters.
    """
    return _MARKS.sub(" ", block) if len(_MARKS.findall(block)) * 8 > len(block) else block


def _goes_on(piece: str, last: str, following: str) -> bool:
    """Whether sentencex ended a sentence too early: list numbers, "approx. 5", "EU-U.S. talks"."""
    if _ENUMERATOR.fullmatch(piece):
        return True
    if following.isdigit():
        return bool(_ABBREVIATED.search(piece))
    return not last.isspace() and following.isalpha() and bool(_INITIAL.search(piece))


def _blocks(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Cut a paragraph where a line is a heading or opens with a bullet.

    A line end was chosen, not forced by the width, if the next line's first word would have fitted
    into the widest line: a line that ends so, without a mark, before a capital is a heading.
    """
    lines: list[tuple[int, int]] = []
    position = start
    for line in text[start:end].split("\n"):
        lines.append((position, position + len(line)))
        position += len(line) + 1
    widest = max(right - left for left, right in lines)
    cuts = [start]
    for (left, right), (next_left, next_right) in pairwise(lines):
        following = text[next_left:next_right].strip()
        word = following.split(" ", 1)[0]
        current = text[left:right].rstrip()
        heading = (
            bool(_ENDS_OPEN.search(current))
            and word[:1].isupper()
            and current.rsplit(" ", 1)[-1] not in _NEVER_LAST
            and len(current) + 1 + len(word) <= widest
        )
        if heading or _BULLET.match(text, next_left, next_right):
            cuts.append(next_left)
    return list(zip(cuts, [*cuts[1:], end], strict=True))
