"""What can go wrong with an endpoint, and whether asking again may help.

Three ends: ``Passing`` (ask again, inside the deadline), ``Final`` (this request will not be
answered) and ``ConfigurationError`` (no request will; a person has to change a setting).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from service.kit.errors import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage

    from service.settings import Settings

_TOO_LONG = re.compile(
    r"context.?(?:length|size|window)|maximum context|prompt is too long|too many tokens"
    r"|input tokens exceed",
    re.IGNORECASE,
)
_SHAPE_UNKNOWN = re.compile(
    r"response_format|json_schema|json_object|structured.output|tool_choice"
    r"|(?:does not|doesn't|not) support(?:ed)?\W+(?:\w+\W+){0,3}(?:tools|functions?)\b"
    r"|\b(?:tools|functions?)\b[^.]{0,30}not support",
    re.IGNORECASE,
)
_QUOTA = re.compile(r"insufficient_quota|billing", re.IGNORECASE)
_SHOWN = 300


class Passing(Exception):
    """A fault that may pass.

    Attributes:
        after: seconds that the endpoint wants to be left alone; None if it didn't say.
        cut: the answer was cut at its greatest length.
        busy: the endpoint may have too much to do, or be away: it is left alone for a while.
    """

    def __init__(
        self, reason: str, after: float | None = None, *, cut: bool = False, busy: bool = False
    ) -> None:
        super().__init__(reason)
        self.after = after
        self.cut = cut
        self.busy = busy


class Final(Exception):
    """A fault of this very request: asking it again gives the same.

    Attributes:
        too_long: the model cannot read so much at a time.
    """

    def __init__(self, reason: str, *, too_long: bool = False) -> None:
        super().__init__(reason)
        self.too_long = too_long


def understood(error: Exception, settings: Settings) -> Exception:
    """Turn what the client raised into one of the three ends."""
    import openai

    match error:
        case Passing() | Final() | ConfigurationError():
            return error
        case openai.LengthFinishReasonError():
            return _cut()
        case openai.ContentFilterFinishReasonError():
            return _filtered()
        case openai.APITimeoutError() | TimeoutError():
            return Passing(f"no answer within {settings.llm_timeout:g} s")
        case openai.APIStatusError():
            return _of_status(error, settings)
        case openai.APIConnectionError():
            where = settings.openai_base_url
            return Passing(
                f"the connection to {where} failed ({_without_key(_root(error), settings)})",
                busy=True,
            )
        case (
            openai.APIError()
            | ValueError()
            | TypeError()
            | LookupError()
            | AttributeError()
            | RecursionError()
            | ArithmeticError()
        ):
            told = _without_key(_short(error), settings)
            return Passing(f"the answer is not in the protocol ({told})")
    return error


def was_read(error: Exception) -> bool:
    """Whether the endpoint may have read a request that failed so, and may charge for it."""
    import openai

    match error:
        case openai.APITimeoutError():
            return True
        case openai.APIStatusError():
            return False  # it said that it did not
        case openai.APIConnectionError():
            return not any(type(cause).__name__ == "ConnectError" for cause in _causes(error))
    return True


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _without_key(words: str, settings: Settings) -> str:
    """What an endpoint says, without the key that it may repeat."""
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    return words.replace(key, "(the key)") if key else words


def fault_in(answer: AIMessage) -> Exception | None:
    """What is wrong with an answer that came whole over the wire, as one of the ends."""
    refusal = answer.additional_kwargs.get("refusal")
    if refusal:
        words = " ".join(str(refusal).split())[:_SHOWN]
        return Final(f"the model refused to answer: {words}")
    match answer.response_metadata.get("finish_reason"):
        case "length":
            return _cut()
        case "content_filter":
            return _filtered()
    return None


def _cut() -> Passing:
    return Passing("the answer was cut at VERINOTE_LLM_MAX_COMPLETION_TOKENS", cut=True)


def _filtered() -> Final:
    return Final("the model refused to answer (content filter)")


def _of_status(error: Exception, settings: Settings) -> Exception:
    status: int = error.status_code  # type: ignore[attr-defined]
    where = settings.openai_base_url
    told = _without_key(_short(error), settings)
    match status:
        case _ if 300 <= status < 400:
            there = error.response.headers.get("location", "")  # type: ignore[attr-defined]
            return ConfigurationError(
                f"OPENAI_BASE_URL={where}: it sends requests on to {there[:_SHOWN]}, which is not "
                "followed; give that address if it is the one you mean"
            )
        case 401:
            return ConfigurationError(f"OPENAI_API_KEY: {where} refuses the key ({status}): {told}")
        case 404:
            return ConfigurationError(
                f"VERINOTE_LLM_MODEL={settings.llm_model}: {where} has no such model, or "
                f"OPENAI_BASE_URL is not an endpoint's address (404): {told}"
            )
        case 400 | 413 | 422 if status == 413 or _TOO_LONG.search(told):
            return Final(f"the request is too long for the model: {told}", too_long=True)
        case 400 | 422 if _SHAPE_UNKNOWN.search(told):
            others = " or ".join(
                way
                for way in ("json_schema", "json_mode", "function_calling")
                if way != settings.llm_structured_output
            )
            return ConfigurationError(
                f"VERINOTE_LLM_STRUCTURED_OUTPUT={settings.llm_structured_output}: {where} does "
                f"not know this way to ask for JSON ({told}); try {others}"
            )
        case 429 if _QUOTA.search(told):
            return ConfigurationError(f"OPENAI_API_KEY: its quota at {where} is used up: {told}")
        case 408 | 409 | 425 | 429:
            return Passing(f"{status}: {told}", _retry_after(error), busy=True)
        case _ if status >= 500:
            return Passing(f"{status}: {told}", _retry_after(error), busy=True)
    return Final(f"{where} refuses the request ({status}): {told}")


def _retry_after(error: Exception) -> float | None:
    """What Retry-After says, in seconds: a number or a date (RFC 9110, 10.2.3)."""
    said = error.response.headers.get("retry-after")  # type: ignore[attr-defined]
    if not said:
        return None
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _root(error: BaseException) -> str:
    *_, root = _causes(error)
    return _short(root) or type(root).__name__


_KEY = re.compile(r"(?:Bearer\s+|\bsk-)[^\s'\"]+")


def _short(error: BaseException) -> str:
    words = " ".join(_KEY.sub("(a key)", str(error)).split())
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
