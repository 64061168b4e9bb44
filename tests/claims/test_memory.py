from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from service.claims.factchecks import FactCheck
from service.claims.memory import CLAIMS, ELSEWHERE, NEAR, Memory, ReuseKey, same_words
from service.kit.errors import IndexMismatch
from service.kit.text import normalise, sha256_hex
from service.kit.vectors import Encoder
from service.models import Encoder as PackagedEncoder
from service.settings import Settings
from service.statements.corpus import Corpus
from service.types import (
    Attribution,
    Basis,
    Citation,
    Claim,
    ClaimState,
    Evidence,
    Finding,
    Kind,
    Mismatch,
    MismatchKind,
    Nearest,
    Note,
    Passage,
    Span,
    Stance,
    StatementRef,
    Submission,
    Usage,
    Verdict,
)

AS_OF = date(2025, 12, 12)
FOUR = "Four B-52 bombers flew over the Sea of Japan."
TWO = "Two B-52 bombers flew over the Sea of Japan."
OTHER_WORDS = "4 B-52 bombers flew over the Sea of Japan."
LOAN = "The EU agreed to lend Ukraine 90 billion euros."


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return PackagedEncoder(threads=1)


@pytest.fixture
def corpus(tmp_path, database_url: str, encoder: Encoder) -> Iterator[Corpus]:
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", database_url=database_url)
    with Corpus.open(settings, encoder) as opened:
        yield opened


@pytest.fixture
def remembering(corpus: Corpus) -> Callable[[], Memory]:
    """Opens the memory, as a new process would."""
    return lambda: Memory(corpus.database, corpus.vectors, corpus.embeddings, same_numbers)


@pytest.fixture
def memory(remembering: Callable[[], Memory]) -> Memory:
    return remembering()


def same_numbers(a: str, b: str) -> bool:
    """The same facts, as far as these tests go: the same numerals."""
    numerals = {"two": "2", "four": "4"}

    def of(text: str) -> list[str]:
        words = [numerals.get(word, word) for word in text.lower().split()]
        return [word for word in words if word.isdigit()]

    return of(a) == of(b)


def submission(text: str) -> Submission:
    return Submission(text=text, sha256=sha256_hex(text))


def claim(text: str, id_: str = "c1", **more) -> Claim:
    return Claim(id=id_, text=text, source=Span(0, len(text), text), **more)


def note(of: Claim, verdict: Verdict | None = Verdict.REFUTED, **more) -> Note:
    values = {
        "claim": of,
        "state": ClaimState.DRAFTED,
        "verdict": verdict,
        "confidence": 0.8,
        "findings": (),
        "basis": Basis(of.text, "40 statements", 40, 80, 5, None, AS_OF),
        "warnings": (),
        "evidence": (),
        "engine": "local",
        "model": "m@1",
        "prompt_version": "p1",
        "corpus_revision": 7,
        "usage": Usage(3, 100, 20, 0.5),
    }
    return Note(**(values | more))


KEY = ReuseKey(AS_OF, 7, "local", "m@1", "p1")


def remember(memory: Memory, text: str, id_: str, source: str = "an article", **more) -> None:
    memory.remember(note(claim(text, id_), **more), submission(source), AS_OF)
    memory.index()


def relations(links) -> list[tuple[str, str | None]]:
    return [(link.relation, link.claim_id) for link in links]


# Links.


def test_the_same_claim_is_linked_as_a_duplicate_with_its_verdict(memory: Memory):
    remember(memory, FOUR, "old")

    (link,) = memory.link(claim(FOUR, "new"))

    assert (link.relation, link.claim_id, link.text) == ("duplicate", "old", FOUR)
    assert link.verdict is Verdict.REFUTED
    assert link.similarity > 0.99


def test_other_words_for_the_same_facts_are_linked_as_such(memory: Memory):
    remember(memory, FOUR, "old")

    assert relations(memory.link(claim(OTHER_WORDS))) == [("same_facts", "old")]


def test_near_in_meaning_with_another_number_is_only_near(memory: Memory):
    remember(memory, TWO, "old")

    (link,) = memory.link(claim(FOUR))

    assert link.relation == "near"
    assert link.similarity > 0.9


def test_another_matter_is_not_linked(memory: Memory):
    remember(memory, LOAN, "old")

    assert memory.link(claim(FOUR)) == []


def test_duplicates_come_before_the_same_facts_and_these_before_what_is_only_near(memory: Memory):
    remember(memory, TWO, "two")
    remember(memory, OTHER_WORDS, "other-words")
    remember(memory, FOUR, "four")

    found = [relation for relation, _ in relations(memory.link(claim(FOUR)))]

    assert found == ["duplicate", "same_facts", "near"]


def test_quotation_marks_case_and_white_space_make_no_other_claim(memory: Memory):
    remember(memory, "He called it “a threat”  to Japan.", "old")

    (link,) = memory.link(claim('he called it "A Threat" to Japan.'))

    assert link.relation == "duplicate"


def test_a_claim_is_not_linked_to_its_own_submission(memory: Memory):
    remember(memory, FOUR, "old", source="the article")

    assert memory.link(claim(FOUR, "old"), submission("the article")) == []
    assert len(memory.link(claim(FOUR), submission("another article"))) == 1


def test_many_who_claim_the_same_are_one_link(memory: Memory):
    for number in range(30):
        remember(memory, FOUR, f"c{number:02}", source=f"article {number}")
    remember(memory, TWO, "two")

    assert relations(memory.link(claim(FOUR))) == [("duplicate", "c29"), ("near", "two")]


def test_a_link_shows_the_verdict_of_the_newest_note(memory: Memory):
    remember(memory, FOUR, "old", verdict=Verdict.SUPPORTED)
    remember(memory, FOUR, "old", verdict=Verdict.REFUTED, corpus_revision=8)

    assert memory.link(claim(FOUR))[0].verdict is Verdict.REFUTED


def test_a_failed_note_lends_no_verdict(memory: Memory):
    remember(memory, FOUR, "old", verdict=None, state=ClaimState.FAILED, error="timed out")

    assert memory.link(claim(FOUR))[0].verdict is None


def test_the_projects_own_comparison_keeps_four_and_two_apart(corpus: Corpus):
    memory = Memory(corpus.database, corpus.vectors, corpus.embeddings)
    remember(memory, TWO, "two")
    remember(memory, FOUR, "four")

    found = {id_: relation for relation, id_ in relations(memory.link(claim(FOUR)))}

    assert found == {"four": "duplicate", "two": "near"}


# Reuse.


def test_a_note_on_the_very_same_claim_is_used_again(memory: Memory):
    remember(memory, FOUR, "old")
    new = claim(FOUR, "new")

    reused = memory.reusable(new, KEY)

    assert reused is not None
    assert (reused.claim, reused.reused_from) == (new, "old")
    assert (reused.verdict, reused.confidence) == (Verdict.REFUTED, 0.8)
    assert reused.usage == Usage()


def test_a_reused_note_restates_the_claim_it_is_for(memory: Memory):
    remember(memory, FOUR, "old")

    reused = memory.reusable(claim(FOUR.upper(), "new"), KEY)

    assert reused is not None
    assert reused.basis is not None
    assert reused.basis.claim == FOUR.upper()


def test_reuse_of_a_reused_note_names_the_first_claim(memory: Memory):
    remember(memory, FOUR, "first")
    second = memory.reusable(claim(FOUR, "second"), KEY)
    assert second is not None
    memory.remember(second, submission("another"), AS_OF)

    for _ in range(2):
        third = memory.reusable(claim(FOUR, "third"), KEY)
        assert third is not None
        assert third.reused_from == "first"


@pytest.mark.parametrize(
    "key",
    [
        replace(KEY, as_of=date(2025, 12, 13)),
        replace(KEY, corpus_revision=8),
        replace(KEY, engine="openai"),
        replace(KEY, model="m@2"),
        replace(KEY, prompt_version="p2"),
    ],
)
def test_no_note_is_used_again_under_another_key(memory: Memory, key: ReuseKey):
    remember(memory, FOUR, "old")

    assert memory.reusable(claim(FOUR), key) is None


@pytest.mark.parametrize(
    "other",
    [
        claim(TWO),
        claim(OTHER_WORDS),
        claim(FOUR, context="An exercise was held."),
        claim(FOUR, claim_date=date(2024, 1, 1)),
        claim(FOUR, attribution=Attribution("The minister", "said", Span(0, 1, "T"))),
    ],
)
def test_no_note_is_used_again_for_another_claim(memory: Memory, other: Claim):
    remember(memory, FOUR, "old")

    assert memory.reusable(other, KEY) is None


def test_the_same_words_with_other_facts_are_no_reason_to_use_a_note_again(corpus: Corpus):
    facts_differ = Memory(corpus.database, corpus.vectors, corpus.embeddings, lambda a, b: a == b)
    remember(facts_differ, "It may rain in may.", "old")

    assert facts_differ.reusable(claim("It may rain in May."), KEY) is None
    assert facts_differ.reusable(claim("It may rain in may."), KEY) is not None


def test_a_failed_note_is_not_used_again(memory: Memory):
    remember(memory, FOUR, "old", state=ClaimState.FAILED, verdict=None)

    assert memory.reusable(claim(FOUR), KEY) is None


# Remembering.


def test_remembering_twice_doubles_nothing(memory: Memory, corpus: Corpus):
    remember(memory, FOUR, "old")
    remember(memory, FOUR, "old", verdict=Verdict.SUPPORTED)

    assert [(known.id, known.verdict) for known in memory.claims()] == [("old", Verdict.REFUTED)]
    assert corpus.vectors.open(CLAIMS, corpus.embeddings.encoder.name, "").count() == 1


def test_a_failed_note_gives_way_to_one_that_did_not_fail(memory: Memory):
    remember(memory, FOUR, "old", state=ClaimState.FAILED, verdict=None)
    remember(memory, FOUR, "old")

    assert memory.reusable(claim(FOUR), KEY) is not None
    assert len(memory.claims()) == 1


def test_what_one_process_remembers_the_next_one_knows(remembering: Callable[[], Memory]):
    remember(remembering(), FOUR, "old")

    assert relations(remembering().link(claim(FOUR))) == [("duplicate", "old")]


def test_vectors_that_a_crash_left_out_are_added_at_the_next_opening(
    remembering: Callable[[], Memory], corpus: Corpus
):
    remember(remembering(), FOUR, "old")
    corpus.vectors.recreate(CLAIMS, corpus.embeddings.encoder.name)  # as if never added

    assert relations(remembering().link(claim(FOUR))) == [("duplicate", "old")]


def test_claims_that_wait_for_their_vectors_are_linked(remembering: Callable[[], Memory]):
    memory = remembering()
    memory.link(claim(FOUR))  # the collection is open and empty
    memory.remember(note(claim(FOUR, "old")), submission("an article"), AS_OF)

    assert relations(memory.link(claim(FOUR))) == [("duplicate", "old")]


def test_claims_whose_process_died_before_their_vectors_were_made_are_linked(
    remembering: Callable[[], Memory],
):
    died = remembering()
    died.link(claim(FOUR))
    died.remember(note(claim(FOUR, "old")), submission("an article"), AS_OF)

    assert relations(remembering().link(claim(FOUR))) == [("duplicate", "old")]


def test_what_must_stay_here_is_not_embedded_elsewhere(
    remembering: Callable[[], Memory], corpus: Corpus, monkeypatch
):
    sent: list[str] = []

    class Elsewhere:
        name = f"{ELSEWHERE}m"

        def encode(self, texts):
            sent.extend(texts)
            return np.ones((len(texts), 3), np.float32) / np.sqrt(3)

    monkeypatch.setattr(corpus.embeddings, "encoder", Elsewhere())
    memory = remembering()
    stays = replace(submission("an article"), local_only=True)
    memory.remember(note(claim(FOUR, "stays")), stays, AS_OF)
    memory.remember(note(claim(OTHER_WORDS, "goes")), submission("another"), AS_OF)
    memory.index()
    remembering().link(claim("Something else."))  # opening repairs what is missing

    assert OTHER_WORDS in sent
    assert FOUR not in sent


def test_another_model_is_refused_until_the_claims_are_indexed_again(
    remembering: Callable[[], Memory], corpus: Corpus
):
    remember(remembering(), FOUR, "old")
    corpus.vectors.recreate(CLAIMS, "other-model@1")
    memory = remembering()

    with pytest.raises(IndexMismatch, match=r"other-model@1.*verinote claims reindex"):
        memory.link(claim(FOUR))

    memory.reindex()
    assert relations(memory.link(claim(FOUR))) == [("duplicate", "old")]


def test_no_word_of_a_claim_is_kept_in_chroma(memory: Memory, corpus: Corpus, tmp_path):
    remember(memory, "A word like Zanzibarquark is easily found.", "old")
    folder = tmp_path / "data" / "chroma"
    corpus.close()

    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert not any(b"anzibarquark" in path.read_bytes() for path in files)


def test_a_note_comes_back_from_the_database_as_it_was(memory: Memory):
    ref = StatementRef(
        "s1", 2, "ab" * 32, Kind.DIGEST, "Joint Staff", None, AS_OF, None, ("reuters.com",)
    )
    words = "Two B-52H bombers"
    full = note(
        claim(FOUR, claim_date=AS_OF, score=0.5, context="An exercise."),
        findings=(Finding("Two flew.", (Citation(ref, words, 3, 20),)),),
        basis=Basis(FOUR, "40", 40, 80, 5, AS_OF, AS_OF, 1, AS_OF, (Nearest(ref, 3, 20, words),)),
        warnings=("A warning.",),
        evidence=(
            Evidence(
                Passage("s1@2:3-20", ref, 3, 20, words),
                Stance.REFUTES,
                0.9,
                3,
                20,
                (Mismatch(MismatchKind.NUMBER, "four", "two"),),
                decides=True,
                cross_check=Stance.NEUTRAL,
            ),
        ),
        dropped=(("A finding.", "not verbatim"),),
    )
    memory.remember(full, submission("an article"), AS_OF)

    assert memory.reusable(full.claim, KEY) == replace(
        full, usage=Usage(), reused_from=full.claim.id
    )


@settings(max_examples=50)
@given(st.from_type(Note))
def test_any_note_survives_its_json(any_note: Note):
    adapter = TypeAdapter(Note)

    assert adapter.validate_python(adapter.dump_python(any_note, mode="json")) == any_note


@given(st.text())
def test_the_form_of_the_same_words_is_final(text: str):
    once = same_words(text)

    assert same_words(once) == once
    assert same_words(f"  {text}\n") == once
    assert normalise(once) == once


# Fact-checks by others.


def check(text: str = FOUR, **more) -> FactCheck:
    values = {"claim": text, "rating": "False", "publisher": "Correctiv", "url": "https://c.org/1"}
    return FactCheck(**(values | more))


def test_a_fact_check_by_others_is_shown_as_theirs(memory: Memory):
    memory.import_checks([check(checked_on=AS_OF)])

    (link,) = memory.link(claim(OTHER_WORDS))

    assert (link.relation, link.checked_by, link.rating) == ("fact_check", "Correctiv", "False")
    assert (link.url, link.checked_on, link.text) == ("https://c.org/1", AS_OF, FOUR)
    assert (link.claim_id, link.verdict) == (None, None)


def test_a_fact_check_by_others_is_no_note_to_use_again(memory: Memory):
    memory.import_checks([check()])

    assert memory.reusable(claim(FOUR), KEY) is None


def test_several_publishers_who_checked_the_same_are_all_shown(memory: Memory):
    memory.import_checks([check(), check(publisher="AFP", url="https://afp.com/2")])

    assert [link.checked_by for link in memory.link(claim(FOUR))] == ["AFP", "Correctiv"]


def test_importing_twice_doubles_nothing(memory: Memory):
    memory.import_checks([check(), check(LOAN), check()])

    again = memory.import_checks([check(), check(LOAN)])

    assert (again.added, again.changed, again.known) == (0, 0, 2)
    assert memory.count_checks() == 2


def test_a_rating_that_the_publisher_changed_is_taken_over(memory: Memory):
    memory.import_checks([check()])

    again = memory.import_checks([check(rating="Partly false")])

    assert (again.added, again.changed, again.known) == (0, 1, 0)
    assert [link.rating for link in memory.link(claim(FOUR))] == ["Partly false"]


def test_similar_claims_can_be_asked_for_by_text(memory: Memory):
    remember(memory, FOUR, "old")
    memory.import_checks([check()])

    assert [link.relation for link in memory.similar(f" {FOUR}\n")] == ["duplicate", "fact_check"]


def test_links_are_at_least_as_similar_as_promised(memory: Memory):
    for number, text in enumerate([FOUR, TWO, LOAN, "Two Tu-95 bombers flew over the Baltic."]):
        remember(memory, text, f"c{number}")

    links = memory.link(claim(FOUR))

    assert links
    assert all(link.similarity >= NEAR for link in links)
