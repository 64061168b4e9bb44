"""The main job, end to end: the seed article against the seed statements."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import frontmatter
import pytest

from eval.catalogue import DATASETS
from eval.tasks.desk import matching
from service.pipeline import Pipeline
from service.settings import Settings
from service.submissions.intake import read_submission
from service.types import Note, Verdict

ROOT = Path(__file__).parent.parent
ARTICLE = ROOT / "seeds" / "articles" / "japan-us-air-exercise.md"
SIDES = {Verdict.SUPPORTED, Verdict.REFUTED}


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Note]:
    return asyncio.run(_verified(Settings(data_dir=tmp_path_factory.mktemp("seeds"))))


async def _verified(settings: Settings) -> Sequence[Note]:
    async with Pipeline.open(settings) as pipeline:
        pipeline.corpus.add([ROOT / "seeds" / "statements"])
        submission = read_submission(str(ARTICLE), settings)
        return [note async for note in pipeline.verify(submission)]


@pytest.fixture(scope="module")
def outcomes(notes: Sequence[Note]) -> list[tuple[Verdict, set[Verdict | None]]]:
    bad: list = []
    gold = list(DATASETS["seeds"].examples(ROOT / "seeds", bad))
    assert not bad
    assert len(gold) == 15
    return [(row.verdict, {note.verdict for note in matching(row, notes)}) for row in gold]


def test_every_assertion_has_a_claim(outcomes: list) -> None:
    assert all(said for _, said in outcomes)


def test_at_least_thirteen_of_fifteen_verdicts_are_right(outcomes: list) -> None:
    assert sum(said == {gold} for gold, said in outcomes) >= 13


def test_no_verdict_is_turned_round(outcomes: list) -> None:
    for gold, said in outcomes:
        if gold in SIDES:
            assert not said & (SIDES - {gold})


def test_every_decided_note_cites_and_every_citation_is_verbatim(
    notes: Sequence[Note],
) -> None:
    texts = {
        post["id"]: post.content
        for post in map(frontmatter.load, sorted((ROOT / "seeds" / "statements").glob("*.md")))
    }
    decided = [note for note in notes if note.verdict in SIDES]
    assert decided
    for note in decided:
        assert note.findings
        for finding in note.findings:
            assert finding.citations
            for citation in finding.citations:
                text = texts[citation.statement.statement_id]
                assert text[citation.start : citation.end] == citation.quote


def test_nothing_decides_where_there_is_not_enough_evidence(notes: Sequence[Note]) -> None:
    for note in notes:
        if note.verdict is Verdict.NOT_ENOUGH_EVIDENCE:
            assert note.findings == ()
            assert note.basis is not None
            assert note.basis.nearest
