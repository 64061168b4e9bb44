"""Quotes stand word for word: where they are found, what cuts them, and what says too little."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.facts.quoting import (
    content_words,
    cut_short,
    is_whole,
    locate,
    occurrences,
    plain,
    quoted_stretches,
)

LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("two bombers flew", "In all two\n  bombers flew there."),
        ("two bombers flew", "In all two\u00a0bombers\tflew there."),
        ("Japan's “show of force”", 'It was Japan’s "show of force" again.'),
        ("«not true», he said", "It is “not true”, he said."),
        ("  two bombers flew\n", "In all two bombers flew there."),
    ],
)
def test_a_quote_is_found_whatever_its_blanks_and_the_shape_of_its_marks(quote, text) -> None:
    start, end = locate(quote, text)
    assert plain(text[start:end]) == plain(quote.strip())


@pytest.mark.parametrize(
    "quote",
    [
        "Two bombers flew",
        "two bomber flew",
        "two-bombers flew",
        "two bombers, flew",
        "two\u200b bombers flew",
        "two bombers  flew over",
        "“two bombers flew”",
        "",
        " \n ",
    ],
)
def test_a_quote_of_other_words_is_not_found(quote) -> None:
    assert locate(quote, "In all two bombers flew there.") is None


def test_a_quote_is_looked_for_inside_its_passage_only() -> None:
    text = "Two bombers flew. Two bombers flew."
    assert locate("Two bombers flew", text, 18, len(text)) == (18, 34)
    assert locate("Two bombers flew", text, 3, 20) is None


def test_a_quote_is_found_where_it_cuts_no_figure_first() -> None:
    text = "Of 14 bombers flew some; 4 bombers flew home."
    assert locate("4 bombers flew", text) == (25, 39)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("14 bombers flew", "4 bombers flew"),
        ("1,234 people came", "234 people came"),
        ("it fell by 3.5 percent", "5 percent"),
        ("it stood at -4 degrees", "4 degrees"),
        ("it cost $90 in all", "90 in all"),
        ("it cost 90.5 billion", "it cost 90"),
        ("it cost 90€ then", "it cost 90"),
        ("up 2½ percent", "up 2"),
        ("two F-35A fighters", "two F-35"),
        ("two F-35A fighters", "35A fighters"),
        ("an anti-tank missile", "tank missile"),
        ("it is unable to fly", "able to fly"),
        ("from U.S. bases", "S. bases"),
        ("at 10:30 it ended", "at 10"),
        ("10–12 aircraft", "12 aircraft"),
        ("the cafe\u0301 closed", "the cafe"),
        ("in 2025/26 it rose", "in 2025"),
    ],
)
def test_a_cut_through_a_word_or_figure_is_seen(text, words) -> None:
    start = text.index(words)
    assert not is_whole(text, start, start + len(words))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("He said: “two flew”.", "two flew"),
        ("(two flew)", "two flew"),
        ("It is so—two flew—he said", "two flew"),
        ("Japan’s plan", "Japan"),
        ("the forces’ plan", "the forces"),
        ("It ended.The next began.", "It ended."),
        ("to the U.S.", "to the U.S."),
        ("日本は四機を派遣した。", "四機を派遣"),
        ("It cost 90. Then it fell", "It cost 90"),
    ],
)
def test_words_between_marks_and_blanks_are_whole(text, words) -> None:
    start = text.index(words)
    assert is_whole(text, start, start + len(words))


@given(LETTERS, st.data())
@settings(max_examples=100, deadline=None)
def test_any_stretch_of_any_text_is_found_again(text, data) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    quote = text[start:end]
    place = locate(quote, text)
    if not quote.strip():
        assert place is None
    else:
        assert plain(text[slice(*place)]) == plain(quote.strip())


@given(LETTERS, LETTERS)
@settings(max_examples=100, deadline=None)
def test_every_place_found_holds_the_quote_and_none_overlaps(quote, text) -> None:
    end = 0
    for place in occurrences(quote, f"{text} {quote} {text}"):
        assert place.start >= end
        end = place.stop
        assert plain(f"{text} {quote} {text}"[place.start : end]) == plain(quote.strip())


@given(LETTERS)
@settings(max_examples=100, deadline=None)
def test_plain_is_idempotent(text) -> None:
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("text", "quote", "lost"),
    [
        ("The loan is worth EUR 90 billion in all.", "The loan is worth EUR 90", "EUR 90 billion"),
        ("It lasted two dozen weeks in all.", "dozen weeks in all", "two dozen"),
        ("They sent no more than 90 aircraft to the base.", "90 aircraft to the base", "than 90"),
        ("No Chinese airspace was violated by them.", "Chinese airspace was violated", "No"),
        ("They did not enter the airspace of Japan.", "enter the airspace of Japan", "not"),
        ("They didn’t enter the airspace of Japan.", "enter the airspace of Japan", "didn’t"),
        ("Japan denied that it turned down the plan.", "it turned down the plan", "denied"),
        ("Reports that Japan left the pact are untrue.", "Japan left the pact", "untrue"),
        ("It is false that Japan left the pact.", "Japan left the pact", "false"),
    ],
)
def test_a_quote_that_loses_a_figures_end_or_a_denial_is_seen(text, quote, lost) -> None:
    start = text.index(quote)
    assert lost in (cut_short(text, start, start + len(quote)) or "")


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("No airspace was violated. Two bombers left again.", "Two bombers left again."),
        ("They did not stay, but two bombers came back.", "two bombers came back"),
        ("It was not said, and the EUR 90 billion are a loan.", "the EUR 90 billion are a loan"),
        ("He said that two bombers left the base. That is untrue.", "two bombers left the base"),
        ("The loan of EUR 90 billion is new.", "EUR 90 billion is new."),
        ("Resolution No. 5 was adopted by all.", "was adopted by all"),
    ],
)
def test_a_quote_that_leaves_out_something_else_is_let_through(text, quote) -> None:
    start = text.index(quote)
    assert cut_short(text, start, start + len(quote)) is None


@given(st.text(max_size=120), st.data())
@settings(max_examples=60, deadline=None)
def test_no_text_breaks_the_look_at_its_ends(text, data) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    lost = cut_short(text, start, end)
    assert lost is None or set(re.findall(r"\w", lost)) <= set(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("of the and is not", 1),
        ("Bombers", 1),
        ("bombers bombers Bombers", 1),
        ("on Wednesday 10 December 2025", 0),
        ("No airspace was violated.", 3),
        ("It fell to 3.25 percent", 3),
        ("日本は四機を派遣した", 5),
        ("россия направила бомбардировщики", 3),
        ("", 0),
        ("— … “”", 0),
    ],
)
def test_content_words_are_those_that_say_something(text, count) -> None:
    assert content_words(text) == count


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("He said “no such thing”.", ["no such thing"]),
        ('He said "no such thing".', ["no such thing"]),
        ("He said ‘no such thing’.", ["no such thing"]),
        ("He said 'no such thing'.", ["no such thing"]),
        ("Er sagte „nichts davon“.", ["nichts davon"]),
        ("Il dit «rien».", ["rien"]),
        ("「何もない」", ["何もない"]),
        ("A “first ‘second’ third” end", ["second", "first ‘second’ third"]),
        ("Japan’s and the forces’ plan isn't 'new'", ["new"]),
        ("The '90s weren't", []),
        ("``quoted''", ["quoted", "'quoted'"]),
    ],
)
def test_quotation_marks_of_every_shape_are_seen_and_apostrophes_are_none(text, inside) -> None:
    found, unpaired = quoted_stretches(text)
    assert [stretch for stretch in found if stretch] == inside
    assert not unpaired


@pytest.mark.parametrize("text", ["He said “nothing", "nothing” he said", 'so " be it', "‘open"])
def test_a_mark_without_a_partner_is_named(text) -> None:
    assert quoted_stretches(text)[1] in {"“", "”", '"', "‘"}


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        (
            "It is not true that, as some papers wrote, airspace was violated by two bombers.",
            "airspace was violated by two bombers.",
        ),
        (
            "The following rumour is false: Japan sank a destroyer near Taiwan.",
            "Japan sank a destroyer near Taiwan.",
        ),
        (
            "The minister rejected reports that Japan had bought 40 missiles.",
            "Japan had bought 40 missiles.",
        ),
        (
            "No soldier, sailor or airman of the force fired missiles at ships.",
            "airman of the force fired missiles at ships.",
        ),
        (
            "It is doubtful whether Japan bought 40 cruise missiles.",
            "Japan bought 40 cruise missiles.",
        ),
        (
            "If Russia attacks, forces in Okinawa open fire on Vladivostok.",
            "forces in Okinawa open fire on Vladivostok.",
        ),
        (
            "The government has not, contrary to reports, delivered 90 tanks.",
            "delivered 90 tanks.",
        ),
        (
            "The ministry refused to confirm bombers had struck Shanghai harbour.",
            "bombers had struck Shanghai harbour.",
        ),
    ],
)
def test_a_quote_that_leaves_out_what_turns_it_round_is_cut_short(text: str, quote: str):
    start = text.index(quote)
    assert cut_short(text, start, start + len(quote)) is not None
    assert cut_short(text, 0, len(text)) is None
