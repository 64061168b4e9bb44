"""``python -m eval.training.near_copies OUT``: pairs whose claims nearly copy the passage.

The written pairs are made so that word overlap tells nothing, and a model trained on them alone
comes to think that whoever keeps the words has changed the sense. So every training passage is also
read by the embedded engine's extraction. The claims that it takes out of the passage are supported
by it, word for word; with one thing changed (a number, a name, a word's opposite, a "not") they are
refuted; and without their sentence the rest of the passage does not settle them.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from eval.training.pairs import Pair, read_pairs
from service.engines.local.extract import extract_claims
from service.facts.compare import content_lemmas, held_in
from service.facts.lexicon import OPPOSITE
from service.facts.names import Name, is_named, names_in
from service.facts.polarity import is_negated
from service.kit.sentences import sentences
from service.kit.text import normalise, sha256_hex
from service.models.parser import parse
from service.types import Stance, Submission, Window

SEED = 0
_NUMBER = re.compile(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?![\w-]|[.,]\d)")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_LISTED = re.compile(r"\W*(?:,|and|or|&)(?:\W+\w+){0,3}\W*")
_MOST = 3
"""Claims taken from one passage."""
_HELD = 0.8
"""Share of a claim's words from which a sentence may be where it was taken from."""

Change = Callable[[str, str, random.Random], str | None]


def near_copies(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Pairs made of the passages of pairs: claims taken from them, and those with a change."""
    rng = random.Random(SEED)  # noqa: S311  an order, not a secret
    passages = list(dict.fromkeys(pair.passage for pair in pairs))
    changes = [_other_number, _number_beside, _name_beside, _opposite_word(passages), _denied]
    for passage in passages:
        text = normalise(passage)
        submission = Submission(text, sha256_hex(text))
        claims = [one.text for one in extract_claims(Window(submission, 0, len(text)))]
        rng.shuffle(claims)
        for claim in claims[:_MOST]:
            yield Pair(passage, claim, Stance.SUPPORTS)
            for change in rng.sample(changes, len(changes)):
                changed = change(claim, passage, rng)
                if changed is not None:
                    yield Pair(passage, changed, Stance.REFUTES)
                    break
        for claim in claims[:1]:
            rest = _without_its_sentence(claim, passage)
            if rest:
                yield Pair(rest, claim, Stance.NEUTRAL)


def _other_number(claim: str, passage: str, rng: random.Random) -> str | None:
    """The claim with one of its numbers changed to one that the passage does not have."""
    numbers = list(_NUMBER.finditer(claim))
    if not numbers:
        return None
    chosen = rng.choice(numbers)
    digits = [place for place, letter in enumerate(chosen.group()) if letter.isdigit()]
    for _ in range(20):
        place = rng.choice(digits[:2])
        digit = rng.choice("123456789")
        other = f"{chosen.group()[:place]}{digit}{chosen.group()[place + 1 :]}"
        if other not in passage:
            return _put(claim, chosen.start(), chosen.end(), other)
    return None


def _number_beside(claim: str, passage: str, rng: random.Random) -> str | None:
    """The claim with a number that the passage gives for something else; years for years."""
    mine = [match.group() for match in _NUMBER.finditer(claim)]
    pairs = [
        (match, other)
        for match in _NUMBER.finditer(claim)
        for other in dict.fromkeys(_NUMBER.findall(passage))
        if other not in mine
        and bool(_YEAR.fullmatch(other)) == bool(_YEAR.fullmatch(match.group()))
        and ("." in other) == ("." in match.group())
    ]
    if not pairs:
        return None
    match, other = rng.choice(pairs)
    return _put(claim, match.start(), match.end(), other)


def _name_beside(claim: str, passage: str, rng: random.Random) -> str | None:
    """The claim with another name of the passage, unless both stand in one list there."""
    pairs = [
        (name, other)
        for name in names_in(claim)
        for other in names_in(passage)
        if other.kind == name.kind
        and not is_named(other, claim)
        and not is_named(name, other.text)
        and not _listed(name, other, passage)
    ]
    if not pairs:
        return None
    name, other = rng.choice(pairs)
    return _put(claim, name.start, name.end, other.text)


def _listed(name: Name, other: Name, passage: str) -> bool:
    """Whether two names stand in one list of the passage."""
    places = [match.span() for match in re.finditer(re.escape(name.text), passage)]
    between = [
        passage[end : other.start] if end <= other.start else passage[other.end : start]
        for start, end in places
    ]
    return not places or any(_LISTED.fullmatch(words) for words in between)


def _opposite_word(passages: Sequence[str]) -> Change:
    """The claim with a word of opposite meaning, in a form that some passage has."""
    forms: dict[tuple[str, str], str] = {}
    for passage in passages:
        for token in parse(passage):
            forms.setdefault((token.lemma_.lower(), token.tag_), token.text.lower())

    def changed(claim: str, passage: str, rng: random.Random) -> str | None:
        found = [
            (token, form)
            for token in parse(claim)
            for other in sorted(OPPOSITE.get(token.lemma_.lower(), ()))
            if (form := forms.get((other, token.tag_))) and form not in passage.lower()
        ]
        if not found:
            return None
        token, form = rng.choice(found)
        return _put(claim, token.idx, token.idx + len(token), form)

    return changed


def _denied(claim: str, passage: str, rng: random.Random) -> str | None:
    """The claim with a "not" after its first auxiliary; none of a claim that denies already."""
    if is_negated(claim):
        return None
    for token in parse(claim):
        if token.dep_ in {"aux", "auxpass"} and token.head.dep_ == "ROOT" and token.tag_ != "TO":
            return _put(claim, token.idx + len(token), token.idx + len(token), " not")
    return None


def _without_its_sentence(claim: str, passage: str) -> str | None:
    """The passage without the sentence that a claim was taken from, where only one can be it."""
    words = content_lemmas(claim)
    parts = [passage[start:end] for start, end in sentences(passage)]
    held = [sum(held_in(word, part) for word in words) / max(1, len(words)) for part in parts]
    holding = [place for place, share in enumerate(held) if share >= _HELD]
    if len(parts) < 2 or len(holding) != 1:
        return None
    return " ".join(part for place, part in enumerate(parts) if place != holding[0])


def _put(text: str, start: int, end: int, words: str) -> str:
    changed = f"{text[:start]}{words}{text[end:]}"
    return f"{changed[:1].upper()}{changed[1:]}"


def main() -> None:
    """Write the pairs as JSON lines."""
    training, _ = read_pairs()
    with Path(sys.argv[1]).open("w", encoding="utf-8") as out:
        for pair in near_copies(training):
            out.write(json.dumps(asdict(pair), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
