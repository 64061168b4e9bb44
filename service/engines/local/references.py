"""What pronouns in claims stand for, and the words of the submission that introduced a thing.

A pronoun is replaced only where number and kind leave one clear choice: the subject of the clause
around it, the only fitting noun before it, or the subject of the sentence before. Otherwise the
claim is left out, as is one that only points at what stands before it ("that was denied") or leaves
its verb to be understood ("two others did"). A possessive or "this step" stays, and the claim
carries the sentence that explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.engines.local import word_classes as words
from service.engines.local.checkworthiness import NAMES
from service.engines.local.clauses import Proposition
from service.engines.local.grammar import (
    NOMINAL,
    VERBAL,
    child_with,
    conjuncts,
    extraposed,
    is_bare,
    is_expletive,
    is_plural,
    main_verb,
    own_subject,
    subtree,
)
from service.engines.local.parsed_sentence import ParsedSentence, Piece, Pieces
from service.engines.local.phrases import phrase

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span, Token

MAX_CONTEXT = 300
"""Characters of context a claim carries at most."""

_MAX_MENTION = 80
_PERSONAL = {"he": "he", "she": "he", "it": "it", "they": "they"}
_POSSESSIVE = {"his": "he", "her": "he", "its": "it", "their": "they"}
_POINTING = frozenset({"this", "that", "these", "those", "such"})
_OBJECTS = {"him": "he", "her": "he", "it": "it", "them": "they"} | _PERSONAL
_ELLIPTIC = frozenset({"both", "neither", "either", "each", "all", "none", "another"})
_ARGUMENTS = frozenset({"nsubj", "nsubjpass", "dobj", "dative", "pobj", "attr"})


@dataclass(frozen=True)
class Mention:
    """Something a sentence is about: its words, and what pronoun fits it."""

    text: str
    pronoun: str
    speaks: bool = False
    possessor: Mention | None = None


@dataclass(frozen=True)
class Read:
    """A sentence with its propositions and what it is about."""

    sentence: ParsedSentence
    propositions: tuple[Proposition, ...]
    subject: Mention | None
    people: tuple[str, ...]
    speakers: tuple[Mention, ...] = ()

    @property
    def summary(self) -> str:
        """The sentence, or its main assertion where the sentence is too long for a context."""
        sentence = self.sentence
        whole = " ".join(sentence.text[sentence.start : sentence.end].split())
        if len(whole) <= MAX_CONTEXT:
            return whole
        for proposition in self.propositions:
            if proposition.kind in ("main", "reported", "act"):
                text = sentence.words(proposition.pieces).strip(" ,;")
                if len(text) <= MAX_CONTEXT:
                    return text[:1].upper() + text[1:]
        return whole[:MAX_CONTEXT].rsplit(" ", 1)[0]


def read(sentence: ParsedSentence, found: Sequence[Proposition], previous: Read | None) -> Read:
    """Note what a sentence is about, its pronoun subject taken from the sentence before."""
    people = tuple(
        dict.fromkeys(
            _with_title(entity) for entity in sentence.doc.ents if entity.label_ == "PERSON"
        )
    )
    mentions = [
        _mention(sentence, token) for token in sentence.doc if token.dep_ in ("nsubj", "nsubjpass")
    ]
    speakers = tuple(mention for mention in mentions if mention is not None and mention.speaks)
    own = _theme(sentence)
    subject = _mention(sentence, own) if own is not None else None
    if own is not None and own.lower_ in _PERSONAL:
        subject = _before(_PERSONAL[own.lower_], previous)
    return Read(sentence, tuple(found), subject, people, speakers)


def _theme(sentence: ParsedSentence) -> Token | None:
    """The subject of a sentence, of the clause that it announces where it is an empty "it"."""
    root = next((token for token in sentence.doc if token.head.i == token.i), None)
    if root is None:
        return None
    verb = main_verb(root)
    own = own_subject(verb) if verb.i == root.i else root
    clause = extraposed(own) if own is not None else None
    return own_subject(clause) if clause is not None else own


def _with_title(entity: Span) -> str:
    before = sentence_start = entity.start
    if before and entity.doc[before - 1].text.rstrip(".") in words.TITLES:
        before -= 1
    return str(entity.doc[before : entity.end].text if before < sentence_start else entity.text)


def resolved_speaker(speaker: Pieces, sentence: ParsedSentence, previous: Read | None) -> Pieces:
    """Replace a speaker who is only a pronoun by the one meant in the sentence before."""
    first = speaker[0] if speaker else ""
    if len(speaker) != 1 or not isinstance(first, int) or previous is None:
        return resolved(speaker, speaker, (), sentence, previous)[0]
    pronoun = _PERSONAL.get(sentence.doc[first].lower_)
    if pronoun is None:
        return speaker
    fitting = {m.text for m in previous.speakers if m.pronoun == pronoun}
    mention = _before(pronoun, previous)
    if mention is not None and (mention.speaks or pronoun == "he"):
        return (mention.text,)
    return (fitting.pop(),) if len(fitting) == 1 else speaker


def resolved(
    pieces: Pieces, subject: Pieces, scope: Pieces, sentence: ParsedSentence, previous: Read | None
) -> tuple[Pieces, bool]:
    """Replace the pronoun that a claim's subject is or starts with.

    Args:
        pieces: the words of the claim (or of a speaker).
        subject: its subject.
        scope: the subject of the clause around it.
        sentence: the sentence they come from.
        previous: the sentence before.

    Returns:
        The words, and whether nothing in the subject is left unexplained.
    """
    first = next((piece for piece in subject if isinstance(piece, int)), None)
    if first is None or subject[0] != first:
        return pieces, True
    token = sentence.doc[first]
    if is_expletive(token):
        return pieces, True
    alone = token.tag_ == "PRP" and len(subject) == 1 and token.lower_ in _PERSONAL
    possessive = token.tag_ == "PRP$" and token.lower_ in _POSSESSIVE
    if not alone and not possessive:
        return pieces, token.tag_ not in ("PRP", "PRP$", "DT") or token.lower_ not in {
            *_PERSONAL, *_POSSESSIVE, *_POINTING,
        }  # fmt: skip
    pronoun = (_PERSONAL if alone else _POSSESSIVE)[token.lower_]
    found = _around(pronoun, token, scope, sentence)
    if found is None and not _fitting(pronoun, token, sentence):
        mention = _before(pronoun, previous, possessive=possessive)
        found = (mention.text,) if mention is not None else None
    if found is None or first not in pieces:
        return pieces, False
    place = pieces.index(first)
    replacement: list[Piece] = list(found)
    if place and isinstance(replacement[0], str):
        replacement[0] = _inwards(replacement[0])
    if possessive:
        replacement.append("’" if sentence.words(found).endswith("s") else "’s")
    return (*pieces[:place], *replacement, *pieces[place + 1 :]), True


def settled(
    proposition: Proposition,
    pieces: Pieces,
    explained: bool,
    sentence: ParsedSentence,
    previous: Read | None,
) -> Pieces | None:
    """Replace the pronouns behind a claim's subject; None where the claim cannot stand alone.

    Args:
        proposition: the claim's proposition.
        pieces: its words, the pronoun of its subject replaced where it could be.
        explained: whether nothing in the subject was left unexplained.
        sentence: the sentence they come from.
        previous: the sentence before.
    """
    doc = sentence.doc
    verb, subject = doc[proposition.verb], proposition.subject
    if verb.pos_ in VERBAL and verb.i in pieces and is_bare(verb):
        return None
    first = doc[subject[0]] if subject and isinstance(subject[0], int) else None
    if first is not None and len(subject) == 1 and first.lower_ in _ELLIPTIC:
        return None
    if first is not None and not explained and first.lower_ in {**_PERSONAL, **_POSSESSIVE}:
        return None
    for piece in pieces:
        if not isinstance(piece, int):
            continue
        token = doc[piece]
        if _points(token):
            return None
        pronoun = _OBJECTS.get(token.lower_) if token.tag_ == "PRP" else None
        if pronoun is None or is_expletive(token) or _inside(pronoun, token, proposition, doc):
            continue
        found = _named(pronoun, token, proposition, sentence, previous)
        if found is None:
            return None
        place = pieces.index(piece)
        pieces = (*pieces[:place], found, *pieces[place + 1 :])
    return pieces


def _inwards(text: str) -> str:
    """Words that open a sentence, for the middle of one."""
    opening, _, rest = text.partition(" ")
    pointing = opening.lower() in {"the", *_POINTING}
    return f"{opening.lower()} {rest}".strip() if pointing else text


def _points(token: Token) -> bool:
    """Whether a demonstrative stands for something before: nothing of its own explains it."""
    if token.lower_ not in ("this", "that", "these", "those") or token.tag_ in ("WDT", "IN", "RB"):
        return False
    own = child_with(token, "prep", "relcl", "acl", "amod")
    return token.dep_ in _ARGUMENTS and own is None


def _inside(pronoun: str, token: Token, proposition: Proposition, doc: Doc) -> bool:
    """Whether a claim names what a pronoun in it stands for."""
    holder = _governor(token)
    subject = {piece for piece in proposition.subject if isinstance(piece, int)}
    for piece in proposition.pieces:
        if not isinstance(piece, int) or piece == token.i:
            continue
        noun = doc[piece]
        if noun.i in subject and noun.lower_ in _PERSONAL:
            fits = _PERSONAL[noun.lower_] == pronoun
        else:
            fits = noun.pos_ in ("NOUN", "PROPN") and _pronoun_for(noun) == pronoun
        before = noun.i < token.i or noun.i in subject
        beside = noun.i in subject and holder.i == proposition.verb
        if fits and before and not beside and not _beside(noun, holder):
            return noun.dep_ in _ARGUMENTS and token.i not in subtree(noun)
    return False


def _governor(token: Token) -> Token:
    """The verb whose subject or object a token is or belongs to."""
    while token.pos_ not in VERBAL and token.head.i != token.i:
        token = token.head
    return token


def _beside(noun: Token, verb: Token) -> bool:
    """Whether a noun is the subject of a verb, which the verb's object pronouns cannot mean."""
    own = own_subject(verb)
    return own is not None and noun.i in subtree(own)


def _named(
    pronoun: str,
    token: Token,
    proposition: Proposition,
    sentence: ParsedSentence,
    previous: Read | None,
) -> str | None:
    """The only thing before a pronoun that it can stand for, named for the middle of a claim."""
    holder = _governor(token)
    subject = proposition.subject if holder.i == proposition.verb else ()
    rivals = [
        noun
        for noun in _fitting(pronoun, token, sentence)
        if noun.i not in subject and not _beside(noun, holder)
    ]
    where = sentence
    if not rivals and previous is not None and pronoun != "it":
        # An "it" behind the verb often means all that was said before: "it was overturned".
        where = previous.sentence
        rivals = _nouns(pronoun, where)
    mention = _mention(where, rivals[0]) if len(rivals) == 1 else None
    if mention is None:
        return None
    if where.doc[phrase(rivals[0])[0]].pos_ == "NUM":
        return "the " + mention.text
    return _inwards(mention.text)


def context_of(proposition: Proposition, explained: bool, index: int, reads: Sequence[Read]) -> str:
    """The words of the submission that say what a claim is about, "" when it says so itself.

    Args:
        proposition: the claim's proposition.
        explained: whether its pronouns were replaced.
        index: which of ``reads`` it comes from.
        reads: the sentences known so far, the text's first ones before the others.
    """
    current = reads[index]
    doc = current.sentence.doc
    if proposition.pieces[0] in ("The", "This"):
        return current.summary
    tokens = [doc[piece] for piece in proposition.pieces if isinstance(piece, int)]
    inside = {token.i for token in tokens}
    if not explained:
        opens = tokens[0].i <= min(t.i for t in doc if t.pos_ in ("PRON", "DET", "NOUN", "PROPN"))
        return reads[index - 1].summary if opens and index else current.summary
    for token in tokens:
        if token.dep_ not in _ARGUMENTS or token.pos_ != "NOUN" or token.ent_type_:
            continue
        marks = {child.lower_ for child in token.children if child.i < token.i}
        named = any(
            doc[piece].ent_type_ in NAMES
            for piece in phrase(token)
            if isinstance(piece, int) and piece in inside
        )
        if marks & _POINTING and not named:
            return _introduced(token, index, reads) or (reads[index - 1].summary if index else "")
        if "the" in marks and not named:
            lead = reads[0].summary if index else ""
            return _introduced(token, index, reads) or lead
    pronouns = {"they", "them", "their", "it", "its", "he", "him", "his", "she", "her", "either"}
    left = [
        token
        for token in tokens
        if token.lower_ in pronouns and token.i != proposition.subject[0]
        if not is_expletive(token)
    ]
    return current.summary if left and not _own_pronouns(proposition, left) else ""


def _own_pronouns(proposition: Proposition, pronouns: Sequence[Token]) -> bool:
    """Whether the claim's possessives go back to its own subject ("cut its forecast")."""
    subject = {piece for piece in proposition.subject if isinstance(piece, int)}
    if any(token.i in subject for token in pronouns) or proposition.source is not None:
        return False
    doc = pronouns[0].doc
    inside = [doc[piece] for piece in sorted(subject) if doc[piece].pos_ in NOMINAL]
    heads = [noun for noun in inside if noun.head.i not in subject]
    if not heads:
        return False
    fitting = _pronoun_for(heads[0])
    return all({**_PERSONAL, **_POSSESSIVE}.get(t.lower_) == fitting for t in pronouns)


def _introduced(noun: Token, index: int, reads: Sequence[Read]) -> str:
    """The first sentence before that brings the same noun in, not by "the" or "this"."""
    for earlier in reads[:index]:
        for token in earlier.sentence.doc:
            if token.lemma_ == noun.lemma_ and token.pos_ in NOMINAL:
                marks = {
                    child.lower_ for child in token.children if child.dep_ in ("det", "predet")
                }
                if not marks & {"the", *_POINTING}:
                    return earlier.summary
    return ""


def _around(pronoun: str, token: Token, scope: Pieces, sentence: ParsedSentence) -> Pieces | None:
    """What a pronoun stands for inside its own sentence."""
    doc = sentence.doc
    rivals = [
        noun
        for noun in _fitting(pronoun, token, sentence)
        if noun.i not in scope
        and not (noun.dep_ == "pobj" and noun.lemma_ in words.FRAMES)
        and not (noun.dep_ == "dobj" and noun.head.lemma_ == "tell")
    ]
    heads = [
        doc[piece]
        for piece in scope
        if isinstance(piece, int) and doc[piece].pos_ in NOMINAL and doc[piece].head.i not in scope
    ]
    if heads and heads[0].tag_ != "PRP" and _pronoun_for(heads[0]) == pronoun:
        return None if rivals else scope
    return phrase(rivals[0]) if len(rivals) == 1 else None


def _fitting(pronoun: str, token: Token, sentence: ParsedSentence) -> list[Token]:
    """Nouns before a pronoun in its sentence that it could stand for."""
    before = [noun for noun in _nouns(pronoun, sentence) if noun.i < token.i]
    return [noun for noun in before if token.i not in subtree(noun)]


def _nouns(pronoun: str, sentence: ParsedSentence) -> list[Token]:
    """Nouns of a sentence that a pronoun could stand for."""
    return [
        noun
        for noun in sentence.doc
        if noun.dep_ in _ARGUMENTS
        and noun.pos_ in ("NOUN", "PROPN")
        and noun.ent_type_ not in ("DATE", "TIME", "MONEY", "PERCENT")
        and _pronoun_for(noun) == pronoun
    ]


def _before(pronoun: str, previous: Read | None, *, possessive: bool = False) -> Mention | None:
    """What a pronoun stands for in the sentence before."""
    if previous is None:
        return None
    subject = previous.subject
    if possessive and subject is not None and subject.possessor is not None:
        # "The union's office moved. Its revenue ...": what goes on is the owner.
        return subject.possessor if subject.possessor.pronoun == pronoun else None
    if subject is not None and subject.pronoun == pronoun:
        return subject
    if pronoun == "he" and len(previous.people) == 1:
        return Mention(previous.people[0], "he", speaks=True)
    return None


def _mention(sentence: ParsedSentence, noun: Token) -> Mention | None:
    if noun.pos_ not in NOMINAL or noun.tag_ in ("PRP", "DT", "WDT", "WP", "EX"):
        return None
    tokens = phrase(noun)
    text = sentence.words(tokens)
    if not text or len(text) > _MAX_MENTION:
        return None
    opening, _, rest = text.partition(" ")
    if opening in ("A", "An", "a", "an"):
        text = "The " + rest
    elif sentence.doc[tokens[0]].pos_ == "DET":
        text = text[:1].upper() + text[1:]
    owner = next((child for child in noun.children if child.dep_ == "poss"), None)
    possessor = _mention(sentence, owner) if owner is not None and owner.tag_ != "PRP$" else None
    if possessor is not None:
        bare = possessor.text.removesuffix("’s").removesuffix("'s").removesuffix("’")
        possessor = Mention(bare.strip(), possessor.pronoun)
    return Mention(text, _pronoun_for(noun), _speaks(noun), possessor)


def _speaks(noun: Token) -> bool:
    lemma = noun.lemma_.lower()
    known = lemma in words.PERSONS or lemma in words.OFFICIALS or noun.lower_ in words.VAGUE_PEOPLE
    return known or noun.ent_type_ in ("ORG", "PERSON")


def _pronoun_for(noun: Token) -> str:
    if is_plural(noun) and noun.ent_type_ not in ("GPE", "PERSON"):
        return "they"
    if len(conjuncts(noun)) > 1 and is_plural(noun):
        return "they"
    titled = any(child.text.rstrip(".") in words.TITLES for child in noun.children)
    if noun.ent_type_ == "PERSON" and noun.pos_ == "PROPN" and not noun.text.isupper():
        return "he"
    return "he" if titled or noun.lemma_.lower() in words.PERSONS else "it"
