"""Search by words: what to look for in a claim, and what a text index makes of it.

The index is filled by the database itself (triggers of migration 0002), in the transaction that
changes the passages, so it cannot lag. What is the database's own stands in ``words_sqlite`` and
``words_postgresql``.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session

MAX_TERMS = 64
"""Terms taken from one query; a claim with its context has about 40."""

_WORD = re.compile(r"[^\W_]+(?:[-–‑/.,'’][^\W_]+)*")
_JOINED = re.compile(r"[-–‑/]")
_PART = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['’]s?$", re.IGNORECASE)
_DESIGNATION = re.compile(r"([A-Za-z]{1,4})[-–‑]?(\d{1,3})([A-Za-z]{0,3})")
_ACRONYM = re.compile(r"[A-Z]{2,4}|(?:[A-Za-z]\.)+[A-Za-z]")
_AMOUNT = re.compile(
    r"(\d+(?:[.,]\d+)*)[\s-]?(k|m|mn|bn|tn|thousand|million|billion|trillion)\b", re.I
)
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3}){1,5}|\d{4,18}")
_SCALES = {
    "thousand": ("k",),
    "million": ("m", "mn"),
    "billion": ("bn",),
    "trillion": ("tn",),
}
_SCALE_OF = {short: scale for scale, shorts in _SCALES.items() for short in (scale, *shorts)}
_NUMERALS = "two three four five six seven eight nine ten eleven twelve"
_DIGITS = {word: str(value) for value, word in enumerate(_NUMERALS.split(), start=2)}
_SPELLED = {digits: word for word, digits in _DIGITS.items()}
_FUNCTION_WORDS = """
a about after against all also although am among an and any are as at be because been before being
between both but by can could did do does doing down during each for from further had has have
having he her here hers him his how however i if in into is it its itself just me might more most
must my no nor not now of off on once only or other our out over own s said same say says she
should since so some such than that the their them then there these they this those through to too
under until up upon us very was we were what when where whether which while who whom whose why
will with within without would you your
"""
_COMMON = frozenset(_FUNCTION_WORDS.split())


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand together, in lower case; ``prefix`` lets the last one go on (52, 52H)."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look for, in any of its spellings."""

    spellings: tuple[Phrase, ...]


def terms(text: str) -> list[Term]:
    """Return what to look for to find passages about ``text``, each once, in text order.

    Left out are words that nearly every passage holds. A designation (B-52H) is looked for as it
    is and as its family (B-52), an amount (€90bn) and a number (1,500; four) in its spellings.
    Anything may stand in ``text``: a term holds letters and digits alone.
    """
    found: dict[Term, None] = {}
    amounts: list[tuple[int, int]] = []
    for match in _AMOUNT.finditer(text):
        amounts.append(match.span())
        found[_amount(match[1], _SCALE_OF[match[2].lower()])] = None
    for match in _WORD.finditer(text):
        if not any(start <= match.start() < end for start, end in amounts):
            found |= dict.fromkeys(_terms_of(match.group()))
    return list(found)[:MAX_TERMS]


def _terms_of(word: str) -> Iterator[Term]:
    word = _POSSESSIVE.sub("", word)
    lower = word.lower()
    if match := _DESIGNATION.fullmatch(word):
        prefix, number, variant = (part.lower() for part in match.groups())
        variant = variant.removesuffix("s")
        yield _spelled((prefix, number), (prefix + number,), open_ended=True)
        if variant:
            yield _spelled((prefix, number + variant), (prefix + number + variant,))
    elif len(pieces := _JOINED.split(word)) > 1:
        for piece in pieces:
            yield from _terms_of(piece)
    elif _NUMBER.fullmatch(word):
        plain = word.replace(",", "")
        yield _spelled(tuple(f"{int(plain):,}".split(",")), (plain,))
    elif _ACRONYM.fullmatch(word):
        letters = lower.replace(".", "")
        yield _spelled((letters,), tuple(letters))
    elif lower in _DIGITS or lower in _SPELLED:
        yield _spelled((lower,), (_DIGITS.get(lower) or _SPELLED[lower],))
    elif lower not in _COMMON and (len(lower) > 1 or lower.isdigit()):
        yield _spelled(tuple(_PART.findall(lower)))


def _amount(number: str, scale: str) -> Term:
    digits = tuple(_PART.findall(number))
    *whole, last = digits
    joined = [(*whole, last + short) for short in _SCALES[scale]]
    return _spelled((*digits, scale), *joined, *((*digits, short) for short in _SCALES[scale]))


def _spelled(*spellings: tuple[str, ...], open_ended: bool = False) -> Term:
    return Term(tuple(Phrase(words, open_ended) for words in spellings))


@dataclass(frozen=True, slots=True)
class TextDifferences:
    """How the text index differs from the database.

    Attributes:
        missing: searchable passages that it lacks.
        surplus: passages in it that are not searchable.
        damaged: it is broken inside, or indexed another text than the passage's.
    """

    missing: int = 0
    surplus: int = 0
    damaged: bool = False

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus or self.damaged)


class TextIndex(Protocol):
    """What finds passages by words, in the database's own full text search."""

    def search(self, session: Session, wanted: Sequence[Term], n: int) -> list[str]:
        """Return the ids of at most ``n`` searchable passages, best first, ties by age."""

    def differences(self, session: Session) -> TextDifferences:
        """Compare with the database, in full."""

    def rebuild(self, session: Session) -> None:
        """Make the index again from the database."""


CANDIDATES = 5_000
SCORING = 20_000


@dataclass(frozen=True, slots=True)
class Choice:
    """By which terms a search goes, each in the database's own language, the rarest first.

    An OR of all words would rank every passage that holds "said". So only passages that hold one
    of the rarest terms are ranked, by all terms that are not too common to tell anything.

    Attributes:
        rare: a passage that holds one of them is ranked; where all terms are common, none.
        others: the further terms that it is ranked by.
        common: where there is no rare one, all: a passage has to hold every one of them.
    """

    rare: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    common: tuple[str, ...] = ()

    @classmethod
    def of(cls, counts: Mapping[str, int], candidates: int, scoring: int) -> Choice:
        """Choose among terms by how many passages hold each.

        Args:
            counts: of each term.
            candidates: passages that the rarest terms may bring to be ranked, in all.
            scoring: how many passages a term may stand in and still be part of the ranking.
        """
        present = sorted((count, term) for term, count in counts.items() if count)
        rare: list[str] = []
        total = 0
        for count, term in present:
            total += count
            if total > candidates:
                break
            rare.append(term)
        if not rare:
            return cls(common=tuple(term for _, term in present))
        others = (term for count, term in present[len(rare) :] if count < scoring)
        return cls(tuple(rare), tuple(others))


class Frequencies:
    """In how many passages terms stand, kept until a passage changes. Safe between threads."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._state = -1
        self._lock = threading.Lock()

    def of(self, terms: Sequence[str], state: int, count: Callable[[str], int]) -> dict[str, int]:
        """Return the count of each term.

        Args:
            terms: in the database's own language.
            state: another number whenever a passage changed; read before anything is counted.
            count: counts a term that is not known yet.
        """
        with self._lock:
            if state != self._state:
                self._known, self._state = {}, state
            known = self._known
        for term in terms:
            if term not in known:
                known[term] = count(term)
        return {term: known[term] for term in terms}
