"""The way from a submission to its notes, in one process.

submission → claims → passages → evidence → verdict → note. Every step is a room's own function
that takes and returns plain values; this module only carries them, keeps blocking work off the
event loop, and makes sure that a claim that fails ends as a note that says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from service.claims.evidence import gather
from service.claims.memory import Memory, ReuseKey, same_words
from service.claims.verdict import decide, is_later
from service.engines.local.engine import LocalEngine
from service.engines.openai.cache import AnswerCache
from service.engines.openai.endpoint import Endpoint
from service.engines.openai.engine import OpenAIEngine
from service.engines.openai.marks import Marks
from service.facts.instructions import instructions_in
from service.kit.errors import ConfigurationError, EngineFailed, OutOfReach, VerinoteError
from service.models import Models
from service.notes.draft import Provenance, about, draft, failed, redrafted
from service.settings import Settings
from service.statements.corpus import Corpus
from service.statements.repository import Coverage
from service.submissions.account import SubmissionAccount
from service.submissions.intake import check_line, claims_from_lines
from service.submissions.windows import windows
from service.types import (
    Account,
    Assessment,
    Claim,
    ClaimLink,
    Engine,
    Extraction,
    Note,
    Passage,
    Ruling,
    Span,
    Submission,
    Usage,
    Verdict,
    Window,
    claim_id,
)

Progress = Callable[[int, int, str], None]
T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_NOTHING_USED = Usage()


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was found in a submission.

    Attributes:
        claims: in the order of the text, each once.
        unread: stretches that could not be read, as claims that stand for all that is in them,
            with the reason.
        rejected: what an engine gave as claims and code refused, with the reason.
    """

    claims: tuple[Claim, ...]
    unread: tuple[tuple[Claim, EngineFailed], ...] = ()
    rejected: tuple[tuple[str, str], ...] = ()


class Pipeline:
    """An engine, a corpus and a claim memory, ready to verify. Made by ``open``.

    Args:
        engine: what extracts and assesses.
        memory: None does without: nothing is linked, reused or remembered.
        local: the embedded engine, for what must not leave the machine and for statements that
            cannot decide; ``engine`` itself by default.
        models: those that were loaded, to be used by other pipelines too.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        corpus: Corpus,
        memory: Memory | None,
        local: Engine | None = None,
        models: Models | None = None,
    ) -> None:
        self.models = models
        self.settings = settings
        self.engine = engine
        self.corpus = corpus
        self.memory = memory
        self._local = local or engine
        # One claim at a time for what no request waits for: the requests have the processor first.
        self._beside = asyncio.Semaphore(1)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, settings: Settings, *, memory: bool = True, models: Models | None = None
    ) -> AsyncIterator[Pipeline]:
        """Open the pipeline over a data folder with the engine that the settings name.

        Args:
            settings: how it is configured.
            memory: whether claims are linked, reused and remembered.
            models: of another pipeline; loaded by default.

        Raises:
            ConfigurationError: the data folder or a prompt cannot be used.
            ModelFileError: a packaged model is not what its card says.
            IndexMismatch: the index was made by another embedding model.
        """
        loaded = models or await asyncio.to_thread(Models.load, settings.threads)
        encoder, scorer = loaded.encoder, loaded.scorer
        local = LocalEngine(scorer, encoder)
        embedded = settings.embeddings == "local"
        corpus = await asyncio.to_thread(Corpus.open, settings, encoder if embedded else None)
        async with AsyncExitStack() as opened:
            opened.push_async_callback(asyncio.to_thread, corpus.close)
            engine: Engine = local
            if settings.engine == "openai":
                cache = AnswerCache(corpus.database) if settings.llm_cache else None
                endpoint = await asyncio.to_thread(Endpoint, settings, cache)
                opened.push_async_callback(endpoint.close)
                marks = Marks(settings.installation_secret())
                asking = OpenAIEngine(settings, endpoint, scorer, marks)
                opened.callback(asking.close)
                engine = asking
            known = Memory(corpus.database, corpus.vectors, corpus.embeddings) if memory else None
            yield cls(settings, engine, corpus, known, local, loaded)

    def over(self, corpus: Corpus) -> Pipeline:
        """The same over another corpus, without a claim memory."""
        return Pipeline(self.settings, self.engine, corpus, None, self._local, self.models)

    def account(self, submission: Submission, used: Usage = _NOTHING_USED) -> SubmissionAccount:
        """An account for a submission, with the budget that the settings give it."""
        return SubmissionAccount(submission.sha256, self.settings.llm_token_budget, used)

    def provenance(self, submission: Submission) -> Provenance:
        """What the notes of a submission can be traced to."""
        return _provenance(self._engine_for(submission))

    async def verify(
        self,
        submission: Submission,
        as_of: date | None = None,
        progress: Progress | None = None,
        account: Account | None = None,
        extracted: Extracted | None = None,
    ) -> AsyncIterator[Note]:
        """Extract the claims of a submission and yield their notes in the order of the text.

        Args:
            submission: the text, normalised.
            as_of: statements dated later do not decide; by default the submission's date, else
                today.
            progress: told how many of the claims are done.
            account: what is charged; a new one by default.
            extracted: what ``claims_of`` found in the submission, if it was asked before.

        Raises:
            ConfigurationError: the engine cannot be asked at all, or the submission must stay on
                this machine and the settings would send it elsewhere.
        """
        when = as_of or submission.published or datetime.now(UTC).date()
        engine = self._engine_for(submission)
        account = account or self.account(submission)
        extracted = extracted or await self.claims_of(submission, account)
        unread = {claim.id: error for claim, error in extracted.unread}
        claims = sorted(
            [*extracted.claims, *(claim for claim, _ in extracted.unread)],
            key=lambda claim: (claim.source.start, claim.source.end),
        )
        gate = asyncio.Semaphore(engine.concurrent_claims)
        done = 0

        async def one(claim: Claim, twin: asyncio.Task[Note] | None) -> Note:
            if claim.id in unread:
                error = unread[claim.id]
                return failed(claim, str(error), _provenance(engine), error.usage)
            if twin is not None:  # then this one reuses its note, whichever would have been first
                await asyncio.wait([twin])
            async with gate:
                return await self.verify_claim(claim, when, submission, account)

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
            await self._index_claims()

    async def _index_claims(self) -> None:
        """Make the claims that were remembered known to the next ones."""
        if self.memory is None:
            return
        try:
            await asyncio.to_thread(self.memory.index)
        except VerinoteError as error:  # the next opening makes up for it, or says what to do
            _LOG.warning("the claims are remembered, but not indexed: %s", error)

    async def claims_of(self, submission: Submission, account: Account | None = None) -> Extracted:
        """Find the claims of a submission.

        Of an article each is given once, where it is made first; of claims given line by line,
        every line is one.

        Raises:
            ConfigurationError: see ``verify``.
        """
        if submission.claims_only:
            return Extracted(tuple(claims_from_lines(submission)))
        engine = self._engine_for(submission)
        account = account or self.account(submission)
        read = windows(submission)
        extractions = await _all(self._extracted(engine, window, account) for window in read)
        found = [
            claim
            for extraction in extractions
            if isinstance(extraction, Extraction)
            for claim in extraction.claims
        ]
        return Extracted(
            _each_once(found),
            tuple(
                (_standing_for(window), extraction)
                for window, extraction in zip(read, extractions, strict=True)
                if isinstance(extraction, EngineFailed)
            ),
            tuple(
                rejected
                for extraction in extractions
                if isinstance(extraction, Extraction)
                for rejected in extraction.rejected
            ),
        )

    async def _extracted(
        self, engine: Engine, window: Window, account: Account
    ) -> Extraction | EngineFailed:
        """Read a window; where its text speaks to a model, the embedded engine reads it too.

        A model that obeys such a text could leave claims out, and nobody would see it.
        """
        try:
            extraction = await engine.extract(window, account)
            text = window.submission.text[window.start : window.end]
            if engine is not self._local and instructions_in(text):
                beside = await self._local.extract(window)
                extraction = replace(extraction, claims=_together(extraction, beside))
        except ConfigurationError:  # no window can be read before a setting is changed
            raise
        except EngineFailed as error:  # the other windows go on
            return error
        except Exception as error:  # noqa: BLE001  no text is lost, whatever it does to us
            return EngineFailed(reason(error))
        return extraction

    async def verify_claim(
        self,
        claim: Claim,
        as_of: date,
        submission: Submission | None = None,
        account: Account | None = None,
    ) -> Note:
        """Draft the note of one claim, and remember it where there is a memory and a submission.

        What goes wrong with it ends in the note, not here.
        """
        note = await self.draft_claim(claim, as_of, submission, account)
        new = note.reused_from is None and not note.provisional
        if self.memory is not None and submission is not None and new:
            try:
                await asyncio.to_thread(self.memory.remember, note, submission, as_of)
            except Exception as error:  # noqa: BLE001  a note is worth more than the memory of it
                told = f"This claim could not be remembered: {reason(error)}"
                note = replace(note, warnings=(*note.warnings, told))
        return note

    async def draft_claim(
        self,
        claim: Claim,
        as_of: date,
        submission: Submission | None = None,
        account: Account | None = None,
    ) -> Note:
        """Draft the note of one claim and keep it nowhere."""
        engine = self._engine_for(submission)
        provenance = _provenance(engine)
        try:
            revision = await asyncio.to_thread(self.corpus.revision)
            provenance = replace(provenance, corpus_revision=revision)
            return await self._note(claim, as_of, submission, provenance, engine, account)
        except OutOfReach:  # passes; whoever waits for the note may wait for it to pass
            raise
        except Exception as error:  # noqa: BLE001  no claim is lost, whatever its text does to us
            spent = error.usage if isinstance(error, EngineFailed) else Usage()
            return failed(claim, reason(error), provenance, spent)

    async def assess_given(
        self,
        claim: Claim,
        passages: Sequence[Passage],
        as_of: date | None,
        engine: Engine | None = None,
        account: Account | None = None,
    ) -> tuple[Assessment, Ruling]:
        """Assess a claim against given passages by the same engine and rules, without a search.

        Statements dated after ``as_of`` are read apart, so that what cannot decide has no part in
        how the others are read either; and by the embedded engine, so that nothing is paid for
        them.
        """
        engine = engine or self.engine
        later = tuple(passage for passage in passages if is_later(passage.statement, as_of))
        in_time = tuple(passage for passage in passages if passage not in later)
        assessment, beside = await asyncio.gather(
            engine.assess(claim, in_time, account) if in_time else _nothing(),
            self._local.assess(claim, later) if later else _nothing(),
        )
        together = replace(assessment, opinions=assessment.opinions + beside.opinions)
        ruling = decide(
            gather(passages, together), as_of, assessment.verdict, assessment.reliability
        )
        return together, ruling

    async def _note(
        self,
        claim: Claim,
        as_of: date,
        submission: Submission | None,
        provenance: Provenance,
        engine: Engine,
        account: Account | None,
    ) -> Note:
        if submission is not None and submission.claims_only:
            check_line(claim, submission)
        submitted = submission.text if submission is not None else ""
        if self.memory is not None:
            key = ReuseKey(
                as_of,
                provenance.corpus_revision,
                provenance.engine,
                provenance.model,
                provenance.prompt_version,
            )
            known = await asyncio.to_thread(self.memory.reusable, claim, key)
            if known is not None:
                return replace(
                    about(known, submitted),
                    links=await self._links(claim, submission),
                )
        hits = await asyncio.to_thread(
            self.corpus.search,
            claim.text,
            self.settings.passages_per_claim,
            context=claim.context,
        )
        passages = tuple(hit.passage for hit in hits)
        (assessment, ruling), links, coverage = await asyncio.gather(
            self.assess_given(claim, passages, as_of, engine, account),
            self._links(claim, submission),
            self._coverage(),
        )

        def drafted(assessment: Assessment) -> Note:
            return draft(
                claim,
                ruling,
                assessment,
                coverage,
                self.corpus.text,
                provenance,
                as_of,
                links,
                submitted,
            )

        note = await asyncio.to_thread(drafted, assessment)
        if not note.dropped or not assessment.findings or ruling.verdict is _UNDECIDED:
            return note
        in_time = tuple(one for one in passages if not is_later(one.statement, as_of))
        return await self._revised(note, assessment, in_time, engine, account, drafted)

    async def _coverage(self) -> Coverage:
        async with self._beside:
            return await asyncio.to_thread(self.corpus.coverage)

    async def _links(self, claim: Claim, submission: Submission | None) -> tuple[ClaimLink, ...]:
        if self.memory is None:
            return ()
        async with self._beside:
            return tuple(await asyncio.to_thread(self.memory.link, claim, submission))

    async def _revised(
        self,
        note: Note,
        assessment: Assessment,
        passages: tuple[Passage, ...],
        engine: Engine,
        account: Account | None,
        drafted: Callable[[Assessment], Note],
    ) -> Note:
        """Send what the gate refused back to the engine, once, and draft the note again."""
        try:
            revised = await engine.revise(note.claim, passages, assessment, note.dropped, account)
        except VerinoteError as error:
            told = f"The engine could not be asked for other findings: {error}"
            spent = error.usage if isinstance(error, EngineFailed) else Usage()
            return replace(
                note,
                warnings=(*note.warnings, told),
                usage=note.usage + spent,
                provisional=True,
            )
        return redrafted(await asyncio.to_thread(drafted, revised), note.dropped)

    def _engine_for(self, submission: Submission | None) -> Engine:
        """The engine, or the embedded one for what must not leave the machine."""
        if submission is None or not submission.local_only:
            return self.engine
        if self.settings.embeddings != "local":
            raise ConfigurationError(
                f"VERINOTE_EMBEDDINGS={self.settings.embeddings}: would send a submission away "
                "that is local_only; set it to local, and run `verinote corpus reindex`"
            )
        return self._local


_UNDECIDED = Verdict.NOT_ENOUGH_EVIDENCE


def _together(found: Extraction, beside: Extraction) -> tuple[Claim, ...]:
    """An engine's claims, and another's of the stretches that it left out."""
    spans = [claim.source for claim in found.claims]
    left_out = tuple(
        claim
        for claim in beside.claims
        if not any(
            span.start < claim.source.end and claim.source.start < span.end for span in spans
        )
    )
    return found.claims + left_out


def _each_once(found: Iterable[Claim]) -> tuple[Claim, ...]:
    """Claims in the order of the text, those of the same words once, where they come first.

    Two people who are said to have said the same said it both.
    """
    kept: list[Claim] = []
    speakers: dict[str, set[str | None]] = {}
    for claim in sorted(found, key=lambda claim: (claim.source.start, claim.source.end)):
        known = speakers.setdefault(same_words(claim.text), set())
        if not known or (claim.speaker and not known & {claim.speaker, None}):
            kept.append(claim)
        known.add(claim.speaker)
    return tuple(kept)


def _provenance(engine: Engine) -> Provenance:
    return Provenance(engine.name, engine.model, engine.prompt_version, corpus_revision=0)


async def _all(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What every piece of work gives, in their order; where one raises, the others are ended."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _nothing() -> Assessment:
    """What an engine says that is not asked."""
    return Assessment(())


def _standing_for(window: Window) -> Claim:
    """A claim that stands for all that a window may hold, where it could not be read."""
    text = window.submission.text[window.start : window.end]
    source = Span(window.start, window.end, text)
    return Claim(
        id=claim_id(window.submission, source, text),
        text=text,
        source=source,
        claim_date=window.submission.published,
    )


def reason(error: Exception) -> str:
    """What went wrong, for a person: an error of ours speaks for itself, any other is a bug."""
    if isinstance(error, VerinoteError):
        return str(error)
    _LOG.error("an unexpected error", exc_info=error)
    return f"{type(error).__name__}: {error}"
