"""Search by words: what to look for in a claim, and what a text index makes of it.

The index is filled by the database itself (triggers of migration 0002), in the transaction that
changes the passages, so it cannot lag. What is the database's own stands in ``words_sqlite`` and
``words_postgresql``.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
from sqlalchemy import TextClause
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


def spellings(wanted: Iterable[Term]) -> list[Phrase]:
    """Every spelling of the terms, each once."""
    return list(dict.fromkeys(phrase for term in wanted for phrase in term.spellings))


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


COMMON = 100_000
"""Passages from which on a spelling tells too little to be looked for beside rarer ones."""
KEPT = 32_000_000
"""Places kept in memory, over all spellings: 12 bytes each."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a spelling stands.

    Attributes:
        numbers: of its passages, ascending.
        scores: what it counts in each, by BM25: more than 0.
    """

    numbers: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rows: Iterable[tuple[int, float]]) -> Places:
        """The places of rows of a number and a score."""
        table = np.fromiter(rows, [("number", np.int32), ("score", np.float64)])
        order = np.argsort(table["number"], kind="stable")
        return cls(table["number"][order], table["score"][order])

    @classmethod
    def read(cls, session: Session, query: TextClause, **given: object) -> Places:
        """The places that a query gives.

        The driver's rows go into the array one by one: a list of thousands of them would make
        Python look through all that it holds for garbage, which takes a tenth of a second.
        """
        with session.connection().execute(query, given) as result:
            return cls.of(cast("Iterable[tuple[int, float]]", result.cursor))


class PlaceReader(Protocol):
    """What finds a spelling, in the database's own language, among the searchable passages."""

    def count(self, spelling: str, most: int) -> int:
        """In how many passages it stands, counted up to ``most``."""

    def places(self, spelling: str) -> Places:
        """In which, and what it counts there."""


class Ranking:
    """Ranks passages by what the spellings of a query count in them. Safe between threads.

    BM25 adds up over words. So where a word stands, and what it counts there, is asked of the
    database once and kept until a passage changes, and passages are ranked by adding: at 100,000
    passages a query of ten words takes 1 ms, where the database would take 30 to rank those that
    hold any of them. Ranking only those that hold one of the rarest words is as quick, but a third
    of the first ten was missing then.

    Args:
        common: spellings that stand in so many passages are left out beside rarer ones.
        kept: how many places are kept at most, over all spellings.
    """

    def __init__(self, common: int = COMMON, kept: int = KEPT) -> None:
        self._common = common
        self._most = kept
        self._counts: dict[str, int] = {}
        self._places: dict[str, Places] = {}
        self._held = 0
        self._state: object = None
        self._lock = threading.Lock()

    def best(
        self, spellings: Sequence[str], state: object, reader: PlaceReader, n: int
    ) -> list[int]:
        """Return the numbers of at most ``n`` passages, best first, ties by age.

        Args:
            spellings: of all terms, each once.
            state: another one whenever a passage changed or the index was made again; read before
                anything else is.
            reader: what finds them.
            n: how many.
        """
        self._forget_unless(state)
        counts = {one: self._count(one, state, reader) for one in spellings}
        rarer = [one for one in spellings if 0 < counts[one] < self._common]
        found = [
            self._place(one, state, reader)
            for one in rarer or [one for one in spellings if counts[one]]
        ]
        return _best(found, n)

    def _forget_unless(self, state: object) -> None:
        with self._lock:
            if state != self._state:
                self._counts, self._places = {}, {}
                self._held, self._state = 0, state

    def _count(self, spelling: str, state: object, reader: PlaceReader) -> int:
        known = self._counts.get(spelling)
        if known is None:
            known = reader.count(spelling, self._common)
            with self._lock:
                if state == self._state:
                    self._counts[spelling] = known
        return known

    def _place(self, spelling: str, state: object, reader: PlaceReader) -> Places:
        with self._lock:
            known = self._places.pop(spelling, None) if state == self._state else None
            if known is not None:
                self._places[spelling] = known  # the last to be given up
                return known
        known = reader.places(spelling)
        with self._lock:
            if state == self._state and spelling not in self._places:
                self._places[spelling] = known
                self._held += len(known.numbers)
                while self._held > self._most:
                    oldest = next(iter(self._places))
                    self._held -= len(self._places.pop(oldest).numbers)
        return known


def _best(found: Sequence[Places], n: int) -> list[int]:
    """The numbers of the ``n`` passages where the scores add up to the most, ties by number."""
    found = [places for places in found if len(places.numbers)]
    if not found:
        return []
    scores = np.zeros(max(int(places.numbers[-1]) for places in found) + 1)
    for places in found:  # in order, for the sum of floats hangs on it
        scores[places.numbers] += places.scores
    numbers = np.flatnonzero(scores)
    reached = scores[numbers]
    if len(numbers) > n:
        least = np.partition(reached, -n)[-n]
        numbers, reached = numbers[reached >= least], reached[reached >= least]
    best: list[int] = numbers[np.lexsort((numbers, -reached))][:n].tolist()
    return best
