"""Assessment by a language model: what it is shown of a claim, and what its answer means.

The model names passages by number and gives quotes as words. Code finds them, holds the facts of
claim and passage against each other, and puts the stance model's opinion beside the model's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from service.engines.openai.answers import ClaimAssessed, FindingGiven, PassageRead
from service.engines.openai.marks import Marks
from service.facts.compare import compare
from service.facts.quoting import locate
from service.types import (
    Assessment,
    Claim,
    DraftFinding,
    Mismatch,
    MismatchKind,
    Opinion,
    Passage,
    Quote,
    Stance,
    StatementRef,
)

_SURE_RIVAL = 0.6
"""Strength from which something else stands in the place of a claim's fact, not just near it."""
_NUMBER_OF_NONE = "[{}]"
_MOST_FINDINGS, _MOST_QUOTES, _MOST_CHARACTERS = 6, 6, 1000
"""What is looked at of an answer, whatever it brings."""
_MOST_QUOTED = 2000
"""Characters of a quote; a passage has about 600."""
_NOT_STATED = "nothing of it"


def values_to_assess(claim: Claim, passages: Sequence[Passage], marks: Marks) -> dict[str, str]:
    """The variables of the prompt ``assess``."""
    told = [_line(claim.text)]
    told += [f"said by {_line(claim.speaker)}"] if claim.speaker else []
    told += [f"said on {claim.claim_date}"] if claim.claim_date else []
    return marks.enclose({"claim": "\n".join(told), "passages": listed(passages)})


def values_to_revise(
    claim: Claim, passages: Sequence[Passage], refused: Sequence[tuple[str, str]], marks: Marks
) -> dict[str, str]:
    """The variables of the prompt ``revise``; ``refused``: texts of findings, with the reason."""
    told = "\n".join(f"- {_line(text)} — refused: {_line(reason)}" for text, reason in refused)
    return marks.enclose(
        {"claim": _line(claim.text), "refused": told, "passages": listed(passages)}
    )


def listed(passages: Sequence[Passage]) -> str:
    """Passages with their numbers, each on one line that begins so that it cannot fake another."""
    return "\n".join(
        f"[{number}] {_source(passage.statement)}\n> {_line(passage.text)}"
        for number, passage in enumerate(passages, start=1)
    )


def _source(statement: StatementRef) -> str:
    parts = [
        statement.issuer or "issuer not known",
        statement.published.isoformat() if statement.published else "undated",
        statement.kind.value,
    ]
    return _line(" · ".join(parts))


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def assessment_of(answer: ClaimAssessed, claim: Claim, passages: tuple[Passage, ...]) -> Assessment:
    """What a model's answer means, without what it cost and without a second opinion."""
    findings = findings_of(answer.findings, passages)
    stances = _stances(answer.evidence, len(passages))
    quoted = {quote.passage_id: quote.text for found in findings for quote in found.quotes}
    opinions = tuple(
        _opinion(claim, passage, stances.get(number), quoted.get(passage.id))
        for number, passage in enumerate(passages, start=1)
    )
    return Assessment(opinions, verdict=answer.ruled, findings=findings)


def findings_of(
    given: Iterable[FindingGiven], passages: Sequence[Passage]
) -> tuple[DraftFinding, ...]:
    """A model's findings with the passages that they name; the citation gate comes later."""
    return tuple(
        DraftFinding(
            _line(found.text)[:_MOST_CHARACTERS],
            tuple(
                Quote(
                    passages[quote.passage - 1].id
                    if 0 < quote.passage <= len(passages)
                    else _NUMBER_OF_NONE.format(quote.passage),
                    quote.quote if len(quote.quote) <= _MOST_QUOTED else "",
                )
                for quote in found.quotes[:_MOST_QUOTES]
            ),
        )
        for found in islice(given, _MOST_FINDINGS)
    )


def _stances(read: Iterable[PassageRead], passages: int) -> dict[int, Stance]:
    """A stance for every passage that the model says speaks; what it calls both says nothing."""
    stances: dict[int, Stance] = {}
    for one in read:
        if 0 < one.passage <= passages:
            stance = Stance(one.stance)
            both = stances.get(one.passage, stance) is not stance
            stances[one.passage] = Stance.NEUTRAL if both else stance
    return stances


def _opinion(claim: Claim, passage: Passage, stance: Stance | None, quote: str | None) -> Opinion:
    stance = stance or Stance.NEUTRAL
    place = locate(quote, passage.text) if quote else None
    start, end = place or (0, len(passage.text))
    return Opinion(
        passage_id=passage.id,
        stance=stance,
        probability=None,
        start=passage.start + start,
        end=passage.start + end,
        mismatches=_mismatches(claim, passage, stance),
    )


def _mismatches(claim: Claim, passage: Passage, stance: Stance) -> tuple[Mismatch, ...]:
    """What the passage has in the place of the claim's facts, found by code.

    Where the model says that it supports the claim, also the facts that it does not state.
    """
    if stance is Stance.NEUTRAL:
        return ()
    statement = passage.statement
    about = ". ".join(part for part in (statement.issuer, statement.title) if part)
    found = compare(claim.text, passage.text, context=about, published=statement.published)
    told = []
    for item in found.absent:
        if item.rivals and item.rivals[0].strength >= _SURE_RIVAL:
            told.append(Mismatch(item.kind, item.text, item.rivals[0].text))
        elif stance is Stance.SUPPORTS and item.kind is not MismatchKind.WORDING:
            told.append(Mismatch(item.kind, item.text, _NOT_STATED, decisive=False))
    return tuple(told)
