"""Short ways to say what an answer has to be."""

from __future__ import annotations

from typing import Any

import httpx


def body_of(answer: httpx.Response, status: int) -> Any:
    """The answer's JSON, which comes with a status."""
    assert answer.status_code == status, answer.text
    return answer.json()


def problem(answer: httpx.Response, status: int) -> str:
    """The last part of a problem's type, which comes with a status."""
    told = body_of(answer, status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert told["status"] == status
    assert told["detail"]
    kind: str = told["type"].removeprefix("urn:verinote:problem:")
    return kind
