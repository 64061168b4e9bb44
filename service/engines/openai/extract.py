"""Extraction by a language model: what it may see of a submission, and what is kept of its answer.

The model gives words, code finds where they stand. What is not in the text is no claim of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from service.engines.local.checkworthiness import score
from service.engines.openai.answers import ClaimFound
from service.engines.openai.marks import Marks
from service.facts.compare import content_lemmas, held_in
from service.facts.dates import day_meant
from service.facts.grounding import Sources, ungrounded, ungrounded_figures
from service.facts.quoting import content_words, denials_in, denied_before, locate
from service.kit.sentences import sentences
from service.kit.text import normalise
from service.models.parser import parse, parse_ahead
from service.types import Attribution, Claim, Span, Submission, Window, claim_id

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_BEFORE = 3
"""Sentences before a window that say what its pronouns mean."""
_AFTER = 1
"""Sentences after it, which may say what its end leaves open."""
_LEAD = 2
"""Sentences at the head of a submission that introduce what it is about."""
_LEAST_OF_SOURCE = 1 / 3
"""Share of a claim's content words that the sentences of its source have. A claim whose "drills"
became "the drills over the Sea of Japan" has half of them; one about another thing has none."""
_MOST_CLAIMS = 60
"""Claims of one window, which has a dozen sentences."""
_LEAST_WORDS = 2
"""Content words of a source: somebody, and what they did."""
_MOST_CHARACTERS = 600
"""A claim is a sentence, and its source two at most; what is longer is no claim."""

Rejected = tuple[str, str]
"""What the model gave as a claim, and why it is none."""


def values_to_extract(window: Window, marks: Marks) -> dict[str, str]:
    """The variables of the prompt ``extract`` for a window."""
    submission = window.submission
    enclosed = marks.enclose(
        {
            "before": _before(window),
            "text": submission.text[window.start : window.end],
            "after": _after(window),
        }
    )
    published = submission.published.isoformat() if submission.published else "unknown"
    return {"published": published, **enclosed}


def _before(window: Window) -> str:
    """Title, lead and the sentences right before a window."""
    text = window.submission.text
    places = [place for place in _sentences(text) if place[1] <= window.start]
    shown = [*places[:_LEAD], *places[_LEAD:][-_BEFORE:]]
    parts = [window.submission.title or "", *(text[start:end] for start, end in shown)]
    return "\n".join(part for part in parts if part)


def _after(window: Window) -> str:
    """The sentences right after a window."""
    text = window.submission.text
    places = [place for place in _sentences(text) if place[0] >= window.end]
    return "\n".join(text[start:end] for start, end in places[:_AFTER])


def ground_of(submission: Submission) -> Sources:
    """What a claim may draw on: the submission, its title and its date, read once for all."""
    ground = Sources(
        tuple(filter(None, (submission.title, submission.text))),
        (submission.published,) if submission.published else (),
    )
    for read in ("quantities", "dates", "designations", "names", "words", "figures"):
        getattr(ground, read)
    return ground


def claims_of(
    found: Iterable[ClaimFound], window: Window, ground: Sources
) -> tuple[tuple[Claim, ...], tuple[Rejected, ...]]:
    """Turn what a model gave into claims with exact places.

    Args:
        found: what the model gave.
        window: what it was given.
        ground: see ``ground_of``.

    Returns:
        The claims in text order, and what was left out, with the reason.
    """
    everything = list(found)
    given = everything[:_MOST_CLAIMS]
    parse_ahead(_written(one) for one in given)
    claims: dict[str, Claim] = {}
    rejected = [
        (one.claim, f"it is beyond the first {_MOST_CLAIMS} of its stretch of text")
        for one in everything[_MOST_CLAIMS:]
    ]
    for one in given:
        source = locate(one.source, window.submission.text, window.start, window.end)
        reason = _reason_against(one, source)
        if reason or source is None:
            rejected.append((one.claim, reason))
            continue
        claim = _claim(one, source, window.submission, ground)
        claims.setdefault(claim.id, claim)
    ordered = sorted(claims.values(), key=lambda claim: (claim.source.start, claim.source.end))
    return tuple(ordered), tuple(rejected)


def _reason_against(one: ClaimFound, source: tuple[int, int] | None) -> str:
    if source is None:
        return f"“{one.source}” does not stand in the text"
    if not any(map(str.isalnum, one.claim)) or content_words(one.source) < _LEAST_WORDS:
        return "it says nothing"
    if max(len(one.claim), source[1] - source[0]) > _MOST_CHARACTERS:
        return f"it has more than {_MOST_CHARACTERS} characters"
    return ""


def _claim(
    one: ClaimFound, source: tuple[int, int], submission: Submission, ground: Sources
) -> Claim:
    span = Span(*source, submission.text[source[0] : source[1]])
    text = _written(one)
    around = _around(span, submission.text)
    if denied_before(submission.text, span.start):
        span = Span(around.start, around.stop, submission.text[around.start : around.stop])
    turned = bool(denials_in(text)) != bool(denials_in(span.text))
    if turned or not _is_of(text, submission.text[around.start : around.stop], ground):
        text = " ".join(span.text.split())  # what the text itself says is always a claim of it
    attribution = _attribution(one, around, submission.text)
    return Claim(
        id=claim_id(submission, span, text),
        text=text,
        source=span,
        attribution=attribution,
        claim_date=_said_on(one, around, submission),
        score=_worth(parse(text), attribution),
    )


def _written(one: ClaimFound) -> str:
    return " ".join(normalise(one.claim).split())


def _around(span: Span, text: str) -> range:
    """The whole sentences that a span stands in."""
    places = [place for place in _sentences(text) if place[0] < span.end and span.start < place[1]]
    return range(places[0][0], places[-1][1]) if places else range(span.start, span.end)


def _is_of(claim: str, around: str, ground: Sources) -> bool:
    """Whether a claim is made by the sentences that it is said to be taken from.

    Its figures and models stand in them, and a good part of its words; what is left may come from
    elsewhere in the submission, as names for pronouns do.
    """
    if next(ungrounded_figures(claim, Sources((around,), ground.issued)), None) is not None:
        return False
    if next(ungrounded(claim, ground), None) is not None:
        return False
    words = content_lemmas(claim)
    return sum(held_in(word, around) for word in words) >= _LEAST_OF_SOURCE * len(words)


def _attribution(one: ClaimFound, around: range, text: str) -> Attribution | None:
    """Who is said to have said it, if the sentences around the claim name them and say so."""
    if not one.speaker or not one.cue:
        return None
    speaker, cue = (
        locate(words, text, around.start, around.stop) for words in (one.speaker, one.cue)
    )
    if speaker is None or cue is None:
        return None
    first, last = min(speaker[0], cue[0]), max(speaker[1], cue[1])
    return Attribution(
        text[speaker[0] : speaker[1]], text[cue[0] : cue[1]], Span(first, last, text[first:last])
    )


def _said_on(one: ClaimFound, around: range, submission: Submission) -> date | None:
    """When it was said: the day that the sentences around give, else that of the submission."""
    given = locate(one.date, submission.text, around.start, around.stop) if one.date else None
    words = submission.text[given[0] : given[1]] if given else ""
    day = day_meant(words, submission.published)
    if day is None or (submission.published and day > submission.published):
        return submission.published
    return day


@lru_cache(maxsize=4)
def _sentences(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(sentences(text))


def _worth(doc: Doc, attribution: Attribution | None) -> float:
    """How much a claim is worth checking, by the same scale as the embedded engine's."""
    verb: Token = next(token for token in doc if token.head.i == token.i)
    subject = [
        token
        for child in verb.children
        if child.dep_ in {"nsubj", "nsubjpass"}
        for token in child.subtree
    ]
    speaker = list(parse(attribution.speaker)) if attribution else None
    return score(list(doc), verb, subject=subject, speaker=speaker)
