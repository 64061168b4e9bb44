"""What a sentence takes for granted inside its noun phrases, said as propositions.

"Since the 1998 reform of the law" takes it that the law was reformed in 1998; "amid recent
strikes in the port", that there were strikes; "a plan to close the mine", that the plan is to close
it. None is asserted outright, so only what is definite, dated, or the object of a preposition that
presupposes it counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.engines.local import word_classes as words
from service.engines.local.clauses import Proposition
from service.engines.local.parsed_sentence import ParsedSentence, Piece, Pieces
from service.engines.local.phrases import trimmed

if TYPE_CHECKING:
    from spacy.tokens import Token

_DATES = frozenset({"DATE", "TIME"})
_DEFINITE = frozenset({"the", "its", "their", "his", "her", "this", "that", "these", "those"})
_VAGUE = frozenset({"any", "no", "such", "possible", "potential", "future", "alleged", "planned"})
_LONGEST_PREPOSITION = 4


def presuppositions(sentence: ParsedSentence) -> list[Proposition]:
    """Return what the noun phrases of a sentence presuppose, in text order."""
    found: list[Proposition] = []
    for token in sentence.doc:
        if token.pos_ not in ("NOUN", "PROPN"):
            continue
        lemma = token.lemma_.lower()
        if lemma in words.NOMINALISED:
            found += _done(sentence, token, words.NOMINALISED[lemma])
        elif lemma in words.EVENTS:
            found += _happened(sentence, token)
        if lemma in words.CONTENT_NOUNS:
            found += _provided(sentence, token)
    return found


def _done(sentence: ParsedSentence, noun: Token, participle: str) -> list[Proposition]:
    """“the 1998 reform of the law” -> “the law was reformed in 1998”."""
    of = next((child for child in noun.children if child.lower_ == "of"), None)
    thing = next((c for c in of.children if c.dep_ == "pobj"), None) if of is not None else None
    if of is None or thing is None or not _definite(noun) or _is_vague(noun):
        return []
    year = next(
        (
            child
            for child in noun.children
            if child.i < noun.i and child.ent_type_ == "DATE" and _is_year(child)
        ),
        None,
    )
    when = next(
        (
            child
            for holder in (noun, thing)
            for child in holder.children
            if child.lower_ in ("in", "on") and any(t.ent_type_ in _DATES for t in child.subtree)
        ),
        None,
    )
    if year is None and when is None and not _presupposed(sentence, noun):
        return []
    tail = {token.i for token in when.subtree} if when is not None else set()
    about = trimmed(sentence.doc, [t.i for t in thing.subtree if t.i not in tail])
    if not about:
        return []
    pieces: list[Piece] = [*about, "were" if thing.tag_ in ("NNS", "NNPS") else "was", participle]
    by = next((child for child in noun.children if child.lower_ == "by"), None)
    if by is not None:
        pieces += sorted(token.i for token in by.subtree)
    if year is not None:
        pieces += ["in", year.i]
    elif when is not None:
        pieces += sorted(tail)
    return [_proposition(pieces, about, noun)]


def _happened(sentence: ParsedSentence, noun: Token) -> list[Proposition]:
    """“in light of recent strikes in Lyon” -> “there were recent strikes in Lyon”."""
    top = noun
    while top.dep_ == "conj":
        top = top.head
    first, second = _unlike_parts(sentence, noun)
    if not second and (_definite(noun) or _is_vague(noun)):
        return []
    if not _presupposed(sentence, top) and not _presupposed(sentence, noun):
        return []
    found: list[Proposition] = []
    for words_of_part in (first, second):
        part = trimmed(sentence.doc, words_of_part)
        tokens = [sentence.doc[index] for index in part]
        if not any(t.ent_type_ or t.pos_ in ("NUM", "PROPN") for t in tokens):
            continue
        heads = [t for t in tokens if t.lemma_.lower() in words.EVENTS]
        if not heads or tokens[0].lower_ in _DEFINITE:
            continue
        plural = heads[0].tag_ == "NNS"
        be = "were" if plural else "was"
        found.append(_proposition(["There", be, *part], part, heads[0]))
    return found


def _unlike_parts(sentence: ParsedSentence, noun: Token) -> tuple[list[int], list[int]]:
    """The noun phrase, cut where "and" joins what cannot be alike.

    In "strikes in the North and French rail delays" a parser makes "North and French" one modifier;
    a name and an adjective are no co-ordination, so the second noun phrase starts after "and".
    """
    phrase = sorted(token.i for token in noun.subtree)
    if any(child.dep_ == "conj" for child in noun.children):
        gone = {
            t.i for child in noun.children if child.dep_ in ("conj", "cc") for t in child.subtree
        }
        phrase = [index for index in phrase if index not in gone]
    for index in phrase:
        modifier = sentence.doc[index]
        if modifier.pos_ != "PROPN" or modifier.dep_ not in ("nmod", "compound"):
            continue
        other = next((c for c in modifier.children if c.dep_ == "conj"), None)
        link = next((c for c in modifier.children if c.dep_ == "cc"), None)
        if other is not None and link is not None and other.pos_ == "ADJ" and link.i in phrase:
            return [i for i in phrase if i < link.i], [i for i in phrase if i > link.i]
    return phrase, []


def _provided(sentence: ParsedSentence, noun: Token) -> list[Proposition]:
    """“a plan to close the mine in May” -> “the plan is to close the mine in May”."""
    content = next(
        (
            child
            for child in noun.children
            if child.dep_ in ("acl", "relcl")
            and child.tag_ == "VB"
            and child.left_edge.lower_ == "to"
        ),
        None,
    )
    if content is None or _is_vague(noun):
        return []
    inner = sorted(token.i for token in content.subtree)
    tokens = [sentence.doc[index] for index in inner]
    nested = any(
        t.lemma_.lower() in words.CONTENT_NOUNS and any(c.tag_ == "VB" for c in t.children)
        for t in tokens
    )
    figures = any(t.ent_type_ or t.pos_ in ("NUM", "PROPN") for t in tokens)
    if nested or not figures or len(inner) < 4:
        return []
    before = [
        token.i
        for token in noun.subtree
        if token.i < noun.i
        and not (token.head.i == noun.i and token.lower_ in ("a", "an", "the", "this", "that"))
        and token.lemma_.lower() not in words.EVALUATIVE
    ]
    about: Pieces = ("The", *sorted(before), noun.i)
    be = "are" if noun.tag_ == "NNS" else "is"
    return [_proposition([*about, be, *inner], about, noun)]


def _proposition(pieces: list[Piece], about: Pieces, noun: Token) -> Proposition:
    return Proposition(tuple(pieces), tuple(about), noun.i, None, "presupposed")


def _definite(noun: Token) -> bool:
    return any(
        child.lower_ in _DEFINITE or child.dep_ == "poss"
        for child in noun.children
        if child.i < noun.i
    )


def _is_vague(noun: Token) -> bool:
    return any(child.lower_ in _VAGUE for child in noun.children if child.i < noun.i)


def _is_year(token: Token) -> bool:
    return bool(token.text.isdigit() and len(token.text) == 4)


def _presupposed(sentence: ParsedSentence, noun: Token) -> bool:
    """Whether the noun phrase is the object of a preposition that takes it to have happened."""
    edge = noun.left_edge.i
    before = [sentence.doc[i].lower_ for i in range(max(0, edge - _LONGEST_PREPOSITION), edge)]
    text = " ".join(before)
    return any(text == p or text.endswith(" " + p) for p in words.PRESUPPOSING)
