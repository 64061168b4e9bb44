"""The citation gate lets pass what is quoted and refuses every change of what it means."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from exercise import EXERCISE
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from service.facts.dates import dates_in
from service.facts.designations import designations_in
from service.facts.quantities import quantities_in
from service.kit.sentences import sentences
from service.notes.findings import from_evidence
from service.notes.gate import problems
from service.types import (
    Citation,
    Evidence,
    Finding,
    Kind,
    Mismatch,
    MismatchKind,
    Passage,
    Stance,
)

CLAIM = "Four B-52 bombers and three F-35B fighters flew over the Sea of Japan."
FLIGHT = "two U.S. Air Force B-52 bombers, three F-35A and four F-15 fighters flew"
COST = "the exercise had cost EUR 90 billion, or 12 percent of the budget."
FIRST = EXERCISE[: EXERCISE.index(". General") + 1]
SECOND = f"General Ryoichi Oriki said that {COST}"

bounded = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


# What passes.


@pytest.mark.parametrize(
    "text",
    [
        "The Joint Staff said that two B-52 bombers, three F-35A and four F-15 fighters took part.",
        "Japan’s Joint Staff announced the exercise on 11 December 2025.",
        "According to the Joint Staff the exercise took place on Wednesday, 10 December 2025.",
        "The exercise was flown over the Sea of Japan.",
        "2 B-52 bombers flew, the Joint Staff said.",
        "The statement names F-35A fighters.",
        "The statement names F-35 fighters.",
        "The claim says “three F-35B”, the statement has three F-35A.",
        "The claim says “Four B-52 bombers”; the Joint Staff counts two.",
        'The claim says "four B-52 bombers", the Joint Staff "three F-35A and four F-15 fighters".',
        "The U.S. Air Force took part, the Ministry of Defense said.",
        "American bombers took part, the Ministry of Defense of Japan said on Thursday.",
        "Joint Staff, 11 December 2025: “{first}”",
        "“{first}” Here the claim differs: the claim says “Four B-52”, the statement has two.",
        "The ministry wrote: «{first}»",
    ],
)
def test_a_finding_in_other_words_passes_when_its_facts_stand_in_the_quote(
    quoting, stored, text
) -> None:
    finding = quoting(text.format(first=FIRST), FIRST)
    assert problems(finding, CLAIM, stored) == ()


@pytest.mark.parametrize(
    "text",
    [
        "The exercise cost €90bn, General Oriki said.",
        "The exercise cost ninety billion euros, or 12% of the budget.",
        "General Ryoichi Oriki put the cost at EUR 90 billion.",
        "It cost 12 per cent of the budget.",
    ],
)
def test_the_same_amount_in_another_spelling_passes(quoting, stored, text) -> None:
    assert problems(quoting(text, SECOND), CLAIM, stored) == ()


def test_a_short_sentence_that_denies_is_long_enough(quoting, stored) -> None:
    finding = quoting("Joint Staff: “No airspace was violated.”", "No airspace was violated.")
    assert problems(finding, CLAIM, stored) == ()


def test_a_quote_in_another_script_passes_as_itself(quoting, stored) -> None:
    quote = "四機の戦闘機が日本海上空を飛行した。"
    finding = quoting(f"防衛省: “{quote}”", quote, stored_text=f"発表。{quote}", issuer="防衛省")
    assert problems(finding, CLAIM, stored) == ()


def test_what_the_citation_says_of_its_statement_may_be_said(quoting, stored) -> None:
    finding = quoting(
        f'U.S.-Japan Security Consultative Committee ("2+2"), 11 January 2023: “{FIRST}”',
        FIRST,
        issuer='U.S.-Japan Security Consultative Committee ("2+2")',
        published=date(2023, 1, 11),
    )
    assert problems(finding, CLAIM, stored) == ()


def test_a_digests_own_quotation_marks_are_kept(quoting, stored) -> None:
    text = 'The minister called the reports "completely untrue and baseless" on Tuesday.'
    finding = quoting(f"Japan, in our digest: {text}", text, stored_text=text, kind=Kind.DIGEST)
    assert problems(finding, CLAIM, stored) == ()


@given(st.data())
@bounded
def test_a_quote_may_differ_in_blanks_and_in_the_shape_of_its_marks(stored, data) -> None:
    text = "He called Japan’s plan “a  grave\nmistake” on Tuesday, the ‘Yomiuri’ wrote."
    statement = stored.put(text)
    shapes = {"“": '“"«', "”": '”"»', "’": "’'", "‘": "‘'"}
    changed = "".join(data.draw(st.sampled_from(shapes.get(c, c))) for c in text)
    blanks = st.sampled_from([" ", "\n", "\t", "  ", "\u00a0"])
    changed = re.sub(r"\s+", lambda _: data.draw(blanks), changed)
    citation = Citation(statement, changed, 0, len(text))
    assert problems(Finding("He called the plan a mistake.", (citation,)), CLAIM, stored) == ()


# What is no quote.


@given(st.integers(0, len(FIRST) - 1), st.sampled_from("aeQ7-,.é\u200b"))
@bounded
def test_a_quote_with_a_character_more_is_refused(stored, place, character) -> None:
    statement = stored.put(EXERCISE)
    quote = FIRST[:place] + character + FIRST[place:]
    refused(
        Finding("The Joint Staff said so.", (Citation(statement, quote, 0, len(FIRST)),)), stored
    )


@given(st.integers(0, len(FIRST) - 1))
@bounded
def test_a_quote_with_a_character_less_is_refused(stored, place) -> None:
    statement = stored.put(EXERCISE)
    quote = FIRST[:place] + FIRST[place + 1 :]
    refused(
        Finding("The Joint Staff said so.", (Citation(statement, quote, 0, len(FIRST)),)), stored
    )


@given(st.data())
@bounded
def test_a_quote_with_words_left_out_doubled_or_exchanged_is_refused(stored, data) -> None:
    statement = stored.put(EXERCISE)
    words = FIRST.split(" ")
    first = data.draw(st.integers(0, len(words) - 2))
    second = data.draw(st.integers(first + 1, len(words) - 1))
    changed = data.draw(
        st.sampled_from(
            [
                words[:first] + words[first + 1 :],
                [*words[: first + 1], words[first], *words[first + 1 :]],
                [
                    *words[:first], words[second], *words[first + 1 : second], words[first],
                    *words[second + 1 :],
                ],
            ]
        )
    )  # fmt: skip
    assume(changed != words)
    citation = Citation(statement, " ".join(changed), 0, len(FIRST))
    refused(Finding("The Joint Staff said so.", (citation,)), stored)


@pytest.mark.parametrize("digits", [("10", "11"), ("35", "36"), ("2025", "2024"), ("52", "25")])
def test_a_quote_with_another_digit_is_refused(stored, digits) -> None:
    statement = stored.put(EXERCISE)
    citation = Citation(statement, FIRST.replace(*digits), 0, len(FIRST))
    refused(Finding("The Joint Staff said so.", (citation,)), stored)


@pytest.mark.parametrize(("left", "right"), [(1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (-1, 0)])
def test_offsets_that_are_off_by_one_are_refused(stored, left, right) -> None:
    statement = stored.put(EXERCISE)
    right_one = stored.cite(statement, FLIGHT)
    shifted = replace(right_one, start=right_one.start + left, end=right_one.end + right)
    refused(Finding("The Joint Staff said so.", (shifted,)), stored)


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
@bounded
def test_any_other_offsets_are_refused(stored, start, end) -> None:
    statement = stored.put(EXERCISE)
    right_one = stored.cite(statement, FLIGHT)
    assume((start, end) != (right_one.start, right_one.end))
    wrong = replace(right_one, start=start, end=end)
    refused(Finding("The Joint Staff said so.", (wrong,)), stored)


def test_a_quote_of_another_version_is_refused(stored) -> None:
    old = stored.put(EXERCISE)
    new = stored.put(EXERCISE.replace("two U.S.", "six U.S."), version=2)
    citation = stored.cite(old, FLIGHT)
    refused(Finding("The Joint Staff said so.", (replace(citation, statement=new),)), stored)


def test_a_version_whose_text_is_not_the_one_cited_is_refused(stored) -> None:
    statement = stored.put(EXERCISE)
    forged = replace(statement, sha256="0" * 64)
    citation = replace(stored.cite(statement, FLIGHT), statement=forged)
    assert "another text" in refused(Finding("The Joint Staff said so.", (citation,)), stored)


@pytest.mark.parametrize(("statement_id", "version"), [("S9", 1), ("S1", 2)])
def test_what_is_not_stored_is_refused(stored, statement_id, version) -> None:
    statement = stored.put(EXERCISE)
    unknown = replace(statement, statement_id=statement_id, version=version)
    citation = replace(stored.cite(statement, FLIGHT), statement=unknown)
    assert "is not stored" in refused(Finding("The Joint Staff said so.", (citation,)), stored)


def test_one_bad_citation_among_good_ones_is_enough(quoting, stored) -> None:
    good = quoting("The Joint Staff said so.", FIRST)
    bad = replace(good.citations[0], quote="Quite something else was said here.")
    refused(replace(good, citations=(*good.citations, bad)), stored)


@pytest.mark.parametrize("quote", ["bombers", "the Sea of", "of the", "10 December 2025", "U.S."])
def test_a_quote_that_is_too_short_is_refused(quoting, stored, quote) -> None:
    assert "too short" in refused(quoting("The Joint Staff said so.", quote), stored)


def test_a_quote_of_stop_words_alone_is_refused(quoting, stored) -> None:
    text = "That which they are is what it was before, and so it has been since then."
    assert "too short" in refused(quoting("So it was.", text, stored_text=text), stored)


@pytest.mark.parametrize(
    ("quote", "lost"),
    [
        ("wo U.S. Air Force B-52 bombers, three F-35A", "cuts through"),
        ("two U.S. Air Force B-52 bombers, three F-35", "cuts through"),
        ("the exercise had cost EUR 90", "EUR 90 billion"),
        ("Japan turned down the proposal", "untrue"),
        ("airspace was violated.", "No"),
    ],
)
def test_a_quote_that_is_not_whole_is_refused(quoting, stored, quote, lost) -> None:
    assert lost in refused(quoting("The Joint Staff said so.", quote), stored)


def test_a_finding_without_a_citation_is_refused(stored) -> None:
    assert refused(Finding("Two bombers flew.", ()), stored) == "it cites nothing"


@pytest.mark.parametrize("text", ["", "  ", "…", "“”"])
def test_a_finding_that_says_nothing_is_refused(quoting, stored, text) -> None:
    refused(quoting(text, FIRST), stored)


# Facts that stand nowhere.


@pytest.mark.parametrize(
    "text",
    [
        "Three B-52 bombers flew, the Joint Staff said.",
        "Two B-52 and four F-35A flew.",
        "Four B-52 bombers and two F-15 fighters flew.",
        "Twenty B-52 bombers flew.",
        "Two B-52H bombers flew.",
        "Three F-35B fighters flew.",
        "Three F-35C fighters flew.",
        "Three F‑35B fighters flew.",
        "Three F–35B fighters flew.",
        "Three F－35B fighters flew.",
        "Three F-\u200b35B fighters flew.",
        "Three F-35 B fighters flew.",
        "Three f-35b fighters flew.",
        "Three F35B fighters flew.",
        "Three F-35A-B fighters flew.",
        "Three F-35A/B fighters flew.",
        "Three Ｆ-35Ｂ fighters flew.",
        "Three F-36A fighters flew.",
        "Four F-16 fighters flew.",
        "It was flown on 11 December 2024.",
        "It was flown on 12 December 2025.",
        "It was flown on 10 November 2025.",
        "It was flown on Tuesday.",
        "It was flown on Tuesday 10 December 2025.",
        "It was flown on 12/10/2025.",
        "It was flown in 2026.",
        "It was flown in the 2020s.",
        "It was flown in 2025-27.",
        "It was flown in fiscal 2025.",
        "It was flown on the 10th.",
        "It was flown yesterday.",
        "It was flown last week.",
        "General Oriki said so.",
        "The Foreign Minister said so.",
        "The Joint Staff of China said so.",
        "The Joint Staff said so to Russia.",
        "RUSSIA was told.",
        "russia was told.",
        "It was flown over the East China Sea.",
        "Vladimir Putin was told.",
        "vladimir putin was told.",
        "Kishida was told.",
        "The words were kishida's.",
        "The Sea of Okhotsk was avoided.",
        "It was XII aircraft.",
        "It was xii aircraft.",
        "It was Ⅻ aircraft.",
        "It was ① aircraft.",
        "It was ٩ aircraft.",
        "It was ９ aircraft.",
        "It was 九 aircraft.",
        "It was ½ of them.",
        "It was 10² aircraft.",
        "It was 9e10 aircraft.",
        "It was 3×10⁴ aircraft.",
        "It was a dozen aircraft.",
        "It was dozens of aircraft.",
        "It was half a dozen aircraft.",
        "It was hundreds of aircraft.",
        "It was twice the number.",
        "It was the first time.",
        "It was the third time.",
        "It was a pair of ships.",
        "Half of them landed.",
        "A quarter of them landed.",
        "Two ships sailed.",
        "It lasted a decade.",
        "It began at 10:30.",
        "Flight 3 was one of them.",
        "See https://example.org/more.",
        "More than two B-52 bombers flew.",
        "Up to four F-15 fighters flew.",
        "Two percent of the bombers flew.",
        "It cost EUR 4.",
    ],
)
def test_a_fact_that_stands_in_no_quote_is_refused(quoting, stored, text) -> None:
    refused(quoting(text, FIRST), stored)


@pytest.mark.parametrize(
    "text",
    [
        "It cost USD 90 billion.",
        "It cost $90 billion.",
        "It cost EUR 90 million.",
        "It cost EUR 90.",
        "It cost EUR 9 billion.",
        "It cost 90 billion yen.",
        "It cost more than EUR 90 billion.",
        "It cost 12 EUR.",
        "It cost 12 percentage points more.",
        "It cost 90 percent of the budget.",
        "It took 12 bombers.",
        "General Kenji Oriki said so.",
        "General Ryoichi Kenji said so.",
        "Prime Minister Oriki said so.",
    ],
)
def test_another_amount_unit_or_person_is_refused(quoting, stored, text) -> None:
    refused(quoting(text, SECOND), stored)


def test_a_person_put_together_from_two_is_refused(quoting, stored) -> None:
    text = "Minister Shinjiro Koizumi met Secretary Minoru Kihara at the ministry."
    assert (
        problems(quoting("Shinjiro Koizumi was there.", text, stored_text=text), "", stored) == ()
    )
    refused(quoting("Shinjiro Kihara was there.", text, stored_text=text), stored)


def test_facts_of_a_statement_outside_the_quote_do_not_count(quoting, stored) -> None:
    refused(quoting("The exercise cost EUR 90 billion.", FIRST), stored)


@pytest.mark.parametrize(
    "text",
    [
        "Not {quote}",
        "More than {quote}",
        "1{quote}",
        "-{quote}",
        "{quote} billion of them",
        "{quote}0",
    ],
)
def test_words_that_run_into_a_quote_do_not_hide_behind_it(quoting, stored, text) -> None:
    quote = "4 fighters of the second wing of Naha flew 90"
    whole = f"In all {quote}"
    finding = quoting(text.format(quote=quote), quote, stored_text=whole)
    assert problems(replace(finding, text=f"It said: {quote}"), CLAIM, stored) == ()
    if text != "Not {quote}":  # a negation holds no fact: the cross-check's matter
        refused(finding, stored)


@pytest.mark.parametrize(
    "character", ["\u202e", "\u200b", "\u2066", "\x1b", "\x07", "\ue000", "\ud800", "\U0010f000"]
)
def test_characters_that_are_not_seen_are_refused(quoting, stored, character) -> None:
    refused(quoting(f"The Joint Staff{character} said so.", FIRST), stored)


def test_characters_that_are_not_seen_may_stand_in_what_is_quoted(quoting, stored) -> None:
    quote = "Two bom\u00adbers flew over the\u200b Sea of Japan."
    finding = quoting(f"Joint Staff: “{quote}”", quote, stored_text=quote)
    assert problems(finding, CLAIM, stored) == ()


# Whose words they are.


@pytest.mark.parametrize(
    "text",
    [
        "The Joint Staff said: “{quote}”",
        'The Joint Staff said: "{quote}"',
        "The Joint Staff said: ‘{quote}’",
        "The Joint Staff said: '{quote}'",
        "The Joint Staff said: «{quote}»",
        "The Joint Staff said: „{quote}“",
        "The Joint Staff said: 「{quote}」",
        "The Joint Staff said: ‹{quote}›",
        "The Joint Staff said: `{quote}`",
        "The Joint Staff said: “{quote}",
        "The Joint Staff said: {quote}",
        "In our digest the Joint Staff said: “{quote}”",
        "It said in our digest that “two U.S. Air Force B-52 bombers” flew.",
        "It said in our digest that ‘two U.S. Air Force B-52 bombers’ flew.",
    ],
)
def test_a_digests_words_are_never_the_issuers(quoting, stored, text) -> None:
    finding = quoting(text.format(quote=FIRST), FIRST, kind=Kind.DIGEST)
    refused(finding, stored)


@pytest.mark.parametrize(
    "text",
    [
        "Joint Staff, in our digest: {quote}",
        "{quote}",
        "Our digest of the Joint Staff has: {quote}",
        "The Joint Staff said that {quote}",
    ],
)
def test_a_digests_words_may_be_told_as_a_digests(quoting, stored, text) -> None:
    finding = quoting(text.format(quote=FIRST), FIRST, kind=Kind.DIGEST)
    assert problems(finding, CLAIM, stored) == ()


@pytest.mark.parametrize(
    "text",
    [
        "The Joint Staff said that “the bombers were in grave danger”.",
        "The Joint Staff said that ‘the bombers were in grave danger’.",
        "The Joint Staff said that 'the bombers were in grave danger'.",
        'The Joint Staff said that "two bombers flew".',
        "The Joint Staff said that “wo U.S. Air Force B-52 bombers” flew.",
    ],
)
def test_words_in_quotation_marks_must_stand_in_a_quote(quoting, stored, text) -> None:
    refused(quoting(text, FIRST), stored)


@pytest.mark.parametrize(
    "text",
    [
        "The claim says “five B-52 bombers”.",
        "The claim says “our B-52 bombers”.",
        "The claim says “four B-52 bombers” and “eleven ships”.",
        "The claim says “Four B-52 bombers”, the statement nineteen.",
        "The claim says the claim says “nineteen”.",
        "The claim says “the claim says “nineteen””.",
        "The claim says “Four B-52 bombers “nineteen””.",
        "The claim says “Four B-52 bombers”” nineteen “.",
        'The claim says "Four B-52 bombers" "nineteen".',
        "The claim says “Four B-52 bombers” “the bombers were in grave danger”.",
        "The claim says ‘nineteen’.",
        "The claim says nineteen.",
        "The claim says “”nineteen.",
        "The claim says “Four B-52 bombers”9.",
        "The claim says “F-35”.",
        "The claim says “35B”.",
    ],
)
def test_words_ascribed_to_the_claim_smuggle_nothing_in(quoting, stored, text) -> None:
    refused(quoting(text, FIRST), stored)


@given(st.text(alphabet="ab 9“”\"‘’'.the claim says", max_size=80))
@bounded
def test_no_arrangement_of_marks_lets_a_new_figure_through(stored, tail) -> None:
    statement = stored.put(EXERCISE)
    finding = Finding(f"{tail} 9417 {tail}", (stored.cite(statement, FIRST),))
    refused(finding, stored)


@given(st.text(max_size=200), st.text(max_size=200))
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_breaks_the_gate(stored, text, claim) -> None:
    statement = stored.put(EXERCISE)
    finding = Finding(text, (stored.cite(statement, FIRST),))
    assert all(isinstance(problem, str) for problem in problems(finding, claim, stored))


# Our own findings on the seed statements.


def test_no_finding_of_our_own_on_a_seed_sentence_is_refused(seeds) -> None:
    refusals = {}
    count = 0
    for statement, text in seeds:
        for kind in (statement.kind, Kind.ORIGINAL):
            about = replace(statement, kind=kind)
            for start, end in sentences(text):
                finding = our_finding(about, text, start, end)
                count += 1
                reasons = problems(finding, CLAIM, lambda *_, text=text: text)
                if reasons:
                    refusals[finding.text] = reasons
    assert count > 500
    assert refusals == {}


def test_a_changed_fact_in_a_finding_on_a_seed_sentence_is_refused(seeds) -> None:
    """One figure, date and model of every seed statement, changed in the finding's words."""
    let_through = []
    count = 0
    for statement, text in seeds:
        for changed in _changes(statement, text):
            count += 1
            if not problems(changed, CLAIM, lambda *_, text=text: text):
                let_through.append(changed.text)
    assert count > 120
    assert let_through == []


def _changes(statement, text):
    changed = {}
    for start, end in sentences(text):
        finding = our_finding(statement, text, start, end)
        head = finding.text.index("digest: ") + len("digest: ")
        body = finding.text[head:]
        for kind, found, other in (
            *(("figure", one, _other_figure) for one in quantities_in(body)),
            *(("date", one, _other_date) for one in dates_in(body)),
            *(("model", one, lambda words: f"{words}Q") for one in designations_in(body)),
        ):
            words = other(body[found.start : found.end])
            if words:
                new = f"{finding.text[:head]}{body[: found.start]}{words}{body[found.end :]}"
                changed.setdefault(kind, replace(finding, text=new))
    return changed.values()


def _other_figure(words: str) -> str:
    return re.sub(r"\d[\d.,]*", "7413", words, count=1) if re.search(r"\d", words) else "7413"


def _other_date(words: str) -> str:
    months = {"December": "May", "June": "May", "July": "May"}
    changed = re.sub(r"\b(?:19|20)\d\d\b", "1871", words)
    if changed != words:
        return changed
    month = re.search("|".join(months), words)
    return words.replace(month[0], months[month[0]]) if month else ""


def our_finding(statement, text: str, start: int, end: int, *mismatches: Mismatch) -> Finding:
    passage = Passage("p", statement, start, end, text[start:end])
    piece = Evidence(passage, Stance.REFUTES, 0.9, start, end, mismatches, decides=True)
    (finding,) = from_evidence([piece], CLAIM, lambda *_: text)
    return finding


def test_a_difference_of_the_claim_is_told_with_its_words(stored) -> None:
    statement = stored.put(EXERCISE)
    mismatch = Mismatch(MismatchKind.NUMBER, "four B-52 bombers", "two U.S. Air Force B-52 bombers")
    finding = our_finding(statement, EXERCISE, 0, len(FIRST), mismatch)
    assert "the claim says “four B-52 bombers”, the statement has two U.S. Air" in finding.text
    assert problems(finding, CLAIM, stored) == ()


def refused(finding: Finding, stored) -> str:
    reasons = problems(finding, CLAIM, stored)
    assert reasons, f"passed: {finding.text}"
    return "; ".join(reasons)
