"""The HTTP API as an ASGI application."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from importlib.metadata import version

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from eval.web import routes as evaluations
from service.api import (
    audit,
    claims,
    examples,
    notes,
    operations,
    problems,
    statements,
    submissions,
)
from service.api.desk import Desk
from service.desk import notes as desk_notes
from service.desk import people, published, queue, visitors
from service.desk import statements as desk_statements
from service.desk import submissions as desk_submissions
from service.desk.views import STATIC, page
from service.desk.visitors import NotSignedIn, to_sign_in
from service.kit.ids import new_id

_LOG = structlog.get_logger(__name__)
PAGES = (visitors, queue, desk_submissions, desk_notes, desk_statements, people, published)
"""The desk's own, and the public's, which are no part of the API."""
_FILES_KEPT = "max-age=300"
"""Files of ours are shown at once, and not for long after a newer release."""
_TOLD_TO_BROWSERS = ("Allow", "Retry-After")
_ABOUT = """
Claims of a text, checked against official statements, with word-for-word citations.

A submission is accepted at once and worked on in the background; every claim of it gets a note,
which a person approves or rejects. Errors are `application/problem+json`; their `type` is stable.
"""


def create_app(desk: Desk) -> FastAPI:
    """Make the application over an open desk."""
    app = FastAPIOffline(  # whose page at /docs fetches nothing from elsewhere
        redoc_url=None,
        title="Verinote",
        version=version("verinote"),
        description=_ABOUT,
        # Traces are for all processes, see kit/telemetry.py; its logs could hold words of a text.
        telemetry={"auto_configure": False, "logs": False, "operation_spans": False},
        redirect_slashes=False,  # to an address made of whatever Host header was sent
    )
    app.openapi = partial(examples.document, app)  # type: ignore[method-assign]
    app.state.desk = desk
    problems.install(app, _shown)
    app.add_exception_handler(NotSignedIn, to_sign_in)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=desk.settings.max_request_bytes)
    app.middleware("http")(_logged)  # around the limit, whose answer it puts into our form
    v1 = APIRouter(prefix="/v1")
    for room in (submissions, claims, notes, statements, evaluations, audit):
        v1.include_router(room.router)
    app.include_router(v1)
    app.include_router(operations.router)
    for room in PAGES:
        app.include_router(room.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app


def _shown(request: Request, answer: problems.Answer) -> Response:
    """A problem as a page, where a browser asks for one of the desk's."""
    is_api = request.url.path.startswith("/v1/")
    if is_api or "text/html" not in request.headers.get("Accept", ""):
        return answer
    if request.headers.get("HX-Request") and answer.status_code == HTTPStatus.NOT_FOUND:
        return Response(headers={"HX-Refresh": "true"})  # what the page shows is gone
    made = page(request, "problem.html", None, answer.status_code, told=answer.told)
    told = {name: answer.headers[name] for name in _TOLD_TO_BROWSERS if name in answer.headers}
    made.headers.update(told)
    return made


async def _logged(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Give a request an id, which its answer and everything logged for it bear."""
    request_id = new_id()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    began = time.monotonic()
    try:
        response = await answer(request)
    except Exception as error:  # noqa: BLE001  here, and not further out, it is logged with its id
        response = _shown(request, problems.bug(error))
    if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and _is_bare(response):
        most = request.app.state.desk.settings.max_request_bytes  # the framework says it in words
        told = problems.problem(413, "too-large", f"a request has at most {most:,} bytes")
        response = _shown(request, told)
    response.headers["X-Request-ID"] = request_id
    is_file = request.url.path.startswith("/static/")
    response.headers.setdefault("Cache-Control", _FILES_KEPT if is_file else "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    route = request.scope.get("route")
    _LOG.info(
        "request",
        method=request.method,
        route=getattr(route, "path", None),
        status=response.status_code,
        milliseconds=round(1000 * (time.monotonic() - began), 1),
    )
    return response


def _is_bare(response: Response) -> bool:
    """Whether it is the framework's own answer."""
    return response.headers.get("Content-Type", "").startswith("text/plain")
