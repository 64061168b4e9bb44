"""Notes as lines of JSON and as a table: what stands in a text acts on neither."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date

import pytest
from exercise import EXERCISE
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from service.claims.verdict import decide
from service.notes.draft import Provenance, draft, failed
from service.notes.jsonl import to_line
from service.notes.table import print_notes
from service.statements.repository import Coverage
from service.types import (
    Assessment,
    Attribution,
    Claim,
    ClaimLink,
    Kind,
    Mismatch,
    MismatchKind,
    Note,
    Span,
    Stance,
    Verdict,
)

MADE_BY = Provenance("scripted", "none", "0", 7)
COVERAGE = Coverage(1, 1, 1, None, None, 0)
HOSTILE = "[red]x[/red] [/] [link=http://a]b[/link] \x1b[31mred\x1b[0m \x9b2J \u202egnp :smile:"


def claim_of(text: str, speaker: str | None = None) -> Claim:
    span = Span(0, len(text), text)
    return Claim("c1", text, span, Attribution(speaker, "said", span) if speaker else None)


def note_of(stored, text="Four B-52 bombers flew.", stance=Stance.REFUTES, **about) -> Note:
    words = "two U.S. Air Force B-52 bombers"
    mismatch = Mismatch(MismatchKind.NUMBER, "four B-52", words)
    piece = stored.evidence(stored.put(EXERCISE, **about), words, stance, mismatches=(mismatch,))
    ruling = decide([piece], date(2025, 12, 12))
    return draft(claim_of(text), ruling, Assessment(()), COVERAGE, stored, MADE_BY, None)


def printed(*notes: Note, title: str = "Title", width: int = 120, terminal: bool = False) -> str:
    stream = io.StringIO()
    print_notes(notes, title, Console(file=stream, width=width, force_terminal=terminal))
    return stream.getvalue()


def test_a_line_has_the_contracts_keys_and_its_values(stored) -> None:
    line = json.loads(to_line(note_of(stored)))
    contract = {
        "claim_id", "claim", "speaker", "claim_date", "source", "state", "error", "verdict",
        "confidence", "note", "basis", "warnings", "evidence", "engine", "model", "prompt_version",
        "corpus_revision", "usage",
    }  # fmt: skip
    added = {"context", "score", "dropped", "links", "reused_from"}
    assert set(line) == contract | added
    assert set(line["source"]) == {"start", "end", "text"}
    assert set(line["usage"]) == {
        "calls",
        "prompt_tokens",
        "completion_tokens",
        "cost",
        "seconds",
    }
    assert set(line["note"][0]) == {"text", "citations"}
    assert set(line["note"][0]["citations"][0]) == {
        "statement_id", "version", "sha256", "kind", "issuer", "title", "published", "url",
        "quote", "start", "end",
    }  # fmt: skip
    assert {"searched", "nearest"} <= set(line["basis"])
    assert {
        "statement_id", "version", "start", "end", "passage", "stance", "probability",
        "mismatches", "decides",
    } <= set(line["evidence"][0])  # fmt: skip
    assert line["verdict"] == "refuted"
    assert line["note"][0]["citations"][0]["published"] == "2025-12-11"


def test_a_failed_claims_line_has_the_same_keys(stored) -> None:
    drafted = json.loads(to_line(note_of(stored)))
    broken = json.loads(to_line(failed(claim_of("Four flew."), "no answer", MADE_BY)))
    assert set(broken) == set(drafted)
    assert (broken["state"], broken["verdict"], broken["note"]) == ("failed", None, [])


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_any_text_makes_one_line_that_reads_back_as_it_was(text) -> None:
    note = failed(claim_of(text, speaker=text), text, MADE_BY)
    line = to_line(note)
    assert line.splitlines() == [line]
    assert line.encode()
    assert json.loads(line)["claim"] == text


@pytest.mark.parametrize(
    "character", ["\x1b", "\x9b", "\x7f", "\u2028", "\u0085", "\u202e", "\u2066", "\ud800", "\x00"]
)
def test_characters_that_act_are_escaped_in_a_line(character) -> None:
    note = failed(claim_of(f"a{character}b"), "x", MADE_BY)
    assert character not in to_line(note)
    assert json.loads(to_line(note))["claim"] == f"a{character}b"


def test_a_link_to_a_fact_check_is_part_of_the_line(stored) -> None:
    link = ClaimLink("fact_check", "x", 0.8, checked_by="Desk", checked_on=date(2024, 1, 2))
    line = json.loads(to_line(replace(note_of(stored), links=(link,))))
    assert line["links"][0]["checked_by"] == "Desk"
    assert line["links"][0]["checked_on"] == "2024-01-02"


def test_the_table_shows_claim_verdict_quote_and_where_it_stands(stored) -> None:
    shown = " ".join(printed(note_of(stored), width=400).split())
    for part in ("Four B-52 bombers flew.", "refuted", "90% sure", "S1 v1", "2025-12-11", "0–156"):
        assert part in shown
    assert "“The Joint Staff announced that two U.S. Air Force B-52 bombers" in shown
    assert "claim: four B-52; statement: two U.S. Air Force B-52 bombers" in shown
    assert shown.endswith("1 claim: 1 refuted.")


@pytest.mark.parametrize(
    ("kind", "label", "marked"),
    [
        (Kind.DIGEST, "our digest of Joint Staff", False),
        (Kind.TRANSLATION, "translated from Joint Staff", True),
        (Kind.ORIGINAL, "· Joint Staff", True),
    ],
)
def test_the_table_says_whose_words_they_are(stored, kind, label, marked) -> None:
    shown = " ".join(printed(note_of(stored, kind=kind), width=400).split())
    assert label in shown
    assert ("“The Joint Staff announced" in shown) is marked


def test_the_table_names_what_is_nearest_where_nothing_decides(stored) -> None:
    shown = printed(note_of(stored, stance=Stance.NEUTRAL), width=300)
    assert "? not enough evidence" in shown
    assert "nothing decides; nearest: S1 (2025-12-11)" in shown


def test_the_table_of_no_claims_says_so() -> None:
    assert printed().rstrip().endswith("0 claims: none.")


def test_a_failed_claim_shows_its_reason_and_is_counted(stored) -> None:
    shown = printed(note_of(stored), failed(claim_of("Five flew."), "no answer", MADE_BY))
    assert "no answer" in shown
    assert "2 claims: 1 refuted, 1 failed." in shown


def test_what_nobody_is_known_to_have_issued_or_dated_is_shown_as_that(stored) -> None:
    shown = printed(note_of(stored, issuer=None, published=None), width=300)
    assert "no known issuer · undated" in shown
    assert "None" not in shown


def test_a_wide_claim_is_folded_and_no_line_is_wider_than_the_console(stored) -> None:
    text = "Four " + "B-52-" * 200 + " flew over " + "the Sea of Japan " * 30
    shown = printed(note_of(stored, text=text), width=80)
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("terminal", [False, True])
def test_markup_and_control_characters_do_not_act_in_the_table(stored, terminal) -> None:
    statement = {"issuer": HOSTILE, "title": HOSTILE, "statement_id": "[bold]S1"}
    note = note_of(stored, text=f"Four flew. {HOSTILE}", **statement)
    note = replace(note, claim=replace(note.claim, attribution=claim_of("x", HOSTILE).attribution))
    shown = printed(
        note,
        failed(claim_of(HOSTILE), HOSTILE, MADE_BY),
        replace(note_of(stored, stance=Stance.NEUTRAL, **statement), findings=()),
        title=HOSTILE,
        width=500,
        terminal=terminal,
    )
    assert "[red]x[/red] [/] [link=http://a]b[/link]" in shown
    assert ":smile:" in shown
    assert not set("\x9b\u202e") & set(shown)
    assert "\x1b[31mred" not in shown
    if not terminal:
        assert "\x1b" not in shown


def test_every_verdict_can_be_shown(stored) -> None:
    for verdict in Verdict:
        assert verdict.value.replace("_", " ") in printed(
            replace(note_of(stored), verdict=verdict), width=300
        )
