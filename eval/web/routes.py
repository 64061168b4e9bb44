"""Routes of evaluations: batch runs on the durable queue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from eval.catalogue import DATASETS
from eval.durable import store
from eval.durable.tables import EvaluationRow
from eval.web import asking, schemas
from service.api import paging
from service.api.access import Admin, Reader, Reviewer, actor
from service.api.desk import Desk, TheDesk
from service.api.problems import OF_A_BODY, errors, responses
from service.api.schemas import Page

router = APIRouter(prefix="/evaluations", tags=["evaluations"])

EvaluationId = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]
_ROWS_AT_ONCE = 200
_REPORTS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


@router.post("", status_code=202, responses=responses(*OF_A_BODY, 403, 404))
async def ask(
    body: schemas.EvaluationAsked,
    desk: TheDesk,
    caller: Reviewer,
    request: Request,
    response: Response,
) -> schemas.EvaluationAccepted:
    """Run a dataset, or claims of your own against the service's statements, in the background."""
    id_ = await asking.ask(desk, body, actor(caller, request))
    response.headers["Location"] = f"/v1/evaluations/{id_}"
    return schemas.EvaluationAccepted(id=id_, state=store.EvaluationState.QUEUED)


@router.get("", responses=responses())
def listed(
    desk: TheDesk, caller: Reader, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> Page[schemas.EvaluationListed]:
    """Evaluations, the newest first."""
    with desk.transaction() as session:
        rows = store.page(session, before=paging.id_in(cursor), limit=limit + 1)
        return paging.page_of(
            rows, limit, lambda row: schemas.EvaluationListed(**_told(row)), lambda row: [row.id]
        )


@router.get("/datasets", responses=errors(401, 429, 500, 503))
def datasets(desk: TheDesk, caller: Reader) -> list[schemas.DatasetShown]:
    """The datasets that are known, and whether they can be run here."""
    return [
        schemas.DatasetShown(
            name=entry.card.name,
            title=entry.card.title,
            licence=entry.card.licence,
            evidence=entry.card.evidence,
            headline=entry.card.headline,
            available=asking.folder_of(entry, desk.settings) is not None,
        )
        for entry in DATASETS.values()
    ]


@router.get("/{evaluation_id}", responses=responses(404))
def one(evaluation_id: EvaluationId, desk: TheDesk, caller: Reader) -> schemas.EvaluationShown:
    """How far an evaluation is, and its figures once its items are over."""
    with desk.transaction() as session:
        row = store.row_of(session, evaluation_id)
        return schemas.EvaluationShown(
            **_told(row),
            bad_rows=row.bad,
            run=row.told,
            metrics=schemas.figures(row.measures),
        )


_ITEMS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "a row an item, in the order in which they were answered",
        "content": {"application/jsonl": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/{evaluation_id}/items",
    response_class=StreamingResponse,
    responses={**responses(404), **_ITEMS},
)
def items(evaluation_id: EvaluationId, desk: TheDesk, caller: Reader) -> Response:
    """Every row as a line of JSON, as `verinote eval run` writes them."""
    return as_lines(desk, evaluation_id)


def as_lines(desk: Desk, evaluation_id: str) -> Response:
    """The rows of an evaluation as an answer.

    Raises:
        NotFound: there is no such evaluation.
    """
    with desk.transaction() as session:
        store.row_of(session, evaluation_id)
    return StreamingResponse(_lines(desk, evaluation_id), media_type="application/jsonl")


def _lines(desk: Desk, evaluation_id: str) -> Iterator[str]:
    after = 0
    while True:
        with desk.transaction() as session:
            rows = store.rows(session, evaluation_id, after=after, limit=_ROWS_AT_ONCE)
        if not rows:
            return
        yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        after += len(rows)


_REPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "a page that stands by itself",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/{evaluation_id}/report", response_class=Response, responses={**responses(404), **_REPORT}
)
def report(evaluation_id: EvaluationId, desk: TheDesk, caller: Reader) -> Response:
    """The report: figures, plots and the worst errors, on one page that opens from disk."""
    return as_page(asking.report_of(desk, evaluation_id))


def as_page(told: str) -> Response:
    """A report as an answer: one page with its style in it, in which nothing runs."""
    return Response(told, media_type="text/html", headers=_REPORTS)


@router.get("/{evaluation_id}/comparison", responses=responses(404))
def comparison(
    evaluation_id: EvaluationId,
    desk: TheDesk,
    caller: Reader,
    before: Annotated[str, Query(pattern="^[0-9a-f]{24}$", description="the id of an earlier one")],
) -> schemas.ComparisonShown:
    """What differs from an earlier evaluation, row by row, and whether it may be chance."""
    found = asking.compared(desk, before, evaluation_id)
    return schemas.ComparisonShown.model_validate(found.as_json())


@router.post("/{evaluation_id}/cancel", responses=responses(403, 404, 409))
async def cancel(
    evaluation_id: EvaluationId, desk: TheDesk, caller: Reviewer, request: Request
) -> schemas.EvaluationListed:
    """Begin no further item. What is in flight is finished and kept."""
    await asking.cancel(desk, evaluation_id, actor(caller, request))
    return await desk.work.transact(_shown, evaluation_id)


@router.post("/{evaluation_id}/resume", responses=responses(*OF_A_BODY, 403, 404, 409))
async def resume(
    evaluation_id: EvaluationId,
    body: schemas.Limited,
    desk: TheDesk,
    caller: Reviewer,
    request: Request,
) -> schemas.EvaluationListed:
    """Answer what has no answer: after a limit, a cancellation or failed items."""
    await asking.resume(desk, evaluation_id, body, actor(caller, request))
    return await desk.work.transact(_shown, evaluation_id)


@router.delete("/{evaluation_id}", status_code=204, responses=responses(403, 404, 409))
async def delete(
    evaluation_id: EvaluationId, desk: TheDesk, caller: Admin, request: Request
) -> None:
    """Take an evaluation out, with its rows and files."""
    await asking.forget(desk, evaluation_id, actor(caller, request))


def _shown(session: Any, evaluation_id: str) -> schemas.EvaluationListed:  # noqa: ANN401
    return schemas.EvaluationListed(**_told(store.row_of(session, evaluation_id)))


def _told(row: EvaluationRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "dataset": row.dataset,
        "engine": row.engine,
        "started_by": row.user,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "reason": row.reason,
        "limit": row.row_limit,
        "max_cost": row.max_cost,
        "max_tokens": row.max_tokens,
        "progress": schemas.EvaluationProgress(
            items_total=row.total, items_done=row.done, items_failed=row.failed
        ),
        "usage": schemas.ModelUsage(
            calls=row.calls,
            prompt_tokens=row.prompt_tokens,
            completion_tokens=row.completion_tokens,
            cost=row.cost,
        ),
    }
