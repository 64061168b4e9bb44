"""The desk's pages of evaluations: runs with their figures and plots, and two of them compared."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from pydantic import ValidationError

from eval.catalogue import dataset, own_file
from eval.durable import store
from eval.durable.tables import EvaluationRow
from eval.measures import Measure
from eval.report import page as report
from eval.web import asking, routes
from eval.web.schemas import EvaluationAsked, Limited
from service.access.register import Caller
from service.api import paging
from service.api.desk import Desk, TheDesk
from service.api.statements import name_of
from service.desk.views import page
from service.desk.visitors import (
    Acting,
    SendingAdmin,
    SendingReviewer,
    Visitor,
)
from service.kit.errors import InputError, NotFound

router = APIRouter(prefix="/evaluations", include_in_schema=False)
Known = Annotated[str, Query(pattern="^[0-9a-f]{24}$")]
Typed = Annotated[str, Form(max_length=40)]
_A_PAGE = 50
_OWN = "own"


@router.get("")
def listed(
    request: Request,
    desk: TheDesk,
    caller: Visitor,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Evaluations, the newest first."""
    return _listed(request, desk, caller, cursor=cursor)


def _listed(
    request: Request,
    desk: Desk,
    caller: Caller,
    status: int = 200,
    refused: str | None = None,
    cursor: str | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    with desk.transaction() as session:
        rows = store.page(session, before=paging.id_in(cursor), limit=_A_PAGE + 1)
        found = paging.page_of(rows, _A_PAGE, lambda row: row.id, lambda row: [row.id])
        return page(
            request,
            "evaluations.html",
            caller,
            status,
            rows=[(row, own_file(row.told), _headline(row)) for row in rows[:_A_PAGE]],
            following=f"/evaluations?{urlencode({'cursor': found.next})}" if found.next else None,
            datasets=[entry.card for entry in asking.available(desk.settings)],
            engine=desk.settings.engine,
            refused=refused,
            given=defaultdict(str, given or {}),
        )


@router.post("")
async def ask(
    request: Request,
    desk: TheDesk,
    caller: SendingReviewer,
    who: Acting,
    dataset: Typed = _OWN,
    engine: Typed = "",
    limit: Typed = "",
    max_cost: Typed = "",
    max_tokens: Typed = "",
    claims: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Run a dataset, or a file of claims against the service's statements."""
    numbers = {"limit": limit, "max_cost": max_cost, "max_tokens": max_tokens}
    given = numbers | {"dataset": dataset, "engine": engine}
    try:
        file = await _file(claims, dataset)
        body = EvaluationAsked.model_validate(
            _numbers(numbers) | {"dataset": "probes" if file else dataset, "engine": engine or None}
        )
        id_ = await asking.ask(desk, body, who, file)
    except (InputError, NotFound) as error:
        return _listed(request, desk, caller, 422, str(error), given=given)
    except ValidationError as error:
        return _listed(request, desk, caller, 422, _told(error), given=given)
    return RedirectResponse(f"/evaluations/{id_}", 303)


async def _file(claims: UploadFile | None, dataset: str) -> asking.File | None:
    """The file of claims that was sent, where no dataset was chosen.

    Raises:
        InputError: there is neither, or both.
    """
    if claims is None or not claims.filename:
        if dataset == _OWN:
            raise InputError("claims: choose a file of claims, or a dataset")
        return None
    if dataset != _OWN:
        raise InputError(f"claims: a file and {dataset} are chosen; choose one of them")
    return asking.File(name_of(claims), await claims.read())


def _numbers(given: dict[str, str]) -> dict[str, float | None]:
    """What was typed as numbers.

    Raises:
        InputError: it is none.
    """
    found: dict[str, float | None] = {}
    for name, value in given.items():
        kind, typed = float if name == "max_cost" else int, value.strip()
        try:
            found[name] = kind(typed) if typed else None
        except ValueError as error:
            raise InputError(f"{name}: {typed!r} is no number") from error
    return found


def _told(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())


@router.get("/comparison")
def comparison(
    request: Request, desk: TheDesk, caller: Visitor, before: Known, after: Known
) -> Response:
    """Two evaluations of a dataset, side by side."""
    with desk.transaction() as session:
        then, now = (store.row_of(session, one) for one in (before, after))
        session.expunge_all()
    try:
        found, refused = asking.compared(desk, before, after), None
    except InputError as error:
        found, refused = None, str(error)
    return page(
        request,
        "comparison.html",
        caller,
        200 if found else 422,
        then=then,
        now=now,
        found=found,
        refused=refused,
    )


@router.get("/{evaluation_id}")
def one(
    evaluation_id: routes.EvaluationId,
    request: Request,
    desk: TheDesk,
    caller: Visitor,
    part: Annotated[bool, Query()] = False,
) -> Response:
    """An evaluation with its figures and plots."""
    return _one(request, desk, caller, evaluation_id, part=part)


def _one(
    request: Request,
    desk: Desk,
    caller: Caller,
    evaluation_id: str,
    status: int = 200,
    refused: str | None = None,
    *,
    part: bool = False,
) -> Response:
    with desk.transaction() as session:
        row = store.row_of(session, evaluation_id)
        others = [
            other
            for other in store.page(session, before=None, limit=_A_PAGE, dataset=row.dataset)
            if other.id != row.id and other.measures
        ]
        session.expunge_all()
    plots, under_way = Markup(), row.finished_at is None
    if row.measures and not under_way:
        with asking.laid_out(desk, evaluation_id) as (folder,):
            plots = report.plots(folder)
    return page(
        request,
        "_evaluation.html" if part else "evaluation.html",
        caller,
        status,
        row=row,
        card=dataset(row.dataset).card,
        own_file=own_file(row.told),
        figures={} if under_way else _figures(row),  # those of what was answered before
        interval=report.interval,
        plots=plots,
        others=others,
        under_way=under_way,
        resumable=not (under_way or store.is_whole(row)),
        refused=refused,
    )


def _figures(row: EvaluationRow) -> dict[str, Measure]:
    """The figures as they are stored, the headline first."""
    stored = store.measures(row)
    found = stored.figures if stored else {}
    headline = dataset(row.dataset).card.headline
    return {name: found[name] for name in sorted(found, key=lambda name: name != headline)}


def _headline(row: EvaluationRow) -> tuple[str, Measure] | None:
    return next(iter(_figures(row).items()), None)


@router.get("/{evaluation_id}/report")
def full_report(evaluation_id: routes.EvaluationId, desk: TheDesk, caller: Visitor) -> Response:
    """The report, as one page that can be kept."""
    return routes.as_page(asking.report_of(desk, evaluation_id))


@router.get("/{evaluation_id}/items")
def items(evaluation_id: routes.EvaluationId, desk: TheDesk, caller: Visitor) -> Response:
    """Every row, as a file."""
    return routes.as_lines(desk, evaluation_id)


@router.post("/{evaluation_id}/cancel")
async def cancel(
    evaluation_id: routes.EvaluationId,
    request: Request,
    desk: TheDesk,
    caller: SendingReviewer,
    who: Acting,
) -> Response:
    """Begin no further item."""
    try:
        await asking.cancel(desk, evaluation_id, who)
    except InputError as error:
        return _one(request, desk, caller, evaluation_id, 409, str(error))
    return RedirectResponse(f"/evaluations/{evaluation_id}", 303)


@router.post("/{evaluation_id}/resume")
async def resume(
    evaluation_id: routes.EvaluationId,
    request: Request,
    desk: TheDesk,
    caller: SendingReviewer,
    who: Acting,
    max_cost: Typed = "",
    max_tokens: Typed = "",
) -> Response:
    """Answer what has no answer."""
    try:
        numbers = _numbers({"max_cost": max_cost, "max_tokens": max_tokens})
        await asking.resume(desk, evaluation_id, Limited.model_validate(numbers), who)
    except InputError as error:
        return _one(request, desk, caller, evaluation_id, 409, str(error))
    except ValidationError as error:
        return _one(request, desk, caller, evaluation_id, 422, _told(error))
    return RedirectResponse(f"/evaluations/{evaluation_id}", 303)


@router.post("/{evaluation_id}/delete")
async def delete(
    evaluation_id: routes.EvaluationId,
    request: Request,
    desk: TheDesk,
    caller: SendingAdmin,
    who: Acting,
) -> Response:
    """Take an evaluation out."""
    try:
        await asking.forget(desk, evaluation_id, who)
    except InputError as error:
        return _one(request, desk, caller, evaluation_id, 409, str(error))
    return RedirectResponse("/evaluations", 303)
