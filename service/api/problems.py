"""Errors as answers: ``application/problem+json`` (RFC 9457) with a stable ``type``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from service.access.register import NotAllowed
from service.api.schemas import Problem
from service.kit.errors import (
    BrokenVectors,
    ConfigurationError,
    EngineFailed,
    FetchRefused,
    IndexMismatch,
    InputError,
    InputTooLarge,
    NotEnglish,
    NotFound,
    NotPossible,
    VerinoteError,
)
from service.notes.review import Forbidden, GateRefused, Outdated
from service.submissions.inbox import OtherRequest

MEDIA_TYPE = "application/problem+json"
_URN = "urn:verinote:problem:"
_LOG = logging.getLogger(__name__)


class Refused(Exception):
    """A request that is refused for what it is, not for what it holds."""

    def __init__(
        self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})


KINDS: list[tuple[type[Exception], int, str]] = [
    (NotAllowed, 401, "not-allowed"),
    (NotFound, 404, "not-found"),
    (OtherRequest, 409, "idempotency-key-used"),
    (NotPossible, 409, "not-possible"),
    (Forbidden, 403, "forbidden"),
    (Outdated, 409, "outdated"),
    (GateRefused, 422, "citation-gate"),
    (InputTooLarge, 413, "too-large"),
    (NotEnglish, 422, "not-english"),
    (FetchRefused, 422, "address-refused"),
    (InputError, 422, "invalid-input"),
    (EngineFailed, 503, "engine-failed"),
    (IndexMismatch, 503, "vectors"),
    (BrokenVectors, 503, "vectors"),
    (ConfigurationError, 503, "out-of-reach"),
    (VerinoteError, 500, "failed"),
]
"""Errors with the status and the last part of the ``type`` that they are told by, the first that
fits."""

_TOLD = {
    "engine-failed": "the language model gave no usable answer; try again later",
    "vectors": "passages cannot be searched now; what was changed is stored and will be searched",
    "out-of-reach": "the database, or something else that this needs, cannot be used now",
    "failed": "an error of ours; it is in the log",
}
"""What the service's own troubles are told as: their messages name servers and files, and are for
who reads the log."""


OF_A_BODY = (400, 413)
"""What else is answered where a route has a body."""
_SHARED = {
    400: ("bad-request", "There was an error parsing the body"),
    401: ("not-allowed", "a key is needed: Authorization: Bearer KEY"),
    413: ("too-large", "a request has at most 60,000,000 bytes"),
    429: ("too-many-requests", "more than 600 a minute; try again in 12 s"),
    500: ("failed", _TOLD["failed"]),
    503: ("out-of-reach", _TOLD["out-of-reach"]),
}
"""Problems that every route tells alike. What is a route's own, ``examples.py`` shows."""


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for OpenAPI: those named, and those of every route with a key."""
    return errors(401, 422, 429, 500, 503, *statuses)


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for OpenAPI: those named alone."""
    return {status: _response(status) for status in sorted(statuses)}


def _response(status: int) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if status in _SHARED:
        kind, detail = _SHARED[status]
        content["examples"] = {kind: {"value": _told(status, kind, detail).model_dump()}}
    return {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: content}}


class Answer(JSONResponse):
    """A problem as an answer."""

    def __init__(self, told: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(told.model_dump(), told.status, dict(headers or {}), MEDIA_TYPE)
        self.told = told


Show = Callable[[Request, Answer], Response]
"""Gives an answer another form, where who asks wants one."""


def install(app: FastAPI, show: Show) -> None:
    """Let an app answer with problems, in the form that is wanted."""

    def shown(tell: Callable[[Request, Exception], Answer]) -> Callable[..., Response]:
        return lambda request, error: show(request, tell(request, error))

    app.add_exception_handler(Refused, shown(_refused))
    app.add_exception_handler(RequestValidationError, shown(_invalid))
    app.add_exception_handler(HTTPException, shown(_http))
    for kind, _, _ in KINDS:
        app.add_exception_handler(kind, shown(_ours))


def problem(
    status: int,
    kind: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, Any]] | None = None,
) -> Answer:
    """An answer that tells what went wrong."""
    return Answer(_told(status, kind, detail, errors), headers)


def _told(
    status: int, kind: str, detail: str, errors: list[dict[str, Any]] | None = None
) -> Problem:
    return Problem(
        type=f"{_URN}{kind}",
        title=kind.replace("-", " "),
        status=status,
        detail=detail,
        errors=errors or [],
    )


def _refused(_: Request, error: Exception) -> Answer:
    assert isinstance(error, Refused)  # noqa: S101  registered for it alone
    return problem(error.status, error.kind, error.detail, error.headers)


def problem_of(error: Exception) -> Problem:
    """What one of our errors is told as."""
    status, kind = next((status, kind) for type_, status, kind in KINDS if isinstance(error, type_))
    if kind in _TOLD:
        _LOG.error("%s", error)
        return _told(status, kind, _TOLD[kind])
    errors = []
    if isinstance(error, GateRefused):
        errors = [{"finding": text, "reason": reason} for text, reason in error.reasons]
    return _told(status, kind, " ".join(str(error).split()), errors)


def _ours(_: Request, error: Exception) -> Answer:
    told = problem_of(error)
    is_unknown = told.status == HTTPStatus.UNAUTHORIZED
    return Answer(told, {"WWW-Authenticate": "Bearer"} if is_unknown else None)


def _invalid(_: Request, error: Exception) -> Answer:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors = [
        {"where": [str(part) for part in one["loc"]], "reason": one["msg"]}
        for one in error.errors()
    ]
    told = "; ".join(f"{'.'.join(one['where'])}: {one['reason']}" for one in errors[:3])
    return problem(422, "invalid-request", told, errors=errors)


def _http(request: Request, error: Exception) -> Answer:
    assert isinstance(error, HTTPException)  # noqa: S101
    kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {**(headers or {}), **_allowed(request)}
    return problem(error.status_code, kind, str(error.detail), headers)


def _allowed(request: Request) -> dict[str, str]:
    """Every method of an address: the router alone names those of the first route that fits."""
    paths, asked = request.app.openapi()["paths"], request.scope["path"]
    routes = [paths[asked]] if asked in paths else []
    routes = routes or [paths[path] for path in paths if compile_path(path)[0].match(asked)]
    methods = sorted({method.upper() for route in routes for method in route})
    return {"Allow": ", ".join(methods)} if methods else {}


def bug(error: Exception) -> Answer:
    """The answer where an error of ours kept us from one."""
    _LOG.error("a request failed by an error of ours", exc_info=error)
    return problem(500, "failed", _TOLD["failed"])
