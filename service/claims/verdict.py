"""The verdict of a claim: rules over its evidence, the same for every engine.

Always *according to the stored statements*: any part refuted makes a claim refuted; statements in
force that disagree make it conflicting; a later statement by the same body supersedes an earlier
one; the same text counts once; a statement after the as-of date never decides; absence never
refutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from service.facts.names import words_of
from service.types import Evidence, Ruling, Stance, StatementRef, Verdict


def decide(
    evidence: Sequence[Evidence], as_of: date | None, proposed: Verdict | None = None
) -> Ruling:
    """Apply the rules.

    Args:
        evidence: a claim's evidence, best found first.
        as_of: statements dated later are shown but do not decide; None lets all decide.
        proposed: an engine's own verdict, lowered to not_enough_evidence where the evidence
            does not carry it.
    """
    marked = _in_force(evidence, as_of)
    deciding = [piece for piece in marked if piece.decides]
    verdict = _verdict(deciding)
    warnings = []
    if proposed is not None and proposed is not verdict:
        warnings.append(
            f"The engine proposed {proposed}, which its evidence does not carry ({verdict})."
        )
        verdict = Verdict.NOT_ENOUGH_EVIDENCE
    if verdict is Verdict.NOT_ENOUGH_EVIDENCE:
        marked = tuple(replace(piece, decides=False) for piece in marked)
        later = sorted(
            {piece.passage.statement.statement_id for piece in marked if piece.why.endswith(_LATER)}
        )
        if later:
            warnings.append(
                f"Statements dated after {as_of} speak to this claim and do not decide: "
                f"{', '.join(later)}."
            )
    return Ruling(verdict, _confidence(verdict, marked), marked, tuple(warnings))


_LATER = "after the as-of date"


def _in_force(evidence: Sequence[Evidence], as_of: date | None) -> tuple[Evidence, ...]:
    """Mark what decides, and say of everything else that speaks why it does not."""
    texts: dict[tuple[str, int, int], str] = {}
    marked: list[Evidence] = []
    for piece in evidence:
        statement = piece.passage.statement
        if piece.stance is Stance.NEUTRAL:
            marked.append(replace(piece, decides=False, why=""))
            continue
        if as_of is not None and statement.published is not None and statement.published > as_of:
            why = f"dated {statement.published}, {_LATER}"
            marked.append(replace(piece, decides=False, why=why))
            continue
        key = (statement.sha256, piece.start, piece.end)
        first = texts.setdefault(key, statement.statement_id)
        if first != statement.statement_id:
            why = f"the same text as {first}, counted once"
            marked.append(replace(piece, decides=False, why=why))
            continue
        marked.append(replace(piece, decides=True, why=f"{piece.stance} the claim"))
    return tuple(_superseded(piece, marked) for piece in marked)


def _superseded(piece: Evidence, marked: Sequence[Evidence]) -> Evidence:
    if not piece.decides:
        return piece
    for other in marked:
        if (
            other.decides
            and other.stance is not piece.stance
            and _later(other.passage.statement, piece.passage.statement)
        ):
            later = other.passage.statement
            why = f"superseded by {later.statement_id} of {later.published}, by the same body"
            return replace(piece, decides=False, why=why)
    return piece


def _later(one: StatementRef, other: StatementRef) -> bool:
    return (
        one.published is not None
        and other.published is not None
        and one.published > other.published
        and _same_body(one.issuer, other.issuer)
    )


def _same_body(one: str | None, other: str | None) -> bool:
    """Whether two issuers are one body: equal words, or one's are all among the other's."""
    if not one or not other:
        return False
    mine, theirs = words_of(one), words_of(other)
    return mine <= theirs or theirs <= mine


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


def _confidence(verdict: Verdict, evidence: Sequence[Evidence]) -> float:
    """How likely the verdict is right, from the calibrated probabilities of what decides.

    Where nothing decides it is the chance that none of the evidence speaks after all.
    """

    def surest(stance: Stance, pieces: Sequence[Evidence]) -> float:
        return max(
            (dict(piece.scores).get(stance, piece.probability * (piece.stance is stance))
             for piece in pieces),
            default=0.0,
        )  # fmt: skip

    deciding = [piece for piece in evidence if piece.decides]
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
            speaks = max(surest(Stance.SUPPORTS, evidence), surest(Stance.REFUTES, evidence))
            return 1.0 - speaks
