"""The one policy for faults that may pass: growing, random pauses inside a deadline."""

from __future__ import annotations

from typing import Any

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from service.engines.openai.faults import Passing
from service.settings import Settings

TRIES = 6
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 20.0
_GROWING = wait_random_exponential(_FIRST_PAUSE, _LONGEST_PAUSE)


def _pause(state: RetryCallState) -> float:
    """Seconds to wait: a random time that grows, and before it what the endpoint asks for.

    An answer that cannot be used says nothing of the endpoint's load, and a request that was given
    up has left it alone for long: the first of these is repeated at once.
    """
    fault = state.outcome.exception() if state.outcome else None
    if not isinstance(fault, Passing):
        return _GROWING(state)
    if state.attempt_number == 1 and not fault.busy:
        return 0.0
    return _GROWING(state) + (fault.after or 0.0)


def _policy(settings: Settings) -> dict[str, Any]:
    return {
        "retry": retry_if_exception_type(Passing),
        "stop": stop_after_attempt(TRIES) | stop_before_delay(settings.llm_deadline),
        "wait": _pause,
    }


def retrying(settings: Settings) -> Retrying:
    """Attempts of a blocking request; ``RetryError`` after the last."""
    return Retrying(**_policy(settings))


def retrying_async(settings: Settings) -> AsyncRetrying:
    """Attempts of a request on the event loop; ``RetryError`` after the last."""
    return AsyncRetrying(**_policy(settings))
