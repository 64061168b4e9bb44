"""Noun phrases of a sentence, without what hangs on them, and what relative pronouns stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.engines.local import word_classes as words
from service.engines.local.grammar import (
    COMMAS,
    NOMINAL,
    SUBJECTS,
    identifies,
    is_plural,
    own_subject,
    pronoun_of,
    verb_number,
)
from service.engines.local.parsed_sentence import ParsedSentence, Piece, Pieces

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_OF_EVENTS = ("sion", "tion", "ment", "ance", "ence", "ing", "ure", "val")
"""Endings of nouns of events: an apposition after "the X-ion of NAME" belongs to the name."""


_LOCATING = frozenset({"at", "in", "near", "on", "outside", "off"})


def comma_before(token: Token) -> bool:
    """Whether what depends on a token starts after a comma or a dash."""
    edge = token.left_edge.i
    return edge > 0 and token.doc[edge - 1].text in COMMAS


def is_set_off(relative: Token) -> bool:
    """Whether a relative clause is set off by a comma: it tells more, it does not select."""
    pronoun = pronoun_of(relative)
    if comma_before(relative):
        return True
    return pronoun is not None and pronoun.i > 0 and relative.doc[pronoun.i - 1].text in COMMAS


def drop_commas(token: Token, kept: set[int]) -> None:
    """Take the commas around what depends on ``token`` out of ``kept``."""
    doc, before, after = token.doc, token.left_edge.i - 1, token.right_edge.i + 1
    closes = after < len(doc) and doc[after].text in COMMAS
    if before < 0 or doc[before].text in COMMAS:
        kept.discard(before)
        if closes:
            kept.discard(after)


def phrase(head: Token) -> Pieces:
    """The noun phrase of ``head`` without what hangs on it by commas, punctuation trimmed."""
    tokens: list[int] = []
    dropped: list[Token] = []
    stack = [head]
    while stack:
        token = stack.pop()
        tokens.append(token.i)
        for child in token.children:
            (dropped if _hangs(child, head) else stack).append(child)
    kept = set(tokens)
    for token in dropped:
        drop_commas(token, kept)
    return trimmed(head.doc, sorted(kept))


def trimmed(doc: Doc, tokens: list[int]) -> tuple[int, ...]:
    """Tokens without punctuation at either end."""
    start, end = 0, len(tokens)
    while start < end and doc[tokens[start]].is_punct:
        start += 1
    while start < end and doc[tokens[end - 1]].is_punct:
        end -= 1
    return tuple(tokens[start:end])


def _hangs(token: Token, head: Token) -> bool:
    comma = comma_before(token)
    if token.dep_ == "relcl":
        return is_set_off(token)
    if token.dep_ == "appos":
        return comma and not identifies(token)
    if token.dep_ == "acl" or (token.dep_ == "prep" and token.lower_ in ("including", "such")):
        return comma
    if token.dep_ == "amod":
        return comma and token.i > token.head.i
    linked = any(other.dep_ == "conj" for other in head.children)
    return token.dep_ in ("cc", "preconj") and token.head.i == head.i and not linked


def ends_in_name(doc: Doc, subject: Pieces) -> bool:
    """Whether a phrase ends in an apposition that a comma has to close ("the mayor, X,")."""
    tokens = [piece for piece in subject if isinstance(piece, int)]
    return any(
        doc[index].dep_ == "appos"
        and doc[index].right_edge.i == tokens[-1]
        and doc[index].left_edge.i - 1 in tokens
        for index in tokens
    )


def is_plural_phrase(doc: Doc, subject: Pieces) -> bool:
    """Whether the phrase takes a plural verb."""
    nouns = [
        doc[piece] for piece in subject if isinstance(piece, int) and doc[piece].pos_ in NOMINAL
    ]
    inside = set(subject)
    heads = [noun for noun in nouns if noun.dep_ in SUBJECTS]
    tops = [noun for noun in nouns if noun.head.i not in inside]
    best = next(iter(heads or tops or nouns), None)
    return best is not None and is_plural(best)


def lowered(pieces: Pieces) -> Pieces:
    """Pieces for the middle of a sentence."""
    first = pieces[0] if pieces else 0
    if isinstance(first, str) and first in ("The", "This"):
        return (first.lower(), *pieces[1:])
    return pieces


def substituted(place: Token, pronoun: Token, antecedent: Pieces) -> Pieces:
    """The subject ``place`` of a relative clause with what its pronoun stands for put in."""
    if place.i == pronoun.i:
        return antecedent
    pieces: list[Piece] = []
    if pronoun.tag_ == "WP$":
        own = {child.i for child in place.children if child.lower_ == "own"}
        rest = [piece for piece in phrase(place) if piece != pronoun.i and piece not in own]
        return ("The", *rest, "of", *lowered(antecedent))
    for piece in phrase(place):
        pieces += lowered(antecedent) if piece == pronoun.i else [piece]
    return tuple(pieces)


def lifted(noun: Token) -> Token:
    """The noun that a place only locates: what follows "the plant at Kiel," is about the plant."""
    while noun.head.head.pos_ in ("NOUN", "PROPN"):
        located = noun.ent_type_ in ("GPE", "LOC", "FAC") and noun.head.lower_ in _LOCATING
        # "a law to ban wells, passed in May": what the law is to do is no more than its name.
        provided = noun.dep_ == "dobj" and noun.head.tag_ == "VB"
        if not (located and noun.dep_ == "pobj") and not provided:
            break
        noun = noun.head.head
    return noun


def antecedent_of(relative: Token) -> Pieces:
    """What the pronoun of a relative clause after a comma stands for.

    The parser's choice, unless the verb's number or "who" speaks against it; then the nearest
    noun before the comma. A name right before the comma is preferred as the one who said something.
    """
    pronoun, nearest = pronoun_of(relative), noun_before(relative)
    choice = relative.head
    if choice.pos_ not in NOMINAL:
        choice = nearest or choice
    if pronoun is not None and pronoun.lower_ not in ("where", "who"):
        choice = lifted(choice)
    if pronoun is None or nearest is None or nearest.i == choice.i:
        return phrase(choice)
    own = own_subject(relative)
    is_subject = own is not None and own.i == pronoun.i
    plural = verb_number(relative) if is_subject else None
    fits = plural is None or is_plural(choice) == plural
    if pronoun.lower_ == "who" and choice.ent_type_ in ("DATE", "GPE", "LOC", "FAC"):
        fits = False
    speaks = (
        is_subject
        and nearest.ent_type_ in ("GPE", "ORG", "PERSON")
        and not choice.ent_type_
        and relative.lemma_ in words.REPORTING
    )
    if speaks or (not fits and plural in (None, is_plural(nearest))):
        choice = nearest
    return phrase(choice)


def anchor_of(apposition: Token) -> Token:
    """What an apposition tells more about: the parser's choice, or the name right before it."""
    anchor = apposition.head
    nearest = noun_before(apposition)
    if nearest is None or nearest.pos_ != "PROPN" or anchor.pos_ != "NOUN":
        return anchor
    return nearest if anchor.lower_.endswith(_OF_EVENTS) else anchor


def noun_before(token: Token) -> Token | None:
    """The head of the noun phrase that ends right before the comma before ``token``."""
    doc, index = token.doc, token.left_edge.i - 1
    while index >= 0 and doc[index].text in COMMAS:
        index -= 1
    if index < 0 or doc[index].pos_ not in NOMINAL:
        return None
    noun = doc[index]
    while noun.dep_ in ("compound", "nmod") and noun.head.i > noun.i:
        noun = noun.head
    return noun


def latter(verb: Token) -> Pieces | None:
    """What "the latter of which" (or "the former") before a verb stands for.

    The last of the co-ordinated nouns before it (or the one it is joined to), without its number:
    "three jets and two tankers, the latter of which are old" is about tankers.
    """
    own = own_subject(verb)
    if own is None or own.lower_ not in ("latter", "former") or pronoun_of(own) is None:
        return None
    for index in range(own.left_edge.i - 1, -1, -1):
        last = verb.doc[index]
        if last.dep_ != "conj" or last.pos_ not in NOMINAL:
            continue
        chosen = last if own.lower_ == "latter" else last.head
        return tuple(
            piece
            for piece in phrase(chosen)
            if isinstance(piece, int)
            and verb.doc[piece].pos_ not in ("NUM", "CCONJ")
            and piece <= chosen.i
        )
    return None


def is_loose(token: Token, head: Token) -> bool:
    """Whether a noun phrase after a comma comments on a clause and is no object of its verb."""
    most = token.dep_ == "advmod" and token.tag_ in ("DT", "JJS", "RBS")  # "the most since May"
    if not most and token.dep_ not in ("dobj", "attr", "npadvmod", "oprd", "appos", "dep"):
        return False
    if token.i < head.i or not comma_before(token):
        return False
    if not most and token.pos_ not in ("NOUN", "ADJ", "NUM"):
        return False
    opens = most or token.left_edge.pos_ in ("DET", "ADV", "NUM", "ADJ", "ADP")
    return opens and token.ent_type_ not in ("DATE", "TIME")


def is_frame(preposition: Token, head: Token) -> bool:
    """Whether "In a ..." at the head of a clause only frames it."""
    own = own_subject(head)
    if own is None or preposition.i > own.left_edge.i:
        return False
    if preposition.lower_ not in ("in", "as", "for", "by"):
        return False
    noun = next((child for child in preposition.children if child.dep_ == "pobj"), None)
    if noun is None or any(t.ent_type_ or t.pos_ in ("NUM", "PROPN") for t in preposition.subtree):
        return False
    indefinite = any(child.lower_ in ("a", "an", "another") for child in noun.children)
    return indefinite or noun.lemma_.lower() in words.FRAMES


def taken_up(sentence: ParsedSentence, noun: Token, tokens: Pieces) -> Pieces:
    """What a commenting noun stands for: the words just quoted, or "the move" itself."""
    before = noun.left_edge.i - 2
    if noun.lemma_.lower() in words.WORDING and before in sentence.quoted:
        first = before
        while first - 1 in sentence.quoted:
            first -= 1
        quoted = tuple(range(first, before + 1))
        if not any(sentence.doc[index].pos_ in ("VERB", "AUX") for index in quoted):
            return quoted
    kept = [
        piece
        for piece in tokens
        if isinstance(piece, int)
        and sentence.doc[piece].dep_ not in ("det", "poss", "predet")
        and sentence.doc[piece].lemma_.lower() not in words.EVALUATIVE
    ]
    return ("The", *kept)
