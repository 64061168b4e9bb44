"""Denials and negation: what a text says is not so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from service.facts.lexicon import DENIAL_VERBS, DENIAL_WORDS, NEGATIONS
from service.models.parser import parse

if TYPE_CHECKING:
    from spacy.tokens import Token


@dataclass(frozen=True, slots=True)
class Denial:
    """Something that a text says is not so.

    Attributes:
        content: what is denied, as an assertion ("Japan had turned down the proposal").
        cue: the words that deny it.
        start: offset of the denying sentence in the text.
        end: offset past its end.
    """

    content: str
    cue: str
    start: int
    end: int


def is_negated(text: str) -> bool:
    """Whether the main clause of a text is negated."""
    negations = sum(token.dep_ == "neg" or token.lower_ in NEGATIONS for token in parse(text))
    return negations % 2 == 1


_MAY_DENY = re.compile(
    r"\b(?:no|not|never|neither|nor|none|nobody|nothing|without|cannot)\b|n['’]t\b|\bden(?:y|ie)"
    r"|\b(?:refut|debunk|rebut|dismiss|reject|contradict)|\b(?:"
    + "|".join(sorted(DENIAL_WORDS))
    + r")\b",
    re.IGNORECASE,
)
"""Most texts deny nothing: those need not be parsed to know it."""


@lru_cache(maxsize=4096)
def denials_in(text: str) -> tuple[Denial, ...]:
    """Return what an English text denies: "no X", "not", "X is untrue", "denied that X"."""
    if not _MAY_DENY.search(text):
        return ()
    found = []
    for sentence in parse(text).sents:
        found.extend(_called_untrue(sentence.root))
        for token in sentence:
            if token.lemma_.lower() in DENIAL_VERBS and token.pos_ == "VERB":
                found.extend(_denied_clause(token))
            if token.dep_ == "neg" or (token.lower_ in {"no", "never", "neither"}):
                found.extend(_negated_clause(token))
    return tuple(found)


_WHOLE = {"wo": "will", "ca": "can", "sha": "shall"}


def _words(tokens: list[Token], skip: set[int]) -> str:
    """The tokens as a sentence without those skipped; "wouldn't" leaves "would"."""
    parts: list[str] = []
    for token in sorted(tokens, key=lambda token: token.i):
        if token.i in skip:
            if parts and token.whitespace_ and not parts[-1].endswith(" "):
                parts.append(" ")
            continue
        clipped = token.i + 1 in skip and token.lower_ in _WHOLE
        parts.append(_WHOLE[token.lower_] if clipped else token.text)
        parts.append(token.whitespace_)
    text = "".join(parts).strip(" ,;:")
    return text[:1].upper() + text[1:] if text else ""


def _called_untrue(root: Token) -> list[Denial]:
    """Read "Reports that X are completely untrue" and "It is false that X"."""
    sentence = root.sent
    found = []
    for word in sentence:
        if word.lower_ not in DENIAL_WORDS or word.dep_ not in {"acomp", "attr", "oprd", "conj"}:
            continue
        if any(child.dep_ == "neg" for child in [*word.children, *word.head.children]):
            continue
        verb = word.head
        clauses = [
            clause
            for subject in verb.children
            if subject.dep_ in {"nsubj", "csubj", "nsubjpass"}
            for clause in subject.subtree
            if clause.dep_ in {"acl", "ccomp", "relcl", "csubj"} and clause.pos_ in {"VERB", "AUX"}
        ]
        clauses += [child for child in verb.children if child.dep_ == "ccomp" and child.i > word.i]
        for clause in clauses[:1]:
            marks = {child.i for child in clause.children if child.dep_ == "mark"}
            content = _words(list(clause.subtree), marks)
            found.append(_denial(content, word.text, sentence))
    return found


def _denied_clause(verb: Token) -> list[Denial]:
    for child in verb.children:
        if child.dep_ in {"ccomp", "xcomp"}:
            marks = {grand.i for grand in child.children if grand.dep_ == "mark"}
            return [_denial(_words(list(child.subtree), marks), verb.text, verb.sent)]
        if child.dep_ == "dobj":
            clauses = [word for word in child.subtree if word.dep_ == "acl" and word.i > child.i]
            for clause in clauses[:1]:
                marks = {grand.i for grand in clause.children if grand.dep_ == "mark"}
                return [_denial(_words(list(clause.subtree), marks), verb.text, verb.sent)]
    return []


def _negated_clause(negation: Token) -> list[Denial]:
    """The negated sentence without its negation."""
    sentence = negation.sent
    content = _words(list(sentence), {negation.i})
    return [_denial(content, negation.text, sentence)] if content else []


def _denial(content: str, cue: str, sentence: object) -> Denial:
    return Denial(content, cue, sentence.start_char, sentence.end_char)  # type: ignore[attr-defined]
