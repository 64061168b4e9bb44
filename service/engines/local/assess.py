"""How the embedded engine reads what one statement says about one claim.

The stance model is one signal among several. What decides is an explicit comparison of facts,
tested by *repair*: where the statement has another filler in the place of a claim's fact (another
number, date, model, name, or a word of opposite meaning), the claim is read once more with that
filler put in. If the statement carries the repaired claim, it speaks of the same thing and
contradicts the original; if not, it is about something else and says nothing. Negation is tested
the same way: a denial is read once more without its "not".

All pairs of a claim go to the stance model in one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from service.facts.compare import Comparison, Item, Rival, compare, content_lemmas, held_in
from service.facts.polarity import Denial, denials_in
from service.facts.reported import plain, reported, skeleton
from service.kit.sentences import sentences
from service.models.parser import parse_ahead
from service.models.stance import Scorer
from service.types import Claim, MismatchKind, Passage, StatementRef

_SINGLE_WINDOWS = 2
_FOCUS_SENTENCES = 3
_FOCUS_GAIN = 1.3
OUTRIGHT = 0.95
"""Coverage of a claim's main clause by a denial from which it is the claim that is denied; such a
denial counts as that much support for what it denies."""
_DENIED_WORDS = 0.5
_TELLING_WORDS = 3
ANCHORS = 2
"""Facts and words of the claim that a statement must have for a difference to contradict: where
every fact is another and one word the same, it speaks of something else."""
MATTER = 0.4
"""How much of a claim a statement must hold to be read closely, and to count unless the stance
model is sure: of one with less, only the focus is read."""
_REPAIR_COVERAGE = 0.3
"""Share of a claim's other words that a statement must have for its facts to be put in their place;
words of opposite meaning are put in wherever they stand."""
_NEAREST_COVERAGE = 0.85
_NEAREST_STRENGTH = 0.8
_MAX_DIFFERING = 3

Scores = npt.NDArray[np.float64]


class Embedder(Protocol):
    """The sentence encoder: unit vectors ``(n, d)``."""

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage; offsets are those of the statement's stored text."""

    passage: Passage
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Repair:
    """The claim with some of its items replaced by the statement's own, and its support."""

    text: str
    changes: tuple[tuple[Item, Rival], ...]
    support: float = 0.0

    @property
    def strength(self) -> float:
        """How surely the weakest of the changes is in the same place."""
        return min(rival.strength for _, rival in self.changes)


@dataclass(frozen=True, slots=True)
class Turned:
    """A text with a denial taken out, and the scores of reading the claim against it."""

    denial: Denial
    supports: float
    refutes: float


@dataclass(slots=True)
class Reading:
    """What was read of one statement for one claim: the features its stance is decided on.

    Attributes:
        assertion: the claim without who is said to have said it and without colouring.
        similarity: cosine of the assertion and its nearest sentence.
        windows: indices into ``sentences``; the first is the focus, the few sentences that
            together hold most of the claim, then the nearest single ones, then those that have
            something else in the place of its facts.
        scores: ``(len(windows), 3)`` probabilities.
        repairs: the claim with rivals put in.
        denied: the statement's denials, read without their negation.
        unsaid: the claim's own negations, read without them.
    """

    assertion: str
    sentences: list[Sentence]
    similarity: float
    windows: list[list[int]]
    comparison: Comparison
    scores: Scores = field(default_factory=lambda: np.zeros((0, 3)))
    repairs: list[Repair] = field(default_factory=list)
    denied: list[Turned] = field(default_factory=list)
    unsaid: list[Turned] = field(default_factory=list)

    @property
    def statement_id(self) -> str:
        """The statement that was read."""
        return self.sentences[0].passage.statement.statement_id

    def text_of(self, window: list[int]) -> str:
        """A window's sentences as one text."""
        return " ".join(self.sentences[index].text for index in window)


def read(
    claim: Claim, passages: Sequence[Passage], scorer: Scorer, embedder: Embedder
) -> list[Reading]:
    """Read each statement among ``passages`` for the claim, in the order they were found."""
    groups: dict[tuple[str, int], list[Passage]] = {}
    for passage in passages:
        key = (passage.statement.statement_id, passage.statement.version)
        groups.setdefault(key, []).append(passage)
    texts = [
        [
            Sentence(passage, passage.start + start, passage.start + end, passage.text[start:end])
            for passage in sorted(group, key=lambda passage: passage.start)
            for start, end in sentences(passage.text)
        ]
        for group in groups.values()
    ]
    flat = [sentence.text for group in texts for sentence in group]
    told = [f"{_told_of(passage.statement)}." for passage in passages]
    parse_ahead([claim.text, *flat, *told])
    assertion = plain(reported(claim.text).assertion)
    vectors = embedder.encode([assertion, *flat])
    similarities = vectors[1:] @ vectors[0]
    readings = []
    position = 0
    for group in texts:
        near = similarities[position : position + len(group)]
        position += len(group)
        if len(group):
            readings.append(_prepare(claim, assertion, group, near))
    _score(readings, scorer)
    return readings


def _prepare(
    claim: Claim, assertion: str, group: list[Sentence], near: npt.NDArray[np.float32]
) -> Reading:
    statement = group[0].passage.statement
    comparison = compare(
        assertion,
        "\n\n".join(dict.fromkeys(sentence.passage.text for sentence in group)),
        context=_told_of(statement),
        published=statement.published,
    )
    comparison = _held_by_nearest(comparison, assertion, group[int(near.argmax())].text)
    nearest = [int(index) for index in np.argsort(-near, kind="stable")[:_SINGLE_WINDOWS]]
    focus = _focus(assertion, group, near)
    singles = dict.fromkeys([*nearest, *_rivals_places(comparison, group)])
    windows = [focus, *([index] for index in singles if [index] != focus)]
    if comparison.matching < MATTER:
        windows = windows[:1]
    return Reading(assertion, group, float(near.max()), windows, comparison)


def _told_of(statement: StatementRef) -> str:
    """What is known of a statement besides its text."""
    return ". ".join(part for part in (statement.issuer, statement.title) if part)


def _rivals_places(comparison: Comparison, group: list[Sentence]) -> list[int]:
    """The sentences in which something else stands in the place of the claim's facts."""
    rivals = [item.rivals[0].text for item in comparison.items if not item.same and item.rivals]
    return [
        place
        for rival in rivals[:_MAX_DIFFERING]
        if (place := next((i for i, one in enumerate(group) if rival in one.text), None))
        is not None
    ]


def _held_by_nearest(comparison: Comparison, assertion: str, nearest: str) -> Comparison:
    """Prefer what the nearest sentence says where it has another date or number in the place.

    A statement may give the claim's figure for something else two sentences on.
    """
    close = compare(assertion, nearest)
    if close.word_coverage < _NEAREST_COVERAGE:
        return comparison
    differing = {
        (item.start, item.end): item
        for item in close.items
        if item.kind in {MismatchKind.NUMBER, MismatchKind.DATE}
        and any(rival.strength >= _NEAREST_STRENGTH for rival in item.rivals)
    }
    items = tuple(
        differing.get((item.start, item.end), item) if item.same else item
        for item in comparison.items
    )
    return replace(comparison, items=items)


def _focus(assertion: str, group: list[Sentence], near: npt.NDArray[np.float32]) -> list[int]:
    """The nearest sentence and up to two more that hold what it lacks of the claim's words."""
    chosen = [int(near.argmax())]
    rest = [word for word in content_lemmas(assertion) if not held_in(word, group[chosen[0]].text)]
    while rest and len(chosen) < _FOCUS_SENTENCES:
        gains = {
            index: sum(held_in(word, sentence.text) for word in rest) + 0.3 * float(near[index])
            for index, sentence in enumerate(group)
            if index not in chosen
        }
        best = max(gains, key=lambda index: gains[index], default=None)
        if best is None or gains[best] < _FOCUS_GAIN:
            break
        chosen.append(best)
        rest = [word for word in rest if not held_in(word, group[best].text)]
    return sorted(chosen)


def _score(readings: list[Reading], scorer: Scorer) -> None:
    """Score everything there is to read in one batch, and put the scores where they belong."""
    pairs: list[tuple[str, str]] = []
    plans = []
    for reading in readings:
        texts = [reading.text_of(window) for window in reading.windows]
        short = texts[:2]
        repairs = [
            (repair, _places(repair, short))
            for repair in _repairs(reading.assertion, reading.comparison)
        ]
        denials = [
            (denial, text)
            for text in dict.fromkeys(texts)
            for denial in denials_in(text)
            if _on_the_matter(text, reading.assertion)
            and _on_the_matter(denial.content, reading.assertion)
        ]
        unsaid = denials_in(reading.assertion)
        bones = skeleton(reading.assertion)
        plans.append((texts, short, repairs, denials, unsaid))
        pairs += [(text, reading.assertion) for text in texts]
        pairs += [(text, repair.text) for repair, where in repairs for text in where]
        for denial, text in denials:
            pairs += [
                (_turned(denial, text), reading.assertion),
                (denial.content, reading.assertion),
                (denial.content, bones),
            ]
        pairs += [(text, _turned(denial, reading.assertion)) for denial in unsaid for text in short]
    scores = scorer.score(pairs) if pairs else np.zeros((0, 3))
    position = 0

    def take(count: int) -> Scores:
        nonlocal position
        position += count
        return scores[position - count : position]

    for reading, (texts, short, repairs, denials, unsaid) in zip(readings, plans, strict=True):
        reading.scores = take(len(texts))
        reading.repairs = [
            Repair(repair.text, repair.changes, float(take(len(where))[:, 0].max()))
            for repair, where in repairs
        ]
        reading.denied = [_denied(denial, reading.assertion, take(3)) for denial, _ in denials]
        reading.unsaid = [_highest(denial, take(len(short))) for denial in unsaid]


def _places(repair: Repair, texts: list[str]) -> list[str]:
    """The texts to read a repaired claim against: where all that was put in stands, else the first.

    Args:
        repair: the claim with the statement's own items in it.
        texts: the focus, and another window.
    """
    holding = [text for text in texts if all(rival.text in text for _, rival in repair.changes)]
    return holding or texts[:1]


def _on_the_matter(denied: str, assertion: str) -> bool:
    """Whether what is denied has enough of the claim's words, and of its main clause's."""
    return all(
        not words or sum(held_in(word, denied) for word in words) / len(words) >= _DENIED_WORDS
        for words in (content_lemmas(assertion), content_lemmas(skeleton(assertion)))
    )


def _highest(denial: Denial, scores: Scores) -> Turned:
    return Turned(denial, float(scores[:, 0].max()), float(scores[:, 1].max()))


def _denied(denial: Denial, assertion: str, scores: Scores) -> Turned:
    """A denial of a statement; where it denies all of the claim's main clause, that settles it."""
    turned = _highest(denial, scores)
    if denials_in(assertion):  # a claim that denies too: agreeing is no contradiction
        return turned
    bones = skeleton(assertion)
    if len(content_lemmas(bones)) < _TELLING_WORDS:
        return turned
    if compare(bones, denial.content).coverage < OUTRIGHT:
        return turned
    return replace(turned, supports=max(turned.supports, OUTRIGHT))


def _turned(denial: Denial, text: str) -> str:
    """The text with the denying sentence replaced by what it denies."""
    return f"{text[: denial.start]}{denial.content.rstrip('.')}.{text[denial.end :]}"


def _repairs(assertion: str, comparison: Comparison) -> list[Repair]:
    """The claims to read again: each difference by its best rival, and all of them at once.

    Further rivals took a sixth of all pairs, and changed no stance of 1,370 claims.
    """
    differing = [item for item in comparison.items if not item.same and item.rivals]
    if not differing or len(differing) > _MAX_DIFFERING or comparison.anchors < ANCHORS:
        return []
    opposed = any(item.kind is MismatchKind.WORDING for item in differing)
    if comparison.word_coverage < _REPAIR_COVERAGE and not opposed:
        return []
    repairs = [
        Repair(_replaced(assertion, [(item, item.rivals[0])]), ((item, item.rivals[0]),))
        for item in differing
    ]
    if len(differing) > 1:
        joint = _joint(differing)
        repairs.insert(0, Repair(_replaced(assertion, joint), tuple(joint)))
    return repairs


def _joint(differing: list[Item]) -> list[tuple[Item, Rival]]:
    """Each item's best rival that no other item took, without overlapping replacements."""
    chosen: list[tuple[Item, Rival]] = []
    taken: set[tuple[int, int]] = set()
    for item in differing:
        if any(other.start < item.end and item.start < other.end for other, _ in chosen):
            continue
        for rival in item.rivals:
            if (rival.start, rival.end) not in taken:
                taken.add((rival.start, rival.end))
                chosen.append((item, rival))
                break
    return chosen


def _replaced(assertion: str, changes: list[tuple[Item, Rival]]) -> str:
    for item, rival in sorted(changes, key=lambda pair: -pair[0].start):
        assertion = assertion[: item.start] + rival.replacement + assertion[item.end :]
    return assertion
