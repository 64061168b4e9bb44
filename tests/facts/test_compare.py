"""Comparing facts: the same, different on the same thing, or not said at all."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.facts.compare import Item, compare, same_facts
from service.types import MismatchKind


def items(claim: str, passage: str, **known) -> dict[str, Item]:
    return {item.text: item for item in compare(claim, passage, **known).items}


def rivals(claim: str, passage: str, **known) -> list[tuple[str, str]]:
    return [
        (item.text, rival.text)
        for item in compare(claim, passage, **known).items
        if not item.same
        for rival in item.rivals
    ]


FIGURES = {MismatchKind.NUMBER, MismatchKind.DATE}
EXERCISE = (
    "Two U.S. Air Force B-52 strategic bombers took part together with three F-35A and three F-15 "
    "fighters over the Sea of Japan on Wednesday 10 December 2025."
)


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("Two B-52 bombers took part.", EXERCISE),
        ("2 B-52 bombers took part.", EXERCISE),
        ("Three F-15J fighters took part.", EXERCISE),
        ("B-52H bombers took part.", EXERCISE),
        ("It was held on Wednesday.", EXERCISE),
        ("It was held in December 2025.", EXERCISE),
        ("The loan is EUR 90 billion.", "The loan amounts to €90bn."),
        ("The loan is €90bn.", "The loan amounts to EUR 90 billion."),
        ("The loan is EUR90 billion.", "The loan amounts to EUR 90 billion."),
        ("Six ships left the port.", "Half a dozen ships left the port."),
        ("Half of the members agreed.", "50 percent of the members agreed."),
        ("The 78th Assembly met.", "The Seventy-eighth Assembly met."),
        ("It was held on 2 January 2025.", "It was held on 2 and 9 January 2025."),
        ("It was held on 14 July 2024.", "It was held from July 13 to 14, 2024."),
        ("Tokyo declined the plan.", "Japan declined the plan."),
        ("The EU declined the plan.", "The European Union declined the plan."),
    ],
)
def test_a_fact_in_other_words_is_the_same(claim, passage) -> None:
    comparison = compare(claim, passage)
    assert comparison.items
    assert comparison.absent == ()


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("Six fighter jets took part.", EXERCISE),
        ("Six fighters took part.", EXERCISE),
        ("Japan plans 147 F-35s.", "Japan plans 42 F-35B and 105 F-35A fighters."),
        (
            "Four bombers flew.",
            "Two Russian Tu-95 bombers met two Chinese H-6 bombers on Tuesday.",
        ),
        ("It is EUR 50 billion.", "EUR 33 billion are loans and EUR 17 billion are grants."),
    ],
)
def test_a_total_is_stated_by_its_parts(claim, passage) -> None:
    (number,) = (item for item in compare(claim, passage).items if item.kind is MismatchKind.NUMBER)
    assert number.same


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("Five fighters took part.", EXERCISE),
        ("Eight bombers took part.", EXERCISE),
        ("Six F-35A took part.", EXERCISE),
        ("More than six fighters took part.", EXERCISE),
        ("There are 65 doctors.", "There are 40 doctors and 25 nurses."),
        ("There are 65 doctors.", "There are 40 doctors. Elsewhere are 25 doctors."),
        ("It is 100 percent.", "It is 40 percent in May and 60 percent in June."),
        ("It has 12 ships.", "It has 9 ships, up from 3 ships."),
        ("It rose to 12 ships.", "It rose to 7 ships from 5."),
    ],
)
def test_what_adds_up_by_chance_is_no_total(claim, passage) -> None:
    assert not all(
        item.same for item in compare(claim, passage).items if item.kind is MismatchKind.NUMBER
    )


@pytest.mark.parametrize(
    ("claim", "passage", "kind", "theirs"),
    [
        ("Four B-52 bombers took part.", EXERCISE, MismatchKind.NUMBER, "Two"),
        ("Three F-35B fighters took part.", EXERCISE, MismatchKind.TYPE, "F-35A"),
        ("They took part on Tuesday.", EXERCISE, MismatchKind.DATE, "10 December 2025"),
        (
            "The drill of 10 December 2025 was held on a Tuesday.",
            EXERCISE,
            MismatchKind.DATE,
            "10 December 2025",
        ),
        ("It was held on 11 December 2025.", EXERCISE, MismatchKind.DATE, "10 December 2025"),
        ("It was held over the East China Sea.", EXERCISE, MismatchKind.NAME, "Sea of Japan"),
        (
            "Spending reaches 2 percent in fiscal 2027.",
            "Spending reaches 2 percent in fiscal 2026.",
            MismatchKind.DATE,
            "fiscal 2026",
        ),
        (
            "The temperature fell to -4 degrees.",
            "The temperature fell to 4 degrees.",
            MismatchKind.NUMBER,
            "4 degrees",
        ),
        ("Prices rose in May.", "Prices fell in May.", MismatchKind.WORDING, "fell"),
        ("Fewer than 400 came.", "More than 400 came.", MismatchKind.NUMBER, "400"),
        ("9,000 soldiers came.", "Some 90,000 troops came.", MismatchKind.NUMBER, "90,000 troops"),
        ("It fell in the second quarter.", "It fell in Q3.", MismatchKind.NUMBER, "Q3"),
    ],
)
def test_another_filler_in_the_same_place_is_a_rival(claim, passage, kind, theirs) -> None:
    found = [item for item in compare(claim, passage).items if item.kind is kind]
    assert any(theirs in rival.text for item in found if not item.same for rival in item.rivals)


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("Three ships sank in the bay.", "The budget rose by 5 percent over two years."),
        ("Rates rose by 5 percent.", "Rates rose by 5 percentage points."),
        ("Rates rose by 5 percent.", "Rates rose in five countries."),
        ("The loan is worth USD 90 billion.", "The loan is worth EUR 80 billion."),
        ("The Pope visited nine cities.", EXERCISE),
        ("It was held on Wednesday.", "It was held in December."),
        ("It was held in 2024.", "It was held on 10 December."),
        ("It was held on 10 December 1999.", "It was held on 10 December."),
        ("12 aircraft flew.", "Between 10 and 15 aircraft flew."),
        ("45,000 troops took part.", "More than 40,000 troops took part."),
    ],
)
def test_a_number_or_date_about_something_else_is_no_mismatch(claim, passage) -> None:
    found = [item for item in compare(claim, passage).items if item.kind in FIGURES]
    assert any(not item.same for item in found)
    assert [rival for item in found for rival in item.rivals] == []


def test_an_exchange_of_roles_is_seen() -> None:
    found = rivals("China vetoed it and Russia abstained.", "Russia vetoed it and China abstained.")
    assert ("China", "Russia") in found
    assert ("Russia", "China") in found


@pytest.mark.parametrize(
    "claim",
    [
        "It was a Japanese F-15 that locked its radar onto a Chinese J-15.",
        "A Japanese F-15 locked its radar onto a Chinese J-15.",
    ],
)
def test_who_did_it_is_seen_in_any_construction(claim) -> None:
    passage = "The radar lock-on was made by a Chinese J-15 on an F-15 of the Japanese air force."
    assert ("F-15", "J-15") in rivals(claim, passage)
    assert rivals(claim, claim) == []


@pytest.mark.parametrize(
    ("claim", "passage", "possible"),
    [
        ("Japan gave notice.", "Japan may give notice.", True),
        ("The court ended the case.", "The court might drop or end the case.", True),
        ("The bank cut rates.", "The bank would cut rates, it said.", True),
        ("The bank will cut rates.", "The bank would cut rates, it said.", False),
        ("Japan may give notice.", "Japan may give notice.", False),
        ("The bank cut rates.", "It said it would cut rates. It cut them in May.", False),
        ("Rates fell.", "The bank may lend more.", False),
    ],
)
def test_what_may_be_done_is_not_done(claim, passage, possible) -> None:
    assert compare(claim, passage).only_possible is possible


def test_what_two_do_together_each_of_them_does() -> None:
    both = "Japan and the United States had flown an exercise together."
    assert rivals("American bombers flew with Japanese jets.", both) == []


def test_the_statements_own_date_and_issuer_count_as_said() -> None:
    claim = "The Joint Staff announced it on 11 December 2025."
    assert compare(claim, EXERCISE).absent
    known = compare(claim, EXERCISE, context="Joint Staff, Japan", published=date(2025, 12, 11))
    assert known.absent == ()


def test_an_undated_day_is_placed_by_the_day_of_publication() -> None:
    claim, passage = "It was held on 10 December 2025.", "It was held on 10 December."
    assert compare(claim, passage, published=date(2025, 12, 11)).absent == ()
    assert rivals(claim, passage, published=date(2024, 12, 11))


def test_phrases_of_one_noun_narrowed_by_other_words_are_told() -> None:
    found = compare(
        "The exercise strengthened retaliatory capabilities.",
        "The exercise strengthened response capabilities.",
    )
    assert found.rewordings == (("retaliatory capabilities", "response capabilities"),)


def test_coverage_is_that_of_the_words_and_facts_that_are_there() -> None:
    assert compare(EXERCISE, EXERCISE).coverage == pytest.approx(1.0)
    assert compare("The Pope visited nine cities.", EXERCISE).coverage < 0.2


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Four B-52 bombers flew over Japan.", "4 B-52 bombers flew over Japan."),
        (
            "The EU agreed to lend Ukraine 90 billion euros.",
            "The European Union agreed to lend Ukraine €90 billion.",
        ),
        ("Japan declined the plan.", "Tokyo declined the plan."),
        ("Two jets flew on 10 December 2025.", "On 10 December 2025, two jets flew."),
        ("No airspace was violated.", "Airspace was not violated."),
    ],
)  # fmt: skip
def test_paraphrases_have_the_same_facts(a, b) -> None:
    assert same_facts(a, b)
    assert same_facts(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Four B-52 bombers flew over Japan.", "Two B-52 bombers flew over Japan."),
        ("Three F-35A flew.", "Three F-35B flew."),
        ("Two B-52 flew.", "Two B-52H flew."),
        ("Two B-52 and three F-15 flew.", "Three B-52 and two F-15 flew."),
        ("Japan left the pact.", "Japan did not leave the pact."),
        ("Russia attacked Ukraine.", "Ukraine attacked Russia."),
        ("It rose by 5 percent.", "It fell by 5 percent."),
        ("It rose by 5 percent.", "It rose by 5 percentage points."),
        ("The vote was on Tuesday.", "The vote was on Wednesday."),
        ("The vote was in 2024.", "The vote was in 2025."),
        ("It cost EUR 90 billion.", "It cost USD 90 billion."),
        ("More than 90 jets flew.", "Fewer than 90 jets flew."),
        ("It was -4 degrees then.", "It was 4 degrees then."),
        ("It flew over the Sea of Japan.", "It flew over the East China Sea."),
    ],
)  # fmt: skip
def test_claims_that_differ_in_a_fact_have_not(a, b) -> None:
    assert not same_facts(a, b)
    assert not same_facts(b, a)


TEXTS = st.lists(
    st.sampled_from(
        "two 2 B-52 F-35A F-35B Japan Tokyo not rose fell 5 percent EUR 90 billion on Tuesday 10 "
        "December 2025 bombers flew and , . half".split()
    )
    | st.text(max_size=5),
    max_size=10,
).map(" ".join)


@given(TEXTS, TEXTS)
@settings(max_examples=80, deadline=None)
def test_any_two_texts_can_be_compared(claim, passage) -> None:
    comparison = compare(claim, passage)
    assert 0.0 <= comparison.word_coverage <= 1.0
    assert 0.0 <= comparison.coverage <= 1.0 + 1e-9
    for item in comparison.items:
        assert 0 <= item.start < item.end <= len(claim)
        assert not (item.same and item.rivals)
        for rival in item.rivals:
            assert 0.0 <= rival.strength <= 1.0 + 1e-9


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_a_text_states_its_own_facts(text) -> None:
    assert same_facts(text, text)


def test_one_difference_leaves_the_matter_the_same_and_several_do_not() -> None:
    claim = "Two B-52 bombers and three F-35A fighters took part on 10 December."
    same, other, others = (
        compare(claim.replace("Two", bombers).replace("three", fighters), EXERCISE)
        for bombers, fighters in (("Two", "three"), ("Four", "three"), ("Four", "nine"))
    )
    assert same.matching == other.matching > others.matching > others.coverage
    assert same.anchors > other.anchors > others.anchors > 0


def test_a_verb_of_opposite_meaning_opposes_the_predicate() -> None:
    rates = "The central bank lowered its main rate on 6 June 2024."
    assert compare("The central bank raised its main rate.", rates).predicate_opposed
    assert not compare("The central bank cut its main rate.", rates).predicate_opposed
    assert not compare("The rate that was raised is the main rate.", rates).predicate_opposed
