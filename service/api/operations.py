"""Routes for those who run the service: whether it lives, whether it can work, its figures."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST

from service.access.register import NotAllowed
from service.api import schemas
from service.api.desk import Desk, TheDesk
from service.api.problems import Refused, errors
from service.kit.telemetry import METRICS, exposition

router = APIRouter(tags=["operations"])

_TOKEN = HTTPBearer(
    auto_error=False, scheme_name="metrics token", description="VERINOTE_METRICS_TOKEN"
)
_PATIENCE = 5.0
"""Seconds for each part to say that it can be used."""


@router.get("/healthz", responses=errors(500))
async def healthz() -> schemas.Health:
    """The process answers. Says nothing of what it needs: see ``/readyz``."""
    return schemas.Health(version=version("verinote"))


@router.get(
    "/readyz",
    responses=errors(500) | {503: {"model": schemas.Ready, "description": "Some part is missing"}},
)
async def readyz(desk: TheDesk, response: Response) -> schemas.Ready:
    """Whether the database, the vectors, the engine and the queue can be used now."""
    corpus = desk.pipeline.corpus
    checks: dict[str, Callable[[], object]] = {
        "database": corpus.revision,
        "vectors": corpus.count_vectors,
        "engine": lambda: desk.pipeline.engine.prompt_version,
        "queue": desk.work.in_reach,
    }
    found = await asyncio.gather(*(_check(check) for check in checks.values()))
    parts = dict(zip(checks, found, strict=True))
    ready = all(told == "ok" for told in parts.values())
    response.status_code = 200 if ready else 503
    return schemas.Ready(ready=ready, parts=parts)


async def _check(check: Callable[[], object]) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            await asyncio.to_thread(check)
    except TimeoutError:
        return f"no answer within {_PATIENCE:g} s"
    except Exception as error:  # noqa: BLE001  whatever is wrong is what was asked for
        return f"{type(error).__name__}"
    return "ok"


@router.get(
    "/metrics",
    response_class=Response,
    responses=errors(401, 403, 500, 503)
    | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(
    desk: TheDesk,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(_TOKEN)],
) -> Response:
    """Figures for Prometheus. They have a token of their own: VERINOTE_METRICS_TOKEN."""
    wanted = desk.settings.metrics_token
    if wanted is None:
        raise Refused(403, "forbidden", "VERINOTE_METRICS_TOKEN is not set: no figures are shown")
    token = given.credentials if given is not None else ""
    if not hmac.compare_digest(token.encode(), wanted.get_secret_value().encode()):
        raise NotAllowed("the metrics' own token is needed: Authorization: Bearer TOKEN")
    _count(desk)
    return Response(exposition(), media_type=CONTENT_TYPE_LATEST)


def _count(desk: Desk) -> None:
    with desk.transaction() as session:
        totals = desk.work.totals(session)
    METRICS.set_totals(totals)
