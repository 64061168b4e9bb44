"""What a figure has to beat: the commonest label, the share of common words, and BM25."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from itertools import combinations_with_replacement, permutations

import numpy as np
import numpy.typing as npt

from eval.folds import folds

Array = npt.NDArray[np.float64]

_WORD = re.compile(r"\w+(?:[.,'’-]\w+)*")
# The commonest words of English: they overlap whatever is said.
_COMMON = frozenset(
    """a about after all also an and any are as at be because been before but by can could did do
    does for from had has have he her him his how i if in into is it its may more most no not of on
    or our out over she should so some such than that the their them then there these they this to
    up was we were what when which who will with would you your""".split()
)
_STEPS = 20


def majority(gold: Sequence[str]) -> list[str]:
    """The commonest label for every row (ties: the first in the alphabet); [] on empty input.

    Taken from the reported rows themselves, so a little better than a real guess could be.
    """
    if not gold:
        return []
    counts = Counter(gold)
    commonest = min(counts, key=lambda label: (-counts[label], label))
    return [commonest] * len(gold)


def content_words(text: str) -> frozenset[str]:
    """The lower-case words of a text without the commonest ones of English."""
    return frozenset(_WORD.findall(text.lower())) - _COMMON


def word_overlap(claim: str, passages: Sequence[str]) -> float:
    """Share of the claim's content words that stand in the passage with the most of them, 0 to 1.

    0 when there is no passage or the claim has no content word.
    """
    wanted = content_words(claim)
    if not wanted or not passages:
        return 0.0
    return max(len(wanted & content_words(passage)) for passage in passages) / len(wanted)


def overlap_labels(
    overlap: Sequence[float], gold: Sequence[str], groups: Sequence[str], labels: Sequence[str]
) -> list[str]:
    """Predict each row's label from its word overlap alone, by cross-fitted thresholds.

    On four fifths of the groups the thresholds (multiples of 0.05) and the label of each stretch
    between them are chosen for the best macro-F1 of all choices there are; the other fifth gets its
    labels from them. Returns [] on empty input.

    Args:
        overlap: ``(n,)``, 0 to 1, as :func:`word_overlap`.
        gold: ``(n,)``: people's labels.
        groups: ``(n,)``: rows of one group share a fold.
        labels: all labels, at most four.
    """
    place = {label: index for index, label in enumerate(labels)}
    truth = np.array([place[label] for label in gold], dtype=np.intp)
    step = np.minimum(np.floor(np.asarray(overlap) * _STEPS + 1e-9), _STEPS).astype(int)
    predicted = np.zeros(len(truth), dtype=np.intp)
    for fitted, reported in folds(groups):
        rule = _best_rule(step[fitted], truth[fitted], len(labels))
        predicted[reported] = rule[step[reported]]
    return [labels[int(index)] for index in predicted]


def _best_rule(
    step: npt.NDArray[np.int_], truth: npt.NDArray[np.intp], classes: int
) -> npt.NDArray[np.intp]:
    """The label (its index) of each of the 21 steps that gives the best macro-F1."""
    counts = np.zeros((classes, _STEPS + 2))
    np.add.at(counts, (truth, step + 1), 1)
    until = counts.cumsum(axis=1)  # until[c, s]: rows of class c below step s
    total = until[:, -1]
    cuts = np.array(list(combinations_with_replacement(range(_STEPS + 2), classes - 1)))
    edges = np.hstack([np.zeros((len(cuts), 1), int), cuts, np.full((len(cuts), 1), _STEPS + 1)])
    inside = until[:, edges[:, 1:]] - until[:, edges[:, :-1]]  # (class, cut, stretch)
    size = inside.sum(axis=0)
    best, rule = -1.0, (0, tuple(range(classes)))
    for order in permutations(range(classes)):
        right = inside[list(order), :, range(classes)].T  # (cut, stretch)
        whole = size + total[list(order)]
        f1 = np.divide(2 * right, whole, out=np.zeros_like(right), where=whole > 0).mean(axis=1)
        if f1.max() > best:
            best, rule = float(f1.max()), (int(f1.argmax()), order)
    cut, order = rule
    stretch = np.searchsorted(cuts[cut], np.arange(_STEPS + 1), side="right")
    return np.array(order, dtype=np.intp)[stretch]


def bm25_order(query: str, texts: Sequence[str]) -> list[int]:
    """Positions of the texts that share a word with the query, best first, by BM25.

    SQLite FTS5's bm25 (k1 1.2, b 0.75) over these texts alone, words reduced to their stems
    (Porter). Ties keep the texts' order. Returns [] where nothing is shared or there is no text.
    """
    terms = sorted(set(re.findall(r"\w+", query.lower())))
    if not terms or not texts:
        return []
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(
            "CREATE VIRTUAL TABLE texts USING fts5(body, tokenize = 'porter unicode61')"
        )
        database.executemany(
            "INSERT INTO texts (rowid, body) VALUES (?, ?)", list(enumerate(texts))
        )
        found = database.execute(
            "SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY bm25(texts), rowid",
            (" OR ".join(f'"{term}"' for term in terms),),
        )
        return [int(row) for (row,) in found]
