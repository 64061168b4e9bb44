"""Comparing the facts of a claim with those of a passage: the same, different, or not said.

A difference counts only between things in the same place: another number of the same noun,
another variant of the same model, another date or name in the same role. For every such thing the
comparison offers the passage's own filler (a *rival*); whether the passage really makes the
claim's statement with the rival in it is for the engine to test, by reading the claim with the
rival put in its place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from rapidfuzz.distance import JaroWinkler

from service.facts.dates import DateMention, conflict, dates_in, states
from service.facts.designations import Designation, designations_in
from service.facts.lexicon import ALIKE, LIGHT, OPPOSITE, PHRASAL, STOP, SYNONYMS
from service.facts.names import Name, is_named, is_same, names_in
from service.facts.quantities import (
    CURRENCY_CODES,
    Quantity,
    leaves_room,
    quantities_in,
    same_value,
)
from service.kit.sentences import sentences
from service.models.parser import parse
from service.types import MismatchKind

if TYPE_CHECKING:
    from spacy.tokens import Token


@dataclass(frozen=True, slots=True)
class Rival:
    """What the passage says in the place of a claim's item.

    Attributes:
        text: the passage's words for it.
        replacement: the words that put it into the claim in place of the item.
        strength: how surely it stands in the same place, 0 to 1.
    """

    text: str
    replacement: str
    strength: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Item:
    """One fact of the claim, held against a passage.

    Attributes:
        same: the passage states it.
        rivals: what the passage has in its place, best first; empty when it says nothing.
    """

    kind: MismatchKind
    text: str
    start: int
    end: int
    same: bool
    rivals: tuple[Rival, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """A claim's facts and words held against a passage.

    Attributes:
        items: the claim's numbers, dates, models and names.
        coverage: weight of the claim's facts and content words that the passage has, 0 to 1.
        word_coverage: the same for the content words outside the items.
        matching: as ``coverage``, but a fact with something else in its place counts, and half
            where there are several: how surely the passage speaks of the claim's matter, whether
            it agrees or not.
        anchors: how many of the claim's facts and content words the passage has.
        missing: the content words that it lacks.
        predicate_stated: the passage has the claim's main verb, or it is one that says little.
        predicate_opposed: it has a verb of opposite meaning instead.
        only_possible: it says only that what the claim tells may or should be.
        rewordings: claim's and passage's phrase where one noun is narrowed by different words
            ("retaliatory capabilities", "response capabilities").
    """

    items: tuple[Item, ...]
    coverage: float
    word_coverage: float
    matching: float
    anchors: int
    missing: tuple[str, ...]
    predicate_stated: bool = True
    predicate_opposed: bool = False
    only_possible: bool = False
    rewordings: tuple[tuple[str, str], ...] = ()

    @property
    def absent(self) -> tuple[Item, ...]:
        """Facts of the claim that the passage does not state."""
        return tuple(item for item in self.items if not item.same)


def compare(
    claim: str,
    passage: str,
    *,
    context: str = "",
    published: date | None = None,
) -> Comparison:
    """Hold a claim's facts against a passage.

    Args:
        claim: the assertion.
        passage: what the statement says, a few sentences.
        context: what else is known of the statement (issuer, title): names it holds count as
            stated, but never rival.
        published: the statement's date, to place its undated days and to match "announced on".
    """
    known = f"{context}. {passage}" if context else passage
    items = [
        *_quantities(claim, passage),
        *_designations(claim, passage),
        *_dates(claim, passage, published),
        *_names(claim, passage, known),
    ]
    items = _with_exchanged_roles(items, claim, passage)
    overlap = _overlap_of(claim, known, items)
    opposites = _opposites(claim, passage)
    items += opposites
    items.sort(key=lambda item: item.start)
    return replace(
        overlap,
        items=tuple(items),
        predicate_stated=_predicate_stated(claim, known),
        predicate_opposed=any(item.start in _predicates(claim) for item in opposites),
        only_possible=_only_possible(claim, passage),
        rewordings=_rewordings(claim, passage, overlap.missing),
    )


def _quantities(claim: str, passage: str) -> Iterable[Item]:
    theirs = quantities_in(passage)
    for quantity in quantities_in(claim):
        kin = [other for other in theirs if _comparable(quantity, other)]
        aligned = sorted(
            ((_alignment(quantity, other, claim, passage), other) for other in kin),
            key=lambda pair: -pair[0],
        )
        same = [pair for pair in aligned if same_value(quantity, pair[1])]
        best_same = same[0][0] if same else 0.0
        if not same and _is_total(quantity, kin, passage):
            yield Item(MismatchKind.NUMBER, quantity.text, quantity.start, quantity.end, same=True)
            continue
        rivals = [
            Rival(other.text, passage[other.start : other.end], strength, other.start, other.end)
            for strength, other in aligned
            if not same_value(quantity, other)
            and not leaves_room(other, quantity)
            and strength > max(0.3, best_same + 0.2)
        ]
        yield Item(
            MismatchKind.NUMBER,
            quantity.text,
            quantity.start,
            quantity.end,
            bool(same) and not rivals and (best_same >= 0.15 or quantity.value >= 10),
            tuple(rivals),
        )


def _is_total(whole: Quantity, kin: Sequence[Quantity], passage: str) -> bool:
    """Whether a sentence of the passage names parts that make up a number of the claim.

    "Six fighter jets" are "three F-35A and three F-15 fighters", EUR 50 billion are EUR 33 billion
    of loans and EUR 17 billion of grants.
    """
    if whole.unit not in {"count", *CURRENCY_CODES} or whole.bound != "exact":
        return False
    for start, end in sentences(passage):
        parts = [one for one in kin if start <= one.start < end]
        for first in range(len(parts)):
            for last in range(first + 2, min(len(parts), first + _MOST_PARTS) + 1):
                if _make_up(parts[first:last], whole):
                    return True
    return False


def _make_up(parts: Sequence[Quantity], whole: Quantity) -> bool:
    """Whether numbers add up to another and count the same; one may leave its noun to the next."""
    if any(part.bound != "exact" or part.former for part in parts):
        return False
    if not math.isclose(sum(part.value for part in parts), whole.value):
        return False
    if whole.unit != "count":
        return True
    same = [_counts_same(part, whole) for part in parts]
    return all(same) or (
        any(same)
        and not whole.designation
        and all(one or not part.head for one, part in zip(same, parts, strict=True))
    )


def _counts_same(part: Quantity, whole: Quantity) -> bool:
    """Whether two numbers count the same noun, or models of one family."""
    if part.designation and whole.designation:
        mine, other = designations_in(part.designation)[0], designations_in(whole.designation)[0]
        return other.covers(mine)
    if not part.head or not whole.head:
        return False
    narrowed = part.head in whole.modifiers or whole.head in part.modifiers
    return part.head == whole.head or narrowed or _akin(part.head, whole.head)


def _comparable(a: Quantity, b: Quantity) -> bool:
    if a.unit == b.unit:
        return a.unit != "label" or a.head == b.head
    return any({a.unit, b.unit} <= alike for alike in _ALIKE_UNITS)


_ALIKE_UNITS = ({"day", "month"}, {"fraction", "percent"}, {"celsius", "degree"})


def _alignment(a: Quantity, b: Quantity, claim: str, passage: str) -> float:
    """How surely two quantities speak of the same thing, 0 to 1."""
    strength = _alignment_of_things(a, b, claim, passage)
    return strength if a.former == b.former else 0.4 * strength


def _alignment_of_things(a: Quantity, b: Quantity, claim: str, passage: str) -> float:
    if a.unit == "label":
        return 1.0
    if a.designation and b.designation:
        mine, other = designations_in(a.designation)[0], designations_in(b.designation)[0]
        if mine.family != other.family:
            return 0.2
        return 0.35 if mine.conflicts(other) else 0.7 + 0.3 * _near(a, b, claim, passage)
    around = _near(a, b, claim, passage)
    if a.unit in {"count", "ordinal"} and (a.head or b.head):
        if a.head and b.head and (a.head == b.head or _akin(a.head, b.head)):
            return 0.6 + 0.4 * around
        if a.head and b.head:
            return 0.35 * around
        return 0.5 * around + 0.2
    ours = claim[a.start : a.end].rsplit(maxsplit=1)[-1]
    same_words = passage[b.start : b.end].rsplit(maxsplit=1)[-1] == ours
    return 0.35 + 0.55 * around + 0.1 * same_words


def _near(a: Quantity, b: Quantity, claim: str, passage: str) -> float:
    """How much the words around two quantities have in common, 0 to 1."""
    return 0.4 * _overlap(
        _clause_words(claim, a.start), _clause_words(passage, b.start)
    ) + 0.6 * max(
        _overlap(_beside(claim, a, before), _beside(passage, b, before)) for before in (True, False)
    )


def _akin(a: str, b: str) -> bool:
    """Whether two nouns that are counted mean the same: "troops", "soldiers"."""
    if b in SYNONYMS.get(a, ()):
        return True
    return len(a) > 4 and len(b) > 4 and JaroWinkler.similarity(a, b) >= 0.93


@lru_cache(maxsize=8192)
def _clause_words(text: str, offset: int) -> frozenset[str]:
    """Content lemmas of the clause around an offset."""
    doc = parse(text)
    span = doc.char_span(offset, offset + 1, alignment_mode="expand")
    if span is None or not len(span):
        return frozenset()
    verb = _verb_of(span[0])
    return frozenset(
        word.lemma_.lower()
        for word in verb.subtree
        if word.pos_ in {"NOUN", "PROPN", "VERB", "ADJ"}
        and word.lower_ not in STOP
        and _verb_of(word) == verb
    )


_MOST_PARTS = 4
_BESIDE_TOKENS = 10


@lru_cache(maxsize=8192)
def _beside(text: str, quantity: Quantity, before: bool) -> frozenset[str]:
    """What a number is tied to in a list: the content words up to the number before or after it."""
    doc = parse(text)
    span = doc.char_span(quantity.start, quantity.end, alignment_mode="expand")
    if span is None or not len(span):
        return frozenset()
    others = {other.start for other in quantities_in(text)}
    dates = dates_in(text)
    step = -1 if before else 1
    index = span.start - 1 if before else span.end
    words = set()
    for _ in range(_BESIDE_TOKENS):
        if not 0 <= index < len(doc) or doc[index].sent != span.sent:
            break
        token = doc[index]
        if token.idx in others or token.text == ";":
            break
        dated = next((day for day in dates if day.start <= token.idx < day.end), None)
        if dated is not None:
            words.add(dated.text.lower())
        elif token.pos_ in {"NOUN", "PROPN", "VERB", "ADJ"} and token.lower_ not in STOP:
            words.add(token.lemma_.lower())
        index += step
    return frozenset(words)


def _verb_of(token: Token) -> Token:
    """The nearest verb above a token, or the top of its sentence."""
    while token.head.i != token.i and token.pos_ not in {"VERB", "AUX"}:
        token = token.head
    return token


def _overlap(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / min(len(a), len(b)) if a and b else 0.0


def _designations(claim: str, passage: str) -> Iterable[Item]:
    mine, theirs = designations_in(claim), designations_in(passage)
    taken = {other for own in mine for other in theirs if own.covers(other)}
    for own in mine:
        same = any(own.covers(other) for other in theirs)
        rivals = []
        if not same:
            for other in theirs:
                if own.conflicts(other):
                    rivals.append(_model_rival(own, other, 1.0))
                elif other not in taken and _same_class(claim, own, passage, other):
                    rivals.append(_model_rival(own, other, 0.6))
        rivals.sort(key=lambda rival: -rival.strength)
        yield Item(MismatchKind.TYPE, own.text, own.start, own.end, same, tuple(rivals))


@lru_cache(maxsize=4096)
def _model_phrases(text: str) -> tuple[tuple[int, int], ...]:
    """Where a model stands with the nouns that only say what it is ("F-15J jets")."""
    doc = parse(text)
    found = []
    for model in designations_in(text):
        span = doc.char_span(model.start, model.end, alignment_mode="expand")
        if span is None or not len(span):
            continue
        last = span.end - 1
        while last + 1 < len(doc) and doc[last + 1].pos_ in {"NOUN", "PROPN", "ADJ"}:
            last += 1
        found.append((model.start, doc[last].idx + len(doc[last])))
    return tuple(found)


def _model_rival(own: Designation, other: Designation, strength: float) -> Rival:
    plural = "s" if own.end - own.start > len(own.text) else ""
    return Rival(other.text, other.text + plural, strength, other.start, other.end)


def _same_class(claim: str, own: Designation, passage: str, other: Designation) -> bool:
    """Whether two models are followed by the same noun, or one of them by none."""
    a, b = _noun_after(claim, own.end), _noun_after(passage, other.end)
    return a == b or not a or not b or own.prefix == other.prefix


def _noun_after(text: str, offset: int) -> str:
    match = re.match(r"s?(?:\s+[a-z]+)?\s+([a-z]+)", text[offset:])
    if not match:
        return ""
    words = match.group().split()
    nouns = [word.rstrip("s") for word in words if word not in STOP]
    doc = parse(text)
    tagged = {token.lower_.rstrip("s") for token in doc if token.pos_ == "NOUN"}
    return next((word for word in reversed(nouns) if word in tagged), "")


def _dates(claim: str, passage: str, published: date | None) -> Iterable[Item]:
    mine = list(dates_in(claim))  # a year that the claim leaves out is left open
    theirs = [mention.within(published) for mention in dates_in(passage)]
    issued = (
        DateMention(published.year, published.month, published.day, None, None, False, 0, 0, "")
        if published
        else None
    )
    taken = {other for own in mine for other in theirs if states(own, other)}
    for own in mine:
        same = any(states(own, other) for other in theirs) or (
            issued is not None and own.month is not None and states(own, issued)
        )
        rivals = []
        if not same:
            for other in theirs:
                # "On 10 December, a Tuesday": the day may agree and the weekday may not.
                if not conflict(own, other) or (other in taken and not own.only_weekday):
                    continue
                strength = _date_strength(own, other, claim, passage)
                if strength > 0.3:
                    rivals.append(Rival(other.text, other.text, strength, other.start, other.end))
        rivals.sort(key=lambda rival: -rival.strength)
        yield Item(MismatchKind.DATE, own.text, own.start, own.end, same, tuple(rivals))


def _date_strength(own: DateMention, other: DateMention, claim: str, passage: str) -> float:
    around = _overlap(_clause_words(claim, own.start), _clause_words(passage, other.start))
    same_grain = (own.day is None) == (other.day is None)
    strength = 0.3 + 0.5 * around + (0.2 if same_grain else 0.0)
    mine, theirs = _before(claim, own.start), _before(passage, other.start)
    return strength - 0.4 if mine != theirs and {mine, theirs} & _ONE_SIDED else strength


_ONE_SIDED = frozenset({"since", "until", "till", "before", "after", "by", "from", "between"})


def _before(text: str, offset: int) -> str:
    """The word right before an offset, in lower case."""
    words: list[str] = re.findall(r"\w+", text[max(0, offset - 20) : offset])
    return words[-1].lower() if words else ""


def _names(claim: str, passage: str, known: str) -> Iterable[Item]:
    mine, theirs = names_in(claim), names_in(passage)
    taken = {other for own in mine for other in theirs if is_same(other, own)}
    for own in mine:
        bound = _bound_elsewhere(own, claim, passage)
        same = is_named(own, known) and bound is None
        rivals = []
        if bound is not None:
            rivals.append(Rival(bound.text, bound.text, 0.9, bound.start, bound.end))
        elif not same:
            for other in theirs:
                if other in taken or is_named(other, claim):
                    continue
                strength = _role_strength(own, other, claim, passage)
                if strength > 0:
                    rivals.append(Rival(other.text, other.text, strength, other.start, other.end))
        rivals.sort(key=lambda rival: -rival.strength)
        yield Item(MismatchKind.NAME, own.text, own.start, own.end, same, tuple(rivals))


def _with_exchanged_roles(items: list[Item], claim: str, passage: str) -> list[Item]:
    """Mark names and models that do in the claim what another of its names does in the passage.

    "China vetoed, Russia abstained" against "Russia vetoed, China abstained": both are named by
    both texts, but each stands where the other should.
    """
    mine, theirs = _doers(claim), _doers(passage)
    if not mine or not theirs:
        return items
    exchanged = []
    for item in items:
        rival = None
        if item.same and item.kind in {MismatchKind.NAME, MismatchKind.TYPE}:
            for event, doers in mine.items():
                doer = next((key for key, start in doers if item.start <= start < item.end), None)
                others = theirs.get(event, frozenset())
                keys = {key for key, _ in others}
                if doer is None or not keys or keys & {key for key, _ in doers}:
                    continue
                known = {
                    key
                    for other in items
                    if other is not item and other.kind is item.kind
                    for key in _keys(other, claim)
                }
                rival = next(((key, start) for key, start in sorted(others) if key in known), None)
                if rival is not None:
                    break
        if rival is None:
            exchanged.append(item)
            continue
        key, start = rival
        text = next(
            (other.text for other in items if key in _keys(other, claim) and other is not item), key
        )
        exchanged.append(
            replace(item, same=False, rivals=(Rival(text, text, 0.95, start, start + len(text)),))
        )
    return exchanged


def _keys(item: Item, text: str) -> set[str]:
    return {key for key, start in _entities(text) if item.start <= start < item.end}


@lru_cache(maxsize=4096)
def _entities(text: str) -> tuple[tuple[str, int], ...]:
    """Names and models of a text as comparable keys, with where they stand."""
    names = [(name.polity or name.words[-1], name.start) for name in names_in(text)]
    return tuple(names + [(found.family, found.start) for found in designations_in(text)])


def _stands_for(subject: Token, event: Token) -> Token:
    """The noun of "that" or "which": "a fighter that flew", "it was China that vetoed"."""
    if subject.tag_ not in {"WDT", "WP"}:
        return subject
    if event.dep_ == "relcl":
        return event.head
    told = [child for child in event.head.children if child.dep_ == "attr" and child.i < subject.i]
    return told[-1] if told and event.dep_ == "ccomp" and event.head.lemma_ == "be" else subject


@lru_cache(maxsize=4096)
def _doers(text: str) -> dict[str, frozenset[tuple[str, int]]]:
    """Who does what: the stem of each event and the names or models that do it."""
    doc = parse(text)
    entities = _entities(text)
    found: dict[str, set[tuple[str, int]]] = {}
    for token in doc:
        if token.dep_ == "nsubj" or (token.dep_ == "pobj" and token.head.dep_ == "agent"):
            event = token.head if token.dep_ == "nsubj" else token.head.head
        elif token.dep_ == "pobj" and token.head.lower_ == "by":
            event = token.head.head
        else:
            continue
        subject = _stands_for(token, event)
        doers = {
            (key, at)
            for one in (subject, *subject.conjuncts)  # "Japan and the United States flew"
            for key, at in entities
            if one.left_edge.idx <= at < one.idx + len(one)
        }
        for verb in [event, *(other for other in event.conjuncts if not _has_subject(other))]:
            if doers and verb.lemma_.lower() not in {"be", "have", "do"}:
                found.setdefault(_stem(verb.lemma_.lower()), set()).update(doers)
        for part in _events_of(event):  # "lock-on by X" is a lock, "made a landing" a landing
            if doers:
                found.setdefault(part, set()).update(doers)
    return {event: frozenset(doers) for event, doers in found.items()}


def _has_subject(verb: Token) -> bool:
    return any(child.dep_ in {"nsubj", "nsubjpass"} for child in verb.children)


def _events_of(event: Token) -> set[str]:
    """Stems of the nouns that carry a light verb's meaning, and of a compound noun's parts."""
    nouns = [event] if event.pos_ == "NOUN" else []
    if event.lemma_.lower() in {"make", "do", "carry", "take", "give", "perform", "conduct"}:
        nouns += [child for child in event.children if child.dep_ in {"dobj", "nsubjpass"}]
    return {
        _stem(part.lemma_.lower())
        for noun in nouns
        for part in noun.subtree
        if part.pos_ in {"NOUN", "VERB", "PROPN"} and (part is noun or part.dep_ == "compound")
    }


def _bound_elsewhere(own: Name, claim: str, passage: str) -> Name | None:
    """The people or country that the passage ties to the thing which the claim ties to another.

    "Chinese Su-30" against "Russian Su-30": the thing is the same model or the same noun, and the
    passage never ties it to the claim's country.
    """
    if not own.polity:
        return None
    thing = _thing_of(claim, own)
    if not thing:
        return None
    ties = [(other, _thing_of(passage, other)) for other in names_in(passage) if other.polity]
    same_thing = [other for other, its in ties if its == thing]
    if not same_thing or any(other.polity == own.polity for other in same_thing):
        return None
    return same_thing[0]


@lru_cache(maxsize=8192)
def _thing_of(text: str, name: Name) -> str:
    """The model that a people's or country's name stands right before: "Chinese Su-30"."""
    for found in designations_in(text):
        between = text[name.end : found.start]
        if 0 < len(between) <= 24 and re.fullmatch(r"(?:['’]s)?(?:\s+[a-z]+){0,2}\s+", between):
            return found.family
    return ""


def _role_strength(own: Name, other: Name, claim: str, passage: str) -> float:
    if bool(own.polity) != bool(other.polity) and own.kind != other.kind:
        return 0.0
    mine, theirs = _role(claim, own), _role(passage, other)
    strength = 0.1
    if own.kind == other.kind:
        strength = 0.4
    elif "other" in {own.kind, other.kind}:
        strength = 0.25
    if mine[0] == theirs[0]:
        strength += 0.3
    if mine[1] and mine[1] == theirs[1]:
        strength += 0.3
    if own.words[-1] == other.words[-1] and len(own.words) > 1:  # "… Air Base", "… Sea"
        strength += 0.2
    return min(1.0, strength)


@lru_cache(maxsize=8192)
def _role(text: str, name: Name) -> tuple[str, str]:
    """A name's grammatical role (subject, object or preposition) and what governs it."""
    doc = parse(text)
    span = doc.char_span(name.start, name.end, alignment_mode="expand")
    if span is None or not len(span):
        return "", ""
    root: Token = span.root
    inner = {"conj", "appos", "compound", "poss", "amod", "nmod"}
    while root.dep_ in inner and root.head.i != root.i:
        root = root.head
    if root.dep_ == "pobj":
        return root.head.lower_, root.head.head.lemma_.lower()
    role = {"nsubj": "subject", "agent": "subject", "nsubjpass": "object", "dobj": "object"}
    return role.get(root.dep_, root.dep_), root.head.lemma_.lower()


def _overlap_of(claim: str, passage: str, items: list[Item]) -> Comparison:
    """How much of the claim's facts and content words the passage has.

    Words inside items count through the items. Longer words weigh a little more: they carry more.
    """
    held, verbs = _lemmas(passage), _verbs(passage)
    total = found = 0.0
    anchors = sum(item.same for item in items)
    missing = []
    covered = [(item.start, item.end) for item in items]
    covered += _model_phrases(claim)
    of_items = _ITEM * len(items)
    found_items = _ITEM * sum(item.same for item in items)
    differing = sum(not item.same and bool(item.rivals) for item in items)
    replaced = _ITEM * (differing if differing == 1 else differing / 2)
    for token in parse(claim):
        if token.pos_ not in {"NOUN", "PROPN", "VERB", "ADJ", "ADV"} or token.lower_ in STOP:
            continue
        if any(start <= token.idx < end for start, end in covered):
            continue
        lemma = _lemma(token)
        if lemma in STOP or lemma in LIGHT or token.ent_type_ in {"DATE", "TIME"}:
            continue
        weight = 0.6 if token.pos_ in {"ADV", "ADJ"} else 1.0
        total += weight
        if _held(lemma, token.lower_, held, verbs if token.pos_ == "VERB" else None):
            found += weight
            anchors += 1
        else:
            missing.append(token.text)
    whole = total + of_items
    return Comparison(
        tuple(items),
        coverage=(found + found_items) / whole if whole else 0.0,
        word_coverage=found / total if total else 1.0,
        matching=(found + found_items + replaced) / whole if whole else 0.0,
        anchors=anchors,
        missing=tuple(missing),
    )


_ITEM = 1.5
"""What a fact weighs against a content word's 1."""


@lru_cache(maxsize=16384)
def _lemmas(text: str) -> frozenset[str]:
    spans = sentences(text)
    if len(spans) > 1:  # the same sentences come again in other passages and windows
        return frozenset().union(*(_lemmas(text[start:end]) for start, end in spans))
    words: set[str] = set()
    for token in parse(text):
        if token.pos_ not in {"PUNCT", "SPACE"}:
            words |= {token.lemma_.lower(), token.lower_, _lemma(token)}
            words |= set(re.split(r"[-/]", token.lower_))
    return frozenset(words)


def _lemma(token: Token) -> str:
    """A word's dictionary form; a verb with its particle as the one verb that says the same."""
    lemma = token.lemma_.lower()
    if token.pos_ == "VERB":
        for child in token.children:
            if child.dep_ == "prt" and (whole := PHRASAL.get(f"{lemma} {child.lower_}")):
                return whole
    return lemma


def content_lemmas(text: str) -> list[str]:
    """The lemmas of a text's content words, in order."""
    return [
        _lemma(token)
        for token in parse(text)
        if token.pos_ in {"NOUN", "PROPN", "VERB", "ADJ", "NUM"}
        and token.lower_ not in STOP
        and _lemma(token) not in LIGHT
    ]


def held_in(lemma: str, text: str) -> bool:
    """Whether a text has a word, perhaps in another form ("deterrent", "deterrence")."""
    return _held(lemma, lemma, _lemmas(text))


def _held(
    lemma: str, word: str, held: frozenset[str], alike_in: frozenset[str] | None = None
) -> bool:
    """Whether a word, a form of it or one that says the same is among those of a passage.

    Args:
        lemma: the word's dictionary form.
        word: the word itself, in lower case.
        held: the passage's words.
        alike_in: where a word that says the same must be; a verb's among the verbs, since "any
            change" is no "revised".
    """
    if lemma in held or word in held:
        return True
    if any(other in (held if alike_in is None else alike_in) for other in SYNONYMS.get(lemma, ())):
        return True
    stem = _stem(lemma)
    return len(stem) >= 4 and any(_stem(other) == stem for other in held if other[:3] == lemma[:3])


@lru_cache(maxsize=16384)
def _verbs(text: str) -> frozenset[str]:
    spans = sentences(text)
    if len(spans) > 1:
        return frozenset().union(*(_verbs(text[start:end]) for start, end in spans))
    return frozenset(_lemma(token) for token in parse(text) if token.pos_ == "VERB")


_SUFFIXES = (
    "isation", "ization", "ational", "ations", "ation", "ments", "ment", "ances", "ance", "ences",
    "ence", "ities", "ity", "ising", "izing", "ised", "ized", "ise", "ize", "ings", "ing", "ers",
    "er", "ors", "or", "ions", "ion", "ives", "ive", "ally", "ly", "al", "ent", "ant", "ed", "es",
    "s", "e", "y",
)  # fmt: skip


@lru_cache(maxsize=65536)
def _stem(word: str) -> str:
    """A rough stem that brings "deter", "deterrent" and "deterrence" together."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            word = word[: -len(suffix)]
            break
    return word[:-1] if len(word) > 4 and word[-1] == word[-2] else word


def _predicates(text: str) -> set[int]:
    """Where the main verbs of a text stand."""
    return {token.idx for token in parse(text) if token.dep_ == "ROOT"}


def _predicate_stated(claim: str, passage: str) -> bool:
    held, verbs = _lemmas(passage), _verbs(passage)
    for token in parse(claim):
        if token.dep_ == "ROOT" and token.pos_ == "VERB":
            lemma = _lemma(token)
            return lemma in LIGHT or lemma in STOP or _held(lemma, token.lower_, held, verbs)
    return True


_MODAL = frozenset({"may", "might", "could", "would", "should"})
_MODAL_OR_AHEAD = _MODAL | {"can", "will", "shall", "must", "'ll", "'d", "to"}


def _only_possible(claim: str, passage: str) -> bool:
    """Whether the claim says that something is or was done, and the passage that it may be."""
    root = next((token for token in parse(claim) if token.dep_ == "ROOT"), None)
    if root is None or root.pos_ != "VERB" or _auxiliaries(root) & _MODAL_OR_AHEAD:
        return False
    theirs = [
        token for token in parse(passage) if token.pos_ == "VERB" and _lemma(token) == _lemma(root)
    ]
    return bool(theirs) and all(_auxiliaries(token) & _MODAL for token in theirs)


def _auxiliaries(verb: Token) -> set[str]:
    """A verb's auxiliaries; one in a list may share those of the first."""
    while verb.dep_ == "conj" and verb.head.pos_ == "VERB" and not _has_subject(verb):
        verb = verb.head
    return {child.lower_ for child in verb.children if child.dep_ == "aux"}


def _rewordings(claim: str, passage: str, missing: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Phrases of one noun that the claim narrows by a word which the passage lacks."""
    lacking = set(missing)
    theirs: dict[str, list[list[Token]]] = {}
    for noun, narrowing in _narrowed(passage):
        theirs.setdefault(noun.lemma_.lower(), []).append(narrowing)
    mine = _lemmas(claim)
    found = []
    for noun, narrowing in _narrowed(claim):
        for other in theirs.get(noun.lemma_.lower(), []):
            own = [token for token in narrowing if token.text in lacking]
            new = [token for token in other if not _held(token.lemma_.lower(), token.lower_, mine)]
            if own and new:
                found.append((f"{own[0].text} {noun.text}", f"{new[0].text} {noun.text}"))
                break
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=2048)
def _narrowed(text: str) -> list[tuple[Token, list[Token]]]:
    """The nouns of a text with the adjectives and nouns that narrow them, also in lists."""
    found = []
    for token in parse(text):
        if token.pos_ != "NOUN":
            continue
        direct = [child for child in token.children if child.dep_ in {"amod", "compound", "nmod"}]
        listed = [other for child in direct for other in child.conjuncts if other.i < token.i]
        narrowing = [word for word in [*direct, *listed] if word.pos_ in {"ADJ", "NOUN", "VERB"}]
        if narrowing:
            found.append((token, narrowing))
    return found


def _opposites(claim: str, passage: str) -> list[Item]:
    """Words of the claim for which the passage has a word of opposite meaning, and not the word."""
    theirs, mine = _by_lemma(passage), _by_lemma(claim)
    items = []
    for token in parse(claim):
        lemma = _lemma(token)
        if token.pos_ not in {"VERB", "NOUN", "ADJ", "ADV"}:
            continue
        if lemma in theirs or any(word in theirs for word in ALIKE.get(lemma, ())):
            continue
        rivals = [
            Rival(theirs[other].text, theirs[other].text, 0.7, theirs[other].idx,
                  theirs[other].idx + len(theirs[other]))
            for other in sorted(OPPOSITE.get(lemma, ()))
            if other in theirs and other not in mine
        ]  # fmt: skip
        if rivals:
            items.append(
                Item(
                    MismatchKind.WORDING, token.text, token.idx, token.idx + len(token), False,
                    tuple(rivals),
                )
            )  # fmt: skip
    return items


@lru_cache(maxsize=2048)
def _by_lemma(text: str) -> dict[str, Token]:
    """The words of a text; where one stands twice, the last."""
    return {_lemma(token): token for token in parse(text)}


def same_facts(a: str, b: str) -> bool:
    """Whether two claims state the same numbers, dates, models, names and polarity.

    Claims that are near in meaning but differ in a fact ("four B-52", "two B-52") do not.
    """
    return _facts_within(a, b) and _facts_within(b, a) and _polarity(a) == _polarity(b)


def _facts_within(a: str, b: str) -> bool:
    # What can be read off comes first: parsing takes longer than all else.
    days, models = dates_in(b), designations_in(b)
    if not all(any(states(own, other) for other in days) for own in dates_in(a)):
        return False
    if not all(any(own.covers(other) for other in models) for own in designations_in(a)):
        return False
    variants = zip(_variants(a), _variants(b), strict=False)
    return all(mine == other for mine, other in variants) and not compare(a, b).absent


def _variants(text: str) -> list[tuple[str, str]]:
    return sorted((found.family, found.variant) for found in designations_in(text))


def _polarity(text: str) -> bool:
    from service.facts.polarity import is_negated

    return is_negated(text)
