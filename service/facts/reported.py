"""Reported speech: the assertion inside "X said that Y" and "Y, according to X"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from service.models.parser import parse

if TYPE_CHECKING:
    from spacy.tokens import Token

SAYING = frozenset(
    """say tell announce report state confirm claim declare note add stress argue explain complain
    warn insist maintain affirm assert emphasise emphasize estimate acknowledge admit reveal conclude
    suggest write recall describe underline underscore reiterate believe""".split()
)
_ACCORDING = re.compile(
    r",?\s*\baccording to (?P<speaker>[^,;]+?)(?P<end>,|;|\.?$)", re.IGNORECASE
)
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
