"""Models and names: what they are, and whether another text names the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.facts.designations import Designation, designations_in
from service.facts.names import Name, is_named, names_in, same_initials, stands_in, words_of


def model(text: str) -> Designation:
    (found,) = designations_in(text)
    return found


@pytest.mark.parametrize(
    ("text", "family", "variant"),
    [
        ("F-35A", "f-35", "A"),
        ("F-35Bs", "f-35", "B"),
        ("F-35s", "f-35", ""),
        ("F35A", "f-35", "A"),
        ("B-52H", "b-52", "H"),
        ("Tu-95MS", "tu-95", "MS"),
        ("F-15EX", "f-15", "EX"),
        ("F-16C/D", "f-16", "C/D"),
        ("KC-135", "kc-135", ""),
        ("A321", "a-321", ""),
    ],
)
def test_a_model_is_its_family_and_its_variant(text, family, variant) -> None:
    found = model(f"The {text} flew.")
    assert (found.family, found.variant) == (family, variant)


@pytest.mark.parametrize(
    "text",
    ["COVID-19", "FY2027", "G7", "Article-5", "2019-20", "CO2", "Q3", "EUR90", "EUR 90", "12"],
)
def test_what_looks_like_a_model_and_is_none_is_passed_over(text) -> None:
    assert designations_in(f"It was {text} then.") == []


@pytest.mark.parametrize(
    ("claim", "other", "conflicts", "covers"),
    [
        ("F-35A", "F-35B", True, False),
        ("F-35A", "F-35A", False, True),
        ("B-52H", "B-52", False, True),
        ("B-52", "B-52H", False, True),
        ("F-35A", "F-15A", False, False),
    ],
)
def test_two_variants_conflict_and_a_missing_one_is_only_less_fine(
    claim, other, conflicts, covers
) -> None:
    assert model(claim).conflicts(model(other)) is conflicts
    assert model(claim).covers(model(other)) is covers


def name(text: str, among: str) -> Name:
    return next(found for found in names_in(among) if found.text == text)


@pytest.mark.parametrize(
    ("text", "among", "other"),
    [
        ("Tokyo", "Tokyo declined the plan.", "The Japanese government declined."),
        ("Japan", "Japan declined the plan.", "Tokyo declined."),
        ("EU", "The EU agreed.", "The European Union agreed."),
        ("U.S.", "The U.S. agreed.", "The United States agreed."),
        ("Kihara", "Kihara said so.", "Chief Cabinet Secretary Minoru Kihara spoke."),
        ("WHO", "The WHO ended it.", "The World Health Organization ended it."),
        ("Sea of Japan", "It flew over the Sea of Japan.", "It was over the Sea of Japan then."),
    ],
)
def test_the_same_is_named_in_other_words(text, among, other) -> None:
    assert is_named(name(text, among), other)


@pytest.mark.parametrize(
    ("text", "among", "other"),
    [
        ("Tokyo", "It was signed in Tokyo.", "Japan signed it."),
        ("Russia", "Russia declined.", "China declined."),
        ("Kihara", "Kihara said so.", "Fumio Kishida said so."),
        ("East China Sea", "They met over the East China Sea.", "They met over the Sea of Japan."),
        ("Bank of England", "The Bank of England cut it.", "The Bank of Japan cut it."),
    ],
)
def test_somebody_else_is_not_named(text, among, other) -> None:
    assert not is_named(name(text, among), other)


@pytest.mark.parametrize("text", ["The loan is EUR 90 billion.", "It cost USD 5 million."])
def test_a_currency_is_no_name(text) -> None:
    assert names_in(text) == ()


def test_initials_are_those_of_a_run_of_capitalised_words() -> None:
    assert same_initials("the JSDF", "Japan Self-Defense Forces")
    assert same_initials("World Health Organization", "WHO")
    assert not same_initials("the JSDF", "Joint Staff of Japan")


def test_the_words_of_a_name_leave_out_titles_and_brackets() -> None:
    assert words_of("Chief Cabinet Secretary of Japan (Minoru Kihara)") == {"japan"}


PIECES = st.sampled_from(
    "Japan Tokyo the The of F-35A U.S. (JSDF) ’s 's EU WHO Kihara President in 10 December . , "
    "-".split()
)


@given(st.lists(PIECES | st.text(max_size=6), max_size=14).map(" ".join))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_in_order_without_overlaps_and_names_its_own_names(text) -> None:
    end = 0
    for found in names_in(text):
        assert end <= found.start < found.end <= len(text)
        assert text[found.start : found.end] == found.text
        end = found.end
        assert is_named(found, text)
    for found in designations_in(text):
        assert text[found.start : found.end].removesuffix("s") == found.text.removesuffix("s")


@given(st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_no_text_breaks_reading_names(text) -> None:
    for found in names_in(text):
        assert text[found.start : found.end] == found.text
    assert words_of(text) is not None


@settings(deadline=None)
@given(words=st.text("aé_1 .", min_size=1, max_size=4), text=st.text("aé_1 .-", max_size=20))
def test_words_stand_in_a_text_where_no_letter_touches_them(words: str, text: str) -> None:
    pattern = rf"(?<!\w){re.escape(words)}"
    assert stands_in(words, text) == bool(re.search(rf"{pattern}(?!\w)", text))
    assert stands_in(words, text, goes_on=True) == bool(re.search(pattern, text))
