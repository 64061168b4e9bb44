"""The product as an evaluation drives it: the same engine, rules, search and pipeline.

Everything that evaluation asks of ``service`` goes through here. Claim memory is off: no answer is
reused for another claim, so the order of the rows does not matter.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from eval import fold_parameters, sentence_search
from eval.datasets.examples import Example
from eval.folds import fold_of
from service.engines.local.engine import LocalEngine
from service.engines.openai.prompts import load
from service.kit.errors import InputError
from service.kit.text import normalise, sha256_hex
from service.models import Models
from service.models.stance import STANCES, Scorer
from service.pipeline import Pipeline
from service.settings import Settings
from service.statements.corpus import Corpus
from service.submissions.account import SubmissionAccount
from service.submissions.intake import read_submission
from service.types import (
    Citation,
    Claim,
    Evidence,
    Kind,
    Note,
    Passage,
    Span,
    Stance,
    StatementRef,
    Submission,
    Usage,
    Verdict,
)

_SUPPORTS, _REFUTES = STANCES.index(Stance.SUPPORTS), STANCES.index(Stance.REFUTES)
_SIDES: Mapping[Verdict | None, Sequence[int]] = {
    Verdict.SUPPORTED: (_SUPPORTS,),
    Verdict.REFUTED: (_REFUTES,),
    Verdict.CONFLICTING: (_SUPPORTS, _REFUTES),
}
"""Which stances carry a verdict, as columns of what the stance model says."""
_PROMPTS = ("extract", "assess", "revise")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the engine says of given passages, in their order, and what the rules make of it."""

    evidence: tuple[Evidence, ...]
    verdict: Verdict
    confidence: float | None


@dataclass(frozen=True, slots=True)
class CheckedCitation:
    """A citation of a note, held against what is stored.

    Attributes:
        verbatim: the quote stands in the stored text, where the citation says.
        carries: how surely the stance model, reading the quote alone, takes the verdict's side of
            the claim, 0 to 1; of conflicting, either side; None where nothing was decided.
    """

    citation: Citation
    verbatim: bool
    carries: float | None


@dataclass(frozen=True, slots=True)
class Article:
    """An article's text as it was read, and its notes."""

    text: str
    notes: tuple[Note, ...]


class Subject:
    """A pipeline with its engine, opened for one run. Made by ``open``.

    Args:
        pipeline: what runs.
        scorer: the stance model, which reads citations by themselves.
        of_folds: for a set that the engine was fitted on: its name, and for every fold the same
            pipeline with parameters that never saw the fold's rows.
        today: what claims without a date are checked as of; by default the day that it is.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        scorer: Scorer,
        of_folds: tuple[str, Sequence[Pipeline]] | None = None,
        today: date | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._scorer = scorer
        self._of_folds = of_folds
        self._today = today or datetime.now(UTC).date()
        self._account = SubmissionAccount("", pipeline.settings.llm_token_budget)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        dataset: str,
        today: date | None = None,
        corpus: Corpus | None = None,
        models: Models | None = None,
    ) -> AsyncIterator[Subject]:
        """Open the pipeline over the data folder that the settings name, without claim memory.

        Args:
            settings: how the pipeline is configured.
            dataset: what will be run.
            today: what claims without a date are checked as of; by default the day that it is.
            corpus: what claims are checked against; by default that of the data folder.
            models: the embedded ones; loaded by default.
        """
        if models is None:
            models = await asyncio.to_thread(Models.load, settings.threads)
        async with Pipeline.open(settings, memory=False, models=models) as opened:
            pipeline = opened if corpus is None else opened.over(corpus)
            if dataset not in fold_parameters.SETS or pipeline.engine.name != "local":
                yield cls(pipeline, models.scorer, today=today)
                return
            of_folds = [
                Pipeline(
                    settings,
                    LocalEngine(models.scorer, models.encoder, fitted),
                    pipeline.corpus,
                    None,
                )
                for fitted in fold_parameters.read()
            ]
            yield cls(pipeline, models.scorer, (dataset, of_folds), today)

    def with_own_account(self) -> Subject:
        """The same, with nothing used yet: what one item used can be told from the others."""
        return Subject(self._pipeline, self._scorer, self._of_folds, self._today)

    @property
    def used(self) -> Usage:
        """What was used of a language model."""
        return self._account.used

    @property
    def settings(self) -> Settings:
        """How it is configured."""
        return self._pipeline.settings

    @property
    def out_of_fold(self) -> bool:
        """Whether every row is read with parameters that never saw it."""
        return self._of_folds is not None

    @property
    def engine(self) -> str:
        """Which engine runs."""
        return self._pipeline.engine.name

    @property
    def model(self) -> str:
        """Which models run."""
        return self._pipeline.engine.model

    @property
    def prompt_version(self) -> str:
        """Hash of what shapes an answer beside the models."""
        return self._pipeline.engine.prompt_version

    @property
    def prompts(self) -> dict[str, str]:
        """The hash of every prompt that the engine sends, by name."""
        if self.engine == "local":
            return {}
        return {name: load(name).sha256 for name in _PROMPTS}

    async def corpus_revision(self) -> int:
        """The number of the corpus's last change."""
        return await asyncio.to_thread(self._pipeline.corpus.revision)

    async def load(self, statements: Path) -> None:
        """Add a folder of statements to the corpus.

        Raises:
            InputError: one of them cannot be read: what is measured would hang on it.
        """
        report = await asyncio.to_thread(self._pipeline.corpus.add, [statements])
        if report.failed:
            raise InputError("; ".join(f"{name}: {reason}" for name, reason in report.failed))

    async def judge(self, example: Example) -> Judgement:
        """Assess the example's claim against its own passages, without a search."""
        pipeline = self._pipeline
        if self._of_folds:
            dataset, of_folds = self._of_folds
            pipeline = of_folds[fold_of(f"{dataset}/{example.group}")]
        _, ruling = await pipeline.assess_given(
            claim_of(example.claim), passages_of(example), example.as_of, account=self._account
        )
        return Judgement(ruling.evidence, ruling.verdict, ruling.confidence)

    async def verify(self, claim: str, as_of: date | None) -> Note:
        """Verify one claim over the corpus, as of today without a date."""
        when = as_of or self._today
        return await self._pipeline.verify_claim(claim_of(claim), when, account=self._account)

    async def check_citations(self, note: Note) -> list[CheckedCitation]:
        """Hold every citation of a note against what is stored, and against its verdict."""
        cited = [citation for finding in note.findings for citation in finding.citations]
        return await asyncio.to_thread(self._checked, note, cited) if cited else []

    def _checked(self, note: Note, cited: Sequence[Citation]) -> list[CheckedCitation]:
        corpus, sides = self._pipeline.corpus, _SIDES.get(note.verdict)
        texts = [corpus.text(one.statement.statement_id, one.statement.version) for one in cited]
        scores = self._scorer.score([(one.quote, note.claim.text) for one in cited])
        return [
            CheckedCitation(
                citation=one,
                verbatim=text[one.start : one.end] == one.quote,
                carries=float(max(score[list(sides)])) if sides else None,
            )
            for one, text, score in zip(cited, texts, scores, strict=True)
        ]

    async def verify_article(self, path: Path) -> Article:
        """Verify an article over the corpus, as of its own date.

        Raises:
            InputError: the article cannot be read.
        """
        submission = await asyncio.to_thread(read_submission, path, self._pipeline.settings)
        when = submission.published or self._today
        found = self._pipeline.verify(submission, when, account=self._account)
        return Article(submission.text, tuple([note async for note in found]))

    async def extract(self, text: str) -> list[Claim]:
        """The claims of a text of its own."""
        text = normalise(text)
        submission = Submission(text=text, sha256=sha256_hex(text))
        return list((await self._pipeline.claims_of(submission, self._account)).claims)

    async def rank(self, claim: str, sentences: Sequence[str], k: int) -> list[int]:
        """Positions of the ``k`` sentences that the search finds first for the claim."""
        encoder = self._pipeline.corpus.embeddings.encoder
        return await asyncio.to_thread(sentence_search.rank, encoder, claim, sentences, k)


async def prompt_version(settings: Settings) -> str:
    """Hash of what shapes the configured engine's answers beside the models."""
    with tempfile.TemporaryDirectory() as folder:
        passing = settings.model_copy(update={"data_dir": Path(folder)})
        async with Pipeline.open(passing, memory=False) as pipeline:
            return pipeline.engine.prompt_version


def claim_of(text: str) -> Claim:
    """A claim of its own, as a line of ``verinote verify --claims`` is."""
    text = normalise(text)
    return Claim(id=sha256_hex(text)[:16], text=text, source=Span(0, len(text), text), score=1.0)


def passages_of(example: Example) -> tuple[Passage, ...]:
    """The example's evidence, each passage a statement of its own without issuer or date."""
    titles = example.titles or (None,) * len(example.passages)
    passages = []
    for place, (written, title) in enumerate(zip(example.passages, titles, strict=True)):
        text = normalise(written)
        statement = StatementRef(
            statement_id=f"{example.id}-{place}",
            version=1,
            sha256=sha256_hex(text),
            kind=Kind.ORIGINAL,
            issuer=None,
            title=title,
            published=None,
            url=None,
        )
        passages.append(Passage(f"{example.id}-{place}", statement, 0, len(text), text))
    return tuple(passages)
