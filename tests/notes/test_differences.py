"""What differs between two revisions is told whole: nothing lost, nothing told twice."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import given
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
