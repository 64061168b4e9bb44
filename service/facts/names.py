"""Names in English text: people, places, bodies and peoples, and whether a text names the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from rapidfuzz.fuzz import ratio

from service.facts.dates import dates_in
from service.facts.designations import designations_in
from service.facts.lexicon import CAPITAL, POLITY, TITLES
from service.facts.quantities import QUARTER
from service.models.parser import parse

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span

_KINDS = {
    "PERSON": "person", "GPE": "place", "LOC": "place", "FAC": "place", "NORP": "people",
    "ORG": "body", "EVENT": "other", "LAW": "other", "PRODUCT": "other", "WORK_OF_ART": "other",
}  # fmt: skip
_LOCATIVE = {"in", "at", "near", "around", "outside"}
_SMALL = {"the", "of", "and", "for", "a", "an", "on", "in", "to", "'s", "’s"}
_LABEL = re.compile(r"(?:article|chapter|section|resolution|annex|flight|phase)s?\b", re.IGNORECASE)
_NUMERAL = re.compile(r"[IVXLC]+\.?|[A-Z]")
_AMOUNT = re.compile(r"(?:EUR|USD|GBP|JPY|CHF|CNY|INR|RUB|KRW)(?:\s?[\d.,]+)?(?:\s?[a-z]{1,8})?")
_POLITY_PHRASES = re.compile(
    r"(?<!\w)(?:"
    + "|".join(re.escape(key) for key in sorted(POLITY, key=len, reverse=True) if " " in key)
    + r")(?!\w)",
    re.IGNORECASE,
)
_FUZZY = 88
_MIN_FUZZY_LENGTH = 6


@dataclass(frozen=True, slots=True)
class Name:
    """A name as a text gives it.

    Attributes:
        kind: ``person``, ``place``, ``people``, ``body`` or ``other``.
        polity: id of the country or union it stands for, else empty.
        located: it is where something is or happens, so a capital is only the city here.
        words: its words in lower case without titles and small words.
    """

    text: str
    kind: str
    polity: str
    located: bool
    words: tuple[str, ...]
    start: int
    end: int


@lru_cache(maxsize=4096)
def names_in(text: str) -> tuple[Name, ...]:
    """Return the names of an English text in order, without overlaps."""
    doc = parse(text)
    taken = [(found.start, found.end) for found in designations_in(text)]
    taken += [(found.start, found.end) for found in dates_in(text)]
    taken += [found.span() for found in QUARTER.finditer(text)]
    phrases = [
        span
        for match in _POLITY_PHRASES.finditer(text)
        if match.group()[:1].isupper()
        and (span := doc.char_span(match.start(), match.end(), alignment_mode="expand"))
    ]
    named = {token.i for span in phrases for token in span}
    spans: list[tuple[Span, str]] = [(span, "body") for span in phrases]
    spans += [
        (span, _KINDS[span.label_])
        for span in doc.ents
        if span.label_ in _KINDS and not any(token.i in named for token in span)
    ]
    covered = {token.i for span, _ in spans for token in span}
    spans += [(span, "other") for span in _proper_runs(doc, covered)]
    spans += [
        (doc[token.i : token.i + 1], "people")
        for token in doc
        if token.i not in covered and token.text[:1].isupper() and token.lower_ in POLITY
        and not any(token in span for span, _ in spans)
    ]  # fmt: skip
    found = []
    for span, kind in sorted(spans, key=lambda pair: pair[0].start_char):
        name = _name(span, kind, text)
        if name is None or any(start < name.end and name.start < end for start, end in taken):
            continue
        if _abbreviates_before(name, text):
            continue
        taken.append((name.start, name.end))
        found.append(name)
    return tuple(found)


def _abbreviates_before(name: Name, text: str) -> bool:
    """Whether a name is the abbreviation in brackets of the name right before it."""
    before = text[: name.start]
    return before.endswith(" (") and _initials_agree(name.text, before[-80:-2])


def _proper_runs(doc: Doc, covered: set[int]) -> list[Span]:
    runs, start = [], None
    for token in [*doc, None]:
        proper = (
            token is not None
            and token.i not in covered
            and token.pos_ == "PROPN"
            and token.text[:1].isupper()
        )
        if proper and start is None:
            start = token.i
        elif not proper and start is not None:
            runs.append(doc[start : token.i if token is not None else len(doc)])
            start = None
    return runs


def _name(span: Span, kind: str, text: str) -> Name | None:
    start, end = span.start_char, span.end_char
    raw = text[start:end]
    lead = re.match(r"(?:the|a|an)\s+", raw, re.IGNORECASE)
    if lead:
        start += lead.end()
    common = re.search(r"(?:\s+[a-z][\w-]*)+$", text[start:end])
    if common:  # "Ukraine war": the common nouns are words of the claim, not of the name
        end = start + common.start()
    raw = re.sub(r"(?:['’]s?|(?<=[a-z\d])[.,]|(?<=\bV)\.)$", "", text[start:end])
    end = start + len(raw)
    words = tuple(
        word
        for word in re.findall(r"[^\W_]+(?:[.&-][^\W_]+)*\.?", raw.lower())
        if word.rstrip(".") not in TITLES and word not in _SMALL
    )
    if not words or not re.search(r"[A-Z]", raw) or _LABEL.match(raw) or _NUMERAL.fullmatch(raw):
        return None
    if _AMOUNT.fullmatch(raw):
        return None
    key = re.sub(r"\s+", " ", raw.lower())
    before = span.doc[span.start - 1].lower_ if span.start else ""
    if before == "the" and span.start > 1:
        before = span.doc[span.start - 2].lower_
    located = before in _LOCATIVE
    polity = POLITY.get(key, "") or ("" if located else CAPITAL.get(key, ""))
    return Name(raw, kind, polity, located, words, start, end)


def words_of(name: str) -> frozenset[str]:
    """A name's words in lower case without titles, small words and what brackets add."""
    plain = re.sub(r"\([^)]*\)", " ", name).lower()
    words = re.findall(r"[^\W_]+", plain)
    return frozenset(word for word in words if word not in TITLES and word not in _SMALL)


def same_initials(a: str, b: str) -> bool:
    """Whether one text holds an abbreviation of the other ("JSDF", "Japan Self-Defense Forces")."""
    return any(
        _initials_agree(short, other)
        for text, other in ((a, b), (b, a))
        for short in re.findall(r"\b[A-Z]{2,8}\b", text)
    )


def is_named(name: Name, text: str) -> bool:
    """Whether ``text`` names the same person, place or body, perhaps in other words.

    Countries answer to their peoples and, outside places, their capitals; people to their
    surname; bodies to their initials. A name that opens a sentence may have caught its first word.
    """
    return _among(name, text, names_in)


def is_same(name: Name, other: Name) -> bool:
    """Whether ``other`` names the same person, place or body as ``name``, perhaps otherwise."""
    return _among(name, other.text, lambda _: (other,))


def _among(name: Name, text: str, names_of: Callable[[str], tuple[Name, ...]]) -> bool:
    if _is_named(name, text, names_of):
        return True
    if name.start == 0 and " " in name.text:
        return _is_named(_without_first_word(name), text, names_of)
    return False


def _without_first_word(name: Name) -> Name:
    text = name.text.split(" ", 1)[1].lstrip()
    offset = len(name.text) - len(text)
    return replace(
        name,
        text=text,
        polity=name.polity or POLITY.get(text.lower(), "") or CAPITAL.get(text.lower(), ""),
        words=name.words[1:] or name.words,
        start=name.start + offset,
    )


def _is_named(name: Name, text: str, names_of: Callable[[str], tuple[Name, ...]]) -> bool:
    folded = _fold(text)
    if stands_in(_fold(name.text), folded):
        return True
    others = names_of(text)
    if name.polity and any(_same_polity(name, other) for other in others):
        return True
    if name.polity and len(name.words) == 1:
        return False
    if name.kind == "person" and stands_in(name.words[-1], folded):
        return True
    if _initials_agree(name.text, text) or any(
        _initials_agree(other.text, name.text) for other in others
    ):
        return True
    in_any_order = name.kind != "place" or len(name.words) == 1
    if in_any_order and all(_has_word(word, folded, others) for word in name.words):
        return True
    joined = " ".join(name.words)
    return len(joined) >= _MIN_FUZZY_LENGTH and any(
        ratio(joined, " ".join(other.words)) >= _FUZZY for other in others
    )


def _same_polity(name: Name, other: Name) -> bool:
    if other.polity == name.polity:
        return True
    key = other.text.lower()
    if CAPITAL.get(key) == name.polity and not other.located:
        return True
    first = re.match(r"[\w.]+", other.text)  # "Japan Air Self-Defense Force"
    return bool(first and POLITY.get(first.group().lower()) == name.polity)


def _has_word(word: str, folded: str, others: tuple[Name, ...]) -> bool:
    if stands_in(_stem(word), folded, goes_on=True):
        return True
    polity = POLITY.get(word)
    return polity is not None and any(other.polity == polity for other in others)


def stands_in(words: str, text: str, *, goes_on: bool = False) -> bool:
    """Whether words stand in a text, not inside others; ``goes_on`` lets the last one be longer.

    Looked for by hand: every name would be a regular expression of its own to compile.
    """
    at = text.find(words)
    while at >= 0:
        end = at + len(words)
        if not _is_letter(text[at - 1 : at]) and (goes_on or not _is_letter(text[end : end + 1])):
            return True
        at = text.find(words, at + 1)
    return False


def _is_letter(character: str) -> bool:
    """What regular expressions take for part of a word."""
    return character.isalnum() or character == "_"


def _fold(text: str) -> str:
    return text.lower().replace("’", "'").replace("\n", " ")


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") else word


def _initials_agree(short: str, text: str) -> bool:
    """Whether ``short`` is an abbreviation of a run of capitalised words in ``text``."""
    letters = short.replace(".", "")
    if not (2 <= len(letters) <= 8 and letters.isupper() and letters.isalpha()):
        return False
    words = re.findall(r"[^\W_]+", text)
    initials = [(word[0], word in _SMALL or word.islower()) for word in words]
    for start, (initial, small) in enumerate(initials):
        if small or initial != letters[0]:
            continue
        position = 0
        for later, is_small in initials[start:]:
            if position < len(letters) and later.upper() == letters[position] and not is_small:
                position += 1
                if position == len(letters):
                    return True
            elif not is_small:
                break
    return False
