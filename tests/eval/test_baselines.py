"""Baselines do what their names say, and never see the rows that they are reported on."""

from __future__ import annotations

import numpy as np

from eval.baselines import bm25_order, content_words, majority, overlap_labels, word_overlap
from eval.folds import folds
from eval.metrics import confusion, macro_f1

LABELS = ("supports", "refutes", "neutral")


def test_the_majority_is_the_commonest_label() -> None:
    assert majority(["a", "b", "b"]) == ["b", "b", "b"]
    assert majority([]) == []


def test_overlap_is_the_share_of_the_claims_content_words() -> None:
    passages = ["The bombers flew over Japan.", "Two B-52 bombers flew."]
    assert content_words("The two B-52 bombers") == {"two", "b-52", "bombers"}
    assert word_overlap("Two B-52 bombers landed", passages) == 3 / 4
    assert word_overlap("the of and", passages) == 0
    assert word_overlap("Two bombers", []) == 0


def test_folds_part_all_rows_and_keep_groups_whole() -> None:
    groups = [f"claim {number // 5}" for number in range(100)]
    seen: list[int] = []
    for fitted, reported in folds(groups):
        assert not {groups[row] for row in fitted} & {groups[row] for row in reported}
        assert len(fitted) + len(reported) == 100
        seen += reported.tolist()
    assert sorted(seen) == list(range(100))


def test_overlap_labels_find_thresholds_that_are_there() -> None:
    random = np.random.default_rng(3)
    overlap = random.random(300)
    gold = [LABELS[2 if value < 0.3 else 1 if value < 0.7 else 0] for value in overlap]
    guess = overlap_labels(overlap, gold, [str(row) for row in range(300)], LABELS)
    assert macro_f1(confusion(gold, guess, LABELS)) > 0.95


def test_overlap_labels_of_noise_are_no_better_than_chance() -> None:
    random = np.random.default_rng(4)
    gold = [LABELS[place] for place in random.integers(0, 3, 600)]
    guess = overlap_labels(random.random(600), gold, [str(row) for row in range(600)], LABELS)
    assert macro_f1(confusion(gold, guess, LABELS)) < 0.4


def test_a_rows_own_label_does_not_change_its_overlap_label() -> None:
    random = np.random.default_rng(5)
    overlap = random.random(80)
    gold = [LABELS[place] for place in random.integers(0, 3, 80)]
    groups = [str(row) for row in range(80)]
    before = overlap_labels(overlap, gold, groups, LABELS)
    changed = [LABELS[(LABELS.index(gold[0]) + 1) % 3], *gold[1:]]
    assert overlap_labels(overlap, changed, groups, LABELS)[0] == before[0]


def test_bm25_puts_the_rarer_shared_word_first() -> None:
    texts = ["the bombers flew", "the treaty was signed", "the bombers of the treaty", "nothing"]
    assert bm25_order("Treaty signing", texts)[0] == 1
    assert bm25_order("zebra", texts) == []
    assert bm25_order("", texts) == []
