"""What a language model must answer, as JSON schemas.

Short on purpose: every name in here is sent with every request and comes back in every answer.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from service.types import Verdict

T = TypeVar("T")

# Bounds are sent and not insisted on: they keep a small model from never ending, and an answer that
# breaks them is still looked through for what is good in it.
Number = Annotated[int, Field(json_schema_extra={"maximum": 50})]
Few = Annotated[list[T], Field(json_schema_extra={"maxItems": 3})]
Several = Annotated[list[T], Field(json_schema_extra={"maxItems": 8})]


class _Answer(BaseModel):
    """Nothing left out, nothing added."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ClaimFound(_Answer):
    """A claim, and the words of the text that it is taken from."""

    source: str
    claim: str
    speaker: str | None
    cue: str | None
    date: str | None


class ClaimsFound(_Answer):
    """The checkable claims of a window."""

    claims: list[ClaimFound]


class PassageRead(_Answer):
    """A passage that says something about the claim; one that is not named is neutral."""

    passage: Number
    stance: Literal["supports", "refutes"]


class QuoteGiven(_Answer):
    """Words that stand in a passage."""

    passage: Number
    quote: str


class FindingGiven(_Answer):
    """A sentence about what officials said, with the words that show it."""

    text: str
    quotes: Few[QuoteGiven]


class ClaimAssessed(_Answer):
    """What the passages mean for a claim."""

    evidence: Several[PassageRead]
    verdict: Literal["supported", "refuted", "conflicting", "not_enough_evidence"]
    findings: Few[FindingGiven]

    @property
    def ruled(self) -> Verdict:
        """The verdict as one of ours."""
        return Verdict(self.verdict)


class FindingsRevised(_Answer):
    """Findings in the place of those that were refused."""

    findings: Few[FindingGiven]


@cache
def schema_of(answer: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema that is sent: without titles and descriptions, which say nothing new.

    Shared: never change it.
    """
    schema: dict[str, Any] = _bare(answer.model_json_schema())
    return {"title": answer.__name__, **schema}


def _bare(value: Any, *, names: bool = False) -> Any:  # noqa: ANN401  any JSON
    """A schema without its titles and descriptions; ``names``: the keys are fields, not words."""
    if isinstance(value, dict):
        return {
            key: _bare(inner, names=key in {"properties", "$defs"} and not names)
            for key, inner in value.items()
            if names or key not in {"title", "description"}
        }
    return [_bare(inner) for inner in value] if isinstance(value, list) else value
