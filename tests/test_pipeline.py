"""From a submission to its notes: order, dates, failures, memory and hostile texts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text as sql
from tiny_corpus import (
    ARTICLE,
    BOMBERS,
    IGNORE,
    LOAN,
    MORE_BOMBERS,
    STATEMENTS,
    UNKNOWN,
    ScriptedEngine,
    silent,
    submission_of,
    supporting,
    write_statements,
)

from service.claims.memory import Memory
from service.kit.errors import IndexMismatch
from service.models import Encoder
from service.notes.jsonl import to_line
from service.pipeline import Pipeline
from service.settings import Settings
from service.statements.corpus import Corpus
from service.types import (
    Assessment,
    Claim,
    ClaimState,
    DraftFinding,
    Engine,
    Note,
    Passage,
    Quote,
    Stance,
    Submission,
    Verdict,
)

Opened = Callable[..., AbstractAsyncContextManager[Pipeline]]


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return Encoder(threads=1)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Settings:
    """A data folder with the statements. Only for tests that change nothing in it."""
    folder = tmp_path_factory.mktemp("filled")
    settings = Settings(_env_file=None, data_dir=folder / "data", threads=1)
    with Corpus.open(settings, encoder) as corpus:
        corpus.add([write_statements(folder / "statements")])
    return settings


@pytest.fixture
def own(tmp_path: Path, encoder: Encoder) -> Settings:
    """A data folder of the test's own with the statements."""
    settings = Settings(_env_file=None, data_dir=tmp_path / "data", threads=1)
    with Corpus.open(settings, encoder) as corpus:
        corpus.add([write_statements(tmp_path / "statements")])
    return settings


@pytest.fixture
def scripted(encoder: Encoder) -> Opened:
    """Opens a pipeline with an engine that does as it is told."""

    @asynccontextmanager
    async def open_with(
        settings: Settings, engine: Engine, *, memory: bool = False
    ) -> AsyncIterator[Pipeline]:
        with Corpus.open(settings, encoder) as corpus:
            known = Memory(corpus.database, corpus.vectors, corpus.embeddings) if memory else None
            yield Pipeline(settings, engine, corpus, known)

    return open_with


async def notes_of(pipeline: Pipeline, submission: Submission, as_of: date | None = None):
    return [note async for note in pipeline.verify(submission, as_of)]


def ids_of(passages: Sequence[Passage]) -> set[str]:
    return {passage.statement.statement_id for passage in passages}


def article() -> Submission:
    return submission_of(ARTICLE.split("---")[2].strip())


def lines(*claims: str, **rest) -> Submission:
    return submission_of("\n".join(claims), claims_only=True, **rest)


# The embedded engine, end to end.


@pytest.fixture(scope="session")
def local_notes(filled: Settings) -> list[Note]:
    async def run() -> list[Note]:
        async with Pipeline.open(filled, memory=False) as pipeline:
            return await notes_of(pipeline, lines(BOMBERS, MORE_BOMBERS, LOAN, UNKNOWN))

    return asyncio.run(run())


def test_the_embedded_engine_tells_the_right_number_from_the_wrong_one(local_notes) -> None:
    assert [note.verdict for note in local_notes] == [
        Verdict.SUPPORTED,
        Verdict.REFUTED,
        Verdict.SUPPORTED,
        Verdict.NOT_ENOUGH_EVIDENCE,
    ]


def test_every_citation_of_a_note_is_verbatim(local_notes) -> None:
    texts = {name: text for name, (_, _, text) in STATEMENTS.items()}
    citations = [
        citation
        for note in local_notes
        for finding in note.findings
        for citation in finding.citations
    ]
    assert citations
    for citation in citations:
        text = texts[citation.statement.statement_id]
        assert text[citation.start : citation.end] == citation.quote


async def test_the_same_text_gives_the_same_lines_twice(filled) -> None:
    runs = []
    for _ in range(2):
        async with Pipeline.open(filled, memory=False) as pipeline:
            runs.append([to_line(note) for note in await notes_of(pipeline, article())])
    assert len(runs[0]) >= 3
    assert runs[0] == runs[1]


async def test_with_no_statements_stored_nothing_is_decided(tmp_path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, threads=1)
    async with Pipeline.open(settings) as pipeline:
        (note,) = await notes_of(pipeline, lines(BOMBERS))
    assert (note.state, note.verdict) == (ClaimState.DRAFTED, Verdict.NOT_ENOUGH_EVIDENCE)
    assert note.basis.statements == 0
    assert (note.findings, note.evidence, note.corpus_revision) == ((), (), 0)


# Dates.


async def test_a_later_as_of_date_lets_a_later_statement_supersede(filled) -> None:
    async with Pipeline.open(filled, memory=False) as pipeline:
        (note,) = await notes_of(pipeline, lines(MORE_BOMBERS), date(2025, 12, 31))
    assert note.verdict is Verdict.SUPPORTED
    assert [c.statement.statement_id for f in note.findings for c in f.citations] == ["E2"]


async def test_what_is_dated_after_the_as_of_date_is_shown_and_does_not_decide(filled) -> None:
    async with Pipeline.open(filled, memory=False) as pipeline:
        (note,) = await notes_of(pipeline, lines(MORE_BOMBERS), date(2025, 12, 12))
    later = [piece for piece in note.evidence if piece.passage.statement.statement_id == "E2"]
    assert later
    assert not any(piece.decides for piece in later)
    assert any("E2" in warning for warning in note.warnings)


async def test_what_cannot_decide_is_read_apart_from_what_can(filled, scripted) -> None:
    engine = ScriptedEngine(supporting)
    async with scripted(filled, engine) as pipeline:
        (note,) = await notes_of(pipeline, lines(BOMBERS), date(2025, 12, 12))
    in_time, later = (ids_of(passages) for _, passages in engine.assessed)
    assert "E1" in in_time
    assert later == {"E2"}
    assert {piece.passage.statement.statement_id for piece in note.evidence} == in_time | later


@pytest.mark.parametrize(
    ("published", "as_of"),
    [
        (date(2020, 2, 2), date(2020, 2, 2)),
        (None, datetime.now(UTC).date()),
    ],
)
async def test_the_as_of_date_is_the_submissions_else_today(
    filled, scripted, published, as_of
) -> None:
    async with scripted(filled, ScriptedEngine()) as pipeline:
        (note,) = await notes_of(pipeline, lines(BOMBERS, published=published))
    assert as_of <= note.basis.as_of <= as_of + timedelta(days=published is None)


# Order and failure.


async def test_notes_come_in_the_order_of_the_text_whichever_is_ready_first(
    filled, scripted
) -> None:
    second_done = asyncio.Event()

    async def assess(claim: Claim, passages: tuple[Passage, ...]) -> Assessment:
        if claim.text == BOMBERS:
            await second_done.wait()
        else:
            second_done.set()
        return await silent(claim, passages)

    async with scripted(filled, ScriptedEngine(assess)) as pipeline:
        notes = await notes_of(pipeline, lines(BOMBERS, LOAN, UNKNOWN))
    assert [note.claim.text for note in notes] == [BOMBERS, LOAN, UNKNOWN]


async def test_only_so_many_claims_are_assessed_side_by_side(filled, scripted) -> None:
    running = most = 0

    async def assess(claim: Claim, passages: tuple[Passage, ...]) -> Assessment:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return await silent(claim, passages)

    async with scripted(filled, ScriptedEngine(assess)) as pipeline:
        spoken = lines(*(f"The number {n} is a number." for n in range(8)))
        await notes_of(pipeline, spoken, date(2026, 1, 1))  # later statements are read beside
    assert 0 < most <= ScriptedEngine.concurrent_claims


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (IndexMismatch("run `verinote corpus reindex`"), "run `verinote corpus reindex`"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
        (TimeoutError(), "TimeoutError: "),
    ],
)
async def test_a_claim_that_fails_says_why_and_the_others_go_on(
    filled, scripted, error, reason
) -> None:
    async def assess(claim: Claim, passages: tuple[Passage, ...]) -> Assessment:
        if claim.text == LOAN:
            raise error
        return await supporting(claim, passages)

    async with scripted(filled, ScriptedEngine(assess)) as pipeline:
        notes = await notes_of(pipeline, lines(BOMBERS, LOAN, UNKNOWN))
    assert [note.state for note in notes] == [
        ClaimState.DRAFTED,
        ClaimState.FAILED,
        ClaimState.DRAFTED,
    ]
    assert (notes[1].error, notes[1].verdict) == (reason, None)


async def test_a_failed_claim_is_tried_again_and_then_remembered(own, scripted) -> None:
    broken = [ZeroDivisionError("once")]

    async def assess(claim: Claim, passages: tuple[Passage, ...]) -> Assessment:
        if broken:
            raise broken.pop()
        return await supporting(claim, passages)

    async with scripted(own, ScriptedEngine(assess), memory=True) as pipeline:
        (first,) = await notes_of(pipeline, lines(BOMBERS))
        (second,) = await notes_of(pipeline, lines(BOMBERS))
        (third,) = await notes_of(pipeline, lines(BOMBERS))
    assert first.state is ClaimState.FAILED
    assert (second.state, second.reused_from) == (ClaimState.DRAFTED, None)
    assert third.reused_from == second.claim.id


async def test_a_database_that_breaks_ends_every_claim_with_the_reason(own, scripted) -> None:
    async with scripted(own, ScriptedEngine()) as pipeline:
        with pipeline.corpus.database.transaction() as session:
            session.execute(sql("DROP TABLE corpus"))
        notes = await notes_of(pipeline, lines(BOMBERS, LOAN))
    assert [note.state for note in notes] == [ClaimState.FAILED] * 2
    assert all("no such table: corpus" in note.error for note in notes)


async def test_a_note_that_cannot_be_remembered_is_still_given(own, scripted) -> None:
    async with scripted(own, ScriptedEngine(supporting), memory=True) as pipeline:
        with pipeline.corpus.database.transaction() as session:
            session.execute(
                sql(
                    "CREATE TRIGGER full BEFORE INSERT ON notes "
                    "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
                )
            )
        (note,) = await notes_of(pipeline, lines(BOMBERS))
    assert (note.state, note.verdict) == (ClaimState.DRAFTED, Verdict.SUPPORTED)
    assert any("the disk is full" in warning for warning in note.warnings)


async def test_whoever_stops_listening_stops_the_work(filled, scripted) -> None:
    engine = ScriptedEngine()
    async with scripted(filled, engine) as pipeline:
        notes = pipeline.verify(lines(*(f"The number {n} is a number." for n in range(30))))
        async for _ in notes:
            break
        await notes.aclose()
    assert len({text for text, _ in engine.assessed}) < 30


async def test_progress_counts_the_claims(filled, scripted) -> None:
    told = []
    async with scripted(filled, ScriptedEngine()) as pipeline:
        submission = lines(BOMBERS, LOAN)
        progress = lambda *step: told.append(step)  # noqa: E731
        async for _ in pipeline.verify(submission, None, progress):
            pass
    assert told == [(1, 2, BOMBERS), (2, 2, LOAN)]


# Claims.


async def test_a_claim_made_twice_in_an_article_is_given_once(filled, scripted) -> None:
    filler = " ".join(f"Filler sentence number {n} says nothing." for n in range(14))
    text = f"{BOMBERS} {filler} {BOMBERS.upper()} {LOAN} {BOMBERS.replace(' ', chr(10), 1)}"
    async with scripted(filled, ScriptedEngine()) as pipeline:
        claims = (await pipeline.claims_of(submission_of(text))).claims
    texts = [claim.text for claim in claims]
    assert texts.count(BOMBERS) == 1
    assert BOMBERS.upper() not in texts
    assert texts[-1] == LOAN
    assert claims[0].source.start == 0


async def test_claims_come_in_the_order_of_the_text(filled, scripted) -> None:
    async with scripted(filled, ScriptedEngine()) as pipeline:
        claims = (await pipeline.claims_of(article())).claims
    starts = [claim.source.start for claim in claims]
    assert starts == sorted(starts)
    assert all(article().text[c.source.start : c.source.end] == c.source.text for c in claims)


async def test_of_claims_given_line_by_line_every_line_is_one(filled, scripted) -> None:
    async with scripted(filled, ScriptedEngine()) as pipeline:
        notes = await notes_of(pipeline, lines(BOMBERS, LOAN, BOMBERS))
    assert [note.claim.text for note in notes] == [BOMBERS, LOAN, BOMBERS]
    assert len({note.claim.id for note in notes}) == 3


# Memory.


async def test_the_second_run_reuses_the_notes_of_the_first(own) -> None:
    runs = []
    for _ in range(3):
        async with Pipeline.open(own) as pipeline:
            runs.append(await notes_of(pipeline, lines(BOMBERS, LOAN)))
    first, second, third = runs
    assert [note.reused_from for note in first] == [None, None]
    assert [note.reused_from for note in second] == [note.claim.id for note in first]
    assert [to_line(note) for note in second] == [to_line(note) for note in third]
    assert [to_line(replace(note, reused_from=None)) for note in second] == [
        to_line(note) for note in first
    ]


async def test_a_changed_corpus_is_asked_again(own, scripted, tmp_path) -> None:
    async with scripted(own, ScriptedEngine(supporting), memory=True) as pipeline:
        (before,) = await notes_of(pipeline, lines(BOMBERS))
        pipeline.corpus.add([write_statements(tmp_path / "statements", L1="Another text by now.")])
        (after,) = await notes_of(pipeline, lines(BOMBERS))
    assert after.reused_from is None
    assert after.corpus_revision > before.corpus_revision


async def test_another_as_of_date_is_asked_again(own, scripted) -> None:
    async with scripted(own, ScriptedEngine(supporting), memory=True) as pipeline:
        await notes_of(pipeline, lines(BOMBERS), date(2025, 12, 12))
        (other,) = await notes_of(pipeline, lines(BOMBERS), date(2025, 12, 13))
    assert other.reused_from is None


async def test_other_facts_are_linked_and_never_reused(own, scripted) -> None:
    async with scripted(own, ScriptedEngine(supporting), memory=True) as pipeline:
        await notes_of(pipeline, lines(BOMBERS))
        (other,) = await notes_of(pipeline, lines(MORE_BOMBERS))
    assert other.reused_from is None
    assert [(link.relation, link.text) for link in other.links] == [("near", BOMBERS)]


async def test_of_equal_lines_the_later_reuse_the_first_however_they_are_timed(
    own, scripted
) -> None:
    engine = ScriptedEngine(supporting)
    async with scripted(own, engine, memory=True) as pipeline:
        notes = await notes_of(pipeline, lines(BOMBERS, BOMBERS, LOAN, BOMBERS))
    first = notes[0].claim.id
    assert [note.reused_from for note in notes] == [None, first, None, first]
    once = [text for text, passages in engine.assessed if "E1" in ids_of(passages)]
    assert sorted(once) == sorted([BOMBERS, LOAN])


async def test_an_empty_memory_may_be_opened_by_two_claims_at_once(own, scripted) -> None:
    claims = [f"The harbour of Sakata was closed for {n} days." for n in range(2, 8)]
    async with scripted(own, ScriptedEngine(silent), memory=True) as pipeline:
        notes = await notes_of(pipeline, lines(*claims))
        assert [note.error for note in notes] == [None] * len(claims)
        assert not any("remembered" in warning for note in notes for warning in note.warnings)
        assert len(pipeline.memory.claims()) == len(claims)
        found = pipeline.memory.similar(claims[0], limit=20)
    assert {link.text for link in found} == set(claims)


# Hostile texts.


async def test_instructions_in_a_statement_are_data(filled) -> None:
    claim = "The harbour of Sakata was closed for nine days in December 2025."
    async with Pipeline.open(filled, memory=False) as pipeline:
        (note,) = await notes_of(pipeline, lines(claim))
    assert note.verdict is not Verdict.SUPPORTED
    assert any(IGNORE in piece.passage.text for piece in note.evidence)


async def test_instructions_in_an_article_change_no_verdict(filled) -> None:
    texts = [f"{MORE_BOMBERS}", f"{MORE_BOMBERS}\n\n{IGNORE}"]
    verdicts = []
    for text in texts:
        async with Pipeline.open(filled, memory=False) as pipeline:
            notes = await notes_of(pipeline, submission_of(text))
        verdicts.append([note.verdict for note in notes if "B-52" in note.claim.text])
    assert verdicts[0] == verdicts[1] == [Verdict.REFUTED]


async def test_an_engine_that_obeys_an_injection_is_held_to_the_quotes(filled, scripted) -> None:
    async def obeying(claim: Claim, passages: tuple[Passage, ...]) -> Assessment:
        answer = await supporting(claim, passages)
        invented = Quote(passages[0].id, "The Joint Staff confirmed that nine B-52 bombers flew.")
        draft = DraftFinding("The Joint Staff confirmed nine B-52 bombers.", (invented,))
        return replace(answer, verdict=Verdict.SUPPORTED, findings=(draft,))

    async with scripted(filled, ScriptedEngine(obeying)) as pipeline:
        (note,) = await notes_of(pipeline, lines(BOMBERS))
    assert note.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert note.findings == ()
    assert any(warning.startswith("needs_attention") for warning in note.warnings)
    assert note.dropped


async def test_an_opinion_of_another_claims_passage_counts_for_nothing(filled, scripted) -> None:
    async def elsewhere(claim: Claim, passages: tuple[Passage, ...]) -> Assessment:
        answer = await supporting(claim, passages)
        return Assessment(tuple(replace(one, passage_id="E9@1:0-9") for one in answer.opinions))

    async with scripted(filled, ScriptedEngine(elsewhere)) as pipeline:
        (note,) = await notes_of(pipeline, lines(BOMBERS))
    assert note.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert {piece.stance for piece in note.evidence} == {Stance.NEUTRAL}
