"""Findings: what we write ourselves of deciding evidence, and what an engine proposes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from exercise import EXERCISE

from service.notes.findings import MAX_FINDINGS, from_drafts, from_evidence, gated
from service.types import DraftFinding, Finding, Kind, Mismatch, MismatchKind, Quote, Stance

CLAIM = "Four B-52 bombers flew."
FLIGHT = "two U.S. Air Force B-52 bombers, three F-35A and four F-15 fighters"


@pytest.mark.parametrize(
    ("kind", "opening"),
    [
        (Kind.ORIGINAL, "Joint Staff, Ministry of Defense, Japan, 11 December 2025: “No airspace"),
        (
            Kind.TRANSLATION,
            "Joint Staff, Ministry of Defense, Japan, 11 December 2025, in translation: “No",
        ),
        (
            Kind.DIGEST,
            "Joint Staff, Ministry of Defense, Japan, 11 December 2025, in our digest: No airspace",
        ),
    ],
)
def test_a_finding_says_who_spoke_when_and_whose_words_it_shows(stored, kind, opening) -> None:
    piece = stored.evidence(stored.put(EXERCISE, kind=kind), "No airspace was violated.")
    (finding,) = from_evidence([piece], CLAIM, stored)
    assert finding.text.startswith(opening)


def test_a_finding_on_a_statement_without_issuer_or_date_says_neither(stored) -> None:
    statement = stored.put(EXERCISE, issuer=None, published=None, title=None)
    (finding,) = from_evidence([stored.evidence(statement, FLIGHT)], CLAIM, stored)
    assert finding.text.startswith("An unnamed issuer: “The Joint Staff announced")
    assert gated([finding], CLAIM, stored) == ((finding,), ())


def test_only_what_decides_is_found(stored) -> None:
    piece = replace(stored.evidence(stored.put(EXERCISE)), decides=False)
    assert from_evidence([piece], CLAIM, stored) == ()


def test_a_quote_is_whole_sentences_around_the_deciding_words(stored) -> None:
    (finding,) = from_evidence([stored.evidence(stored.put(EXERCISE), FLIGHT)], CLAIM, stored)
    quote = finding.citations[0].quote
    assert quote.startswith("The Joint Staff announced")
    assert quote.endswith("10 December 2025.")
    assert quote == EXERCISE[finding.citations[0].start : finding.citations[0].end]


def test_a_sentence_that_says_too_little_is_quoted_with_its_neighbour(stored) -> None:
    statement = stored.put("It fell. That was the largest fall of the index since March 2020.")
    (finding,) = from_evidence([stored.evidence(statement, "It fell.")], CLAIM, stored)
    assert finding.citations[0].quote == stored("S1", 1)
    assert gated([finding], CLAIM, stored)[1] == ()


def test_a_long_quote_ends_with_a_sentence(stored) -> None:
    text = " ".join(
        f"Sentence number {n} of the statement is about the exercise." for n in range(40)
    )
    (finding,) = from_evidence([stored.evidence(stored.put(text))], CLAIM, stored)
    quote = finding.citations[0].quote
    assert len(quote) <= 600
    assert quote.endswith(".")
    assert gated([finding], CLAIM, stored)[1] == ()


def test_the_surest_comes_first_and_both_sides_are_heard(stored) -> None:
    pieces = []
    for number in range(MAX_FINDINGS + 2):
        statement = stored.put(f"{EXERCISE} It was day {number} there.", statement_id=f"S{number}")
        pieces.append(
            stored.evidence(statement, FLIGHT, Stance.SUPPORTS, probability=0.9 - number / 100)
        )
    other = stored.put(EXERCISE, statement_id="R")
    pieces.append(stored.evidence(other, FLIGHT, Stance.REFUTES, probability=0.5))
    found = from_evidence(pieces, CLAIM, stored)
    ids = [finding.citations[0].statement.statement_id for finding in found]
    assert len(ids) == MAX_FINDINGS
    assert ids[0] == "S0"
    assert "R" in ids


def test_two_pieces_of_one_sentence_make_one_finding(stored) -> None:
    piece = stored.evidence(stored.put(EXERCISE), FLIGHT)
    assert len(from_evidence([piece, piece], CLAIM, stored)) == 1


@pytest.mark.parametrize(
    "mismatch",
    [
        Mismatch(MismatchKind.NUMBER, "five B-52", FLIGHT),
        Mismatch(MismatchKind.NUMBER, "four B-52", "six B-52"),
        Mismatch(MismatchKind.NUMBER, "four B-52", FLIGHT, decisive=False),
        Mismatch(MismatchKind.NUMBER, "four B-52", "EUR 90 billion"),
        Mismatch(MismatchKind.NUMBER, "“", FLIGHT),
    ],
)
def test_a_difference_that_cannot_be_shown_is_left_out_and_the_finding_kept(
    stored, mismatch
) -> None:
    piece = stored.evidence(stored.put(EXERCISE), FLIGHT, mismatches=(mismatch,))
    (finding,) = from_evidence([piece], CLAIM, stored)
    assert "differs" not in finding.text
    assert gated([finding], CLAIM, stored)[1] == ()


def test_a_difference_is_told_where_both_sides_words_stand(stored) -> None:
    mismatch = Mismatch(MismatchKind.NUMBER, "four B-52", "two U.S. Air Force B-52 bombers")
    piece = stored.evidence(stored.put(EXERCISE), FLIGHT, mismatches=(mismatch,))
    (finding,) = from_evidence([piece], CLAIM, stored)
    assert finding.text.endswith(
        " Here the claim differs: the claim says “four B-52”, the statement has two U.S. Air Force "
        "B-52 bombers."
    )


# What an engine proposes.


def propose(stored, *quotes: tuple[str, str], text: str = "Two B-52 bombers flew."):
    passage = stored.evidence(stored.put(f"Before. {EXERCISE} After two ships sank.")).passage
    passage = replace(passage, start=8, end=8 + len(EXERCISE), text=EXERCISE, id="P1")
    draft = DraftFinding(text, tuple(Quote(*quote) for quote in quotes))
    return from_drafts([draft], [passage], stored)


def test_code_finds_where_a_proposed_quote_stands_and_cites_what_stands_there(stored) -> None:
    words = FLIGHT.replace(" B-52", "\n  B-52")
    (finding,), dropped = propose(stored, ("P1", words))
    citation = finding.citations[0]
    assert citation.quote == FLIGHT
    assert stored("S1", 1)[citation.start : citation.end] == FLIGHT
    assert dropped == ()


@pytest.mark.parametrize(
    ("quotes", "reason"),
    [
        ((), "cites nothing"),
        ((("P1", "Eleven bombers of the Joint Staff flew"),), "does not stand in S1"),
        (
            (
                ("P1", FLIGHT),
                ("P1", "Eleven bombers flew there"),
            ),
            "does not stand in S1",
        ),
        ((("P9", FLIGHT),), "which it was not given"),
        ((("P1", "After two ships sank."),), "does not stand in S1"),
        ((("P1", ""),), "does not stand in S1"),
        ((("P1", FLIGHT.replace("two", "six")),), "does not stand in S1"),
    ],
)
def test_a_proposal_with_a_quote_that_stands_nowhere_is_dropped_with_the_reason(
    stored, quotes, reason
) -> None:
    kept, ((text, why),) = propose(stored, *quotes)
    assert kept == ()
    assert text == "Two B-52 bombers flew."
    assert reason in why


def test_the_gate_keeps_what_passes_and_says_why_the_rest_does_not(stored) -> None:
    statement = stored.put(EXERCISE)
    good = Finding("Two B-52 bombers flew.", (stored.cite(statement, FLIGHT),))
    bad = replace(good, text="Nine B-52 bombers sank.")
    kept, dropped = gated([bad, good], CLAIM, stored)
    assert kept == (good,)
    assert dropped[0][0] == bad.text
    assert "Nine B-52 bombers" in dropped[0][1]
