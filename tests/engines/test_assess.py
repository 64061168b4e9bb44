"""What one statement means for one claim: comparison, repair, denial."""

from __future__ import annotations

from datetime import date

import pytest

from service.engines.local.engine import LocalEngine
from service.models import Encoder, StanceModel
from service.types import Assessment, Claim, Kind, Passage, Span, Stance, StatementRef

EXERCISE = (
    "The Navy said on 4 March 2024 that four B-52H bombers and three F-35A fighters took part in "
    "the exercise over the Baltic Sea. No airspace was violated."
)
RATES = (
    "The central bank raised its main rate to 4.25 percent on 6 June 2024, up from 4 percent. "
    "The rate on deposits is 3.75 percent."
)
DENIAL = (
    "Reports that the ministry had turned down the union's offer are completely untrue, the "
    "minister said on 9 May 2024."
)


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return LocalEngine(StanceModel(), Encoder())


def passage(text: str, number: int = 0) -> Passage:
    statement = StatementRef(
        f"S{number}", 1, f"{number}" * 64, Kind.ORIGINAL, None, None, date(2024, 6, 30), None
    )
    return Passage(f"S{number}@1:0-{len(text)}", statement, 0, len(text), text)


async def assess(engine: LocalEngine, claim: str, *texts: str) -> Assessment:
    passages = tuple(passage(text, number) for number, text in enumerate(texts))
    return await engine.assess(Claim("c", claim, Span(0, len(claim), claim)), passages)


async def stance(engine: LocalEngine, claim: str, text: str) -> Stance:
    (opinion,) = (await assess(engine, claim, text)).opinions
    return opinion.stance


async def test_the_same_facts_in_light_words_support(engine: LocalEngine) -> None:
    assert (
        await stance(engine, "The exercise featured 4 B-52 bombers.", EXERCISE) is Stance.SUPPORTS
    )


async def test_another_variant_of_the_model_refutes_and_is_named(engine: LocalEngine) -> None:
    (opinion,) = (
        await assess(engine, "Three F-35B fighters took part in the exercise.", EXERCISE)
    ).opinions
    assert opinion.stance is Stance.REFUTES
    assert [str(found) for found in opinion.mismatches] == ["claim: F-35B; statement: F-35A"]


async def test_a_finer_name_of_the_model_is_no_mismatch(engine: LocalEngine) -> None:
    (opinion,) = (
        await assess(engine, "Four B-52 bombers took part in the exercise.", EXERCISE)
    ).opinions
    assert opinion.stance is Stance.SUPPORTS
    assert opinion.mismatches == ()


async def test_another_number_of_the_same_thing_refutes(engine: LocalEngine) -> None:
    (opinion,) = (
        await assess(
            engine, "Six B-52 bombers took part in the exercise over the Baltic Sea.", EXERCISE
        )
    ).opinions
    assert opinion.stance is Stance.REFUTES
    assert any("Six B-52" in found.claim for found in opinion.mismatches)


async def test_a_number_of_something_else_does_not_refute(engine: LocalEngine) -> None:
    claim = "The exercise over the Baltic Sea cost 12 million dollars."
    assert await stance(engine, claim, EXERCISE) is Stance.NEUTRAL


async def test_what_is_not_said_is_neutral(engine: LocalEngine) -> None:
    claim = "The bombers that took part in the exercise had come from Guam."
    assert await stance(engine, claim, EXERCISE) is Stance.NEUTRAL


async def test_the_former_figure_is_not_the_figure(engine: LocalEngine) -> None:
    claim = "The central bank raised its main rate to 5.25 percent on 6 June 2024."
    assert await stance(engine, claim, RATES) is Stance.REFUTES


async def test_what_a_statement_calls_untrue_is_refuted(engine: LocalEngine) -> None:
    claim = "The ministry has declined the union's offer."
    assert await stance(engine, claim, DENIAL) is Stance.REFUTES


async def test_opinions_lie_inside_their_passage(engine: LocalEngine) -> None:
    for opinion in (await assess(engine, "Four bombers flew.", EXERCISE, RATES, DENIAL)).opinions:
        assert 0 <= opinion.start < opinion.end
        assert 0.0 <= opinion.probability <= 1.0
        assert abs(sum(dict(opinion.scores).values()) - 1) < 1e-6


async def test_a_statement_about_another_event_does_not_decide(engine: LocalEngine) -> None:
    other = (
        "The Navy said on 9 May 2024 that two Tu-95 bombers took part in an exercise over the "
        "Black Sea."
    )
    claim = "Four B-52H bombers took part in the exercise over the Baltic Sea."
    stances = [o.stance for o in (await assess(engine, claim, EXERCISE, other)).opinions]
    assert stances == [Stance.SUPPORTS, Stance.NEUTRAL]


async def test_another_events_figure_contradicts_nothing(engine: LocalEngine) -> None:
    silent = (
        "The army said on 3 May 2024 that the exercise Autumn Shield 2024 would take place in "
        "September. It did not say how many troops would take part in Autumn Shield."
    )
    another = (
        "Exercise Sea Lance 2024, in which 16,000 troops were to take part, began on 1 August "
        "2024, the navy said."
    )
    claim = "About 9,000 troops were to take part in Autumn Shield 2024."
    found = await assess(engine, claim, silent, another)
    assert [opinion.stance for opinion in found.opinions] == [Stance.NEUTRAL, Stance.NEUTRAL]


async def test_an_event_that_shares_one_word_contradicts_nothing(engine: LocalEngine) -> None:
    joined = (
        "Portugal became a member of the Alliance on 4 April 2023, when its instrument of "
        "accession was deposited."
    )
    drill = "Australian troops joined the Philippine exercise in April 2024."
    stances = [
        opinion.stance
        for claim in ("Portugal joined the Alliance in April 2023.", "Portugal joined in 2021.")
        for opinion in (await assess(engine, claim, drill, joined)).opinions[:1]
    ]
    assert stances == [Stance.NEUTRAL, Stance.NEUTRAL]


async def test_no_passages_give_no_opinions(engine: LocalEngine) -> None:
    assert (await assess(engine, "Four bombers flew.")).opinions == ()


async def test_the_same_question_has_the_same_answer(engine: LocalEngine) -> None:
    claim = "Six B-52 bombers took part in the exercise."
    first = await assess(engine, claim, EXERCISE, RATES)
    fresh = LocalEngine(StanceModel(), Encoder())
    assert await assess(fresh, claim, EXERCISE, RATES) == first
