"""The verdict of a claim: rules over its evidence, the same for every engine.

Always *according to the stored statements*: any part refuted makes a claim refuted; statements in
force that disagree make it conflicting; a later statement by the same body supersedes an earlier
one; the same text counts once; a statement after the as-of date never decides; absence never
refutes. The order of the evidence makes no difference.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from service.facts.lexicon import POLITY
from service.types import (
    NEEDS_ATTENTION,
    Evidence,
    Reliability,
    Ruling,
    Stance,
    StatementRef,
    Verdict,
)

_LATER = "after the as-of date"
_OFFICES = frozenset(
    """the of and for in on to a an s minister ministers ministry ministries secretary secretaries
    department departments office chief deputy vice permanent acting mr mrs ms dr sir general
    spokesman spokeswoman spokesperson""".split()
)
"""Words that tell who speaks for a body, not which body it is."""
_UNIONS = frozenset({"eu", "un", "nato", "g7", "g20", "who", "imf"})
_COUNTRY_WORDS = frozenset(
    word
    for name, polity in POLITY.items()
    if polity not in _UNIONS
    for word in re.findall(r"\w+", name)
)


def decide(
    evidence: Sequence[Evidence],
    as_of: date | None,
    proposed: Verdict | None = None,
    reliability: Reliability | None = None,
) -> Ruling:
    """Apply the rules.

    Args:
        evidence: a claim's evidence, best found first.
        as_of: statements dated later are shown but do not decide; None lets all decide.
        proposed: an engine's own verdict; where it is not the one that the evidence carries, the
            verdict is not_enough_evidence.
        reliability: how often the engine's verdicts are right; without it the confidence is that
            of the evidence.
    """
    marked = _in_force(evidence, as_of)
    verdict = _verdict([piece for piece in marked if piece.decides])
    warnings = _warnings(marked, as_of)
    if proposed is not None and proposed is not verdict:
        warnings.insert(
            0,
            f"{NEEDS_ATTENTION}the engine proposed {proposed}, which its evidence does not carry "
            f"({verdict}).",
        )
        verdict = Verdict.NOT_ENOUGH_EVIDENCE
        why = f", but the engine's own verdict is {proposed}"
        marked = tuple(
            replace(piece, decides=False, why=piece.why + why) if piece.decides else piece
            for piece in marked
        )
    confidence = _confidence(verdict, marked)
    if reliability is not None and confidence is not None:
        decided = verdict is not Verdict.NOT_ENOUGH_EVIDENCE
        confidence = (reliability.decided if decided else reliability.undecided).of(confidence)
    return Ruling(verdict, confidence, marked, tuple(warnings))


def _in_force(evidence: Sequence[Evidence], as_of: date | None) -> tuple[Evidence, ...]:
    """Mark what decides, and say of everything else that speaks why it does not."""
    speaking = [
        piece
        for piece in evidence
        if piece.stance is not Stance.NEUTRAL and not is_later(piece.passage.statement, as_of)
    ]
    marked = []
    for piece in evidence:
        statement = piece.passage.statement
        why = ""
        if piece.stance is not Stance.NEUTRAL:
            why = (
                f"dated {statement.published}, {_LATER}"
                if is_later(statement, as_of)
                else _counted_elsewhere(piece, speaking)
            )
        decides = piece.stance is not Stance.NEUTRAL and not why
        marked.append(
            replace(piece, decides=decides, why=f"{piece.stance} the claim" if decides else why)
        )
    return tuple(_unless_superseded(piece, marked) for piece in marked)


def is_later(statement: StatementRef, as_of: date | None) -> bool:
    """Whether a statement is dated after the as-of date, so that it cannot decide."""
    return as_of is not None and statement.published is not None and statement.published > as_of


def _counted_elsewhere(piece: Evidence, speaking: Sequence[Evidence]) -> str:
    """Why a piece is left out for another one of the same words, if it is."""
    same = [other for other in speaking if _words(other) == _words(piece)]
    if any(other.stance is not piece.stance for other in same):
        return "the same words under two addresses were read in both ways"
    first = min((other.passage.statement for other in same), key=_age)
    if first.statement_id == piece.passage.statement.statement_id:
        return ""
    return f"the same text as {first.statement_id}, counted once"


def _words(piece: Evidence) -> tuple[str, int, int]:
    return piece.passage.statement.sha256, piece.start, piece.end


def _age(statement: StatementRef) -> tuple[date, str]:
    return statement.published or date.max, statement.statement_id


def _unless_superseded(piece: Evidence, marked: Sequence[Evidence]) -> Evidence:
    if not piece.decides:
        return piece
    mine = piece.passage.statement
    for theirs in sorted((other.passage.statement for other in _against(piece, marked)), key=_age):
        if _supersedes(theirs, mine):
            why = f"superseded by {theirs.statement_id} of {theirs.published}, by the same body"
            return replace(piece, decides=False, why=why)
    return piece


def _against(piece: Evidence, marked: Sequence[Evidence]) -> list[Evidence]:
    return [other for other in marked if other.decides and other.stance is not piece.stance]


def _supersedes(one: StatementRef, other: StatementRef) -> bool:
    return (
        one.published is not None
        and other.published is not None
        and one.published > other.published
        and _same_body(one.issuer, other.issuer)
    )


def _same_body(one: str | None, other: str | None) -> bool:
    """Whether two issuers are one body: equal words, or one is part of the other.

    Who speaks for it makes no difference ("Minister of Defense", "Ministry of Defense"), nor what
    stands in brackets. A country alone is not the body of everybody in it.
    """
    mine, theirs = _body(one), _body(other)
    if mine == theirs:
        return bool(mine)
    return any(
        part < whole and not part <= _COUNTRY_WORDS
        for part, whole in ((mine, theirs), (theirs, mine))
    )


def _body(issuer: str | None) -> frozenset[str]:
    words = re.findall(r"\w+", re.sub(r"\([^)]*\)", " ", issuer or "").lower())
    return frozenset(word.replace("defence", "defense") for word in words) - _OFFICES


def _verdict(deciding: Sequence[Evidence]) -> Verdict:
    refuting = {_statement(piece) for piece in deciding if piece.stance is Stance.REFUTES}
    supporting = {_statement(piece) for piece in deciding if piece.stance is Stance.SUPPORTS}
    if refuting and supporting - refuting:
        return Verdict.CONFLICTING
    if refuting:
        return Verdict.REFUTED
    return Verdict.SUPPORTED if supporting else Verdict.NOT_ENOUGH_EVIDENCE


def _statement(piece: Evidence) -> tuple[str, int]:
    return piece.passage.statement.statement_id, piece.passage.statement.version


def _warnings(marked: Sequence[Evidence], as_of: date | None) -> list[str]:
    later = sorted(
        {piece.passage.statement.statement_id for piece in marked if piece.why.endswith(_LATER)}
    )
    undated = sorted(
        {
            piece.passage.statement.statement_id
            for piece in marked
            if piece.decides and piece.passage.statement.published is None
        }
    )
    found = []
    if not marked:
        found.append("Nothing is stored that this claim could be checked against.")
    if later:
        found.append(
            f"Statements dated after {as_of} speak to this claim and do not decide: "
            f"{', '.join(later)}."
        )
    if undated:
        found.append(f"No date is known of what decides: {', '.join(undated)}.")
    return found


def _confidence(verdict: Verdict, evidence: Sequence[Evidence]) -> float | None:
    """How sure the evidence makes the verdict, from the calibrated probabilities of what decides.

    Where nothing decides it is the chance that none of the evidence that might, speaks after all.
    None where the engine gave no probabilities for what counts here.
    """

    def surest(stance: Stance, pieces: Sequence[Evidence]) -> float:
        return max((_probability(piece, stance) for piece in pieces), default=0.0)

    deciding = [piece for piece in evidence if piece.decides]
    might = [piece for piece in evidence if not piece.why.endswith(_LATER)]
    if any(piece.probability is None for piece in deciding or might):
        return None
    supports = surest(Stance.SUPPORTS, [p for p in deciding if p.stance is Stance.SUPPORTS])
    refutes = surest(Stance.REFUTES, [p for p in deciding if p.stance is Stance.REFUTES])
    match verdict:
        case Verdict.SUPPORTED:
            return supports
        case Verdict.REFUTED:
            return refutes
        case Verdict.CONFLICTING:
            return min(supports, refutes)
        case Verdict.NOT_ENOUGH_EVIDENCE:
            return 1.0 - max(surest(Stance.SUPPORTS, might), surest(Stance.REFUTES, might))


def _probability(piece: Evidence, stance: Stance) -> float:
    own = (piece.probability or 0.0) if piece.stance is stance else 0.0
    return dict(piece.scores).get(stance, own)
