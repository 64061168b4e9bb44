"""A note: its verdict stands on findings that passed the gate, or it says not_enough_evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from exercise import EXERCISE

from service.claims.verdict import decide
from service.notes.draft import Provenance, draft, failed
from service.statements.repository import Coverage
from service.types import (
    Assessment,
    Attribution,
    Claim,
    ClaimState,
    DraftFinding,
    Kind,
    Mismatch,
    MismatchKind,
    Note,
    Quote,
    Span,
    Stance,
    Verdict,
)

AS_OF = date(2025, 12, 12)
TEXT = "Four B-52 bombers flew over the Sea of Japan."
CLAIM = Claim("c1", TEXT, Span(0, len(TEXT), TEXT))
COVERAGE = Coverage(3, 40, 2, date(1960, 1, 19), date(2025, 12, 11), 1)
MADE_BY = Provenance("scripted", "none", "0", 7)
FLIGHT = "two U.S. Air Force B-52 bombers, three F-35A and four F-15 fighters"
S, R, N = Stance.SUPPORTS, Stance.REFUTES, Stance.NEUTRAL


def note_on(stored, evidence, findings=None, claim=CLAIM, proposed=None) -> Note:
    ruling = decide(evidence, AS_OF, proposed)
    assessment = Assessment((), proposed, findings)
    return draft(claim, ruling, assessment, COVERAGE, stored, MADE_BY, AS_OF)


def proposal(piece, text: str, *quotes: str) -> DraftFinding:
    return DraftFinding(text, tuple(Quote(piece.passage.id, quote) for quote in quotes))


def test_a_note_on_deciding_evidence_cites_it(stored) -> None:
    note = note_on(stored, [stored.evidence(stored.put(EXERCISE), FLIGHT)])
    assert (note.state, note.verdict, note.confidence) == (ClaimState.DRAFTED, Verdict.REFUTED, 0.9)
    assert note.findings[0].citations[0].statement.statement_id == "S1"
    assert note.basis.nearest == ()
    assert (note.engine, note.model, note.prompt_version, note.corpus_revision) == (
        "scripted", "none", "0", 7,
    )  # fmt: skip


def test_where_nothing_decides_nothing_is_found_and_the_nearest_are_named(stored) -> None:
    pieces = [
        stored.evidence(stored.put(f"{EXERCISE} {n}", statement_id=f"S{n}"), FLIGHT, N)
        for n in (1, 1, 2, 3, 4)
    ]
    note = note_on(stored, pieces)
    assert note.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert note.findings == ()
    assert [near.statement.statement_id for near in note.basis.nearest] == ["S1", "S2", "S3"]


def test_the_basis_is_codes_own_and_says_what_was_searched(stored) -> None:
    basis = note_on(stored, []).basis
    assert basis.claim == TEXT
    assert basis.searched == (
        "3 statements (40 passages) of 2 issuers, dated 1960-01-19 to 2025-12-11, deciding as of "
        "2025-12-12, 1 in other languages not searched"
    )


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Two B-52 bombers flew.", "Eleven B-52 bombers of the Joint Staff flew"),
        ("Nine B-52 bombers flew.", FLIGHT),
        ("Two B-52 bombers flew.", "bombers"),
        ("Three F-35B fighters flew.", FLIGHT),
        ("Vladimir Putin ordered it.", FLIGHT),
        ("Reports are untrue: “Japan sank the ship itself”.", FLIGHT),
    ],
)
def test_a_verdict_whose_only_finding_is_refused_becomes_not_enough_evidence(
    stored, text, quote
) -> None:
    piece = stored.evidence(stored.put(EXERCISE), FLIGHT)
    note = note_on(stored, [piece], (proposal(piece, text, quote),), proposed=Verdict.REFUTED)
    assert note.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert note.findings == ()
    assert any(warning.startswith("needs_attention") for warning in note.warnings)
    assert note.dropped[0][0] == text
    assert not any(one.decides for one in note.evidence)
    assert note.confidence == pytest.approx(0.1)
    assert note.basis.nearest


def test_a_refused_finding_beside_a_good_one_is_dropped_and_the_verdict_stands(stored) -> None:
    piece = stored.evidence(stored.put(EXERCISE), FLIGHT)
    proposed = (
        proposal(piece, "Nine B-52 bombers flew.", FLIGHT),
        proposal(piece, "Two B-52 bombers flew.", FLIGHT),
    )
    note = note_on(stored, [piece], proposed, proposed=Verdict.REFUTED)
    assert note.verdict is Verdict.REFUTED
    assert [finding.text for finding in note.findings] == ["Two B-52 bombers flew."]
    assert [text for text, _ in note.dropped] == ["Nine B-52 bombers flew."]


def test_a_finding_on_a_passage_that_does_not_decide_carries_no_verdict(stored) -> None:
    deciding = stored.evidence(stored.put(EXERCISE), FLIGHT)
    beside = stored.evidence(stored.put(EXERCISE + " Again.", statement_id="S2"), FLIGHT, N)
    proposed = (proposal(beside, "Two B-52 bombers flew.", FLIGHT),)
    note = note_on(stored, [deciding, beside], proposed, proposed=Verdict.REFUTED)
    assert note.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert note.findings == ()
    assert "does not carry" in note.dropped[0][1]


def test_a_conflict_needs_a_finding_for_each_side(stored) -> None:
    one = stored.evidence(stored.put(EXERCISE), FLIGHT, S)
    other = stored.evidence(
        stored.put(EXERCISE + " Again.", statement_id="S2", issuer="Council of the EU"), FLIGHT, R
    )
    good = [proposal(piece, "Two B-52 bombers flew.", FLIGHT) for piece in (one, other)]
    both = note_on(stored, [one, other], tuple(good), proposed=Verdict.CONFLICTING)
    assert both.verdict is Verdict.CONFLICTING
    alone = note_on(stored, [one, other], tuple(good[:1]), proposed=Verdict.CONFLICTING)
    assert alone.verdict is Verdict.NOT_ENOUGH_EVIDENCE


def test_findings_without_a_verdict_are_kept_for_the_reviewer_and_not_shown(stored) -> None:
    piece = stored.evidence(stored.put(EXERCISE), FLIGHT, N)
    proposed = (proposal(piece, "Two B-52 bombers flew.", FLIGHT),)
    note = note_on(stored, [piece], proposed, proposed=Verdict.NOT_ENOUGH_EVIDENCE)
    assert note.findings == ()
    assert note.dropped == (("Two B-52 bombers flew.", "nothing decides the claim"),)


def test_a_verdict_against_its_own_evidence_is_lowered(stored) -> None:
    piece = stored.evidence(stored.put(EXERCISE), FLIGHT, R)
    proposed = (proposal(piece, "Two B-52 bombers flew.", FLIGHT),)
    note = note_on(stored, [piece], proposed, proposed=Verdict.SUPPORTED)
    assert note.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert note.findings == ()


def test_a_reviewer_is_told_where_only_digests_decide(stored) -> None:
    note = note_on(stored, [stored.evidence(stored.put(EXERCISE, kind=Kind.DIGEST), FLIGHT)])
    assert any("Only digests decide" in warning for warning in note.warnings)
    note = note_on(stored, [stored.evidence(stored.put(EXERCISE), FLIGHT)])
    assert not any("digest" in warning for warning in note.warnings)


@pytest.mark.parametrize(
    ("cross_check", "told"), [(S, True), (R, False), (N, False), (None, False)]
)
def test_a_reviewer_is_told_where_the_stance_model_reads_the_opposite(
    stored, cross_check, told
) -> None:
    piece = stored.evidence(stored.put(EXERCISE), FLIGHT, R, cross_check=cross_check)
    note = note_on(stored, [piece])
    assert any("other way" in warning for warning in note.warnings) is told


def test_a_reviewer_is_told_of_other_wording_and_of_who_did_not_speak(stored) -> None:
    mismatch = Mismatch(MismatchKind.WORDING, "retaliatory", "response", decisive=False)
    piece = stored.evidence(stored.put(EXERCISE), FLIGHT, mismatches=(mismatch,))
    span = Span(0, 4, TEXT[:4])
    claim = replace(CLAIM, attribution=Attribution("the Bank of England", "said", span))
    note = note_on(stored, [piece], claim=claim)
    assert any("the claim has retaliatory, S1 has response" in told for told in note.warnings)
    assert any("the Bank of England" in told for told in note.warnings)


def test_a_failed_claim_keeps_its_reason_and_has_no_verdict() -> None:
    note = failed(CLAIM, "the model did not answer", MADE_BY)
    assert (note.state, note.error) == (ClaimState.FAILED, "the model did not answer")
    assert (note.verdict, note.confidence, note.findings, note.basis) == (None, None, (), None)
