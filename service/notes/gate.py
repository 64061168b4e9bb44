"""The citation gate: what is shown as a finding has been proved, by code, to be quoted.

Every finding cites. Every quote stands verbatim at its offsets in the stored text, but for white
space and the shape of quotation marks, and is a few content words long. Every figure, date, model
and name of the finding stands in its quotes or in what the citation says of the statement. Words
ascribed to the claim must stand in the claim. A digest's words are never put in quotation marks as
the issuer's own.

The gate proves quotation. That a quote *bears on* its finding it cannot prove: that is the stance
model's cross-check, shown as a warning where it disagrees.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from service.facts.dates import DateMention, dates_in, states
from service.facts.designations import designations_in
from service.facts.lexicon import STOP
from service.facts.names import is_named, names_in
from service.facts.quantities import quantities_in
from service.types import Citation, Finding, Kind, StatementRef

MIN_CONTENT_WORDS = 3

_MARKS = str.maketrans({mark: '"' for mark in "“”„‟«»″"} | {mark: "'" for mark in "‘’‚‛′"})
_CLAIM_SAYS = re.compile(r"\bthe claim says “([^”]+)”", re.IGNORECASE)
_QUOTED = re.compile(r"[“\"«„]([^”\"»“„]+)[”\"»]")

StoredText = Callable[[str, int], str]
"""Gives the stored text of a statement's version."""


def problems(finding: Finding, claim: str, stored_text: StoredText) -> tuple[str, ...]:
    """Why a finding may not be shown; empty when it may.

    Args:
        finding: the sentence and its citations.
        claim: the claim's text, which words ascribed to the claim are held against.
        stored_text: the versions that the citations point into.
    """
    if not finding.citations:
        return ("it cites nothing",)
    found = [
        problem
        for citation in finding.citations
        if (problem := _quote_problem(citation, stored_text)) is not None
    ]
    said, rest = _ascribed_to_claim(finding.text)
    found += [
        f"“{words}” is ascribed to the claim and does not stand in it"
        for words in said
        if _plain(words) not in _plain(claim)
    ]
    found += _quotation_problems(rest, finding.citations)
    found += _fact_problems(rest, finding.citations)
    return tuple(found)


def locate(quote: str, text: str, start: int = 0, end: int | None = None) -> tuple[int, int] | None:
    """Find where a quote stands in a stored text, allowing for white space and quotation marks.

    Returns:
        Half-open offsets in ``text``, or None. What stands there is the quote to cite.
    """
    words = re.split(r"\s+", quote.strip())
    if not quote.strip():
        return None
    pattern = r"\s+".join(_letter_pattern(word) for word in words)
    match = re.compile(pattern).search(text, start, len(text) if end is None else end)
    return match.span() if match else None


def _letter_pattern(word: str) -> str:
    double, single = "[“”„‟«»″\"]", "[‘’‚‛′']"
    return "".join(
        double if letter.translate(_MARKS) == '"'
        else single if letter.translate(_MARKS) == "'"
        else re.escape(letter)
        for letter in word
    )  # fmt: skip


def _quote_problem(citation: Citation, stored_text: StoredText) -> str | None:
    name = f"{citation.statement.statement_id} version {citation.statement.version}"
    try:
        text = stored_text(citation.statement.statement_id, citation.statement.version)
    except LookupError:
        return f"{name} is not stored"
    if not 0 <= citation.start < citation.end <= len(text):
        return f"the offsets {citation.start} to {citation.end} lie outside {name}"
    if _plain(text[citation.start : citation.end]) != _plain(citation.quote):
        return f"“{citation.quote}” does not stand in {name} at {citation.start}"
    if _content_words(citation.quote) < MIN_CONTENT_WORDS:
        return f"“{citation.quote}” is too short to show anything"
    return None


def _content_words(text: str) -> int:
    return sum(word.lower() not in STOP for word in re.findall(r"[^\W_]+", text))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().translate(_MARKS)


def _ascribed_to_claim(text: str) -> tuple[list[str], str]:
    """The words that a finding ascribes to the claim, and the finding without them."""
    return _CLAIM_SAYS.findall(text), _CLAIM_SAYS.sub("the claim differs", text)


def _quotation_problems(text: str, citations: Sequence[Citation]) -> list[str]:
    found = []
    named = _plain(" ".join(_metadata(citation.statement) for citation in citations))
    for words in _QUOTED.findall(text):
        if f'"{_plain(words)}"' in named:
            continue  # the issuer's or the title's own quotation marks
        holding = [
            citation for citation in citations if _plain(words) in _plain(citation.quote)
        ]
        if not holding:
            found.append(f"“{words}” is in quotation marks and stands in none of its quotes")
        elif all(citation.statement.kind is Kind.DIGEST for citation in holding):
            found.append(f"“{words}” is our digest's wording, not the issuer's")
    return found


def _fact_problems(text: str, citations: Sequence[Citation]) -> list[str]:
    quotes = "\n".join(citation.quote for citation in citations)
    known = "\n".join([quotes, *(_metadata(citation.statement) for citation in citations)])
    issued = [
        _as_mention(citation.statement)
        for citation in citations
        if citation.statement.published is not None
    ]
    found = []
    stated = quantities_in(known)
    for quantity in quantities_in(text):
        same = [
            other
            for other in stated
            if other.value == quantity.value
            and (other.unit == quantity.unit or {other.unit, quantity.unit} <= {"count", "label"})
        ]
        if not same:
            found.append(f"“{quantity.text}” stands in none of its quotes")
    for model in designations_in(text):
        if not any(
            other.family == model.family and other.variant == model.variant
            for other in designations_in(known)
        ):
            found.append(f"“{model.text}” stands in none of its quotes")
    for day in dates_in(text):
        if not any(states(day, other) for other in [*dates_in(known), *issued]):
            found.append(f"the date “{day.text}” stands in none of its quotes")
    for name in names_in(text):
        if not is_named(name, known):
            found.append(f"the name “{name.text}” stands in none of its quotes")
    allowed = set(_digits(known)) | {
        part
        for citation in citations
        if citation.statement.published
        for part in _digits(
            f"{citation.statement.published} {citation.statement.published.day} "
            f"{citation.statement.published.month}"
        )
    }
    for digits in _digits(text):
        if digits not in allowed and not any(digits in problem for problem in found):
            found.append(f"the figure “{digits}” stands in none of its quotes")
    return found


def _digits(text: str) -> list[str]:
    return [re.sub(r"[,\u2009\u202f\u00a0]", "", run) for run in re.findall(r"\d[\d.,]*\d|\d", text)]


def _metadata(statement: StatementRef) -> str:
    return ". ".join(part for part in (statement.issuer, statement.title) if part)


def _as_mention(statement: StatementRef) -> DateMention:
    day = statement.published
    assert day is not None  # noqa: S101  the caller leaves undated statements out
    return DateMention(day.year, day.month, day.day, None, None, False, 0, 0, "")
