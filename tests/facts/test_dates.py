"""Dates as far as a text gives them, and when two of them agree."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.facts.dates import DateMention, agree, conflict, dates_in, day_meant, states


def one(text: str) -> DateMention:
    (found,) = dates_in(text)
    return found


@pytest.mark.parametrize(
    ("text", "year", "month", "day"),
    [
        ("on 10 December 2025", 2025, 12, 10),
        ("on Wednesday 10 December 2025", 2025, 12, 10),
        ("on Dec. 10, 2025", 2025, 12, 10),
        ("on December 10th, 2025", 2025, 12, 10),
        ("on the 10th of December 2025", 2025, 12, 10),
        ("on 2025-12-10", 2025, 12, 10),
        ("on 10 December", None, 12, 10),
        ("in December 2025", 2025, 12, None),
        ("in May", None, 5, None),
        ("since 1945", 1945, None, None),
        ("on 29 February 2024", 2024, 2, 29),
        ("by mid-2025", 2025, None, None),
        ("the 2024 elections", 2024, None, None),
        ("in 1848 revolutions began", 1848, None, None),
    ],
)
def test_a_date_is_read_as_far_as_it_goes(text, year, month, day) -> None:
    found = one(text)
    assert (found.year, found.month, found.day) == (year, month, day)


@pytest.mark.parametrize(
    "text",
    [
        "on 31 June 2025",
        "on 29 February 2023",
        "He may go.",
        "They march on.",
        "2,025 people",
        "All 1500 ships left.",
        "some 2000 soldiers",
        "more than 1950 jets",
    ],
)
def test_what_is_no_date_is_not_read(text) -> None:
    assert dates_in(text) == ()


@pytest.mark.parametrize(
    ("text", "first", "last", "fiscal"),
    [
        ("in fiscal 2027", 2027, None, True),
        ("in FY2027", 2027, None, True),
        ("in the fiscal year 2027", 2027, None, True),
        ("for 2026-27", 2026, 2027, False),
        ("in 2019/20", 2019, 2020, False),
        ("in the 1990s", 1990, 1999, False),
    ],
)
def test_fiscal_years_spans_and_decades_are_read(text, first, last, fiscal) -> None:
    found = one(text)
    assert (found.year, found.year_end, found.fiscal) == (first, last, fiscal)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("on 2 and 9 January 2025", [(2, 1, 2025), (9, 1, 2025)]),
        ("from 5 to 9 January 2025", [(5, 1, 2025), (9, 1, 2025)]),
        ("July 13 to 14, 2024", [(13, 7, 2024), (14, 7, 2024)]),
        ("July 13–14", [(13, 7, None), (14, 7, None)]),
        ("from 27 June to 1 August 2024", [(27, 6, 2024), (1, 8, 2024)]),
        ("March 3 and 4 people died", [(3, 3, None)]),
        ("on 9 December and 10 December", [(9, 12, None), (10, 12, None)]),
    ],
)
def test_days_that_share_a_month_or_year_are_all_read(text, days) -> None:
    assert [(found.day, found.month, found.year) for found in dates_in(text)] == days


@pytest.mark.parametrize(
    ("claim", "other", "agreed", "stated"),
    [
        ("10 December 2025", "10 December 2025", True, True),
        ("Wednesday", "10 December 2025", True, True),
        ("Tuesday", "10 December 2025", False, False),
        ("Tuesday 10 December", "Wednesday 10 December", False, False),
        ("2025", "10 December 2025", True, True),
        ("December 2025", "10 December 2025", True, True),
        ("10 December 2025", "2025", True, False),
        ("10 December 2025", "December 2025", True, False),
        ("10 December 1999", "10 December", True, False),
        ("10 December 2025", "11 December 2025", False, False),
        ("10 December 2025", "10 November 2025", False, False),
        ("2026-27", "2027", True, True),
        ("2028", "2026-27", False, False),
        ("1995", "the 1990s", True, True),
        ("Wednesday", "December", False, False),
    ],
)
def test_dates_agree_where_nothing_differs_and_state_where_they_are_as_fine(
    claim, other, agreed, stated
) -> None:
    assert agree(one(claim), one(other)) is agreed
    assert states(one(claim), one(other)) is stated


def test_dates_that_say_nothing_in_common_do_not_conflict() -> None:
    assert not conflict(one("Wednesday"), one("December"))
    assert not conflict(one("2025"), one("Wednesday"))
    assert conflict(one("2024"), one("10 December 2025"))


@pytest.mark.parametrize(
    ("text", "published", "year"),
    [
        ("10 December", date(2025, 12, 11), 2025),
        ("28 December", date(2026, 1, 3), 2025),
        ("3 January", date(2025, 12, 30), 2026),
        ("29 February", date(2025, 3, 1), None),
        ("on Wednesday", date(2025, 12, 11), None),
        ("10 December 2020", date(2025, 12, 11), 2020),
    ],
)
def test_an_undated_day_is_placed_by_the_day_of_publication(text, published, year) -> None:
    assert one(text).within(published).year == year


mentions = st.dates(date(1990, 1, 1), date(2050, 1, 1)).flatmap(
    lambda day: st.sampled_from(
        [
            f"{day.day} {day:%B %Y}",
            f"{day:%B} {day.day}",
            f"{day:%B %Y}",
            f"{day.year}",
            f"{day:%A}",
        ]
    )
)


@given(mentions, mentions)
@settings(max_examples=100, deadline=None)
def test_agreement_is_mutual_and_excludes_conflict(first, second) -> None:
    for one_ in dates_in(f"on {first}"):
        for other in dates_in(f"on {second}"):
            assert agree(one_, other) == agree(other, one_)
            assert conflict(one_, other) == conflict(other, one_)
            assert not (agree(one_, other) and conflict(one_, other))
        assert agree(one_, one_)
        assert states(one_, one_)


@given(
    st.lists(
        st.sampled_from(
            "10 12 31 December Dec. 2025 2026-27 the 1990s Tuesday FY to and – , of 00 0".split()
        )
        | st.text(max_size=5),
        max_size=12,
    ).map(" ".join)
)
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_in_order_and_without_overlaps(text) -> None:
    end = 0
    for found in dates_in(text):
        assert end <= found.start < found.end <= len(text)
        assert text[found.start : found.end].strip() == found.text
        end = found.end


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("on Thursday", date(2025, 12, 11)),
        ("Friday", date(2025, 12, 12)),  # the day of publication
        ("Saturday", date(2025, 12, 6)),
        ("11 December", date(2025, 12, 11)),
        ("January 3", date(2026, 1, 3)),
        ("Thursday, 11 December 2025", date(2025, 12, 11)),
        ("yesterday", date(2025, 12, 11)),
        ("earlier today", date(2025, 12, 12)),
        ("in December", None),
        ("2025", None),
        ("between Monday and Tuesday", None),
        ("last week", None),
        ("", None),
    ],
)
def test_the_day_that_words_mean(words: str, day: date | None):
    assert day_meant(words, date(2025, 12, 12)) == day


def test_words_that_hang_on_the_publication_mean_no_day_without_one():
    assert day_meant("Thursday", None) is None
    assert day_meant("yesterday", None) is None
    assert day_meant("11 December", None) is None
    assert day_meant("11 December 2025", None) == date(2025, 12, 11)
