"""The plain values that travel through Verinote, from submission to note.

Every value is frozen. Offsets are half-open, in Unicode code points of the text they point into
(a submission's normalised text for claims, a statement version's stored text for passages and
citations). This module imports nothing of ours, so every room may import it.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """How a statement's text relates to the issuer's own words."""

    ORIGINAL = "original"
    TRANSLATION = "translation"
    DIGEST = "digest"


class Stance(StrEnum):
    """What one passage says about one claim."""

    SUPPORTS = "supports"
    REFUTES = "refutes"
    NEUTRAL = "neutral"


class Verdict(StrEnum):
    """What the stored statements, taken together, say about a claim (AVeriTeC's four classes)."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    CONFLICTING = "conflicting"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


class MismatchKind(StrEnum):
    """What differs between a claim and a passage that speak of the same thing."""

    NUMBER = "number"
    DATE = "date"
    NAME = "name"
    TYPE = "type"
    WORDING = "wording"


class ClaimState(StrEnum):
    """How far a claim came."""

    QUEUED = "queued"
    DRAFTED = "drafted"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SubmissionState(StrEnum):
    """How far a submission came. ``DONE``: at least one claim has a draft, or there is none."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text: ``text == whole[start:end]``, in code points."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Attribution:
    """That somebody said the claim: kept beside the claim and checked apart from it.

    Attributes:
        speaker: who is said to have said it, as the submission names them.
        cue: the words that attribute ("according to", "confirmed").
        span: where the attribution stands in the submission.
    """

    speaker: str
    cue: str
    span: Span


@dataclass(frozen=True, slots=True)
class Claim:
    """One checkable assertion that stands on its own.

    Attributes:
        id: stable within a submission: derived from the submission's key, the span and the text.
        text: the assertion as a sentence.
        source: the stretch of the submission that it comes from.
        attribution: who is said to have said it, if the submission attributes it.
        claim_date: when it was said: the submission's date unless the text gives another.
        context: a little of the submission that says what the claim is about (the sentence that
            introduced "the operation"); widens the search, never decides.
        score: check-worthiness from 0 (idle) to 1 (specific, measurable, public).
    """

    id: str
    text: str
    source: Span
    attribution: Attribution | None = None
    claim_date: date | None = None
    context: str = ""
    score: float = 0.0

    @property
    def speaker(self) -> str | None:
        """Who is said to have said it."""
        return self.attribution.speaker if self.attribution else None


@dataclass(frozen=True, slots=True)
class Submission:
    """A text that a fact-checker sends in, already normalised.

    Attributes:
        text: the normalised body (see ``service.kit.text.normalise``).
        sha256: hex digest of the UTF-8 bytes of ``text``.
        published: the date the text claims for itself; the default as-of date.
        source: file name or address it came from, for people.
        claims_only: each line is one claim, not an article.
        local_only: never leaves this machine.
        id: what it is known by on the desk; without one, its digest.
    """

    text: str
    sha256: str
    title: str | None = None
    published: date | None = None
    source: str | None = None
    language: str | None = None
    claims_only: bool = False
    local_only: bool = False
    id: str = ""

    @property
    def key(self) -> str:
        """What its rows are stored under."""
        return self.id or self.sha256


def claim_id(submission: Submission, source: Span, text: str) -> str:
    """The id of a claim: the same text at the same place of the same submission has the same."""
    key = f"{submission.key}:{source.start}:{source.end}:{text}"
    return hashlib.sha256(key.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class StatementRef:
    """What a citation must say of the statement version that it quotes.

    Attributes:
        sha256: hex digest of the UTF-8 bytes of the version's stored text.
        published: when the issuer published it, None when unknown.
        url: the source address, None when it came from a file without one.
        reported_by: the pages that carried it.
    """

    statement_id: str
    version: int
    sha256: str
    kind: Kind
    issuer: str | None
    title: str | None
    published: date | None
    url: str | None
    reported_by: tuple[str, ...] = ()
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Passage:
    """A searched span of one statement version; ``text == stored_text[start:end]``."""

    id: str
    statement: StatementRef
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a query, with its ranks (1 is best, None where a list lacks it).

    Attributes:
        score: the fused score (reciprocal rank fusion), comparable within one search only.
        similarity: cosine of query and passage, -1 to 1; None when only the words found it.
    """

    passage: Passage
    score: float
    dense_rank: int | None = None
    text_rank: int | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A difference between claim and passage on the same thing, in words.

    Attributes:
        claim: what the claim says ("four B-52").
        statement: what the statement says ("two B-52").
        decisive: whether it contradicts the claim (a finer wording does not).
    """

    kind: MismatchKind
    claim: str
    statement: str
    decisive: bool = True

    def __str__(self) -> str:
        return f"claim: {self.claim}; statement: {self.statement}"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an engine says of one passage for one claim.

    Attributes:
        passage_id: the passage it is about.
        probability: calibrated probability of ``stance``, 0 to 1; None where the engine has none.
        start: start of the words in the passage's statement text that carry the stance.
        end: end of those words.
        scores: probability of each stance where the engine has them.
        mismatches: the differences found.
        cross_check: a second opinion (the stance model's beside an LLM's), if one was taken.
    """

    passage_id: str
    stance: Stance
    probability: float | None
    start: int
    end: int
    mismatches: tuple[Mismatch, ...] = ()
    scores: tuple[tuple[Stance, float], ...] = ()
    cross_check: Stance | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an engine spent; nothing for embedded models.

    Attributes:
        calls: requests sent, those that failed too.
        cost: in the price table's currency.
        seconds: how long the requests took, one after the other.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost + other.cost,
            self.seconds + other.seconds,
        )

    def __sub__(self, other: Usage) -> Usage:
        return Usage(
            self.calls - other.calls,
            self.prompt_tokens - other.prompt_tokens,
            self.completion_tokens - other.completion_tokens,
            self.cost - other.cost,
            self.seconds - other.seconds,
        )


@dataclass(frozen=True, slots=True)
class Quote:
    """Words an engine says stand in a passage; code finds where, or refuses them."""

    passage_id: str
    text: str


@dataclass(frozen=True, slots=True)
class DraftFinding:
    """A finding as an engine proposes it, before the citation gate.

    Attributes:
        cross_check: how the stance model reads the quotes for the finding, where it was asked.
    """

    text: str
    quotes: tuple[Quote, ...]
    cross_check: Stance | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Platt's curve, ``1 / (1 + exp(-(slope * log-odds + shift)))``, from a score to a chance."""

    slope: float
    shift: float

    def of(self, score: float) -> float:
        """The chance that belongs to a score of 0 to 1."""
        kept = min(max(score, 1e-4), 1 - 1e-4)
        odds = math.log(kept / (1 - kept))
        return 1 / (1 + math.exp(-(self.slope * odds + self.shift)))


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often an engine's verdicts are right, by how sure its evidence makes them.

    Attributes:
        decided: for the verdicts that evidence decides.
        undecided: for not_enough_evidence.
    """

    decided: Curve
    undecided: Curve


@dataclass(frozen=True, slots=True)
class Assessment:
    """An engine's answer for one claim.

    ``verdict`` and ``findings`` are None when the engine leaves them to the rules and to the
    note's own drafting; an engine that proposes them is held to its evidence all the same.
    ``reliability`` is None where it was never measured. ``warnings`` are for the reviewer.
    """

    opinions: tuple[Opinion, ...]
    verdict: Verdict | None = None
    findings: tuple[DraftFinding, ...] | None = None
    reliability: Reliability | None = None
    usage: Usage = Usage()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """A run of whole sentences to extract claims from, inside its submission.

    Attributes:
        submission: the whole text, for context and offsets.
        start: where the window begins in the submission's text.
        end: where it ends.
    """

    submission: Submission
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Extraction:
    """The claims an engine found in one window, in text order.

    Attributes:
        rejected: what the engine gave as claims and code refused, with the reason.
    """

    claims: tuple[Claim, ...]
    usage: Usage = Usage()
    rejected: tuple[tuple[str, str], ...] = ()


class Account(Protocol):
    """What may be spent on one submission, and what was."""

    @property
    def submission(self) -> str:
        """Digest of the submission that it is kept for."""

    async def reserve(self, tokens: int) -> None:
        """Set tokens aside for a request, waiting for others to be settled if need be.

        Raises:
            BudgetSpent: there are not so many left.
        """

    async def settle(self, reserved: int, used: Usage) -> None:
        """Give back what was set aside and book what was used."""


class Engine(Protocol):
    """What extracts claims and assesses them. Nothing downstream knows which one ran."""

    @property
    def name(self) -> str:
        """``local`` or ``openai``."""

    @property
    def model(self) -> str:
        """Which models ran, with the part of their digest that tells versions apart."""

    @property
    def prompt_version(self) -> str:
        """Hash of everything but the model that shapes an answer (prompts, rules, calibration)."""

    @property
    def concurrent_claims(self) -> int:
        """How many claims are worth assessing side by side."""

    async def extract(self, window: Window, account: Account | None = None) -> Extraction:
        """Find the checkable claims of a window."""

    async def assess(
        self, claim: Claim, passages: tuple[Passage, ...], account: Account | None = None
    ) -> Assessment:
        """Say what each passage means for the claim."""

    async def revise(
        self,
        claim: Claim,
        passages: tuple[Passage, ...],
        assessment: Assessment,
        refused: tuple[tuple[str, str], ...],
        account: Account | None = None,
    ) -> Assessment:
        """Answer the citation gate once.

        Args:
            claim: the claim.
            passages: what it was assessed by.
            assessment: what came of it.
            refused: texts of the assessment's findings that were refused, with the reason.
            account: what is charged.

        Returns:
            The assessment with other findings in their place, and its usage added; the same one
            where there is nothing to say.
        """


NEEDS_ATTENTION = "needs_attention: "
"""How a warning begins that nobody may overlook."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A claim and a passage with the passage's stance.

    Attributes:
        start: start of the words that carry the stance, in the statement's text.
        end: end of those words.
        decides: whether it counted towards the verdict.
        why: why it does or doesn't decide, for people ("dated after the as-of date").
        scores: the engine's probability of each stance, where it has them.
    """

    passage: Passage
    stance: Stance
    probability: float | None
    start: int
    end: int
    mismatches: tuple[Mismatch, ...] = ()
    decides: bool = False
    why: str = ""
    cross_check: Stance | None = None
    scores: tuple[tuple[Stance, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules make of a claim's evidence.

    Attributes:
        confidence: calibrated probability that the verdict is right, 0 to 1; None where the
            engine gives no probabilities.
        evidence: the evidence, each piece marked with whether it decides and why.
        warnings: what a reviewer must know about how the verdict came about.
    """

    verdict: Verdict
    confidence: float | None
    evidence: tuple[Evidence, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote and where exactly it stands: ``quote == stored_text[start:end]``."""

    statement: StatementRef
    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about what officials said. Every finding cites."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Nearest:
    """A statement near the claim that does not decide it."""

    statement: StatementRef
    start: int
    end: int
    passage: str


@dataclass(frozen=True, slots=True)
class Basis:
    """How the note came about, written by code, never by an engine.

    Attributes:
        searched: in words, how many statements of which issuers and dates were searched.
        statements: how many statements were searched.
        not_searched: how many were left out (other languages).
        nearest: the nearest statements when nothing decides.
    """

    claim: str
    searched: str
    statements: int
    passages: int
    issuers: int
    earliest: date | None
    latest: date | None
    not_searched: int = 0
    as_of: date | None = None
    nearest: tuple[Nearest, ...] = ()


@dataclass(frozen=True, slots=True)
class ClaimLink:
    """A link from a claim to one known before, or to a fact-check by others. Never evidence.

    Attributes:
        relation: ``duplicate`` (same facts, same words), ``same_facts`` (near, same facts),
            ``near`` (near in meaning, facts differ) or ``fact_check`` (checked by others).
        similarity: cosine of the two claims, -1 to 1.
        checked_by: publisher of a fact-check by others.
        rating: that publisher's own rating words.
    """

    relation: str
    text: str
    similarity: float
    claim_id: str | None = None
    verdict: Verdict | None = None
    checked_by: str | None = None
    rating: str | None = None
    url: str | None = None
    checked_on: date | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """The drafted verification note of one claim, for a person to decide on.

    Attributes:
        confidence: calibrated probability that the verdict is right, 0 to 1; None where it was
            never measured.
        dropped: findings that an engine proposed and the citation gate refused, with the reason.
        reused_from: the claim whose verdict was reused, when the memory had the very same one.
        provisional: something that it should have been asked was out of reach; another claim of
            the same words asks again.
    """

    claim: Claim
    state: ClaimState
    verdict: Verdict | None
    confidence: float | None
    findings: tuple[Finding, ...]
    basis: Basis | None
    warnings: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    engine: str
    model: str
    prompt_version: str
    corpus_revision: int
    usage: Usage = Usage()
    error: str | None = None
    dropped: tuple[tuple[str, str], ...] = ()
    links: tuple[ClaimLink, ...] = field(default=())
    reused_from: str | None = None
    provisional: bool = False
