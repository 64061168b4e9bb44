"""How much a claim is worth checking: specific, measurable, public matters first.

A logistic score over features that a person can read off a claim. The weights were chosen by hand
and then adjusted on development halves of public data and on news texts of our own, as
docs/quality.md reports; none looks at what a claim is about.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from service.engines.local import word_classes as words
from service.engines.local.grammar import child_with, has_figure, helpers, is_past

if TYPE_CHECKING:
    from spacy.tokens import Token

THRESHOLD = 0.28
"""Below this a proposition yields no claim."""

WEIGHTS = {
    "bias": -0.6,
    "number": 0.9,
    "measure": 0.5,
    "date": 0.6,
    "name": 0.5,
    "official": 0.4,
    "act": 0.6,
    "past": 0.5,
    "superlative": 0.7,
    "official_source": 0.4,
    "vague_source": -0.3,
    "guess": -1.5,
    "evaluative": -0.8,
    "intensifying": -0.5,
    "abstract": -1.0,
    "reaction": -3.0,
    "future": -0.6,
    "personal": -0.8,
    "vague_subject": -1.0,
    "pronoun_subject": -0.4,
    "it_is": -1.2,
    "described": -1.8,
    "unmarked": -0.2,
    "short": -1.2,
}
"""What each feature adds to the log-odds. Counts are capped (see ``features``)."""

_MEASURES = frozenset({"PERCENT", "MONEY", "QUANTITY"})
NAMES = frozenset(
    {"ORG", "GPE", "PERSON", "NORP", "LOC", "FAC", "EVENT", "LAW", "PRODUCT", "WORK_OF_ART"}
)
_PERSONAL = frozenset({"i", "we", "you", "our", "my", "your", "us", "me", "ourselves"})


def score(
    tokens: Sequence[Token],
    verb: Token,
    *,
    subject: Sequence[Token] = (),
    kind: str = "main",
    speaker: Sequence[Token] | None = None,
    cue: str = "",
) -> float:
    """Return the check-worthiness of a claim, 0 to 1.

    Args:
        tokens: the claim's tokens.
        verb: its main verb (or the noun that stands for one).
        subject: the tokens of its subject.
        kind: the construction it was found in.
        speaker: who is said to say it, None when the text itself does.
        cue: the lemma of the verb that attributes it.
    """
    found = features(tokens, verb, subject=subject, kind=kind, speaker=speaker, cue=cue)
    total = WEIGHTS["bias"] + sum(WEIGHTS[name] * value for name, value in found.items())
    return 1 / (1 + math.exp(-total))


def features(
    tokens: Sequence[Token],
    verb: Token,
    *,
    subject: Sequence[Token] = (),
    kind: str = "main",
    speaker: Sequence[Token] | None = None,
    cue: str = "",
) -> dict[str, float]:
    """Return the features of a claim by name, each from 0 to 3; arguments as in ``score``."""
    lemmas = {token.lemma_.lower() for token in tokens}
    entities = {token.ent_type_ for token in tokens}
    names = _names(tokens)
    numbers = sum(
        token.pos_ == "NUM" and token.lower_ != "one" and token.ent_type_ not in ("DATE", "TIME")
        for token in tokens
    )
    superlative = any(t.tag_ in ("JJS", "RBS") or t.ent_type_ == "ORDINAL" for t in tokens)
    complement = child_with(verb, "attr", "acomp") if verb.lemma_ == "be" else None
    judged = complement is not None and _judges(complement)
    found: dict[str, float] = {
        "number": min(numbers, 2),
        "measure": bool(entities & _MEASURES),
        "date": bool(entities & {"DATE", "TIME"}),
        "name": min(names, 3),
        "official": bool(lemmas & words.OFFICIALS),
        "act": verb.lemma_ in words.ACTS or kind == "presupposed",
        "past": is_past(verb) or _is_perfect(verb) or kind in ("presupposed", "participle"),
        "superlative": superlative,
        "evaluative": min(sum(_is_evaluative(token) for token in tokens) + 2 * judged, 3),
        "intensifying": min(sum(token.lower_ in words.INTENSIFYING for token in tokens), 2),
        "abstract": verb.lemma_ in words.ABSTRACT_VERBS
        or any(c.lemma_ in words.ABSTRACT_VERBS for c in verb.children if c.dep_ == "xcomp"),
        "reaction": _stirs(verb, subject),
        "future": any(h.lower_ in words.FUTURE_MODALS for h in helpers(verb)),
        "personal": any(token.lower_ in _PERSONAL for token in tokens) and speaker is None,
        "vague_subject": _is_vague(subject),
        "pronoun_subject": bool(subject) and all(t.pos_ in ("PRON", "DET") for t in subject),
        "it_is": bool(subject)
        and subject[0].lower_ in ("it", "this", "that", "there")
        and len(subject) == 1
        and verb.lemma_ in ("be", "remain")
        and not has_figure(tokens),
        "described": kind == "described",
        "unmarked": not (
            superlative or names or numbers or entities & {"DATE", "TIME", "PERCENT", "MONEY"}
        ),
        "short": len(tokens) < 4,
    }
    if speaker is not None:
        official = _is_official(speaker)
        found["official_source"] = official
        found["vague_source"] = not official and _is_vague(speaker)
        found["guess"] = found["vague_source"] and cue in words.GUESSING
    return {name: float(value) for name, value in found.items()}


def _stirs(verb: Token, subject: Sequence[Token]) -> bool:
    """Whether something, not somebody, is said to have stirred feelings ("raised questions")."""
    thing = child_with(verb, "dobj")
    if thing is None:
        return False
    inner = [thing, *[t for t in thing.subtree if t.dep_ == "pobj" and t.head.head.i == thing.i]]
    felt = any(token.lemma_.lower() in words.REACTIONS for token in inner)
    if felt and verb.lemma_ in words.STIRRING | {"leave"}:
        return True
    somebody = _is_official(subject) or any(t.lemma_.lower() in words.PERSONS for t in subject)
    counted = any(token.pos_ in ("NUM", "PROPN") for token in thing.subtree)
    idle = any(token.lower_ in words.VAGUE_PEOPLE for token in verb.subtree)
    return verb.lemma_ in words.STIRRING and idle and not (somebody or counted)


def _names(tokens: Sequence[Token]) -> int:
    """How many names there are: entities, and runs of proper nouns that are none."""
    count = 0
    before = False
    for token in tokens:
        named = token.ent_type_ in NAMES or (token.pos_ == "PROPN" and not token.ent_type_)
        count += named and not before
        before = named
    return count


def _is_evaluative(token: Token) -> bool:
    return token.pos_ in ("ADJ", "ADV", "VERB") and token.lower_ in words.EVALUATIVE


def _judges(complement: Token) -> bool:
    counted = any(token.pos_ in ("NUM", "PROPN") for token in complement.subtree)
    if complement.lemma_.lower() in words.EVALUATIVE_NOUNS and not counted:
        return True
    return complement.lower_ in words.EVALUATIVE or any(
        child.lower_ in words.EVALUATIVE for child in complement.children
    )


def _is_perfect(verb: Token) -> bool:
    return any(helper.lemma_ == "have" for helper in helpers(verb))


def _is_vague(people: Iterable[Token]) -> bool:
    """Whether somebody is named by no name ("critics", "some analysts")."""
    listed = list(people)
    named = any(token.ent_type_ in NAMES or token.pos_ in ("PROPN", "NUM") for token in listed)
    return not named and any(
        token.lemma_.lower() in words.VAGUE_PEOPLE or token.lower_ in words.VAGUE_PEOPLE
        for token in listed
    )


def _is_official(speaker: Iterable[Token]) -> bool:
    return any(
        token.lemma_.lower() in words.OFFICIALS or token.ent_type_ in ("ORG", "GPE", "PERSON")
        for token in speaker
    )
