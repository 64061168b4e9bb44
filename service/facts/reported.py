"""What a sentence asserts: without who said it, without colouring, and down to its bones."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from service.facts.lexicon import COLOURING
from service.models.parser import parse

if TYPE_CHECKING:
    from spacy.tokens import Token

SAYING = frozenset(
    """say tell announce report state confirm claim declare note add stress argue explain complain
    warn insist maintain affirm assert emphasise emphasize estimate acknowledge admit reveal
    conclude suggest write recall describe underline underscore reiterate believe""".split()
)
_ACCORDING = re.compile(r",?\s*\baccording to (?P<speaker>[^,;]+?)(?P<end>,|;|\.?$)", re.IGNORECASE)
_ABBREVIATION = re.compile(r"(?<=\w) \([A-Z][A-Za-z.]{1,7}\)")
_MIN_WORDS = 4


@dataclass(frozen=True, slots=True)
class Reported:
    """A sentence taken apart: what is asserted, and who is said to have said it.

    Attributes:
        assertion: the assertion alone; the whole sentence when nothing is reported.
        speaker: who said it, empty when nothing is reported.
        cue: the words that report it.
    """

    assertion: str
    speaker: str = ""
    cue: str = ""


@lru_cache(maxsize=4096)
def reported(text: str) -> Reported:
    """Take reported speech apart. A sentence that reports nothing comes back whole."""
    match = _ACCORDING.search(text)
    if match:
        closing = "." if match["end"] in {"", "."} else " "
        rest = (text[: match.start()] + closing + text[match.end() :]).strip(" ,")
        if len(rest.split()) >= _MIN_WORDS:
            return Reported(_sentence(rest), match["speaker"].strip(), "according to")
    roots = [token for token in parse(text) if token.dep_ == "ROOT"]
    if len(roots) == 1 and roots[0].lemma_.lower() in SAYING:
        found = _said(roots[0])
        if found is not None:
            return found
    return Reported(text)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """The sentence without modifiers that only colour it ("quietly") and bracketed initials."""
    pattern = re.compile(r"(?<![\w-])(?:a |an )?(?P<word>[\w-]+),? (?=\w)", re.IGNORECASE)

    def without(match: re.Match[str]) -> str:
        if match["word"].lower() not in COLOURING:
            return match.group()
        article = match.group()[: match.start("word") - match.start()]
        if not article:
            return ""
        following = text[match.end() : match.end() + 1].lower()
        word = "an " if following in "aeiou" else "a "
        return word.capitalize() if article[0].isupper() else word

    return _sentence(pattern.sub(without, _ABBREVIATION.sub("", text)))


_BONES = {
    "nsubj", "nsubjpass", "dobj", "attr", "acomp", "aux", "auxpass", "neg", "prt", "agent", "oprd",
}  # fmt: skip
_OF_NOUN = {"compound", "poss", "case", "nummod", "det", "amod", "conj", "cc", "nmod", "quantmod"}


@lru_cache(maxsize=4096)
def skeleton(text: str) -> str:
    """The main clause's subject, verb and object, without what is hung on them.

    "Japan declined an EU proposal to join a plan" is left as "Japan declined an EU proposal".
    """
    doc = parse(text)
    roots = [token for token in doc if token.dep_ == "ROOT"]
    if not roots or roots[0].pos_ not in {"VERB", "AUX"}:
        return text
    root = roots[0]
    kept = {root.i}
    for child in root.children:
        if child.dep_ in _BONES:
            kept |= _noun_phrase(child)
            for inner in child.children:
                if child.dep_ == "agent" and inner.dep_ == "pobj":
                    kept |= _noun_phrase(inner)
    words = "".join(token.text_with_ws for token in doc if token.i in kept).strip()
    return _sentence(f"{words}.") if len(kept) >= _MIN_WORDS else text


def _noun_phrase(token: Token) -> set[int]:
    kept = {token.i}
    for child in token.children:
        if child.dep_ in _OF_NOUN:
            kept |= _noun_phrase(child)
    return kept


def _said(verb: Token) -> Reported | None:
    if any(child.dep_ == "neg" for child in verb.children):
        return None
    speaker = next((child for child in verb.children if child.dep_ == "nsubj"), None)
    clause = next((child for child in verb.children if child.dep_ == "ccomp"), None)
    if clause is None or speaker is None:
        return None
    dropped = {
        child.i for child in clause.children if child.dep_ == "mark" and child.lower_ == "that"
    }
    dropped |= {token.i for token in speaker.subtree} | {verb.i}
    words = [token for token in clause.subtree if token.i not in dropped]
    text = "".join(token.text_with_ws for token in words).strip(" ,;:\"'“”‘’")
    if len(text.split()) < _MIN_WORDS:
        return None
    subject = "".join(token.text_with_ws for token in speaker.subtree).strip(" ,")
    return Reported(_sentence(text), subject, verb.text)


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:]
