"""How many, of what, how exactly: read from any spelling, and compared by value."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.facts.quantities import Quantity, quantities_in, same_value


def one(text: str) -> Quantity:
    (found,) = quantities_in(text)
    return found


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("Two bombers flew.", 2, "count"),
        ("2 bombers flew.", 2, "count"),
        ("Half a dozen ships left.", 6, "count"),
        ("A dozen ships left.", 12, "count"),
        ("Two dozen ships left.", 24, "count"),
        ("A couple of ships left.", 2, "count"),
        ("Forty-seven jets flew.", 47, "count"),
        ("One hundred and twenty soldiers came.", 120, "count"),
        ("About a hundred people came.", 100, "count"),
        ("1,120,000 people came.", 1_120_000, "count"),
        ("1.5 million people came.", 1_500_000, "count"),
        ("Zero cases were found.", 0, "count"),
        ("The loan is EUR 90 billion.", 90e9, "eur"),
        ("The loan is EUR90 billion.", 90e9, "eur"),
        ("The loan is €90bn.", 90e9, "eur"),
        ("The loan is €90 billion.", 90e9, "eur"),
        ("The loan is 90 billion euros.", 90e9, "eur"),
        ("The loan is ninety billion euros.", 90e9, "eur"),
        ("It cost $5m.", 5e6, "usd"),
        ("It cost US$5 million.", 5e6, "usd"),
        ("It cost £3.5 million.", 3.5e6, "gbp"),
        ("It rose by 5 percent.", 5, "percent"),
        ("It rose by 5%.", 5, "percent"),
        ("It rose by 5 per cent.", 5, "percent"),
        ("It rose by 2½ percent.", 2.5, "percent"),
        ("It rose by 5 percentage points.", 5, "point"),
        ("It rose by 50 basis points.", 0.5, "point"),
        ("Half of the members voted.", 0.5, "fraction"),
        ("A quarter of the members voted.", 0.25, "fraction"),
        ("Two thirds of the needs are covered.", 2 / 3, "fraction"),
        ("Two-thirds of the needs are covered.", 2 / 3, "fraction"),
        ("2/3 of the needs are covered.", 2 / 3, "fraction"),
        ("One in five adults smokes.", 0.2, "fraction"),
        ("One out of every ten children is affected.", 0.1, "fraction"),
        ("Nearly three in 10 voters stayed home.", 0.3, "fraction"),
        ("More than 1.2m people came.", 1_200_000, "count"),
        ("It cost 3 trillion won.", 3e12, "krw"),
        ("The party won 205 seats.", 205, "count"),
        ("Profits fell in the third quarter of 2024.", 3, "ordinal"),
        ("First-quarter profits fell.", 1, "ordinal"),
        ("Profits fell in Q3 2024.", 3, "ordinal"),
        ("It was sold in the second half of 2024.", 2, "ordinal"),
        ("It fell to -4 degrees.", -4, "degree"),
        ("It fell to minus 4 degrees.", -4, "degree"),
        ("The 12th joint flight took place.", 12, "ordinal"),
        ("The ninth joint flight took place.", 9, "ordinal"),
        ("The Seventy-eighth World Health Assembly met.", 78, "ordinal"),
        ("The twenty-third meeting was held.", 23, "ordinal"),
        ("Article V applies.", 5, "label"),
        ("It was Resolution 2699 that passed.", 2699, "label"),
        ("It lasted two weeks.", 14, "day"),
        ("It took a year and a half.", 18, "month"),
        ("It lasted two and a half years.", 30, "month"),
        ("It rose to 1.6 degrees Celsius.", 1.6, "celsius"),
        ("It rose to 1.6°C.", 1.6, "celsius"),
        ("It is 3 km away.", 3000, "m"),
    ],
)
def test_an_amount_is_read_from_any_spelling(text, value, unit) -> None:
    found = one(text)
    assert (found.value, found.unit) == (pytest.approx(value), unit)


@pytest.mark.parametrize(
    "text",
    [
        "Euro 2024 was held in Germany.",
        "It changed after 9/11.",
        "It changed after 7/7.",
        "The line is open 24/7.",
        "A 1.2m wall was built.",
        "The 40-millionth resident came.",
        "He won.",
    ],
)
def test_what_looks_like_an_amount_and_is_none(text) -> None:
    assert quantities_in(text) == []


@pytest.mark.parametrize("text", ["He scored five in 10 days.", "It rains two in three days."])
def test_so_many_in_a_time_are_no_share(text) -> None:
    assert [found.unit for found in quantities_in(text)] == ["count", "day"]


def test_so_many_in_several_places_are_no_share() -> None:
    arrested, cities = quantities_in("Police arrested 47 in 12 cities.")
    assert (arrested.value, cities.value, cities.head) == (47, 12, "city")


@pytest.mark.parametrize(
    ("text", "now", "before", "unit"),
    [
        ("The rate was cut from 25 to 20 percent.", 20, 25, "percent"),
        ("The wage will rise from €12.41 to €12.82 an hour.", 12.82, 12.41, "eur"),
        ("Exports dropped sharply from 1.2 billion to 950 million euros.", 950e6, 1.2e9, "eur"),
        ("It fell from 300 ships to 290.", 290, 300, "count"),
        ("It increased its pledge from EUR 5 million to EUR 7 million.", 7e6, 5e6, "eur"),
        ("Inflation fell to 4.1% in May from 4.3 in April.", 4.1, 4.3, "percent"),
        ("The fleet grew to 12 ships from 9.", 12, 9, "count"),
    ],
)
def test_what_a_figure_was_is_told_from_what_it_is(text, now, before, unit) -> None:
    found = {quantity.former: quantity for quantity in quantities_in(text)}
    assert (found[False].value, found[True].value) == (pytest.approx(now), pytest.approx(before))
    assert {quantity.unit for quantity in found.values()} == {unit}
    assert "at_least" not in {quantity.bound for quantity in found.values()}


def test_what_is_left_behind_is_no_former_figure() -> None:
    assert not any(one.former for one in quantities_in("He drove to 12 towns from 3 regions."))


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("More than 40,000 troops took part.", "at_least"),
        ("At least 40,000 troops took part.", "at_least"),
        ("Fewer than 40,000 troops took part.", "at_most"),
        ("Up to 40,000 troops took part.", "at_most"),
        ("Some 40,000 troops took part.", "about"),
        ("Nearly 40,000 troops took part.", "about"),
        ("In all 40,000 troops took part.", "exact"),
    ],
)
def test_how_exact_an_amount_is_is_read(text, bound) -> None:
    assert one(text).bound == bound


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("Between 10 and 15 aircraft flew.", 10, 15),
        ("10-15 aircraft flew.", 10, 15),
        ("10 to 15 aircraft flew.", 10, 15),
        ("It cost EUR 10-15 billion.", 10e9, 15e9),
        ("It cost EUR 10 billion to 15 billion.", 10e9, 15e9),
        ("2-3 million people came.", 2e6, 3e6),
        ("It lasted 10 to 12 weeks.", 70, 84),
    ],
)
def test_a_range_has_a_lower_and_an_upper_bound(text, low, high) -> None:
    first, last = quantities_in(text)
    assert (first.value, first.bound) == (low, "at_least")
    assert (last.value, last.bound) == (high, "at_most")
    assert first.unit == last.unit


def test_what_changed_from_one_figure_to_another_is_no_range() -> None:
    assert [found.bound for found in quantities_in("It rose from 10 to 15 points.")] == [
        "exact"
    ] * 2


def test_what_is_counted_is_read_with_its_model() -> None:
    first, second = quantities_in("Three F-35B and four F-15J jets flew.")
    assert (first.value, first.designation) == (3, "F-35B")
    assert (second.value, second.designation) == (4, "F-15J")
    assert one("Two strategic bombers flew.").head == "bomber"


@pytest.mark.parametrize(
    "text",
    [
        "It was on 10 December 2025.",
        "It was on 2 and 9 January 2025.",
        "It ran from July 13 to 14, 2024.",
        "B-52 and F-35A flew.",
        "It was one of them.",
        "The Group of Seven met.",
        "It was years ago.",
        "It began at 10:30.",
        "It began at 10 a.m.",
        "The 2+2 met.",
        "No ships left.",
    ],
)
def test_dates_models_names_and_pronouns_are_no_amounts(text) -> None:
    assert quantities_in(text) == []


def test_a_figure_that_was_before_is_marked() -> None:
    now, before = quantities_in("It rose to 500,000 cases, up from 488,000 cases.")
    assert (now.former, before.former) == (False, True)


@pytest.mark.parametrize(
    ("claim", "other", "same"),
    [
        ("Two ships left.", "2 ships left.", True),
        ("Two ships left.", "Three ships left.", False),
        ("The loan is EUR 90 billion.", "The loan is €90bn.", True),
        ("1.1 million came.", "1,120,000 came.", True),
        ("1.2 million came.", "1,120,000 came.", False),
        ("Half of them came.", "50 percent of them came.", True),
        ("Half of them came.", "60 percent of them came.", False),
        ("About 100 ships left.", "103 ships left.", True),
        ("About 100 ships left.", "130 ships left.", False),
        ("More than a million ships left.", "1,120,000 ships left.", True),
        ("More than 90 ships left.", "80 ships left.", False),
        ("Fewer than 90 ships left.", "80 ships left.", True),
        ("More than 90 ships left.", "Fewer than 90 ships left.", False),
        ("It fell to -4 degrees.", "It rose to 4 degrees.", False),
        ("The ninth flight took place.", "The tenth flight took place.", False),
    ],
)
def test_amounts_are_compared_by_value_rounding_and_bound(claim, other, same) -> None:
    assert same_value(one(claim), one(other)) is same


@given(st.integers(2, 10**9))
@settings(max_examples=40, deadline=None)
def test_a_number_is_the_same_with_and_without_separators(number) -> None:
    plain, separated = one(f"Of all {number} ships left."), one(f"Of all {number:,} ships left.")
    assert plain.value == separated.value == number
    assert same_value(plain, separated)


PIECES = st.sampled_from(  # all that the reading looks for
    "two 2 half a dozen -4 1,000 90 billion EUR €90bn $ % percent points 12th seventy-eighth "
    "F-35A B-52 10 December 2025 9e10 ½ ٤ ４ XII and to – to more than up from . , ; "
    "' ’ m bn".split()
)


@given(st.lists(PIECES | st.text(max_size=6), max_size=14).map(" ".join))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_and_every_span_lies_in_it(text) -> None:
    for found in quantities_in(text):
        assert 0 <= found.start < found.end <= len(text)
        assert text[found.start :].startswith(found.text[: found.end - found.start])


@pytest.mark.parametrize(
    "text", ["2 0/0", "1 2/3 0/0", "9" * 400, "0 to 0", "1" * 30 + "," + "1" * 30]
)
def test_figures_that_are_none_break_nothing(text) -> None:
    found = quantities_in(f"{text} ships left.")
    assert all(same_value(one_, one_) for one_ in found)


NUMBER_WORDS = st.sampled_from(
    "zero one two three twelve twenty ninety hundred thousand million billion trillion and a half "
    "dozen pair third quarter first second - point".split()
)


@given(st.lists(NUMBER_WORDS, min_size=1, max_size=8), st.sampled_from([" ", "-"]))
@settings(max_examples=100, deadline=None)
def test_any_run_of_number_words_is_read_or_passed_over(words, link) -> None:
    for found in quantities_in(f"{link.join(words)} ships left."):
        assert math.isfinite(found.value)
