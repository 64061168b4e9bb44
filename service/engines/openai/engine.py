"""The engine that asks a language model: two waves of requests, a third for what was refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from service.engines.openai.answers import (
    ClaimAssessed,
    ClaimsFound,
    FindingsRevised,
    schema_of,
)
from service.engines.openai.assess import (
    assessment_of,
    findings_of,
    values_to_assess,
    values_to_revise,
)
from service.engines.openai.endpoint import Answered, Endpoint, TooLong
from service.engines.openai.extract import claims_of, ground_of, values_to_extract
from service.engines.openai.marks import Marks
from service.engines.openai.prompts import load
from service.kit.errors import EngineFailed
from service.kit.text import sha256_hex, sha256_of_files
from service.models.parser import parse_ahead
from service.models.stance import Scorer, opinion_of
from service.settings import Settings
from service.types import (
    NEEDS_ATTENTION,
    Account,
    Assessment,
    Claim,
    DraftFinding,
    Extraction,
    Passage,
    Stance,
    Usage,
    Window,
)

_AHEAD = 2
"""Passages of a claim that the stance model reads while the language model is still at work: the
best found, which are most often the ones that decide."""
_PAUSE = 0.2
"""Seconds before it does: the claims of an article come together, and the language model should
have all their requests first."""
_AT_ONCE = 64
"""Claims side by side where requests are not limited."""
_SHAPED_BY = ("*.py", "../../facts/*.py")


class OpenAIEngine:
    """Extracts and assesses by a language model behind an OpenAI-compatible endpoint.

    Args:
        settings: model, address, limits.
        endpoint: what asks; belongs to one event loop.
        scorer: the stance model, for a second opinion.
        marks: enclose texts by others.
    """

    name = "openai"

    def __init__(
        self, settings: Settings, endpoint: Endpoint, scorer: Scorer, marks: Marks
    ) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._scorer = scorer
        self._marks = marks
        self._extract, self._assess, self._revise = map(load, ("extract", "assess", "revise"))
        self._readers = ThreadPoolExecutor(2, "cross-check")

    def close(self) -> None:
        """Let the threads of the cross-check go."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    @property
    def model(self) -> str:
        """The language model and where it runs."""
        return f"{self._settings.llm_model} at {self._settings.openai_base_url}"

    @cached_property
    def prompt_version(self) -> str:
        """Hash of the prompts, of what they are sent with, and of the code that reads answers."""
        prompts = (self._extract, self._assess, self._revise)
        schemas = [schema_of(one) for one in (ClaimsFound, ClaimAssessed, FindingsRevised)]
        told: list[object] = [prompt.sha256 for prompt in prompts]
        told += [self._endpoint.parameters, schemas, self._settings.passages_per_claim]
        told.append(sha256_of_files(Path(__file__).parent, _SHAPED_BY))
        return sha256_hex(json.dumps(told))[:16]

    @property
    def concurrent_claims(self) -> int:
        """Enough to keep every request that may be sent under way."""
        return self._settings.llm_concurrency or _AT_ONCE

    async def extract(self, window: Window, account: Account | None = None) -> Extraction:
        """Find the checkable claims of a window.

        Raises:
            ConfigurationError, EngineFailed: see ``Endpoint.ask``.
        """
        asked, ground = await asyncio.gather(
            self._endpoint.ask(
                self._extract, values_to_extract(window, self._marks), ClaimsFound, account
            ),
            asyncio.to_thread(ground_of, window.submission),
        )
        claims, rejected = await asyncio.to_thread(claims_of, asked.value.claims, window, ground)
        return Extraction(claims, asked.usage, rejected)

    async def assess(
        self, claim: Claim, passages: tuple[Passage, ...], account: Account | None = None
    ) -> Assessment:
        """Say what each passage means for the claim, with a verdict and findings.

        Where the model cannot read all passages at a time, it is given fewer, the best ones.

        Raises:
            ConfigurationError, EngineFailed: see ``Endpoint.ask``.
        """
        opinions = self._opinions(claim, passages)
        ahead = asyncio.get_running_loop().call_later(_PAUSE, opinions.begin, passages[:_AHEAD])
        try:
            answered, shown = await self._asked(claim, passages, account)
            ahead.cancel()  # from here on it is known which passages speak
            assessment = await asyncio.to_thread(assessment_of, answered.value, claim, tuple(shown))
            assessment = replace(
                assessment, usage=answered.usage, warnings=_unread(passages, shown)
            )
            return await asyncio.to_thread(opinions.beside, assessment)
        finally:
            ahead.cancel()
            opinions.end()

    def _opinions(self, claim: Claim, passages: Sequence[Passage]) -> _SecondOpinions:
        kind = _SecondOpinions if self._settings.llm_cross_check else _NoOpinions
        return kind(claim, passages, self._scorer, self._readers)

    async def _asked(
        self, claim: Claim, passages: Sequence[Passage], account: Account | None
    ) -> tuple[Answered[ClaimAssessed], Sequence[Passage]]:
        spent = Usage()
        while True:
            values = values_to_assess(claim, passages, self._marks)
            try:
                answered = await self._endpoint.ask(self._assess, values, ClaimAssessed, account)
            except TooLong as error:
                spent += error.usage
                if len(passages) <= 1:
                    error.usage = spent
                    raise
                passages = passages[: len(passages) // 2]
            except EngineFailed as error:
                error.usage = error.usage + spent
                raise
            else:
                return replace(answered, usage=answered.usage + spent), passages

    async def revise(
        self,
        claim: Claim,
        passages: tuple[Passage, ...],
        assessment: Assessment,
        refused: tuple[tuple[str, str], ...],
        account: Account | None = None,
    ) -> Assessment:
        """Ask once for findings in the place of those that the citation gate refused.

        Raises:
            ConfigurationError, EngineFailed: see ``Endpoint.ask``.
        """
        texts = {text for text, _ in refused}
        kept = tuple(one for one in assessment.findings or () if one.text not in texts)
        speaking = {
            opinion.passage_id
            for opinion in assessment.opinions
            if opinion.stance is not Stance.NEUTRAL
        }
        shown = tuple(passage for passage in passages if passage.id in speaking)
        if not shown:
            return assessment
        values = values_to_revise(claim, shown, refused, self._marks)
        answered = await self._endpoint.ask(self._revise, values, FindingsRevised, account)
        opinions = self._opinions(claim, shown)
        revised = await asyncio.to_thread(
            lambda: [opinions.of(found) for found in findings_of(answered.value.findings, shown)]
        )
        return replace(
            assessment,
            findings=tuple(dict.fromkeys((*kept, *revised))),
            usage=assessment.usage + answered.usage,
        )


def _unread(passages: Sequence[Passage], shown: Sequence[Passage]) -> tuple[str, ...]:
    left = len(passages) - len(shown)
    if not left:
        return ()
    return (f"{NEEDS_ATTENTION}{left} of {len(passages)} passages were too long for the model.",)


class _SecondOpinions:
    """The stance model's opinions of a claim's passages and of the findings that quote them."""

    def __init__(
        self,
        claim: Claim,
        passages: Sequence[Passage],
        scorer: Scorer,
        readers: ThreadPoolExecutor,
    ) -> None:
        self._claim = claim
        self._passages = {passage.id: passage for passage in passages}
        self._scorer = scorer
        self._readers = readers
        self._begun: dict[str, Future[Stance]] = {}

    def begin(self, passages: Sequence[Passage]) -> None:
        """Start reading passages, each once; nobody waits for it yet."""
        for passage in passages:
            if passage.id not in self._begun:
                self._begun[passage.id] = self._readers.submit(
                    self._read, passage.text, self._claim.text
                )

    def end(self) -> None:
        """Leave unread what nobody asked for."""
        for reading in self._begun.values():
            reading.cancel()

    def beside(self, assessment: Assessment) -> Assessment:
        """Put the stance model's opinion beside the other's, wherever a passage or finding speaks.

        Blocking.
        """
        speaking = [one for one in assessment.opinions if one.stance is not Stance.NEUTRAL]
        self.begin([self._passages[one.passage_id] for one in speaking])
        read = {one.passage_id: self._begun[one.passage_id].result() for one in speaking}
        opinions = tuple(
            replace(one, cross_check=read.get(one.passage_id)) for one in assessment.opinions
        )
        findings = tuple(map(self.of, assessment.findings or ()))
        return replace(assessment, opinions=opinions, findings=findings)

    def of(self, finding: DraftFinding) -> DraftFinding:
        """Let the stance model read a finding's quotes for the finding. Blocking."""
        known = [
            (self._passages[quote.passage_id].statement, quote.text)
            for quote in finding.quotes
            if quote.passage_id in self._passages
        ]
        if not known:
            return finding
        told = " ".join(
            f"{statement.issuer or 'Officials'}, {statement.published or 'undated'}: {text}"
            for statement, text in known
        )
        return replace(finding, cross_check=self._read(told, finding.text))

    def _read(self, passage: str, claim: str) -> Stance:
        parse_ahead([passage])
        return opinion_of(self._scorer.score([(passage, claim)])[0])


class _NoOpinions(_SecondOpinions):
    """In their place where the settings leave the cross-check out."""

    def begin(self, passages: Sequence[Passage]) -> None:
        """Nothing is read."""

    def beside(self, assessment: Assessment) -> Assessment:
        """The assessment as it is."""
        return assessment

    def of(self, finding: DraftFinding) -> DraftFinding:
        """The finding as it is."""
        return finding
