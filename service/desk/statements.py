"""Statements: looked for, read, compared with their earlier versions, added and withdrawn."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, File, Form, Path, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from service.api import paging, schemas, statements
from service.api.desk import TheDesk
from service.audit.corpus import witness
from service.desk.marking import Mark, segments
from service.desk.views import page
from service.desk.visitors import Acting, SendingReviewer, VisitingReviewer, Visitor
from service.kit.errors import InputError, VerinoteError
from service.notes import review
from service.notes.differences import words
from service.statements import repository
from service.statements.intake import Upload
from service.work import uploads

router = APIRouter(prefix="/statements", include_in_schema=False)
StatementId = Annotated[str, Path(pattern=schemas.STATEMENT_ID)]
UploadId = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]
Version = Annotated[int | None, Query(ge=1, le=1_000_000)]
_A_PAGE = 50
_HITS = 20
_RESULTS = 200
_NOTES = 100


@router.get("")
def listed(
    request: Request,
    desk: TheDesk,
    caller: Visitor,
    q: Annotated[str, Query(max_length=2_000)] = "",
    issuer: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Statements by id, or with ``q`` the passages that are found for it."""
    q, hits, found = q.strip(), [], []
    if q:
        hits = desk.pipeline.corpus.search(q, _HITS)
    else:
        after = paging.id_in(cursor)
        with desk.transaction() as session:
            found = repository.page(session, after=after, limit=_A_PAGE + 1, issuer=issuer or None)
    rows = paging.page_of(found, _A_PAGE, lambda one: one, lambda one: [one.ref.statement_id])
    kept = {"issuer": issuer} if issuer else {}
    return page(
        request,
        "statements.html",
        caller,
        rows=rows.items,
        following=f"/statements?{urlencode({**kept, 'cursor': rows.next})}" if rows.next else None,
        hits=hits,
        q=q,
        issuer=issuer,
        coverage=desk.pipeline.corpus.coverage(),
    )


@router.get("/new")
def new(request: Request, caller: VisitingReviewer) -> Response:
    """The forms by which statements are added."""
    return page(request, "new_statement.html", caller, told=None, refused=None, url="")


@router.post("/new")
async def add(
    request: Request,
    desk: TheDesk,
    caller: SendingReviewer,
    who: Acting,
    url: Annotated[str, Form(max_length=2_000)] = "",
    files: Annotated[list[UploadFile] | None, File(max_length=100)] = None,
) -> Response:
    """Add statements by address or from files."""
    try:
        sources: list[str | Upload] = [
            Upload(statements.name_of(file) or f"file {number}", await file.read())
            for number, file in enumerate(files or (), start=1)
            if file.filename
        ]
        if url.strip():
            given = schemas.StatementsGiven.model_validate({"statements": [{"url": url.strip()}]})
            sources += [statements.source_of(one) for one in given.statements]
        if not sources:
            raise InputError("give an address, or choose a file")
        taken = await statements.take(desk, sources, who)
    except (ValidationError, VerinoteError) as error:
        refused = (
            "; ".join(one["msg"] for one in error.errors()[:3])
            if isinstance(error, ValidationError)
            else str(error)
        )
        return page(request, "new_statement.html", caller, 422, told=None, refused=refused, url=url)
    if isinstance(taken, schemas.UploadAccepted):
        return RedirectResponse(f"/statements/uploads/{taken.id}", 303)
    failed = any(one.outcome == "failed" for one in taken.results)
    status = 422 if failed else 200
    kept = url if failed else ""
    return page(request, "new_statement.html", caller, status, told=taken, refused=None, url=kept)


@router.get("/uploads/{upload_id}")
def upload(
    upload_id: UploadId,
    request: Request,
    desk: TheDesk,
    caller: VisitingReviewer,
    part: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """How far a large upload is."""
    with desk.transaction() as session:
        return page(
            request,
            "_upload.html" if part else "upload.html",
            caller,
            row=uploads.row_of(session, upload_id),
            results=uploads.results(session, upload_id, after=None, limit=_RESULTS),
        )


@router.get("/{statement_id}")
def shown(
    statement_id: StatementId,
    request: Request,
    desk: TheDesk,
    caller: Visitor,
    version: Version = None,
    start: Annotated[int, Query(ge=0, le=2**31)] = 0,
    end: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> Response:
    """A version of a statement with its stored text; what ``start`` and ``end`` say is marked."""
    found = desk.pipeline.corpus.show(statement_id, version)
    with desk.transaction() as session:
        notes = review.claims_of(session, review.citing(session, statement_id)[:_NOTES])
    return page(
        request,
        "statement.html",
        caller,
        found=found,
        shown=found.shown,
        text=segments(found.text, [Mark(start, end, True)]),
        notes=notes,
    )


@router.get("/{statement_id}/differences")
def differences(
    statement_id: StatementId,
    request: Request,
    desk: TheDesk,
    caller: Visitor,
    old: Annotated[int, Query(ge=1, le=1_000_000)],
    new: Annotated[int, Query(ge=1, le=1_000_000)],
) -> Response:
    """How two versions of a statement differ, word by word or, if they are long, by lines."""
    before = desk.pipeline.corpus.show(statement_id, old)
    after = desk.pipeline.corpus.show(statement_id, new)
    return page(
        request,
        "differences.html",
        caller,
        before=before.shown,
        after=after.shown,
        stretches=words(before.text, after.text),
    )


@router.post("/{statement_id}/withdraw")
def withdraw(
    statement_id: StatementId, desk: TheDesk, caller: SendingReviewer, who: Acting
) -> Response:
    """Take a statement out of the search. It is still shown, and still cited."""
    desk.pipeline.corpus.withdraw(statement_id, witness(desk.trail, who))
    return RedirectResponse(f"/statements/{statement_id}", 303)
