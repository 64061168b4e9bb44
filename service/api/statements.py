"""Routes of statements: the reference corpus."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, File, Path, Query, Request, UploadFile
from pydantic.json_schema import SkipJsonSchema

from service.api import paging, schemas
from service.api.access import Reader, Reviewer, actor
from service.api.claims import Words
from service.api.desk import Desk, TheDesk
from service.api.problems import responses
from service.audit.corpus import witness
from service.audit.trail import Actor
from service.notes import review
from service.statements import repository
from service.statements.intake import Given, Upload
from service.statements.readers import JSONL
from service.statements.repository import StoredVersion
from service.types import Hit, Kind, StatementRef

router = APIRouter(prefix="/statements", tags=["statements"])

StatementId = Annotated[str, Path(pattern=schemas.STATEMENT_ID)]
Version = Annotated[int, Query(ge=1, le=1_000_000, description="the current one without it")]


@router.post("", status_code=201, responses=responses(413))
async def add(
    body: schemas.StatementsGiven, desk: TheDesk, caller: Reviewer, request: Request
) -> schemas.StatementsAdded:
    """Add statements as text or by address. What fails is named, the rest is stored."""
    who = actor(caller, request)
    return await asyncio.to_thread(_added, desk, [_source(one) for one in body.statements], who)


def _source(given: schemas.StatementGiven) -> str | Upload:
    """The address that was given, or the statement as a document of one line of JSON."""
    if given.text is None and given.url is not None:
        return given.url
    line = json.dumps(given.model_dump(exclude_none=True, mode="json"))
    return Upload(given.id or "", line.encode(), JSONL, is_one=True)


@router.post("/files", status_code=201, responses=responses(413))
async def upload(
    files: Annotated[list[UploadFile], File(min_length=1, max_length=100)],
    desk: TheDesk,
    caller: Reviewer,
    request: Request,
) -> schemas.StatementsAdded:
    """Add statements from files: text, Markdown, HTML, PDF, DOCX, JSONL."""
    uploads = [
        Upload(FilePath(file.filename or "").name or f"file {number}", await file.read())
        for number, file in enumerate(files, start=1)
    ]
    return await asyncio.to_thread(_added, desk, uploads, actor(caller, request))


def _added(desk: Desk, sources: Sequence[Given], who: Actor) -> schemas.StatementsAdded:
    report = desk.pipeline.corpus.add(sources, witness=witness(desk.trail, who))
    return schemas.StatementsAdded(
        results=[schemas.StatementAdded(**asdict(result)) for result in report.results],
        corpus_revision=report.revision,
    )


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


@router.delete("/{statement_id}", responses=responses(404))
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
