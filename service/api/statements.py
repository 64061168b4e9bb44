"""Routes of statements: the reference corpus."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Header, Path, Query, Request, UploadFile
from fastapi.responses import JSONResponse
from pydantic.json_schema import SkipJsonSchema

from service.api import paging, schemas
from service.api.access import Reader, Reviewer, actor
from service.api.claims import Words
from service.api.desk import Desk, TheDesk
from service.api.problems import OF_A_BODY, responses
from service.audit.corpus import witness
from service.audit.trail import Actor
from service.kit.text import normalise
from service.notes import review
from service.statements import repository
from service.statements.intake import Upload
from service.statements.readers import JSONL
from service.statements.repository import StoredVersion
from service.types import Hit, Kind, StatementRef
from service.work import uploads
from service.work.tables import UploadResultRow, UploadRow

router = APIRouter(prefix="/statements", tags=["statements"])

UploadId = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]
StatementId = Annotated[str, Path(pattern=schemas.STATEMENT_ID)]
Version = Annotated[int, Query(ge=1, le=1_000_000, description="the current one without it")]


_LARGE = (
    "What fails is named, the rest is stored. "
    f"More than {uploads.MOST_AT_ONCE} statements (every line of a JSONL file is one) or "
    f"{uploads.MOST_BYTES_AT_ONCE:,} bytes of them are answered 202 and added in the background: "
    "`Location` says where to ask how far they are. With `Prefer: respond-async`, fewer are, too."
)
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "of the upload"}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    **responses(*OF_A_BODY, 403),
    202: {"model": schemas.UploadAccepted, "headers": _LOCATION, "description": "Accepted"},
}


def _asks_for_later(
    request: Request,
    prefer: Annotated[
        str | SkipJsonSchema[None], Header(description="`respond-async`: answer 202 at once")
    ] = None,
) -> bool:
    """Whether the sender prefers not to wait (RFC 7240, which lets the header come many times)."""
    told = ",".join(request.headers.getlist("Prefer")).lower().split(",")
    return "respond-async" in {one.partition(";")[0].strip() for one in told}


AsksForLater = Annotated[bool, Depends(_asks_for_later)]


@router.post(
    "",
    status_code=201,
    response_model=schemas.StatementsAdded,
    responses=_ANSWERS,
    description=f"Add statements as text or by address. {_LARGE}",
)
async def add(
    body: schemas.StatementsGiven,
    desk: TheDesk,
    caller: Reviewer,
    request: Request,
    later: AsksForLater,
) -> schemas.StatementsAdded | JSONResponse:
    """Add statements as text or by address."""
    sources = [source_of(one) for one in body.statements]
    return await _taken(desk, sources, actor(caller, request), later)


def source_of(given: schemas.StatementGiven) -> str | Upload:
    """The address that was given, or the statement as a document of one line of JSON."""
    if given.text is None and given.url is not None:
        return given.url
    line = json.dumps(given.model_dump(exclude_none=True, mode="json"))
    return Upload(given.id or "", line.encode(), JSONL, is_one=True)


@router.post(
    "/files",
    status_code=201,
    response_model=schemas.StatementsAdded,
    responses=_ANSWERS,
    description=f"Add statements from files: text, Markdown, HTML, PDF, DOCX, JSONL. {_LARGE}",
)
async def upload(
    files: Annotated[list[UploadFile], File(min_length=1, max_length=100)],
    desk: TheDesk,
    caller: Reviewer,
    request: Request,
    later: AsksForLater,
) -> schemas.StatementsAdded | JSONResponse:
    """Add statements from files."""
    sources = [
        Upload(name_of(file) or f"file {number}", await file.read())
        for number, file in enumerate(files, start=1)
    ]
    return await _taken(desk, sources, actor(caller, request), later)


def name_of(file: UploadFile) -> str:
    """The last part of a file's name, as every database can hold it."""
    return normalise(FilePath(file.filename or "").name)


async def _taken(
    desk: Desk, sources: Sequence[str | Upload], who: Actor, later: bool
) -> schemas.StatementsAdded | JSONResponse:
    taken = await take(desk, sources, who, later=later)
    if isinstance(taken, schemas.StatementsAdded):
        return taken
    headers = {"Location": f"/v1/statements/uploads/{taken.id}"}
    if later:
        headers["Preference-Applied"] = "respond-async"
    return JSONResponse(taken.model_dump(mode="json"), 202, headers)


async def take(
    desk: Desk, sources: Sequence[str | Upload], who: Actor, *, later: bool = False
) -> schemas.StatementsAdded | schemas.UploadAccepted:
    """Add what was sent in; or accept it to be added in the background, which much of it is."""
    sent = await asyncio.to_thread(uploads.Sent.of, sources)
    if not later and not sent.is_large:
        return await asyncio.to_thread(_added, desk, sources, who)
    id_ = await desk.work.transact(uploads.accept, sent, who)
    await desk.work.add(id_)
    return schemas.UploadAccepted(id=id_, state=uploads.UploadState.QUEUED)


def _added(desk: Desk, sources: Sequence[str | Upload], who: Actor) -> schemas.StatementsAdded:
    report = desk.pipeline.corpus.add(sources, witness=witness(desk.trail, who))
    return schemas.StatementsAdded(
        results=[schemas.StatementAdded(**asdict(result)) for result in report.results],
        corpus_revision=report.revision,
    )


@router.get("/uploads", responses=responses(403))
def listed_uploads(
    desk: TheDesk,
    caller: Reviewer,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.Page[schemas.UploadListed]:
    """Uploads that are added in the background, the newest first. They are kept for 30 days."""
    with desk.transaction() as session:
        rows = uploads.page(session, before=paging.id_in(cursor), limit=limit + 1)
    return paging.page_of(
        rows, limit, lambda row: schemas.UploadListed(**_upload(row)), lambda row: [row.id]
    )


@router.get("/uploads/{upload_id}", responses=responses(403, 404))
def one_upload(
    upload_id: UploadId,
    desk: TheDesk,
    caller: Reviewer,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.UploadShown:
    """How far an upload is, and what became of its statements, in pages."""
    with desk.transaction() as session:
        row = uploads.row_of(session, upload_id)
        after = paging.place_in(cursor)
        found = uploads.results(session, upload_id, after=after, limit=limit + 1)
    page = paging.page_of(found, limit, _result, lambda result: [result.position, result.line])
    return schemas.UploadShown(**_upload(row), results=page)


def _upload(row: UploadRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "state": row.state,
        "uploaded_by": row.user,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "error": row.error,
        "progress": schemas.UploadProgress(
            sources_total=row.total, sources_done=row.done, sources_failed=row.failed
        ),
        "corpus_revision": row.corpus_revision,
    }


def _result(row: UploadResultRow) -> schemas.StatementAdded:
    return schemas.StatementAdded.model_validate(row, from_attributes=True)


@router.get("", responses=responses())
def listed(
    desk: TheDesk,
    caller: Reader,
    issuer: Words | SkipJsonSchema[None] = None,
    kind: Kind | SkipJsonSchema[None] = None,
    title: Words | SkipJsonSchema[None] = None,
    since: schemas.Day | SkipJsonSchema[None] = None,
    until: schemas.Day | SkipJsonSchema[None] = None,
    withdrawn: schemas.YesOrNo | SkipJsonSchema[None] = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.Page[schemas.StatementVersion]:
    """Statements in their current version, by id. `since` and `until` are days of publication."""
    with desk.transaction() as session:
        found = repository.page(
            session,
            after=paging.id_in(cursor),
            limit=limit + 1,
            issuer=issuer,
            kind=kind,
            title=title,
            since=since,
            until=until,
            withdrawn=withdrawn,
        )
    return paging.page_of(found, limit, _version, lambda stored: [stored.ref.statement_id])


@router.get("/search", responses=responses())
def search(
    desk: TheDesk,
    caller: Reader,
    q: Words,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> list[schemas.HitShown]:
    """Passages for a text, the best first."""
    return [_hit(hit) for hit in desk.pipeline.corpus.search(q, limit)]


@router.get("/{statement_id}", responses=responses(404))
def one(
    statement_id: StatementId,
    desk: TheDesk,
    caller: Reader,
    version: Version | SkipJsonSchema[None] = None,
) -> schemas.StatementText:
    """A version of a statement with its stored text, that citations point into."""
    found = desk.pipeline.corpus.show(statement_id, version)
    return schemas.StatementText(**_version(found.shown).model_dump(), text=found.text)


@router.get("/{statement_id}/versions", responses=responses(404))
def versions(
    statement_id: StatementId, desk: TheDesk, caller: Reader
) -> list[schemas.StatementVersion]:
    """Every version of a statement, the oldest first."""
    return [_version(stored) for stored in desk.pipeline.corpus.show(statement_id).versions]


@router.delete("/{statement_id}", responses=responses(403, 404))
def withdraw(
    statement_id: StatementId, desk: TheDesk, caller: Reviewer, request: Request
) -> schemas.Withdrawn:
    """Take a statement out of the search. Notes that cite it wait for a second look."""
    who = witness(desk.trail, actor(caller, request))
    revision = desk.pipeline.corpus.withdraw(statement_id, who)
    with desk.transaction() as session:
        notes = review.citing(session, statement_id)
    return schemas.Withdrawn(statement_id=statement_id, corpus_revision=revision, notes=notes)


def _ref(statement: StatementRef) -> dict[str, Any]:
    told = asdict(statement)
    return {name: told[name] for name in schemas.StatementShown.model_fields}


def _version(stored: StoredVersion) -> schemas.StatementVersion:
    return schemas.StatementVersion(
        **_ref(stored.ref),
        language=stored.ref.language,
        reported_by=list(stored.ref.reported_by),
        media_type=stored.media_type,
        reader=stored.reader,
        added_at=stored.added_at,
        corpus_revision=stored.revision,
        current=stored.current,
        withdrawn_at=stored.withdrawn_at,
    )


def _hit(hit: Hit) -> schemas.HitShown:
    passage = hit.passage
    return schemas.HitShown(
        statement=schemas.StatementShown(**_ref(passage.statement)),
        passage_id=passage.id,
        start=passage.start,
        end=passage.end,
        text=passage.text,
        score=hit.score,
        similarity=hit.similarity,
    )
