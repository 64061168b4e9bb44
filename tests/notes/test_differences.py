"""What differs between two revisions is told whole: nothing lost, nothing told twice."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from service.notes.differences import Stretch, difference, words
from service.types import Citation, Finding, Kind, StatementRef

REF = StatementRef("S1", 1, "0" * 64, Kind.ORIGINAL, "Council", "Loan", date(2025, 12, 10), None)
TEXTS = st.text(alphabet="ab \n\u00a0é.", max_size=30)
FINDINGS = st.lists(
    st.builds(
        lambda text, start: Finding(text, (Citation(REF, "quote", start, start + 5),)),
        st.sampled_from(["a b c d", "a b c e", "x y z", "a b", ""]),
        st.integers(0, 1),
    ),
    max_size=6,
)


def cited(text: str, start: int = 0) -> Finding:
    return Finding(text, (Citation(REF, "quote", start, start + 5),))


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_off_the_words(before: str, after: str) -> None:
    found = words(before, after)
    assert "".join(one.text for one in found if one.kind != "added") == before
    assert "".join(one.text for one in found if one.kind != "removed") == after


LONG = st.builds(
    lambda words, count: "".join(words) * count,
    st.lists(st.sampled_from(["a ", "b ", "c\n"]), min_size=1, max_size=5),
    st.integers(15_000, 50_000),
)


@settings(max_examples=10, deadline=timedelta(seconds=10))
@given(LONG, LONG)
def test_texts_of_any_length_are_compared_in_time(before: str, after: str) -> None:
    found = words(before, after)
    assert "".join(one.text for one in found if one.kind != "added") == before
    assert "".join(one.text for one in found if one.kind != "removed") == after


def test_of_long_texts_the_lines_are_told_that_changed() -> None:
    lines = [f"Line {number} has seven words and ends.\n" for number in range(10_000)]
    changed = [*lines[:6_000], "Another one.\n", *lines[6_001:]]
    assert words("".join(lines), "".join(changed)) == (
        Stretch("kept", "".join(lines[:6_000])),
        Stretch("removed", lines[6_000]),
        Stretch("added", "Another one.\n"),
        Stretch("kept", "".join(lines[6_001:])),
    )


def test_what_was_removed_is_told_before_what_was_added() -> None:
    assert words("a b c d", "a x y d") == (
        Stretch("kept", "a "),
        Stretch("removed", "b c "),
        Stretch("added", "x y "),
        Stretch("kept", "d"),
    )


@given(FINDINGS, FINDINGS)
def test_the_difference_makes_one_list_of_findings_of_the_other(before, after) -> None:
    found = difference(before, after)
    gone = Counter(found.removed) + Counter(one.before for one in found.changed)
    new = Counter(found.added) + Counter(one.after for one in found.changed)
    assert Counter(before) - gone + new == Counter(after)
    assert not gone - Counter(before)


@given(FINDINGS)
def test_the_same_findings_in_another_order_do_not_differ(findings) -> None:
    found = difference(findings, findings[::-1])
    assert (found.added, found.removed, found.changed) == ((), (), ())


def test_a_changed_word_is_told_as_one_removed_and_one_added() -> None:
    (changed,) = difference(
        [cited("Leaders lent EUR 90 billion.")], [cited("Leaders lent EUR 95 billion.")]
    ).changed
    assert changed.words == (
        Stretch("kept", "Leaders lent EUR "),
        Stretch("removed", "90 "),
        Stretch("added", "95 "),
        Stretch("kept", "billion."),
    )


def test_another_citation_under_the_same_words_is_a_change() -> None:
    (changed,) = difference([cited("Leaders agreed.")], [cited("Leaders agreed.", 7)]).changed
    assert changed.before.citations != changed.after.citations
    assert changed.words == (Stretch("kept", "Leaders agreed."),)


def test_findings_that_share_little_are_one_removed_and_one_added() -> None:
    found = difference([cited("Leaders lent EUR 90 billion.")], [cited("The port was closed.")])
    assert found.changed == ()
    assert (len(found.removed), len(found.added)) == (1, 1)
