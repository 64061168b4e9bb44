"""What goes over the wire of evaluations."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, model_validator

from eval.durable.store import EvaluationState
from service.api.schemas import STATEMENT_ID, Day, Line, Moment, Said, Wire, counted
from service.types import Verdict

MOST_CLAIMS = 20_000


_Count = Annotated[int, Field(ge=1, le=2**53), BeforeValidator(counted)]
_Cost = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False), BeforeValidator(counted)]


class ExpectedClaim(Wire):
    """A claim with the verdict that is expected; docs/evaluation.md has the format."""

    id: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
    claim: Said
    verdict: Verdict
    statement: list[Annotated[str, Field(pattern=STATEMENT_ID)]] = Field(
        default=[], max_length=50, description="ids of the statements that decide"
    )
    as_of: Day | None = None
    type: Line = Field(default="", description="a word to break the figures down by")


class Limited(Wire):
    """What an evaluation may use of a language model, all attempts together."""

    max_cost: _Cost | None = Field(
        default=None, description="no further item is begun once so much is spent"
    )
    max_tokens: _Count | None = Field(default=None, description="the same, in tokens")


class EvaluationAsked(Limited):
    """What to run: a dataset, or claims of one's own against the service's statements."""

    dataset: Line = Field(
        default="probes", description="one of `GET /v1/evaluations/datasets`", examples=["seeds"]
    )
    claims: list[ExpectedClaim] | None = Field(
        default=None, min_length=1, max_length=MOST_CLAIMS, description="rows of `probes`"
    )
    engine: Literal["local", "openai"] | None = Field(
        default=None, description="the service's own without it"
    )
    limit: _Count | None = Field(default=None, description="only the first rows")

    @model_validator(mode="after")
    def _fits(self) -> EvaluationAsked:
        if self.claims is not None and self.dataset != "probes":
            raise ValueError("claims are rows of probes: leave dataset out")
        return self


class DatasetShown(BaseModel):
    """A dataset's card."""

    name: str
    title: str
    licence: str
    evidence: str
    headline: str = Field(description="the metric to read first")
    available: bool = Field(description="whether its file is there to be run")


class EvaluationAccepted(BaseModel):
    """An evaluation that was taken in."""

    id: str
    state: EvaluationState


class EvaluationProgress(BaseModel):
    """How far an evaluation is."""

    items_total: int | None = Field(description="null until its data was read")
    items_done: int
    items_failed: int


class ModelUsage(BaseModel):
    """What was used of a language model."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


class EvaluationListed(EvaluationAccepted):
    """An evaluation, without its figures."""

    dataset: str
    engine: str
    started_by: str | None = Field(description="null for a command's")
    created_at: Moment
    finished_at: Moment | None
    reason: str | None = Field(description="why it stopped or failed")
    limit: int | None
    max_cost: float | None
    max_tokens: int | None
    progress: EvaluationProgress
    usage: ModelUsage


class Figure(BaseModel):
    """A figure with its 95 percent bootstrap interval; null where there is nothing to measure."""

    value: float | None
    low: float | None
    high: float | None
    n: int = Field(description="rows that it is measured on")
    baselines: dict[str, JsonValue] = Field(
        default={}, description="the same by name, with our difference from it"
    )


class EvaluationShown(EvaluationListed):
    """An evaluation with its figures."""

    bad_rows: list[str] = Field(description="lines of the data that could not be read")
    run: dict[str, JsonValue] = Field(description="what ran: models, versions, hashes")
    metrics: dict[str, Figure] = Field(description="once its items are over")


class Flipped(BaseModel):
    """A row that two evaluations answer differently."""

    key: str
    claim: str
    gold: str
    before: str
    after: str
    kind: Literal["righted", "broken", "still wrong"]


class Interval(BaseModel):
    """A difference with its paired 95 percent bootstrap interval."""

    value: float | None
    low: float | None
    high: float | None


class Changed(BaseModel):
    """A figure of both evaluations, and the second's minus the first's."""

    before: float | None
    after: float | None
    difference: Interval


class ComparedQuestion(BaseModel):
    """A question that both evaluations answer."""

    rows: int
    changes: dict[str, Changed]
    righted: int
    broken: int
    p: float = Field(description="exact McNemar test, two-sided")
    flips: list[Flipped]


class Took(BaseModel):
    """What the compared rows took; seconds are an item's."""

    p50: float
    p95: float
    calls: int
    tokens: int
    cost: float


class ComparisonShown(BaseModel):
    """All that differs between two evaluations of one dataset."""

    questions: dict[str, ComparedQuestion]
    before: Took
    after: Took
    settings: dict[str, list[JsonValue]] = Field(description="before and after, where they differ")
    left_out: int = Field(description="rows that only one of them has answered")


def figures(measures: dict[str, Any] | None) -> dict[str, Figure]:
    """Figures as they are stored."""
    found = (measures or {}).get("figures", {})
    return {name: Figure.model_validate(told) for name, told in found.items()}
