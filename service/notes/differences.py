"""What differs between two revisions of a note: findings, and in those that changed, words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from rapidfuzz.distance import Indel

from service.types import Finding

_UNITS = tuple(map(re.compile, (r"\S+\s*|\s+", r".*\n|.+", r"(?s:.+)")))
"""What texts are compared by: words, lines, or all at once."""
_MOST_PAIRS = 250_000_000
"""Of words, or lines, that are compared: some 0.05 s and 30 MB."""
_ALIKE = 0.5
"""Least share of words in common by which a finding is taken for another one, changed."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole words, of long texts whole lines, that stand in both texts, or in one.

    Those kept and removed make the text before, those kept and added the text after.
    """

    kind: Literal["kept", "removed", "added"]
    text: str


@dataclass(frozen=True, slots=True)
class ChangedFinding:
    """A finding in other words, or with other citations."""

    before: Finding
    after: Finding
    words: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What one revision has and another has not. The order of findings makes none."""

    added: tuple[Finding, ...] = ()
    removed: tuple[Finding, ...] = ()
    changed: tuple[ChangedFinding, ...] = ()


def difference(before: Sequence[Finding], after: Sequence[Finding]) -> Difference:
    """Compare the findings of two revisions; those most alike are taken for the same one."""
    old, new = _without(before, after), _without(after, before)
    likeness = [
        (_likeness(one.text, other.text), -i, -j)
        for i, one in enumerate(old)
        for j, other in enumerate(new)
    ]
    pairs: dict[int, int] = {}
    for alike, i, j in sorted(likeness, reverse=True):
        if alike >= _ALIKE and -i not in pairs and -j not in pairs.values():
            pairs[-i] = -j
    return Difference(
        added=tuple(one for j, one in enumerate(new) if j not in pairs.values()),
        removed=tuple(one for i, one in enumerate(old) if i not in pairs),
        changed=tuple(
            ChangedFinding(old[i], new[j], words(old[i].text, new[j].text))
            for i, j in sorted(pairs.items(), key=lambda pair: pair[1])
        ),
    )


def words(before: str, after: str) -> tuple[Stretch, ...]:
    """The words of two texts, in order: what was kept, removed and added.

    Texts too long for that are compared by whole lines, and if even those are too many, as wholes:
    comparing takes a step for each pair of a piece of one and a piece of the other.
    """
    for unit in _UNITS:
        old, new = unit.findall(before), unit.findall(after)
        if len(old) * len(new) <= _MOST_PAIRS:
            break
    found: list[Stretch] = []
    for is_kept, steps in groupby(Indel.opcodes(old, new), lambda step: step.tag == "equal"):
        run = list(steps)
        gone = "".join(old[run[0].src_start : run[-1].src_end])
        came = "".join(new[run[0].dest_start : run[-1].dest_end])
        if is_kept:
            found.append(Stretch("kept", gone))
            continue
        if gone:
            found.append(Stretch("removed", gone))
        if came:
            found.append(Stretch("added", came))
    return tuple(found)


def _without(findings: Sequence[Finding], others: Sequence[Finding]) -> list[Finding]:
    """The findings but for those that stand among the others, each of which counts once."""
    left = list(others)
    found = []
    for finding in findings:
        if finding in left:
            left.remove(finding)
        else:
            found.append(finding)
    return found


def _likeness(text: str, other: str) -> float:
    return Indel.normalized_similarity(text.split(), other.split())
