"""The rules of the verdict, one by one as docs and design state them, and what always holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pieces import AFTER, AS_OF, BEFORE, LATER, STAFF, N, R, S, piece

from service.claims.verdict import decide
from service.types import Evidence, Verdict

SUPPORTED, REFUTED = Verdict.SUPPORTED, Verdict.REFUTED
CONFLICTING, NOT_ENOUGH = Verdict.CONFLICTING, Verdict.NOT_ENOUGH_EVIDENCE
OTHER = "Council of the European Union"


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        pytest.param([], NOT_ENOUGH, id="nothing found"),
        pytest.param([piece(N)], NOT_ENOUGH, id="absence never refutes"),
        pytest.param([piece(N, "S1"), piece(N, "S2")], NOT_ENOUGH, id="nor does much of it"),
        pytest.param([piece(S)], SUPPORTED, id="supported"),
        pytest.param([piece(R)], REFUTED, id="refuted"),
        pytest.param([piece(S), piece(N, "S2")], SUPPORTED, id="neutral takes nothing away"),
        pytest.param(
            [piece(S, "S1"), piece(R, "S1", start=50)],
            REFUTED,
            id="a part that its own statement refutes refutes the claim",
        ),
        pytest.param(
            [piece(S, "S1", issuer=STAFF), piece(R, "S2", issuer=OTHER)],
            CONFLICTING,
            id="two in force disagree",
        ),
        pytest.param(
            [piece(S, "S1", BEFORE), piece(R, "S2", BEFORE)],
            CONFLICTING,
            id="two of one body and one day disagree",
        ),
        pytest.param(
            [piece(S, "S1", BEFORE), piece(R, "S2", LATER)],
            REFUTED,
            id="the later one of the same body supersedes",
        ),
        pytest.param(
            [piece(R, "S1", BEFORE), piece(S, "S2", LATER)],
            SUPPORTED,
            id="either way",
        ),
        pytest.param(
            [piece(S, "S1", BEFORE), piece(R, "S2", LATER, OTHER)],
            CONFLICTING,
            id="another body does not supersede",
        ),
        pytest.param(
            [piece(S, "S1", None), piece(R, "S2", LATER)],
            CONFLICTING,
            id="without a date none supersedes",
        ),
        pytest.param(
            [piece(S, "S1", BEFORE, None), piece(R, "S2", LATER, None)],
            CONFLICTING,
            id="nor without an issuer",
        ),
        pytest.param(
            [
                piece(S, "S1", BEFORE - timedelta(3)),
                piece(R, "S2", BEFORE),
                piece(S, "S3", LATER),
            ],
            SUPPORTED,
            id="the newest of three decides",
        ),
        pytest.param(
            [piece(S, "S1", AFTER)],
            NOT_ENOUGH,
            id="what is dated after the as-of date does not decide",
        ),
        pytest.param(
            [piece(S, "S1", BEFORE), piece(R, "S2", AFTER)],
            SUPPORTED,
            id="nor does it supersede",
        ),
        pytest.param([piece(S, "S1", AS_OF)], SUPPORTED, id="the as-of date itself is in time"),
        pytest.param(
            [piece(S, "S1", text="Same."), piece(S, "S2", text="Same.")],
            SUPPORTED,
            id="the same text under two addresses",
        ),
        pytest.param(
            [piece(S, "S1", text="Same."), piece(R, "S2", text="Same.", issuer=OTHER)],
            NOT_ENOUGH,
            id="the same text cannot speak both ways",
        ),
    ],
)  # fmt: skip
def test_the_verdict_follows_the_rules_in_any_order(evidence, verdict) -> None:
    for order in permutations(evidence):
        assert decide(order, AS_OF).verdict is verdict


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ministry of Defense, Japan", "Minister of Defense, Japan (Shinjiro Koizumi)", True),
        ("Ministry of Defense, Japan", "Joint Staff, Ministry of Defense, Japan", True),
        ("Ministry of Defence, Japan", "Ministry of Defense, Japan", True),
        ("Chief Cabinet Secretary of Japan (A)", "Chief Cabinet Secretary of Japan (B)", True),
        ("European Commission", "European Council / European Commission", True),
        ("European Commission", "European Council", False),
        ("Ministry of Finance, Japan", "Ministry of Defense, Japan", False),
        ("Minister of Finance, Japan", "Minister of Defense, Japan", False),
        ("Japan", "Ministry of Defense, Japan", False),
        ("United States", "Governments of Japan and the United States", False),
        ("United Nations General Assembly", "United Nations Security Council", False),
        ("Bank of Japan", "Bank of England", False),
        ("(press office)", "(press office)", False),
    ],
)
def test_only_the_competent_body_supersedes(one, other, same) -> None:
    for first, second in ((one, other), (other, one)):
        ruling = decide([piece(S, "S1", BEFORE, first), piece(R, "S2", LATER, second)], AS_OF)
        assert (ruling.verdict is REFUTED) is same


def test_without_an_as_of_date_every_statement_decides() -> None:
    assert decide([piece(S, "S1", AFTER)], None).verdict is SUPPORTED


def test_a_statement_after_the_as_of_date_is_shown_marked_and_warned_of() -> None:
    ruling = decide([piece(S, "S1"), piece(R, "S2", AFTER)], AS_OF)
    later = ruling.evidence[1]
    assert not later.decides
    assert later.why == f"dated {AFTER}, after the as-of date"
    assert any("S2" in warning and str(AS_OF) in warning for warning in ruling.warnings)


def test_a_superseded_statement_names_its_successor() -> None:
    ruling = decide([piece(S, "S1", BEFORE), piece(R, "S2", LATER)], AS_OF)
    assert [one.decides for one in ruling.evidence] == [False, True]
    assert ruling.evidence[0].why == f"superseded by S2 of {LATER}, by the same body"


def test_of_the_same_text_the_oldest_address_decides() -> None:
    copies = [piece(S, "S2", LATER, text="Same."), piece(S, "S1", BEFORE, text="Same.")]
    ruling = decide(copies, AS_OF)
    assert [one.decides for one in ruling.evidence] == [False, True]
    assert ruling.evidence[0].why == "the same text as S1, counted once"


def test_the_same_text_decides_by_the_copy_that_is_in_time() -> None:
    copies = [piece(S, "S1", AFTER, text="Same."), piece(S, "S2", BEFORE, text="Same.")]
    assert decide(copies, AS_OF).verdict is SUPPORTED


def test_a_deciding_statement_without_a_date_is_warned_of() -> None:
    assert any("S1" in warning for warning in decide([piece(S, published=None)], AS_OF).warnings)


def test_every_piece_that_speaks_says_why_it_decides_or_not() -> None:
    evidence = [
        piece(S, "S1", BEFORE), piece(R, "S2", LATER), piece(S, "S3", AFTER),
        piece(R, "S4", LATER, text="Same."), piece(R, "S5", LATER, text="Same."), piece(N, "S6"),
    ]  # fmt: skip
    ruling = decide(evidence, AS_OF)
    assert [bool(one.why) for one in ruling.evidence] == [True] * 5 + [False]
    assert [one.passage for one in ruling.evidence] == [one.passage for one in evidence]


@pytest.mark.parametrize("proposed", list(Verdict))
@pytest.mark.parametrize(
    ("evidence", "carried"),
    [
        ([piece(S)], SUPPORTED),
        ([piece(R)], REFUTED),
        ([piece(N)], NOT_ENOUGH),
        ([piece(S, "S1"), piece(R, "S2", issuer=OTHER)], CONFLICTING),
    ],
)
def test_an_engines_verdict_that_its_evidence_does_not_carry_is_lowered(
    evidence, carried, proposed
) -> None:
    ruling = decide(evidence, AS_OF, proposed)
    if proposed is carried:
        assert ruling == decide(evidence, AS_OF)
    else:
        assert ruling.verdict is NOT_ENOUGH
        assert not any(one.decides for one in ruling.evidence)
        assert proposed in ruling.warnings[0]


def test_the_confidence_is_that_of_what_decides() -> None:
    scores = ((S, 0.7), (R, 0.2), (N, 0.1))
    assert decide([piece(S, scores=scores), piece(N, "S2")], AS_OF).confidence == 0.7
    both = [piece(S, "S1", probability=0.8), piece(R, "S2", probability=0.6, issuer=OTHER)]
    assert decide(both, AS_OF).confidence == 0.6
    assert decide([piece(N, scores=scores)], AS_OF).confidence == pytest.approx(0.3)
    assert decide([], AS_OF).confidence == 1.0


def test_what_cannot_decide_takes_no_confidence_from_abstaining() -> None:
    assert decide([piece(R, published=AFTER)], AS_OF).confidence == 1.0


dates = st.none() | st.dates(date(2025, 12, 1), date(2025, 12, 24))
probabilities = st.floats(0, 1)
pieces = st.builds(
    piece,
    st.sampled_from([S, R, N]),
    st.sampled_from(["S1", "S2", "S3", "S4"]),
    dates,
    st.sampled_from([STAFF, "Ministry of Defense, Japan", OTHER, "Japan", None, "", "日本"]),
    text=st.sampled_from(["", "Same.", "Another."]),
    start=st.sampled_from([0, 50]),
    probability=probabilities,
    scores=st.just(())
    | st.tuples(probabilities, probabilities).map(lambda pair: ((S, pair[0]), (R, pair[1]))),
)
evidence_lists = st.lists(pieces, max_size=6)


@given(evidence_lists, dates, st.none() | st.sampled_from(list(Verdict)))
@settings(max_examples=200, deadline=None)
def test_whatever_the_evidence_the_ruling_is_sound(evidence, as_of, proposed) -> None:
    ruling = decide(evidence, as_of, proposed)
    assert 0.0 <= ruling.confidence <= 1.0
    assert len(ruling.evidence) == len(evidence)
    deciding = {one.stance for one in ruling.evidence if one.decides}
    wanted = {SUPPORTED: {S}, REFUTED: {R}, CONFLICTING: {S, R}, NOT_ENOUGH: set()}
    assert wanted[ruling.verdict] <= deciding
    assert deciding <= {S, R}
    assert (ruling.verdict is NOT_ENOUGH) is (not deciding)
    for before, after in zip(evidence, ruling.evidence, strict=True):
        assert replace(after, decides=before.decides, why=before.why) == before
        if after.decides:
            published = after.passage.statement.published
            assert as_of is None or published is None or published <= as_of


@given(evidence_lists, dates, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_of_the_evidence_changes_nothing(evidence, as_of, random) -> None:
    shuffled: list[Evidence] = list(evidence)
    random.shuffle(shuffled)
    one, other = decide(evidence, as_of), decide(shuffled, as_of)
    assert (one.verdict, one.confidence, one.warnings) == (
        other.verdict, other.confidence, other.warnings,
    )  # fmt: skip
    assert sorted(map(repr, one.evidence)) == sorted(map(repr, other.evidence))


@given(evidence_lists, dates)
@settings(max_examples=100, deadline=None)
def test_evidence_that_says_nothing_never_changes_the_verdict(evidence, as_of) -> None:
    speaking = [one for one in evidence if one.stance is not N]
    assert decide(evidence, as_of).verdict is decide(speaking, as_of).verdict


@given(evidence_lists, dates)
@settings(max_examples=100, deadline=None)
def test_deciding_again_changes_nothing(evidence, as_of) -> None:
    ruling = decide(evidence, as_of)
    assert decide(ruling.evidence, as_of).evidence == ruling.evidence
