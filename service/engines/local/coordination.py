"""Splits co-ordinations whose parts can be checked apart: "three jets and two tankers".

Left whole: what is only true together ("Japan and France held talks", "between A and B"), what
"or" and "respectively" join, and parts that say too little alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from service.engines.local import word_classes as words
from service.engines.local.grammar import (
    NOMINAL,
    SUBJECTS,
    child_with,
    conjuncts,
    helpers,
    is_counted,
)

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

MAX_VARIANTS = 8
"""Most variants that the co-ordinations of one clause are split into."""

_MAX_PARTS = 6
_TOGETHER = frozenset({"between", "from", "of", "among"})


def variants(doc: Doc, head: Token, core: list[int]) -> list[list[int]]:
    """Return the tokens of a clause once for each part of it that can be checked apart.

    Args:
        doc: the parse.
        head: the clause's verb.
        core: the clause's tokens, in order.
    """
    found = [core]
    if any(doc[index].lower_ == "respectively" for index in core):
        return found
    for parts in _coordinations(doc, head, core):
        if not _apart(parts, head):
            continue
        split = [_only(doc, parts, number, v) for number in range(len(parts)) for v in found]
        if len(split) > MAX_VARIANTS:
            break
        found = split
    return [single for variant in found for single in _everything_from_to(doc, variant)]


def shared_auxiliaries(token: Token, head: Token, inherited: tuple[int, ...]) -> tuple[int, ...]:
    """The auxiliaries that a co-ordinated verb leaves to the first one ("was held and fined")."""
    if helpers(token):
        return ()
    first = [*helpers(head), *[head.doc[index] for index in inherited]]
    passive = any(helper.dep_ == "auxpass" for helper in first)
    perfect = any(helper.lemma_ == "have" for helper in first)
    bare = any(helper.tag_ == "MD" or helper.lemma_ == "do" for helper in first)
    bereft = token.lower_ in words.SAME_PAST and child_with(token, "dobj") is None
    fits = (
        token.tag_ == "VBN"
        or (passive and bereft)
        or (token.tag_ == "VBD" and perfect and not passive)
        or (token.tag_ == "VB" and bare)
        or (token.tag_ == "VBG" and head.tag_ == "VBG")
    )
    return tuple(sorted(helper.i for helper in first)) if fits else ()


def _coordinations(doc: Doc, head: Token, core: list[int]) -> Iterator[list[Token]]:
    inside = set(core)
    for index in core:
        first = doc[index]
        if index == head.i or first.dep_ == "conj":
            continue
        parts = conjuncts(first)
        if len(parts) > 1 and inside >= {part.i for part in parts}:
            yield parts
    # "reached 6 percent in May and 7 percent in June": the parser hangs the second on the verb.
    gapped = [child for child in head.children if child.dep_ == "conj" and child.pos_ in NOMINAL]
    objects = [child for child in head.children if child.dep_ in ("dobj", "attr")]
    if gapped and objects and gapped[0].i > objects[-1].i and gapped[0].i in inside:
        yield [objects[-1], *conjuncts(gapped[0])]
    # "9 millimetres in June and 14 millimetres in July": or on the date, which it is unlike.
    for date in (doc[index] for index in core if doc[index].ent_type_ == "DATE"):
        second = child_with(date, "conj")
        unlike = second is not None and second.i in inside and second.ent_type_ != "DATE"
        if second is not None and unlike and objects and is_counted(objects[-1]):
            yield [objects[-1], second]
    # "by 7 percent in Oslo and by 5 percent in Rome": likewise, with a preposition.
    links = [child.i for child in head.children if child.dep_ == "cc"]
    adpositions = [child for child in head.children if child.pos_ == "ADP" and child.i in inside]
    for first, second in pairwise(adpositions):
        linked = any(first.i < link < second.i for link in links)
        if linked and first.lower_ == second.lower_ and second.dep_ in ("prep", "conj"):
            yield [first, second]


def _only(doc: Doc, parts: list[Token], number: int, variant: list[int]) -> list[int]:
    """A variant with only one of the co-ordinated parts left in it."""
    left, right = parts[0].left_edge.i, _reach(parts)
    last = number + 1 == len(parts)
    start = left if number == 0 else parts[number].left_edge.i
    end = right if last else parts[number + 1].left_edge.i - 1
    while not last and end > start and doc[end].pos_ in ("CCONJ", "PUNCT"):
        end -= 1
    both = {child.i for child in parts[0].children if child.dep_ == "preconj"}
    return [
        index
        for index in variant
        if index not in both and (index < left or index > right or start <= index <= end)
    ]


def _reach(parts: list[Token]) -> int:
    """Where the last part ends, with its own date after it where the first has one too."""
    doc, right = parts[0].doc, parts[-1].right_edge.i
    dated = any(t.ent_type_ == "DATE" for t in doc[parts[0].i : parts[-1].left_edge.i])
    following = doc[right + 1] if right + 1 < len(doc) else None
    if not dated or following is None or following.dep_ != "prep":
        return int(right)
    own = any(child.ent_type_ == "DATE" for child in following.children)
    return int(following.right_edge.i if own else right)


def _apart(parts: list[Token], head: Token) -> bool:
    """Whether co-ordinated parts can be checked apart from one another."""
    first = parts[0]
    linked = {c.lower_ for part in parts for c in part.children if c.dep_ == "cc"}
    if linked & {"or", "nor", "but"} or len(parts) > _MAX_PARTS:
        return False
    if first.dep_ in ("prep", "advmod", "agent") and first.head.i == head.i:
        return all(
            part.pos_ in ("ADP", "ADV", "SCONJ")
            and any(child.dep_ in ("pobj", "prep") for child in part.children)
            for part in parts
        )
    holder = first.head if first.dep_ == "pobj" else first
    if holder.head.i != head.i or first.pos_ not in NOMINAL or head.lemma_ in words.COLLECTIVE:
        return False
    if holder.i != first.i and holder.lower_ in _TOGETHER:
        return False
    if any(c.lower_ in ("between", "from") and c.dep_ != "prep" for c in first.children):
        return False
    counted = all(is_counted(part) for part in parts)
    if counted or first.dep_ in SUBJECTS:
        return counted
    return first.dep_ == "dobj" and all(_says_enough(part) for part in parts)


def _says_enough(noun: Token) -> bool:
    """Whether a noun phrase has a determiner and something that tells it from others."""
    children = list(noun.children)
    determined = any(child.dep_ in ("det", "poss", "nummod") for child in children)
    told = any(child.dep_ in ("prep", "acl", "relcl") for child in children)
    return determined and (told or any(t.ent_type_ or t.pos_ == "NUM" for t in noun.subtree))


def _everything_from_to(doc: Doc, core: list[int]) -> list[list[int]]:
    """“Everything from A to B” names two things that can be checked apart."""
    for position, index in enumerate(core):
        if doc[index].lower_ not in ("everything", "anything", "all"):
            continue
        following = core[position + 1 :]
        if following and doc[following[0]].lower_ == "ranging":
            following = following[1:]
        to = next((i for i in following if doc[i].lower_ == "to"), None)
        if to is None or doc[following[0]].lower_ != "from":
            continue
        parts = [[i for i in following[1:] if i < to], [i for i in following if i > to]]
        if all(parts):
            return [core[:position] + part for part in parts]
    return [core]
