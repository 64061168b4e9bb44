"""The citation gate: what is shown as a finding has been proved, by code, to be quoted.

Every finding cites. Every quote stands word for word at its offsets in the stored version, whole:
it cuts no figure and leaves out no denial. It is a few content words long. What a finding says in
other words than its quotes' may not hold a figure, date, model or name that stands neither in them
nor in what the citations say of their statements. Words ascribed to the claim must stand in the
claim. A digest's words are never shown as the issuer's own.

The gate proves quotation. That a quote *bears on* its finding it cannot prove: that is the stance
model's cross-check, shown as a warning where it disagrees.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from service.facts.grounding import Sources, own_words, ungrounded
from service.facts.quoting import (
    DOUBLE_MARKS,
    content_words,
    cut_short,
    is_whole,
    occurrences,
    plain,
    quoted_stretches,
)
from service.kit.errors import NotFound
from service.kit.text import sha256_hex
from service.types import Citation, Finding, Kind, StatementRef

MIN_CONTENT_WORDS = 3
MAX_CITATIONS = 20
_MOST_OWN = 0.5
"""Share of a finding's content words that its quotes may lack. Of eight good findings about the
seed article none lacks more than a quarter; inventions in plain words lack six of ten."""

StoredText = Callable[[str, int], str]
"""Gives the stored text of a statement's version; raises NotFound where there is none."""

_CLAIM_SAYS = re.compile(
    rf"(?:^|(?<=[.:;] ))the claim says [{re.escape(DOUBLE_MARKS)}]"
    rf"([^{re.escape(DOUBLE_MARKS)}]+)[{re.escape(DOUBLE_MARKS)}]",
    re.IGNORECASE,
)
_SAID_OF_CLAIM = "the claim differs"

_LEADS_IN = re.compile(r"(?:^|[^\w\s]|\bthat)\s*$", re.IGNORECASE)
_LEADS_OUT = re.compile(r"^[^\w\s]|^.\s*(?:$|[^\w\s])", re.DOTALL)

_FIRST_PLACE = 0x10F000
"""Code points, private and used by nobody, that stand for whole quotes in a finding's frame."""
_PLACES = re.compile(f"[{chr(_FIRST_PLACE)}-{chr(_FIRST_PLACE + 4000)}]")
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


@dataclass(frozen=True, slots=True)
class _Frame:
    """A finding's own words around its quotes.

    Attributes:
        text: the finding, with one character in the place of every whole quote, issuer and title.
        said_of_claim: the words it ascribes to the claim, which are left out of ``text``.
        quotes: the citations whose whole quotes stand in it, by their character.
    """

    text: str
    said_of_claim: tuple[str, ...]
    quotes: dict[str, Citation]


def problems(finding: Finding, claim: str, stored_text: StoredText) -> tuple[str, ...]:
    """Why a finding may not be shown; empty when it may.

    Args:
        finding: the sentence and its citations.
        claim: the claim's text, which words ascribed to the claim are held against.
        stored_text: the versions that the citations point into.
    """
    if not finding.citations:
        return ("it cites nothing",)
    if len(finding.citations) > MAX_CITATIONS:
        return (f"it cites more than {MAX_CITATIONS} places",)
    if not any(map(str.isalnum, finding.text)):
        return ("it says nothing",)
    found = [
        problem
        for citation in finding.citations
        if (problem := _quote_problem(citation, stored_text)) is not None
    ]
    frame = _frame_of(finding)
    unseen = _unseen(finding, frame)
    if unseen is not None:
        return (*found, unseen)
    found += _ascription_problems(frame, claim)
    found += _quotation_problems(frame, finding.citations)
    around = "".join("…" if letter in frame.quotes else letter for letter in frame.text)
    found += ungrounded(_without_places(around), _sources(finding.citations))
    invented, words = _own_words(finding)
    if len(invented) > _MOST_OWN * words:
        found.append(f"its quotes have no word for {_listed(invented)}")
    return tuple(dict.fromkeys(found))


def wording(finding: Finding) -> str | None:
    """Tell a reviewer which words of a finding its quotes do not have; None where they have all."""
    invented, _ = _own_words(finding)
    return f"“{finding.text}” says {_listed(invented)}: its quotes do not." if invented else None


def _own_words(finding: Finding) -> tuple[list[str], int]:
    told = _CLAIM_SAYS.sub(_SAID_OF_CLAIM, finding.text)
    return own_words(told, _sources(finding.citations))


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"“{word}”" for word in dict.fromkeys(words))


def _quote_problem(citation: Citation, stored_text: StoredText) -> str | None:
    statement = citation.statement
    name = f"{statement.statement_id} version {statement.version}"
    try:
        text = stored_text(statement.statement_id, statement.version)
    except (NotFound, LookupError):
        return f"{name} is not stored"
    if sha256_hex(text) != statement.sha256:
        return f"{name} is stored with another text than the one cited"
    start, end = citation.start, citation.end
    if not 0 <= start < end <= len(text):
        return f"the offsets {start} to {end} lie outside {name}"
    if plain(text[start:end]) != plain(citation.quote):
        return f"“{citation.quote}” does not stand in {name} at {start}"
    if not is_whole(text, start, end):
        return f"“{citation.quote}” cuts through a word or figure of {name}"
    if (lost := cut_short(text, start, end)) is not None:
        return f"“{citation.quote}” leaves out “{lost}”"
    if content_words(citation.quote) < MIN_CONTENT_WORDS:
        return f"“{citation.quote}” is too short to show anything"
    return None


def _frame_of(finding: Finding) -> _Frame:
    """Take out of a finding what is known to be right: whole quotes, then issuers and titles."""
    text, quotes = finding.text, {}
    places = iter(range(_FIRST_PLACE, _FIRST_PLACE + 4000))
    for citation in sorted(finding.citations, key=lambda citation: -len(citation.quote)):
        place = chr(next(places))
        quotes[place] = citation
        text = _put(place, citation.quote, text, apart=True)
    said = tuple(match[1] for match in _CLAIM_SAYS.finditer(text))
    text = _CLAIM_SAYS.sub(_SAID_OF_CLAIM, text)
    for citation in finding.citations:
        for words in (citation.statement.issuer, citation.statement.title):
            if words and content_words(words):
                text = _put(chr(next(places)), words, text)
    return _Frame(text, said, {place: quotes[place] for place in quotes if place in text})


def _put(place: str, words: str, text: str, *, apart: bool = False) -> str:
    """Put a character in the place of words; with ``apart``, only where other words don't run on.

    "More than" right before a quote, or "billion" right after it, would change what it says.
    """
    for found in reversed(occurrences(words, text)):
        runs_on = apart and not (
            _LEADS_IN.search(text, 0, found.start) and _LEADS_OUT.search(text[found.stop - 1 :])
        )
        if not runs_on:
            text = f"{text[: found.start]}{place}{text[found.stop :]}"
    return text


def _without_places(text: str) -> str:
    """The text with the name of nothing in particular where an issuer or a title stood."""
    return _PLACES.sub("it", text)


def _unseen(finding: Finding, frame: _Frame) -> str | None:
    """Name a character of the finding's own words that is not seen as it is read."""
    for letter in f"{_without_places(frame.text)}{''.join(_PLACES.findall(finding.text))}":
        if letter not in "\n\t" and unicodedata.category(letter) in _UNSEEN:
            return f"it holds U+{ord(letter):04X}, which is not seen as it is read"
    return None


def _ascription_problems(frame: _Frame, claim: str) -> Iterator[str]:
    for words in frame.said_of_claim:
        if not occurrences(_without_marks(words), _without_marks(claim)):
            yield f"“{words}” is ascribed to the claim and does not stand in it"


def _without_marks(text: str) -> str:
    return re.sub(f"[{re.escape(DOUBLE_MARKS)}]", "", text).casefold()


def _quotation_problems(frame: _Frame, citations: Sequence[Citation]) -> Iterator[str]:
    inside, unpaired = quoted_stretches(frame.text)
    if unpaired:
        yield f"the quotation mark {unpaired} has no partner"
    for words in inside:
        for place in frame.quotes.keys() & set(words):
            if frame.quotes[place].statement.kind is Kind.DIGEST:
                yield f"“{frame.quotes[place].quote}” is our digest's wording, not the issuer's"
        for part in _parts(words):
            holding = [citation for citation in citations if occurrences(part, citation.quote)]
            if not holding:
                yield f"“{part}” is in quotation marks and stands in none of its quotes"
            elif all(_is_digests_wording(part, citation) for citation in holding):
                yield f"“{part}” is our digest's wording, not the issuer's"
    if "digest" not in frame.text.lower():
        for place, citation in frame.quotes.items():
            told_so = re.search(rf"[:—–]\s*{place}", frame.text)
            if citation.statement.kind is Kind.DIGEST and told_so:
                yield f"“{citation.quote}” is our digest's wording and must be called so"


def _parts(words: str) -> list[str]:
    """The stretches of quoted words between whole quotes and inner marks that are words at all."""
    pieces = re.split(f'[“”"‘{chr(_FIRST_PLACE)}-{chr(_FIRST_PLACE + 4000)}]', words)
    return [piece.strip(" ,;:…") for piece in pieces if any(map(str.isalnum, piece))]


def _is_digests_wording(words: str, citation: Citation) -> bool:
    """Whether a citation is of a digest that does not itself put the words in quotation marks."""
    if citation.statement.kind is not Kind.DIGEST:
        return False
    inside, _ = quoted_stretches(citation.quote)
    return not any(occurrences(words, quoted) for quoted in inside)


def _sources(citations: Sequence[Citation]) -> Sources:
    texts = [citation.quote for citation in citations]
    texts += [_metadata(citation.statement) for citation in citations]
    days = [citation.statement.published for citation in citations]
    return Sources(
        tuple(dict.fromkeys(text for text in texts if text)),
        tuple(dict.fromkeys(day for day in days if day is not None)),
    )


def _metadata(statement: StatementRef) -> str:
    return ". ".join(part for part in (statement.issuer, statement.title) if part)
