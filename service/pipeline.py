"""The way from a submission to its notes, in one process.

submission → claims → passages → evidence → verdict → note. Every step is a room's own function
that takes and returns plain values; this module only carries them, keeps blocking work off the
event loop, and makes sure that a claim that fails ends as a note that says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime

from service.claims.evidence import gather
from service.claims.memory import Memory, ReuseKey, same_words
from service.claims.verdict import decide, is_later
from service.engines.local.engine import LocalEngine
from service.kit.errors import ConfigurationError, VerinoteError
from service.models import Encoder, StanceModel
from service.notes.draft import Provenance, draft, failed
from service.settings import Settings
from service.statements.corpus import Corpus
from service.submissions.intake import check_line, claims_from_lines
from service.submissions.windows import windows
from service.types import (
    Assessment,
    Claim,
    ClaimLink,
    Engine,
    Note,
    Passage,
    Ruling,
    Submission,
)

CONCURRENT_CLAIMS = 2
"""Claims assessed side by side: while one waits for the database, the next uses the models."""

Progress = Callable[[int, int, str], None]


class Pipeline:
    """An engine, a corpus and a claim memory, ready to verify. Made by ``open``.

    Args:
        memory: None does without: nothing is linked, reused or remembered.
    """

    def __init__(
        self, settings: Settings, engine: Engine, corpus: Corpus, memory: Memory | None
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.corpus = corpus
        self.memory = memory

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, *, memory: bool = True) -> AsyncIterator[Pipeline]:
        """Open the pipeline over a data folder with the engine that the settings name.

        Raises:
            ConfigurationError: there is no such engine, or the data folder cannot be used.
            ModelFileError: a packaged model is not what its card says.
            IndexMismatch: the index was made by another embedding model.
        """
        encoder = await asyncio.to_thread(Encoder, settings.threads)
        engine = await asyncio.to_thread(_engine, settings, encoder)
        corpus = await asyncio.to_thread(Corpus.open, settings, encoder)
        known = Memory(corpus.database, corpus.vectors, corpus.embeddings) if memory else None
        try:
            yield cls(settings, engine, corpus, known)
        finally:
            await asyncio.to_thread(corpus.close)

    async def verify(
        self,
        submission: Submission,
        as_of: date | None = None,
        progress: Progress | None = None,
    ) -> AsyncIterator[Note]:
        """Extract the claims of a submission and yield their notes in the order of the text.

        Args:
            submission: the text, normalised.
            as_of: statements dated later do not decide; by default the submission's date, else
                today.
            progress: told how many of the claims are done.
        """
        when = as_of or submission.published or datetime.now(UTC).date()
        claims = await self.claims_of(submission)
        gate = asyncio.Semaphore(CONCURRENT_CLAIMS)
        done = 0

        async def one(claim: Claim, twin: asyncio.Task[Note] | None) -> Note:
            if twin is not None:  # then this one reuses its note, whichever would have been first
                await asyncio.wait([twin])
            async with gate:
                return await self.verify_claim(claim, when, submission)

        tasks: list[asyncio.Task[Note]] = []
        twins: dict[str, asyncio.Task[Note]] = {}
        for claim in claims:
            words = same_words(claim.text)
            tasks.append(asyncio.create_task(one(claim, twins.get(words))))
            twins[words] = tasks[-1]
        try:
            for task in tasks:
                note = await task
                done += 1
                if progress:
                    progress(done, len(claims), note.claim.text)
                yield note
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def claims_of(self, submission: Submission) -> list[Claim]:
        """The claims of a submission in the order of its text.

        Of an article each is given once, where it is made first; of claims given line by line,
        every line is one.
        """
        if submission.claims_only:
            return claims_from_lines(submission)
        extractions = await asyncio.gather(
            *(self.engine.extract(window) for window in windows(submission))
        )
        found = [claim for extraction in extractions for claim in extraction.claims]
        claims: dict[str, Claim] = {}
        for claim in sorted(found, key=lambda claim: (claim.source.start, claim.source.end)):
            claims.setdefault(same_words(claim.text), claim)
        return list(claims.values())

    async def verify_claim(
        self, claim: Claim, as_of: date, submission: Submission | None = None
    ) -> Note:
        """Draft the note of one claim. What goes wrong with it ends in the note, not here."""
        provenance = Provenance(
            self.engine.name, self.engine.model, self.engine.prompt_version, corpus_revision=0
        )
        try:
            revision = await asyncio.to_thread(self.corpus.revision)
            provenance = replace(provenance, corpus_revision=revision)
            note = await self._note(claim, as_of, submission, provenance)
        except Exception as error:  # noqa: BLE001  no claim is lost, whatever its text does to us
            note = failed(claim, _reason(error), provenance)
        if self.memory is not None and submission is not None and note.reused_from is None:
            try:
                await asyncio.to_thread(self.memory.remember, note, submission, as_of)
            except Exception as error:  # noqa: BLE001  a note is worth more than the memory of it
                told = f"This claim could not be remembered: {_reason(error)}"
                note = replace(note, warnings=(*note.warnings, told))
        return note

    async def assess_given(
        self, claim: Claim, passages: Sequence[Passage], as_of: date | None
    ) -> tuple[Assessment, Ruling]:
        """Assess a claim against given passages by the same engine and rules, without a search.

        Statements dated after ``as_of`` are read apart, so that what cannot decide has no part in
        how the others are read either.
        """
        later = [passage for passage in passages if is_later(passage.statement, as_of)]
        in_time = [passage for passage in passages if passage not in later]
        assessment = await self._assess(claim, in_time)
        beside = await self._assess(claim, later)
        assessment = replace(
            assessment,
            opinions=assessment.opinions + beside.opinions,
            usage=assessment.usage + beside.usage,
        )
        ruling = decide(
            gather(passages, assessment), as_of, assessment.verdict, assessment.reliability
        )
        return assessment, ruling

    async def _assess(self, claim: Claim, passages: Sequence[Passage]) -> Assessment:
        """Ask the engine, if there is anything to ask about."""
        return await self.engine.assess(claim, tuple(passages)) if passages else Assessment(())

    async def _note(
        self, claim: Claim, as_of: date, submission: Submission | None, provenance: Provenance
    ) -> Note:
        if submission is not None and submission.claims_only:
            check_line(claim, submission)
        links: list[ClaimLink] = []
        if self.memory is not None:
            key = ReuseKey(
                as_of,
                provenance.corpus_revision,
                provenance.engine,
                provenance.model,
                provenance.prompt_version,
            )
            known = await asyncio.to_thread(self.memory.reusable, claim, key)
            links = await asyncio.to_thread(self.memory.link, claim, submission)
            if known is not None:
                return replace(known, links=tuple(links))
        hits = await asyncio.to_thread(
            self.corpus.search,
            claim.text,
            self.settings.passages_per_claim,
            context=claim.context,
        )
        assessment, ruling = await self.assess_given(claim, [hit.passage for hit in hits], as_of)
        coverage = await asyncio.to_thread(self.corpus.coverage)
        return await asyncio.to_thread(
            draft,
            claim,
            ruling,
            assessment,
            coverage,
            self.corpus.text,
            provenance,
            as_of,
            links,
        )


def _reason(error: Exception) -> str:
    """What went wrong, for a person: an error of ours speaks for itself."""
    return str(error) if isinstance(error, VerinoteError) else f"{type(error).__name__}: {error}"


def _engine(settings: Settings, encoder: Encoder) -> Engine:
    if settings.engine == "local":
        return LocalEngine(StanceModel(settings.threads), encoder)
    raise ConfigurationError(f"VERINOTE_ENGINE={settings.engine}: no such engine; use local")
