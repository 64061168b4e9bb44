"""Sentences are found where readers would find them, at exact offsets."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.kit.sentences import sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "parts",
    [
        ["The U.S. Air Force flew.", "Gen. Yoshida agreed.", "No. 5 Squadron flew too."],
        ["At 3 p.m. the vote began.", "Pi is 3.14.", "It cost $3.5 million."],
        ["J. K. Rowling wrote it.", "On Jan. 5 it rose.", "It weighs approx. 5 kg."],
        ["“It is over.”", "The judge left.", "‘It ended.’", "While no one knew, it had begun."],
        ["The EU-U.S. trade talks failed.", "Nobody said why."],
        ["He asked why.", "Then he left… and came back.", "Really?!", "Yes!"],
        ["“We did it. It was hard,” he said.", "Then he left."],
    ],
)
def test_abbreviations_and_quotation_marks_do_not_break_sentences(parts: list[str]) -> None:
    assert split(" ".join(parts)) == parts


def test_a_line_broken_inside_a_sentence_does_not_end_it() -> None:
    text = "Two bombers of the U.S.\nAir Force flew over the\nSea of Japan. They returned."
    assert split(text) == [text[: text.index(" They")], "They returned."]


def test_a_blank_line_ends_a_sentence_without_a_full_stop() -> None:
    assert split("A heading\n\nThe text begins\n \nand ends") == [
        "A heading",
        "The text begins",
        "and ends",
    ]


def test_a_heading_above_wrapped_text_stands_alone() -> None:
    text = (
        "Rates rise again\n"
        "Tokyo said on Monday that it would raise its key rate by a quarter of\n"
        "a point."
    )
    assert split(text)[0] == "Rates rise again"


def test_bullets_are_sentences_of_their_own() -> None:
    assert split("- one thing\n- two things\n3. a third") == [
        "- one thing",
        "- two things",
        "3. a third",
    ]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
@settings(max_examples=100, deadline=None)
def test_sentences_are_ordered_and_lose_nothing_but_blanks(text: str) -> None:
    found = sentences(text)
    position, kept = 0, ""
    for start, end in found:
        assert position <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        kept += text[start:end]
        position = end
    assert "".join(kept.split()) == "".join(text.split())


@pytest.mark.parametrize(
    "text", ["“‘“‘\"'" * 30_000, "a. " * 100_000, "a " * 200_000, "1. " * 60_000, "\n- " * 60_000]
)
def test_hostile_text_is_split_in_bounded_time(text: str) -> None:
    began = time.perf_counter()
    sentences(text)
    assert time.perf_counter() - began < 5
