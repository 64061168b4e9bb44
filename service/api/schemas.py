"""What goes over the wire: bodies of requests and answers, as OpenAPI shows them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from service.notes.review import (
    LONGEST_FINDING,
    MAX_CITATIONS,
    MAX_FINDINGS,
    Act,
    Decision,
    NoteState,
)
from service.types import ClaimState, Kind, Stance, SubmissionState, Verdict
from service.work.uploads import UploadState

T = TypeVar("T")

Moment = Annotated[datetime, AfterValidator(lambda moment: moment.replace(tzinfo=UTC))]
"""A point in time: the database keeps them in UTC without saying so."""


def _written(day: object) -> object:
    """Pydantic alone would also take seconds since 1970 for a day."""
    if not isinstance(day, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        raise ValueError("write the day as YYYY-MM-DD")
    return day


Day = Annotated[date, BeforeValidator(_written)]


def _yes_or_no(told: object) -> object:
    """Pydantic alone would also take ``on`` and ``1`` for true."""
    if told not in {"true", "false"}:
        raise ValueError("write true or false")
    return told


YesOrNo = Annotated[bool, BeforeValidator(_yes_or_no)]
Prose = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""What a person wrote. No database of ours can hold a NUL."""
Line = Annotated[str, Field(max_length=1_000, pattern=r"^[^\x00-\x1f\x7f]*$")]
Address = Annotated[str, Field(max_length=2_000, pattern=r"^https?://[^\x00-\x20\x7f]+$")]
Language = Annotated[
    str, Field(max_length=16, pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{1,8})*$", examples=["en"])
]
STATEMENT_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_NO_IDS = frozenset({"none", "null"})


def counted(number: object) -> object:
    """A number. Pydantic alone would also take ``true`` and ``"1"`` for one."""
    if isinstance(number, bool | str):
        raise ValueError("give a number")  # noqa: TRY004  pydantic takes no other error
    return number


_Number = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(counted)]
_Offset = Annotated[int, Field(ge=0, le=1_000_000_000), BeforeValidator(counted)]
Seen = _Number
"""The revision of a note that somebody has seen."""
Name = Annotated[str, Field(max_length=64, pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$")]
"""A person's name."""
Said = Annotated[str, Field(min_length=1, max_length=5_000, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
"""What a person said, which is not nothing."""


def _written_moment(moment: object) -> object:
    """Pydantic alone would also take seconds since 1970 for a moment."""
    if not isinstance(moment, str) or not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]", moment):
        raise ValueError("write the moment as YYYY-MM-DDThh:mm:ssZ")
    return moment


def _in_utc(moment: datetime) -> datetime:
    """As the database keeps it."""
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError("give a moment of our time") from error


Due = Annotated[AwareDatetime, BeforeValidator(_written_moment), AfterValidator(_in_utc)]


def _values(*names: str, none: str | None = None) -> dict[str, Any]:
    """The schema of an object that has values under these names, and none under another."""
    told: dict[str, Any] = {name: {"not": {"type": "null"}} for name in names}
    if none is not None:
        told[none] = {"type": "null"}
    return {"required": list(names), "properties": told}


class Wire(BaseModel):
    """What is sent in: nothing but what is asked for."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """What went wrong (RFC 9457). ``type`` is stable; ``detail`` is for people."""

    type: str = Field(examples=["urn:verinote:problem:not-found"])
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] = Field(default=[], description="each part that is at fault")


class Page(BaseModel, Generic[T]):
    """A page of a list. ``next`` is the ``cursor`` of the next one; null at the end."""

    items: list[T]
    next: str | None


class Submitted(Wire):
    """A text to be checked: exactly one of ``text``, ``url`` and ``claims``."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"oneOf": [_values("text"), _values("url"), _values("claims")]},
    )

    text: str | None = Field(None, min_length=1, description="an article")
    url: Address | None = Field(None, description="where an article is; fetched at once")
    claims: list[Annotated[str, Field(min_length=1)]] | None = Field(
        None, min_length=1, max_length=1_000, description="claims, each checked as it is"
    )
    title: Line | None = None
    source_url: Address | None = Field(None, description="where the text is from, for people")
    published: Day | None = Field(None, description="the default of as_of")
    language: Language | None = Field(None, description="what it is in; English is read")
    as_of: Day | None = Field(None, description="statements dated later do not decide")
    local_only: StrictBool = Field(False, description="never leaves this machine")

    @model_validator(mode="after")
    def _one_kind(self) -> Submitted:
        given = [name for name in ("text", "url", "claims") if getattr(self, name) is not None]
        if len(given) != 1:
            told = " and ".join(given) or "none"
            raise ValueError(f"give exactly one of text, url and claims, not {told}")
        return self


class Accepted(BaseModel):
    """A submission that was accepted."""

    id: str
    state: SubmissionState


class Progress(BaseModel):
    """How many claims of a submission came how far."""

    claims_total: int
    claims_done: int
    claims_failed: int


class Source(BaseModel):
    """The stretch of a submission's text that a claim is from, in code points."""

    start: int
    end: int
    text: str


class ClaimShown(BaseModel):
    """A claim and how far it came."""

    id: str
    submission_id: str
    text: str
    speaker: str | None
    claim_date: date | None
    source: Source
    state: ClaimState
    error: str | None
    verdict: Verdict | None
    decided_verdict: Verdict | None = Field(
        description="the person's, where it is another than the note's"
    )
    confidence: float | None
    note_id: str | None


class RejectedShown(BaseModel):
    """What an engine gave as a claim and code refused."""

    text: str
    reason: str


class UsageShown(BaseModel):
    """What was spent on language models."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float
    seconds: float


class SubmissionListed(BaseModel):
    """A submission, without its claims."""

    id: str
    state: SubmissionState
    title: str | None
    source: str | None
    published: date | None
    as_of: date | None
    local_only: bool
    submitted_by: str
    created_at: Moment
    finished_at: Moment | None
    error: str | None
    progress: Progress


class SubmissionShown(SubmissionListed):
    """A submission with its claims, in the order of the text."""

    claims: list[ClaimShown]
    rejected: list[RejectedShown]
    usage: UsageShown


class StatementShown(BaseModel):
    """What a citation says of the statement that it quotes."""

    statement_id: str
    version: int
    sha256: str
    kind: Kind
    issuer: str | None
    title: str | None
    published: date | None
    url: str | None


class CitationShown(StatementShown):
    """A quote, and where exactly it stands in the stored text of the version."""

    quote: str
    start: int
    end: int


class FindingShown(BaseModel):
    """A sentence about what officials said, with what shows it."""

    text: str
    citations: list[CitationShown]


class NearestShown(StatementShown):
    """A statement near the claim that does not decide it."""

    start: int
    end: int
    passage: str


class BasisShown(BaseModel):
    """How the note came about: written by code."""

    claim: str
    searched: str
    statements: int
    passages: int
    issuers: int
    earliest: date | None
    latest: date | None
    not_searched: int
    as_of: date | None
    nearest: list[NearestShown]


class MismatchShown(BaseModel):
    """A difference between claim and passage."""

    kind: str
    claim: str
    statement: str
    decisive: bool
    text: str


class EvidenceShown(BaseModel):
    """A passage and what it means for the claim."""

    statement_id: str
    version: int
    start: int
    end: int
    passage: str
    passage_start: int
    stance: Stance
    probability: float | None
    cross_check: Stance | None
    mismatches: list[MismatchShown]
    decides: bool
    why: str


class LinkShown(BaseModel):
    """A claim known before, or a fact-check by others. Never evidence."""

    relation: str
    text: str
    similarity: float
    claim_id: str | None
    verdict: Verdict | None
    checked_by: str | None
    rating: str | None
    url: str | None
    checked_on: date | None


class DroppedShown(BaseModel):
    """A finding that the citation gate refused."""

    text: str
    reason: str


class ClaimWithEvidence(ClaimShown):
    """A claim with what was found on it."""

    evidence: list[EvidenceShown]
    links: list[LinkShown]


class NoteDrafted(BaseModel):
    """A note as ``verinote verify --json`` prints it."""

    claim_id: str
    claim: str
    speaker: str | None
    claim_date: date | None
    source: Source
    context: str
    score: float
    state: NoteState
    error: str | None
    verdict: Verdict | None
    confidence: float | None
    note: list[FindingShown]
    basis: BasisShown | None
    warnings: list[str]
    evidence: list[EvidenceShown]
    dropped: list[DroppedShown]
    links: list[LinkShown]
    reused_from: str | None
    engine: str
    model: str
    prompt_version: str
    corpus_revision: int
    usage: UsageShown


class DecisionShown(BaseModel):
    """What a named person decided about a revision."""

    id: str
    revision: int
    decision: Act
    verdict: Verdict | None
    reason: str | None
    comment: str | None
    user: str
    at: Moment


class OpinionShown(BaseModel):
    """A second opinion; what it says is null as long as it is wanted."""

    id: str
    revision: int
    question: str
    asked_by: str
    asked_at: Moment
    answered_revision: int | None
    agrees: bool | None
    verdict: Verdict | None
    words: str | None
    answered_by: str | None
    answered_at: Moment | None


class CommentShown(BaseModel):
    """What somebody said about a note."""

    id: str
    text: str
    user: str
    at: Moment


class ChangedShown(BaseModel):
    """A statement that the note cites and that has changed since: look again."""

    statement_id: str
    cited: int
    current: int
    withdrawn: bool


class NoteShown(NoteDrafted):
    """A note on the desk: the newest revision, its state, what was decided."""

    id: str
    submission_id: str
    revision: int
    decided_verdict: Verdict | None
    assigned_to: str | None
    due_at: Moment | None
    created_at: Moment
    published_at: Moment | None
    decisions: list[DecisionShown]
    opinions: list[OpinionShown]
    changed: list[ChangedShown]


class StretchShown(BaseModel):
    """Words that both texts have, or one of them."""

    kind: Literal["kept", "removed", "added"]
    text: str


class FindingChanged(BaseModel):
    """A finding in other words, or with other citations."""

    before: FindingShown
    after: FindingShown
    words: list[StretchShown]


class DifferenceShown(BaseModel):
    """What a revision has and the one before has not, and the other way round."""

    added: list[FindingShown]
    removed: list[FindingShown]
    changed: list[FindingChanged]


class RevisionShown(BaseModel):
    """A note as it was; without an author an engine wrote it."""

    revision: int
    author: str | None
    at: Moment
    note: NoteDrafted
    difference: DifferenceShown | None = Field(description="null for the first")


class ChangeSeen(Wire):
    """A statement that has changed, as it was seen."""

    statement_id: str = Field(pattern=STATEMENT_ID)
    cited: _Number
    current: _Number
    withdrawn: StrictBool


class QuotedHere(Wire):
    """Where a quote stands in a statement version's stored text, in code points."""

    statement_id: str = Field(pattern=STATEMENT_ID)
    version: _Number
    start: _Offset
    end: _Offset


class FindingWritten(Wire):
    """A finding as a person writes it; the quotes are taken from the stored text."""

    text: Prose = Field(min_length=1, max_length=LONGEST_FINDING)
    citations: list[QuotedHere] = Field(min_length=1, max_length=MAX_CITATIONS)


class NoteEdited(Wire):
    """Other findings for a note. They pass the citation gate, or nothing is changed."""

    findings: list[FindingWritten] = Field(max_length=MAX_FINDINGS)


class Decides(Wire):
    """A decision about the revision that the person has seen."""

    decision: Decision
    revision: Seen
    verdict: Verdict | None = Field(
        None, description="the person's own, of an approval or a correction; needs a reason"
    )
    findings: list[FindingWritten] | None = Field(
        None, max_length=MAX_FINDINGS, description="others, of a correction"
    )
    reason: Prose | None = Field(
        None,
        max_length=5_000,
        description="that of a correction or a retraction is needed, and published",
    )
    comment: Prose | None = Field(None, max_length=5_000, description="not published")


class Assigns(Wire):
    """Who is to decide on a note, and until when."""

    revision: Seen
    to: Name | None = Field(None, description="without it, the caller takes the note")
    due_at: Due | None = Field(None, description="without it, the time stays as it is")
    instead_of: Name | None = Field(None, description="who has it, where somebody has")


class CommentWritten(Wire):
    """Something to be said about a note."""

    text: Said


class OpinionAsked(Wire):
    """That a second opinion is wanted."""

    revision: Seen
    question: Said


class OpinionGiven(Wire):
    """The second opinion that is wanted. Who agrees has the note's verdict."""

    revision: Seen
    agrees: StrictBool
    verdict: Verdict
    words: Said


class LookedAgain(Wire):
    """That a note was looked at again and stands."""

    revision: Seen
    changed: list[ChangeSeen] = Field(
        min_length=1, max_length=1_000, description="the note's `changed`, as it was seen"
    )
    comment: Prose | None = Field(None, max_length=5_000)


class NoteSeen(Wire):
    """A note, and the revision that was seen."""

    id: str = Field(pattern="^[0-9a-f]{64}$")
    revision: Seen


class _Many(Wire):
    notes: list[NoteSeen] = Field(min_length=1, max_length=200)


class ManyAssigned(_Many):
    """Notes that are to be decided on by one person; those that others have stay theirs."""

    act: Literal["assign"]
    to: Name | None = Field(None, description="without it, the caller takes them")
    due_at: Due | None = Field(None, description="without it, the times stay as they are")
    instead_of: Name | None = Field(None, description="who has them, where somebody has")


class ManyToBeChanged(_Many):
    """Notes that somebody is to edit."""

    act: Literal["request_changes"]
    comment: Prose | None = Field(None, max_length=5_000)


class OutcomeShown(BaseModel):
    """What became of one note of many."""

    id: str
    done: bool
    problem: Problem | None = Field(description="why it was not done")


class StatementGiven(Wire):
    """A statement as text under an id, or the address of one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"anyOf": [_values("text", "id"), _values("url", none="text")]},
    )

    id: (
        Annotated[
            str,
            Field(
                pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$",
                json_schema_extra={"not": {"pattern": "^([Nn][Oo][Nn][Ee]|[Nn][Uu][Ll][Ll])$"}},
            ),
        ]
        | None
    ) = None
    text: str | None = Field(None, min_length=1)
    url: Address | None = None
    issuer: Line | None = None
    title: Line | None = None
    published: Day | None = None
    kind: Kind = Kind.ORIGINAL
    language: Language | None = None

    @model_validator(mode="after")
    def _something(self) -> StatementGiven:
        if self.text is None and self.url is None:
            raise ValueError("give text, or the url of a statement")
        if self.id is not None and self.id.lower() in _NO_IDS:
            raise ValueError(f"{self.id} is what documents without an id have for one")
        if self.text is not None and self.id is None:
            raise ValueError("give an id with text, so that it is known again")
        return self


class StatementsGiven(Wire):
    """One or many statements."""

    statements: list[StatementGiven] = Field(min_length=1, max_length=100)


class StatementAdded(BaseModel):
    """What became of a source."""

    name: str
    outcome: Literal["added", "changed", "unchanged", "skipped", "failed"]
    statement_id: str | None = None
    version: int | None = None
    reason: str | None = None


class StatementsAdded(BaseModel):
    """What became of every source; what failed is named, the rest is stored."""

    results: list[StatementAdded]
    corpus_revision: int


class UploadAccepted(BaseModel):
    """An upload that was accepted and is added in the background."""

    id: str
    state: UploadState


class UploadProgress(BaseModel):
    """How many statements there are, are settled one way or another, and have failed.

    An address counts for one until it is fetched.
    """

    sources_total: int
    sources_done: int
    sources_failed: int


class UploadListed(UploadAccepted):
    """An upload, without what became of each statement."""

    uploaded_by: str
    created_at: Moment
    finished_at: Moment | None
    error: str | None
    progress: UploadProgress
    corpus_revision: int | None = Field(description="at the end")


class UploadShown(UploadListed):
    """An upload with what became of its statements, in their order."""

    results: Page[StatementAdded]


class StatementVersion(StatementShown):
    """A version of a statement, as stored."""

    language: str
    reported_by: list[str]
    media_type: str
    reader: str
    added_at: Moment
    corpus_revision: int
    current: bool
    withdrawn_at: Moment | None


class StatementText(StatementVersion):
    """A version with its stored text, that citations point into."""

    text: str


class HitShown(BaseModel):
    """A passage that was found."""

    statement: StatementShown
    passage_id: str
    start: int
    end: int
    text: str
    score: float
    similarity: float | None


class Withdrawn(BaseModel):
    """A statement that is no longer searched, and the notes that cite it."""

    statement_id: str
    corpus_revision: int
    notes: list[str]


class AuditEntry(BaseModel):
    """Something that was done."""

    number: int
    at: Moment
    user: str | None
    key_id: str | None
    origin: str | None
    action: str
    subject: str
    revision: int | None
    detail: dict[str, Any]


class AuditHead(BaseModel):
    """How many entries there are, and the newest seal."""

    number: int
    digest: str


class AuditBroken(BaseModel):
    """The first entry that is not as it was written, and what is wrong with it."""

    number: int
    reason: str


class AuditVerified(BaseModel):
    """Whether the trail is as it was written."""

    whole: bool
    head: AuditHead
    broken: AuditBroken | None


class Health(BaseModel):
    """That the process answers."""

    status: Literal["ok"] = "ok"
    version: str


class Ready(BaseModel):
    """Whether each part can be used now."""

    ready: bool
    parts: dict[str, str] = Field(description="each part, with ok or what is wrong")
