"""Passages are ranked by adding what words count in them, and a word is looked up once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from service.statements.words import Places, Ranking


class Reader:
    """Words and what they count in which passage, given; remembers what was read."""

    def __init__(self, stored: Mapping[str, Mapping[int, float]]) -> None:
        self.stored = stored
        self.read: Counter[str] = Counter()

    def count(self, spelling: str, most: int) -> int:
        return min(most, len(self.stored.get(spelling, {})))

    def places(self, spelling: str) -> Places:
        self.read[spelling] += 1
        return Places.of(self.stored[spelling].items())


STORED = st.dictionaries(
    st.sampled_from("abcd"),
    st.dictionaries(st.integers(1, 20), st.sampled_from([0.5, 1.0, 2.0]), max_size=20),
)
ASKED = st.lists(st.permutations("abcd").map(lambda letters: letters[:2]), max_size=6)


@settings(deadline=None)
@given(stored=STORED, asked=ASKED, kept=st.integers(0, 40), n=st.integers(1, 20))
def test_the_best_are_those_whose_words_add_up_to_the_most(stored, asked, kept: int, n: int):
    ranking, reader = Ranking(kept=kept), Reader(stored)
    for words in asked:
        sums: Counter[int] = Counter()
        for word in words:
            sums.update(stored.get(word, {}))
        assert (
            ranking.best(words, 1, reader, n)
            == sorted(sums, key=lambda number: (-sums[number], number))[:n]
        )


def test_a_word_is_read_once_until_a_passage_changes():
    ranking, reader = Ranking(), Reader({"a": {1: 1.0}, "b": {2: 1.0}})
    for _ in range(3):
        ranking.best(["a", "b"], 1, reader, 5)
    assert reader.read == {"a": 1, "b": 1}

    reader.stored = {"a": {3: 1.0}}
    assert ranking.best(["a", "b"], 2, reader, 5) == [3]


def test_what_was_asked_for_longest_ago_is_given_up_first():
    ranking = Ranking(kept=4)
    reader = Reader({"a": {1: 1.0, 2: 1.0}, "b": {2: 1.0, 3: 1.0}, "c": {4: 1.0}})
    for word in "abac":
        ranking.best([word], 1, reader, 5)
    ranking.best(["a", "b"], 1, reader, 5)
    assert reader.read == {"a": 1, "b": 2, "c": 1}
