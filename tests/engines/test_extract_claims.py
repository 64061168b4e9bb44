"""What the embedded engine takes for a claim, and how it words it."""

from __future__ import annotations

from datetime import date

import pytest

from service.engines.local.extract import extract_claims
from service.kit.text import normalise, sha256_hex
from service.types import Claim, Submission, Window


def claims_of(text: str) -> list[Claim]:
    text = normalise(text)
    submission = Submission(text=text, sha256=sha256_hex(text), published=date(2024, 5, 1))
    return list(extract_claims(Window(submission, 0, len(text))))


def texts_of(text: str) -> set[str]:
    return {claim.text for claim in claims_of(text)}


@pytest.mark.parametrize(
    "sentence",
    [
        "Will the bank raise rates to 5 percent in May?",
        "Ministers should raise the tax to 5 percent.",
        "The strike could cost the city $5 million.",
        "If the dam breaks, 5,000 people will lose their homes.",
        "Perhaps the worst is over.",
        "It is a wonderful day for the whole country.",
        "Analysts expect a rise of 5 percent in June.",
        "Many believe that the mayor lied.",
        "The tragedy has shaken the quiet farming community.",
        "The decision has raised questions among observers.",
        "No one knows when the schools will reopen.",
        "Call your doctor.",
        "A long day in Rome",
        "We are proud of our work.",
    ],
)
def test_questions_opinions_guesses_and_atmosphere_are_no_claims(sentence: str) -> None:
    assert texts_of(sentence) == set()


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "The army sent 1,200 soldiers and 30 helicopters.",
            {"The army sent 1,200 soldiers.", "The army sent 30 helicopters."},
        ),
        (
            "The vote was held in June and in secret.",
            {"The vote was held in June.", "The vote was held in secret."},
        ),
        (
            "Inflation reached 6.1 percent in May and 6.4 percent in June.",
            {"Inflation reached 6.1 percent in May.", "Inflation reached 6.4 percent in June."},
        ),
        (
            "Shares fell by 7 percent in Oslo and by 5 percent in Rome.",
            {"Shares fell by 7 percent in Oslo.", "Shares fell by 5 percent in Rome."},
        ),
        (
            "The district has opened four clinics and bought 12,000 doses.",
            {"The district has opened four clinics.", "The district has bought 12,000 doses."},
        ),
        (
            "The driver was arrested in Rome but released on Sunday.",
            {"The driver was arrested in Rome.", "The driver was released on Sunday."},
        ),
        (
            "The fleet used many ships, including three tugs and two tankers.",
            {
                "The fleet used many ships.",
                "The fleet used three tugs.",
                "The fleet used two tankers.",
            },
        ),
        (
            "The training covers everything from first aid to night rescues at sea.",
            {"The training covers first aid.", "The training covers night rescues at sea."},
        ),
        (
            "At least nine people died, among them three firefighters.",
            {"At least nine people died.", "Three firefighters died."},
        ),
    ],
)
def test_what_can_be_checked_apart_is_split(sentence: str, expected: set[str]) -> None:
    assert texts_of(sentence) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "Japan and France held talks in Rome in May.",
        "The instrument recorded 212 spectra between March 2021 and August 2023.",
        "Exports of timber and fish fell by 12 percent and 8 percent respectively.",
        "The ministry cut its forecast from 2.1 percent to 1.4 percent.",
        "The merger combined two banks and three insurers.",
        "Insurers put the losses at between $400 million and $600 million.",
    ],
)
def test_what_is_only_true_together_stays_together(sentence: str) -> None:
    assert texts_of(sentence) == {sentence}


@pytest.mark.parametrize(
    ("sentence", "claim"),
    [
        (
            "The airport, which handles 70 percent of trade, was closed on Monday.",
            "The airport handles 70 percent of trade.",
        ),
        ("The library, built in 1908, was sold in May.", "The library was built in 1908."),
        (
            "The ministry, led by Peter Halvorsen, cut taxes in May.",
            "The ministry was led by Peter Halvorsen.",
        ),
        (
            "Dr Ann Lee, the city's chief physician, resigned in May.",
            "Dr Ann Lee is the city's chief physician.",
        ),
        (
            "The plant at Grenna, which employs 310 people, opened in 1971.",
            "The plant at Grenna employs 310 people.",
        ),
        (
            "Prices have doubled since the introduction of the carbon tax in 2021.",
            "The carbon tax was introduced in 2021.",
        ),
        (
            "The price rose in light of recent Danish strikes in the North Sea.",
            "There were recent Danish strikes in the North Sea.",
        ),
        (
            "Spain rejected a plan to sell 200 trains to Chile by 2030.",
            "The plan is to sell 200 trains to Chile by 2030.",
        ),
        (
            "The bank raised its rate by a quarter point in May, the third increase this year.",
            "The bank raised its rate by a quarter point in May, the third increase this year.",
        ),
        (
            "Ten jets and two tankers took part, the latter of which were built in 1990.",
            "Tankers were built in 1990.",
        ),
        (
            "The team met two ministers, both of whom had resigned in May.",
            "Both of two ministers had resigned in May.",
        ),
    ],
)
def test_what_hangs_on_a_clause_is_a_claim_of_its_own(sentence: str, claim: str) -> None:
    assert claim in texts_of(sentence)


@pytest.mark.parametrize(
    ("sentence", "claim", "speaker", "cue"),
    [
        (
            "The JCS confirmed that the train carried 40 people.",
            "The train carried 40 people.",
            "The JCS",
            "confirmed",
        ),
        (
            "The train carried 40 people, according to police in Kelso.",
            "The train carried 40 people.",
            "police in Kelso",
            "according to",
        ),
        (
            "The train, investigators said, was travelling at 112 kilometres per hour.",
            "The train was travelling at 112 kilometres per hour.",
            "investigators",
            "said",
        ),
        (
            "“Most of the children had not been vaccinated,” said Dr. Ingrid Solberg.",
            "Most of the children had not been vaccinated.",
            "Dr. Ingrid Solberg",
            "said",
        ),
        (
            "The council approved the plans, citing in a letter that they were changed in May.",
            "The plans were changed in May.",
            "The council",
            "citing",
        ),
    ],
)
def test_a_reported_fact_is_the_claim_and_its_speaker_the_attribution(
    sentence: str, claim: str, speaker: str, cue: str
) -> None:
    found = {item.text: item for item in claims_of(sentence)}
    assert claim in found
    attribution = found[claim].attribution
    assert attribution is not None
    assert (attribution.speaker, attribution.cue) == (speaker, cue)
    span = attribution.span
    assert normalise(sentence)[span.start : span.end] == span.text


def test_a_quotation_that_goes_on_keeps_its_speaker() -> None:
    found = claims_of("“It opened in May,” said Ann Lee. “We spent $4 million on a hall.”")
    (claim,) = [item for item in found if "$4 million" in item.text]
    assert claim.speaker == "Ann Lee"


def test_an_admission_is_a_claim_beside_what_was_admitted() -> None:
    found = texts_of("The ministry acknowledged that it had lost 300 files.")
    assert found == {
        "The ministry acknowledged that it had lost 300 files.",
        "The ministry had lost 300 files.",
    }


def test_a_denial_stays_a_denial() -> None:
    found = texts_of("The ministry denied reports that it had rejected an offer from Chile.")
    assert found == {"The ministry denied reports that it had rejected an offer from Chile."}


def test_a_clear_pronoun_is_replaced_by_what_it_stands_for() -> None:
    found = texts_of("Railco operates 60 trains. It inspected the track on 3 May.")
    assert "Railco inspected the track on 3 May." in found


def test_a_speaker_pronoun_is_replaced_too() -> None:
    found = claims_of("Mayor Ann Lee resigned in May. She said the city owed $3 million.")
    assert found[-1].speaker == "Mayor Ann Lee"


@pytest.mark.parametrize(
    "sentence",
    [
        "The report on the ship raised fears, with some officials saying it sank in 1990.",
        "Port authorities in Malta dispute that.",
        "The ministry in Oslo denied this on Monday.",
        "This was a purchase that cost $5 million.",
        "That was according to an audit of 300 ships.",
        "Her term ends in October 2027.",
        "The court in Oslo overturned it in May.",
        "Only one of them had been repaired by October.",
        "Both were repaired in May 2020.",
        "22 other countries did.",
        "Spain and 21 other countries have not.",
        "Spain did so in June 2019.",
    ],
)
def test_what_cannot_stand_alone_is_no_claim(sentence: str) -> None:
    assert not texts_of(sentence) - {"The report on the ship raised fears."}


def test_auxiliaries_that_are_the_verb_are_no_ellipsis() -> None:
    for sentence in (
        "The firm did well in June 2019.",
        "Spain has 21 airports.",
        "Spain did the same in 2019.",
        "There were 300 ships in Malta.",
    ):
        assert texts_of(sentence) == {sentence}


def test_the_only_things_that_an_object_pronoun_can_mean_take_its_place() -> None:
    found = texts_of("The army bought 40 trucks in May and sold them in June.")
    assert "The army sold the 40 trucks in June." in found
    found = texts_of("The city owns 40 bridges. Only one of them had been repaired by October.")
    assert "Only one of the 40 bridges had been repaired by October." in found


def test_an_object_pronoun_inside_what_it_stands_for_stays() -> None:
    text = "The plant lost $3 million in May because a storm had damaged it."
    assert text in texts_of(text)


@pytest.mark.parametrize(
    "sentence",
    [
        "It is not true that the bridge was closed.",
        "It is false that the bridge was closed for 10 weeks.",
        "It isn't true that the agency hired 500 rangers.",
        "It is untrue that the agency hired 500 rangers.",
        "It is a myth that 300 people died in June.",
        "It took the city 10 years to build the bridge.",
        "It was the mayor who closed the bridge in June.",
    ],
)
def test_an_empty_it_stands_for_nothing_before(sentence: str) -> None:
    found = claims_of("The ministry spent $3 million in May. " + sentence)
    assert [(c.text, c.speaker) for c in found[1:]] == [(sentence, None)]


@pytest.mark.parametrize(
    "opening",
    ["It was revealed", "It emerged", "It later emerged on Tuesday", "It turned out",
     "It has been announced", "It was later confirmed"],
)  # fmt: skip
def test_what_came_to_light_is_a_claim_of_nobody(opening: str) -> None:
    found = claims_of(
        f"The ministry spent $3 million in May. {opening} that the agency had hired 500 rangers."
    )
    assert [(c.text, c.attribution) for c in found[1:]] == [
        ("The agency had hired 500 rangers.", None)
    ]


def test_what_was_revealed_by_somebody_is_theirs() -> None:
    text = "The port lost $3 million. It was revealed by police that the driver had fled to Spain."
    claim = claims_of(text)[-1]
    assert (claim.text, claim.speaker) == ("The driver had fled to Spain.", "police")


def test_a_denied_clause_has_its_pronoun_settled_inside() -> None:
    found = texts_of("The agency hired 500 rangers. It is false that it hired 310 rangers.")
    assert "It is false that the agency hired 310 rangers." in found


def test_it_is_somebody_where_its_predicate_is_somebodys() -> None:
    text = "The ministry spent $3 million in May. It is aware that 300 files were lost in June."
    assert "The ministry is aware that 300 files were lost in June." in texts_of(text)


@pytest.mark.parametrize(
    ("text", "first", "speaker", "second"),
    [
        (
            "Minister Adams said the agency had hired 500 rangers; the audit counted 310.",
            "The agency had hired 500 rangers.",
            "Minister Adams",
            "The audit counted 310.",
        ),
        (
            "The agency had hired 500 rangers in May, Minister Adams said; the audit counted 310.",
            "The agency had hired 500 rangers in May.",
            "Minister Adams",
            "The audit counted 310.",
        ),
        (
            "The mayor said exports rose by 5 percent; imports fell by 2 percent.",
            "Exports rose by 5 percent.",
            "The mayor",
            "Imports fell by 2 percent.",
        ),
    ],
)
def test_a_semicolon_ends_what_somebody_is_said_to_say(
    text: str, first: str, speaker: str, second: str
) -> None:
    found = [(claim.text, claim.speaker) for claim in claims_of(text)]
    assert found == [(first, speaker), (second, None)]


def test_a_semicolon_inside_a_quotation_ends_nothing() -> None:
    text = (
        "“The agency hired 500 rangers in May; the audit of it counted 310,” said Minister Adams."
    )
    assert {claim.speaker for claim in claims_of(text)} == {"Minister Adams"}


@pytest.mark.parametrize(
    "text",
    [
        "The bank lowered its rate by a quarter point on Wednesday, with three officials "
        "dissenting — the most since 2019.",
        "The bank cut its rate by a quarter point on Wednesday, with two members voting against "
        "it, the most since 2019.",
    ],
)
def test_what_is_said_of_an_aside_is_not_said_of_the_clause(text: str) -> None:
    found = texts_of(text)
    assert any(claim.endswith("a quarter point on Wednesday.") for claim in found)
    assert not any("the most" in claim for claim in found)


@pytest.mark.parametrize("aside", ["", ", a former boxer,"])
@pytest.mark.parametrize("when", ["", " on Tuesday", " last week"])
def test_a_denial_is_found_behind_an_aside_and_before_a_date(aside: str, when: str) -> None:
    found = texts_of(f"The mayor{aside} denied{when} that the city owed EUR 3 million.")
    assert f"The mayor denied{when} that the city owed EUR 3 million." in found


def test_a_list_joined_by_semicolons_is_no_apposition() -> None:
    found = texts_of("The fleet has three jets; four tankers; five ships.")
    assert not any(" are " in claim for claim in found)


def test_a_definite_description_brings_the_sentence_that_introduced_it() -> None:
    text = "Norway held an exercise off Bergen on Monday. The operation involved two frigates."
    claim = claims_of(text)[-1]
    assert claim.text == "The operation involved two frigates."
    assert claim.context == "Norway held an exercise off Bergen on Monday."


def test_a_claim_that_says_it_all_needs_no_context() -> None:
    assert claims_of("Norway sent two frigates to Malta in May.")[0].context == ""


def test_sources_are_the_exact_shortest_stretch() -> None:
    text = "In May, the army sent 1,200 soldiers and\n30 helicopters to Malta. It rained."
    for claim in claims_of(text):
        assert normalise(text)[claim.source.start : claim.source.end] == claim.source.text
    assert not any(claim.source.text.endswith(".") for claim in claims_of(text))


def test_claims_take_the_date_of_the_submission() -> None:
    assert {c.claim_date for c in claims_of("Norway sent two frigates.")} == {date(2024, 5, 1)}


def test_a_dateline_is_no_part_of_a_claim() -> None:
    assert texts_of("BERGEN, May 3 (Reuters) — Norway sent two frigates to Malta.") == {
        "Norway sent two frigates to Malta."
    }


def test_the_same_text_gives_the_same_claims() -> None:
    text = "Norway sent two frigates and one tanker to Malta, officials said. They sailed in May."
    assert claims_of(text) == claims_of(text)


def test_a_repeated_claim_is_given_once() -> None:
    found = claims_of("Norway sent two frigates to Malta. Norway sent two frigates to Malta.")
    assert len(found) == 1


def test_ids_tell_claims_apart() -> None:
    found = claims_of("Norway sent two frigates and one tanker. Spain sent two frigates.")
    assert len({claim.id for claim in found}) == len(found) > 1


def test_measurable_public_matters_rank_above_idle_ones() -> None:
    found = claims_of(
        "The parliament approved a budget of $4.2 billion on Tuesday. "
        "The hall houses a collection of rugs."
    )
    assert [claim.score for claim in found] == sorted((c.score for c in found), reverse=True)
    assert found[0].score > 0.9
    assert found[-1].score < 0.5


def test_a_window_sees_the_text_before_it_but_takes_no_claims_from_it() -> None:
    text = "Norway held an exercise off Bergen on Monday. The operation involved two frigates."
    submission = Submission(text=text, sha256=sha256_hex(text))
    start = text.index("The operation")
    (claim,) = extract_claims(Window(submission, start, len(text)))
    assert claim.text == "The operation involved two frigates."
    assert claim.context == "Norway held an exercise off Bergen on Monday."
