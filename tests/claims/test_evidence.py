"""Passages and an engine's opinions of them become evidence, whatever the engine answers."""

from __future__ import annotations

import math

import pytest
from pieces import N, R, S, piece

from service.claims.evidence import gather
from service.types import Assessment, Mismatch, MismatchKind, Opinion

FIRST = piece(statement_id="S1", start=10).passage
SECOND = piece(statement_id="S2").passage


def opinion(passage=FIRST, **values) -> Opinion:
    kept = {"stance": S, "probability": 0.8, "start": passage.start, "end": passage.end} | values
    return Opinion(passage.id, **kept)


def test_evidence_keeps_the_order_of_the_passages_and_what_was_said_of_them() -> None:
    mismatch = Mismatch(MismatchKind.NUMBER, "four", "two")
    said = opinion(
        SECOND, stance=R, mismatches=(mismatch,), scores=((R, 0.8),), cross_check=S, start=2, end=6
    )
    first, second = gather([FIRST, SECOND], Assessment((said, opinion())))
    assert (first.passage, second.passage) == (FIRST, SECOND)
    assert (second.stance, second.probability, second.start, second.end) == (R, 0.8, 2, 6)
    assert (second.mismatches, second.scores, second.cross_check) == ((mismatch,), ((R, 0.8),), S)


def test_nothing_decides_before_the_rules_have_spoken() -> None:
    assert not any(one.decides for one in gather([FIRST], Assessment((opinion(),))))


def test_a_passage_without_an_opinion_is_neutral() -> None:
    (found,) = gather([FIRST], Assessment(()))
    assert (found.stance, found.probability) == (N, 0.0)


def test_an_opinion_of_a_passage_that_was_not_given_is_dropped() -> None:
    assert [one.passage for one in gather([FIRST], Assessment((opinion(SECOND),)))] == [FIRST]


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        (12, 15, (12, 15)),
        (0, 15, (10, 15)),
        (12, 10**9, (12, FIRST.end)),
        (-5, -1, (FIRST.start, FIRST.end)),
        (15, 12, (FIRST.start, FIRST.end)),
        (10**9, 10**9 + 1, (FIRST.start, FIRST.end)),
    ],
)
def test_words_outside_the_passage_are_never_taken_for_its_words(start, end, kept) -> None:
    (found,) = gather([FIRST], Assessment((opinion(start=start, end=end),)))
    assert (found.start, found.end) == kept


@pytest.mark.parametrize(
    ("value", "kept"), [(1.7, 1.0), (-3.0, 0.0), (math.nan, 0.0), (math.inf, 1.0), (0.4, 0.4)]
)
def test_what_is_no_probability_becomes_the_nearest_one(value, kept) -> None:
    (found,) = gather([FIRST], Assessment((opinion(probability=value, scores=((S, value),)),)))
    assert (found.probability, found.scores) == (kept, ((S, kept),))


def test_no_passages_give_no_evidence() -> None:
    assert gather([], Assessment((opinion(),))) == ()
