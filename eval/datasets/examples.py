"""The rows that adapters make of every source's own: plain values, ready for a task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from service.types import Stance, Verdict


@dataclass(frozen=True, slots=True)
class Example:
    """A claim, the evidence that comes with it (if any), and what people concluded.

    Attributes:
        id: unique in its dataset.
        group: rows that belong together (the same claim): never split between folds or resamples.
        passages: the given evidence, in the source's order.
        titles: title of the document that each passage is from; empty or as long as ``passages``.
        stances: what people say that each passage means; empty or as long as ``passages``.
        verdict: what people concluded from all of it, None where the set has no verdicts.
        gold: positions of the passages that matter (sentences that support the claim).
        statements: ids of the statements that decide, for claims checked against a corpus.
        as_of: the date that the verdict is as of.
        kind: the source's own category of the claim, for breakdowns.
    """

    id: str
    group: str
    claim: str
    passages: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    stances: tuple[Stance, ...] = ()
    verdict: Verdict | None = None
    gold: frozenset[int] = frozenset()
    statements: tuple[str, ...] = ()
    as_of: date | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class WorthExample:
    """A text that people marked as worth checking or not."""

    id: str
    text: str
    checkable: bool


@dataclass(frozen=True, slots=True)
class GoldClaim:
    """An assertion of an article with its span and the verdict that a careful reader gives.

    Attributes:
        article: file name of the article, without ``.md``.
        start: where the assertion's source begins in the article's normalised body, code points.
        end: where it ends.
        statements: ids of the statements that decide.
        key_terms: of each group one term must stand in an extracted claim for it to match.
    """

    id: str
    article: str
    claim: str
    start: int
    end: int
    text: str
    verdict: Verdict
    statements: tuple[str, ...]
    key_terms: tuple[tuple[str, ...], ...]
