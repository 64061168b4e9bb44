"""What a note's page says beside the note itself."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import date

import pytest

from service.desk.reading import command, exhibits, findings_of, steps
from service.types import (
    Basis,
    Citation,
    Claim,
    ClaimState,
    Evidence,
    Finding,
    Kind,
    Note,
    Passage,
    Span,
    Stance,
    StatementRef,
    Verdict,
)

TEXT = "Nothing was new. Three ships sailed on Monday. The minister spoke of peace in Oslo."
STATEMENT = StatementRef(
    "S1", 1, "0" * 64, Kind.ORIGINAL, "Navy", "Ships", date(2025, 1, 2), "https://navy.example"
)
CLAIM = Claim("c", "Three ships' crews sailed; it's so.", Span(0, 5, "Three"))


def piece(start: int, end: int, stance: Stance, **given) -> Evidence:
    passage = Passage(f"p{start}", STATEMENT, start, end, TEXT[start:end])
    return Evidence(passage, stance, 0.8, start, end, **given)


def quoting(words: str) -> Finding:
    start = TEXT.index(words)
    return Finding("They sailed.", (Citation(STATEMENT, words, start, start + len(words)),))


def note(**changed) -> Note:
    plain = Note(
        claim=CLAIM,
        state=ClaimState.DRAFTED,
        verdict=Verdict.SUPPORTED,
        confidence=0.7,
        findings=(quoting("Three ships sailed on Monday."),),
        basis=Basis(CLAIM.text, "2 statements", 2, 3, 1, None, None, as_of=date(2025, 1, 9)),
        warnings=(),
        evidence=(
            piece(0, 16, Stance.NEUTRAL),
            piece(17, 46, Stance.SUPPORTS, decides=True, why="supports the claim"),
        ),
        engine="local",
        model="m",
        prompt_version="p",
        corpus_revision=1,
    )
    return replace(plain, **changed)


def stored(statement_id: str, version: int) -> str:
    assert (statement_id, version) == ("S1", 1)
    return TEXT


def marked(shown) -> list[str]:
    """The words that are marked as quoted, in an exhibit."""
    return [one.text for one in shown.segments if any(one.marks)]


def test_what_decides_comes_first_with_its_quote_marked() -> None:
    first, second = exhibits(note(), stored)
    assert first.piece is not None
    assert first.piece.decides
    assert marked(first) == ["Three ships sailed on Monday."]
    assert marked(second) == []
    assert (first.text, first.start) == (TEXT[17:46], 17)


def test_a_quote_that_no_evidence_holds_is_shown_where_it_stands() -> None:
    own = note(findings=(quoting("peace in Oslo"),))
    first, *others = exhibits(own, stored)
    assert first.piece is None
    assert marked(first) == ["peace in Oslo"]
    assert [marked(one) for one in others] == [[], []]


def test_citations_are_numbered_through_the_note() -> None:
    both = note(findings=(quoting("Three ships"), quoting("peace in Oslo")))
    assert [quote.number for found in findings_of(both) for quote in found.quotes] == [1, 2]


def test_the_steps_name_what_decides_and_what_does_not() -> None:
    against = piece(17, 46, Stance.REFUTES, why="superseded by S2 of 2025-02-01, by the same body")
    told = steps(note(evidence=(*note().evidence, against)))
    assert told[0] == "Searched: 2 statements."
    assert told[1] == (
        "Read 3 passages against the claim: 1 support it, 1 refute it, 1 say nothing of it."
    )
    assert told[2] == "Navy of 2025-01-02 supports the claim, and decides."
    assert told[3].startswith("Navy of 2025-01-02 refutes the claim, and does not decide: superse")
    assert told[-1].startswith("Confidence 70%")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_rule_that_was_used_is_said(verdict: Verdict) -> None:
    assert str(verdict).replace("_", " ") in steps(note(verdict=verdict))[-2]


def test_without_a_measure_no_confidence_is_claimed() -> None:
    assert "never measured" in steps(note(confidence=None))[-1]


def test_the_command_repeats_the_very_claim() -> None:
    words = shlex.split(command(note()))
    assert words[:2] == ["echo", CLAIM.text]
    assert words[-2:] == ["--as-of", "2025-01-09"]
