"""Marking never changes a word of a text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.desk.marking import Mark, segments

PLACES = st.integers(-5, 60)
MARKS = st.lists(st.builds(Mark, PLACES, PLACES, st.integers(0, 9)), max_size=8)


@given(st.text(max_size=40), MARKS, st.integers(0, 20))
def test_the_segments_are_the_text(text: str, marks: list[Mark[int]], offset: int) -> None:
    assert "".join(one.text for one in segments(text, marks, offset)) == text


@given(st.text(min_size=1, max_size=40), MARKS, st.integers(0, 20))
def test_each_character_bears_the_marks_that_cover_it(text, marks, offset) -> None:
    place = offset
    for segment in segments(text, marks, offset):
        for _ in segment.text:
            assert segment.marks == tuple(m.what for m in marks if m.start <= place < m.end)
            place += 1


@given(st.text(min_size=1, max_size=40), MARKS, st.integers(0, 20))
def test_each_mark_inside_begins_once(text, marks, offset) -> None:
    begun = [what for segment in segments(text, marks, offset) for what in segment.begins]
    end = offset + len(text)
    inside = [m.what for m in marks if m.start < m.end and m.start < end and m.end > offset]
    assert sorted(begun) == sorted(inside)
