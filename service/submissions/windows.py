"""Cuts a submission into windows: runs of whole sentences that an engine reads at a time."""

from __future__ import annotations

from collections.abc import Iterator

from service.kit.sentences import sentences
from service.types import Submission, Window

MAX_SENTENCES = 12
MAX_CHARACTERS = 3000
"""Bounds of one window: about a page, which a small language model answers in one go."""


def windows(submission: Submission) -> list[Window]:
    """Return the windows of a submission, in order, without overlaps.

    Every sentence is whole in one window, but for one of more than 3,000 characters, which is cut
    at blanks: no window is longer than that.
    """
    found: list[Window] = []
    start = end = count = 0
    for left, right in _pieces(submission.text):
        if count and (count == MAX_SENTENCES or right - start > MAX_CHARACTERS):
            found.append(Window(submission, start, end))
            count = 0
        if not count:
            start = left
        end = right
        count += 1
    if count:
        found.append(Window(submission, start, end))
    return found


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    for start, end in sentences(text):
        left = start
        while end - left > MAX_CHARACTERS:
            blank = max(text.rfind(mark, left + 1, left + MAX_CHARACTERS) for mark in " \n\t")
            cut = blank if blank > left else left + MAX_CHARACTERS
            yield left, cut
            left = cut
            while left < end and text[left].isspace():
                left += 1
        if left < end:
            yield left, end
