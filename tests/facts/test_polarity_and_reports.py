"""What a text denies, and what it only reports."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.facts.polarity import denials_in, is_negated
from service.facts.reported import plain, reported, skeleton


@pytest.mark.parametrize(
    ("text", "content"),
    [
        (
            "Reports that Japan had turned down the proposal are completely untrue.",
            "Japan had turned down the proposal",
        ),
        ("It is false that Japan left the pact.", "Japan left the pact"),
        ("Japan denied that it had left the pact.", "It had left the pact"),
        ("No airspace was violated.", "Airspace was violated."),
        ("Japan never made the remarks.", "Japan made the remarks."),
        ("The bombers did not enter the airspace.", "The bombers did enter the airspace."),
        ("They won't leave the pact.", "They will leave the pact."),
    ],
)
def test_a_denial_gives_what_is_denied(text, content) -> None:
    assert content in [denial.content for denial in denials_in(text)]


@pytest.mark.parametrize(
    "text", ["Two bombers flew over the sea.", "The plan was adopted.", "It was quite true then."]
)
def test_what_denies_nothing_holds_no_denial(text) -> None:
    assert denials_in(text) == ()
    assert not is_negated(text)


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("The plan was not adopted.", True),
        ("No airspace was violated.", True),
        ("They never agreed.", True),
        ("Nobody was hurt.", True),
        ("It isn't true that the plan was not adopted.", False),
        ("The plan was adopted.", False),
    ],
)
def test_two_negations_cancel_out(text, negated) -> None:
    assert is_negated(text) is negated


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("According to the Joint Staff, two bombers flew over the sea.", "the Joint Staff"),
        ("Two bombers flew over the sea, according to the Joint Staff.", "the Joint Staff"),
        ("The Joint Staff said that two bombers flew over the sea.", "The Joint Staff"),
        ("Two bombers flew over the sea, the Joint Staff said.", "the Joint Staff"),
        ("“Two bombers flew over the sea,” said Kihara.", "Kihara"),
    ],
)
def test_reported_speech_is_taken_apart(text, speaker) -> None:
    found = reported(text)
    assert found.assertion.rstrip(".") == "Two bombers flew over the sea"
    assert found.speaker == speaker
    assert found.cue


@pytest.mark.parametrize(
    "text",
    [
        "Two bombers flew over the sea.",
        "The minister did not say that two bombers flew.",
        "According to him.",
    ],
)
def test_what_reports_nothing_comes_back_whole(text) -> None:
    assert (reported(text).assertion, reported(text).speaker) == (text, "")


def test_what_only_colours_is_left_out() -> None:
    assert plain("Japan quietly declined a controversial plan.") == "Japan declined a plan."
    assert plain("A rare exercise was held.") == "An exercise was held."
    assert plain("The Self-Defense Forces (SDF) flew.") == "The Self-Defense Forces flew."


def test_a_skeleton_is_subject_verb_and_object() -> None:
    whole = "Japan declined a European Union proposal to join a plan about frozen assets."
    assert skeleton(whole).startswith("Japan declined a European Union proposal")
    assert "frozen" not in skeleton(whole)


PIECES = st.sampled_from(
    "not no never said denied that untrue false according to the Japan two ships left n't won't "
    ". , “ ” ’ ( ) quietly".split()
)


@given(st.lists(PIECES | st.text(max_size=6), max_size=14).map(" ".join))
@settings(max_examples=100, deadline=None)
def test_no_text_breaks_the_reading(text) -> None:
    for denial in denials_in(text):
        assert 0 <= denial.start <= denial.end <= len(text)
        assert denial.cue.lower() in text.lower()
    assert isinstance(is_negated(text), bool)
    assert len(reported(text).assertion) <= len(text) + 1
    assert len(plain(text)) <= len(text) + 1
    assert isinstance(skeleton(text), str)
