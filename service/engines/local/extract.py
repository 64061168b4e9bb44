"""Finds the checkable claims of a window: parse, take apart, settle references, weigh.

Pure and deterministic; takes about a quarter of a second for a page, so call it off the event
loop.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from service.engines.local.checkworthiness import THRESHOLD, score
from service.engines.local.clauses import Proposition, Source, propositions
from service.engines.local.grammar import is_finite
from service.engines.local.parsed_sentence import ParsedSentence, Pieces, read_sentence
from service.engines.local.presuppositions import presuppositions
from service.engines.local.references import (
    Read,
    context_of,
    read,
    resolved,
    resolved_speaker,
    settled,
)
from service.kit.sentences import sentences
from service.types import Attribution, Claim, Span, Submission, Window, claim_id

if TYPE_CHECKING:
    from spacy.tokens import Token

_LEAD = 3
"""Sentences at the head of a submission that introduce what it is about."""

_BEFORE = 3
"""Sentences before a window that its first pronouns may go back to."""

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>")
_FEWEST_WORDS = 3
_FEWEST_WORDS_OF_HALVES = 5
_EDGES = " \t\n,;:–—-"
_FIRST_PERSON = frozenset(
    {"i", "we", "me", "us", "my", "our", "you", "your", "myself", "ourselves"}
)


def extract_claims(window: Window) -> tuple[Claim, ...]:
    """Return the checkable claims of a window in text order, without doubles.

    Every claim is a sentence of its own; its source is the exact stretch of the submission that
    holds its words. Blocking: about 10 ms a sentence.
    """
    submission = window.submission
    places = _sentences(submission.text)
    inside = [i for i, (start, end) in enumerate(places) if _is_in(window, start, end)]
    if not inside:
        return ()
    known = sorted({*range(_LEAD), *range(inside[0] - _BEFORE, inside[-1] + 1)})
    reads: list[Read] = []
    claims: dict[str, Claim] = {}
    last, voice = -1, None
    for number in known:
        if not 0 <= number < len(places):
            continue
        for sentence in _read(submission.text, *places[number]):
            follows = bool(reads) and number <= last + 1
            last = number
            found = [] if _asks(sentence) else propositions(sentence)
            reads.append(read(sentence, found, reads[-1] if follows else None))
            previous = reads[-2] if follows else None
            voice = _voice(sentence, found, previous, voice if follows else None)
            if number < inside[0]:
                continue
            taken = [] if _asks(sentence) else presuppositions(sentence)
            for proposition in sorted([*found, *taken], key=_first):
                claim = _claim(proposition, reads, follows, voice, submission)
                if claim is not None:
                    claims.setdefault(claim.text.casefold(), claim)
    return tuple(sorted(claims.values(), key=lambda claim: (claim.source.start, claim.source.end)))


@dataclass(frozen=True)
class _Voice:
    """Who speaks in a quotation that goes on over several sentences."""

    attribution: Attribution
    speaker: list[Token]
    cue: str


@lru_cache(maxsize=4)
def _sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Sentences, cut at semicolons where both halves are long enough to be one."""
    found: list[tuple[int, int]] = []
    for start, end in sentences(text):
        left = start
        for match in re.finditer(r";\s+", text[start:end]):
            halves = text[left : start + match.start()], text[start + match.end() : end]
            long = min(len(half.split()) for half in halves) >= _FEWEST_WORDS_OF_HALVES
            if long and not _is_open(halves[0]):
                found.append((left, start + match.start()))
                left = start + match.end()
        found.append((left, end))
    return tuple(found)


def _is_open(text: str) -> bool:
    """Whether a quotation opened in a text goes on behind it."""
    return text.count("“") > text.count("”") or text.count('"') % 2 == 1


def _read(text: str, start: int, end: int) -> list[ParsedSentence]:
    """Parse a sentence, its parts each for itself where semicolons join clauses.

    A parser that reads them together hangs the second on a verb of saying in the first, and so
    gives it the first one's speaker.
    """
    sentence = read_sentence(text, start, end)
    if sentence is None:
        return []
    edges = [
        token.i for token in sentence.doc if token.text == ";" and token.i not in sentence.quoted
    ]
    bounds = [-1, *edges, len(sentence.doc)]
    whole = [
        any(is_finite(verb, left + 1, right) for verb in sentence.doc[left + 1 : right])
        for left, right in pairwise(bounds)
    ]
    cuts = [
        sentence.starts[edge]
        for edge, left, right in zip(edges, whole, whole[1:], strict=False)
        if left and right
    ]
    if not cuts:
        return [sentence]
    places = zip([start, *[_behind(text, cut) for cut in cuts]], [*cuts, end], strict=True)
    parts = [read_sentence(text, *place) for place in places]
    return [part for part in parts if part is not None]


def _behind(text: str, semicolon: int) -> int:
    """Where the words behind a semicolon begin."""
    while semicolon + 1 < len(text) and text[semicolon + 1].isspace():
        semicolon += 1
    return semicolon + 1


def _is_in(window: Window, start: int, end: int) -> bool:
    return window.start <= start and end <= window.end


def _first(proposition: Proposition) -> int:
    return min(piece for piece in proposition.pieces if isinstance(piece, int))


def _asks(sentence: ParsedSentence) -> bool:
    return sentence.text[sentence.start : sentence.end].rstrip("\"'”’)] ").endswith("?")


def _claim(
    proposition: Proposition,
    reads: Sequence[Read],
    follows: bool,
    voice: _Voice | None,
    submission: Submission,
) -> Claim | None:
    """A proposition of the last of ``reads`` as a claim, None where it is not worth checking."""
    current = reads[-1]
    previous = reads[-2] if follows else None
    sentence = current.sentence
    tokens = _tokens(sentence, proposition.pieces)
    if proposition.source is not None:
        voice = _voice_of(proposition.source, sentence, previous)
    elif not _is_all_quoted(sentence):
        voice = None
    if voice is None and any(token.lower_ in _FIRST_PERSON for token in tokens):
        return None
    weight = score(
        tokens,
        sentence.doc[proposition.verb],
        subject=_tokens(sentence, proposition.subject),
        kind=proposition.kind,
        speaker=voice.speaker if voice is not None else None,
        cue=voice.cue if voice is not None else "",
    )
    if weight < THRESHOLD:
        return None
    pieces, explained = resolved(
        proposition.pieces, proposition.subject, proposition.scope, sentence, previous
    )
    standing = settled(proposition, pieces, explained, sentence, previous)
    if standing is None:
        return None
    text = _as_sentence(sentence.words(standing))
    if len(text.split()) < _FEWEST_WORDS or not _is_prose(text):
        return None
    start, end = sentence.stretch(proposition.pieces)
    source = Span(start, end, submission.text[start:end])
    return Claim(
        id=claim_id(submission, source, text),
        text=text,
        source=source,
        attribution=voice.attribution if voice is not None else None,
        claim_date=submission.published,
        context=context_of(proposition, explained, len(reads) - 1, reads),
        score=round(weight, 4),
    )


def _tokens(sentence: ParsedSentence, pieces: Pieces) -> list[Token]:
    return [sentence.doc[piece] for piece in pieces if isinstance(piece, int)]


def _voice(
    sentence: ParsedSentence,
    found: Sequence[Proposition],
    previous: Read | None,
    before: _Voice | None,
) -> _Voice | None:
    """Who speaks in the quotation that a sentence opens or goes on with."""
    if not sentence.quoted:
        return None
    said = next((item.source for item in found if item.source and item.kind == "reported"), None)
    if said is not None:
        return _voice_of(said, sentence, previous)
    return before if _is_all_quoted(sentence) else None


def _is_all_quoted(sentence: ParsedSentence) -> bool:
    return all(token.is_punct or token.i in sentence.quoted for token in sentence.doc)


def _voice_of(said: Source, sentence: ParsedSentence, previous: Read | None) -> _Voice:
    speaker = resolved_speaker(said.speaker, sentence, previous)
    start, end = sentence.stretch([*said.speaker, *said.cue])
    attribution = Attribution(
        speaker=sentence.words(speaker),
        cue=sentence.words(said.cue).lower(),
        span=Span(start, end, sentence.text[start:end]),
    )
    cue = sentence.doc[said.cue[-1]].lemma_
    return _Voice(attribution, _tokens(sentence, said.speaker), cue)


def _as_sentence(text: str) -> str:
    """Words as a sentence: no loose commas at the ends, a capital, a full stop."""
    text = "".join(character for character in text if character.isprintable())
    text = re.sub(r"\s+([,;:])", r"\1", text)
    text = re.sub(r"([,;:])(?:\s*[,;:])+", r"\1", text).strip(_EDGES)
    text = text.rstrip("!?…" + _EDGES)
    first = text.split(" ", 1)[0]
    if first.islower():
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", ".’", ".”")) else text + "."


def _is_prose(text: str) -> bool:
    """Whether a claim is words rather than markup or a jumble of signs."""
    signs = "".join(text.split())
    letters = sum(character.isascii() and character.isalpha() for character in signs)
    return letters >= 0.5 * len(signs) and not _MARKUP.search(text)
