"""Routes of statements: the reference corpus."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated, Any

import frontmatter
from fastapi import APIRouter, Path, Query, Request, UploadFile
from sqlalchemy import select

from service.api import schemas
from service.api.access import Reader, Reviewer, actor
from service.api.claims import Words
from service.api.desk import Desk, TheDesk
from service.api.problems import responses
from service.audit.trail import Actor
from service.kit.errors import InputError
from service.notes.tables import CitationRow
from service.statements.intake import Added, AddReport
from service.statements.readers import EXTENSIONS
from service.statements.repository import StoredVersion
from service.types import Hit, StatementRef

router = APIRouter(prefix="/statements", tags=["statements"])

StatementId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Version = Annotated[int, Query(ge=1, le=1_000_000, description="the current one without it")]
_MOST_FILES = 100


@router.post("", status_code=201, responses=responses(413))
async def add(
    body: schemas.StatementsGiven, desk: TheDesk, caller: Reviewer, request: Request
) -> schemas.StatementsAdded:
    """Add statements as text or by address. What fails is named, the rest is stored."""

    def store() -> schemas.StatementsAdded:
        with tempfile.TemporaryDirectory() as folder:
            names: dict[str, str] = {}
            sources: list[str | FilePath] = []
            for number, given in enumerate(body.statements, start=1):
                if given.url is not None and given.text is None:
                    sources.append(given.url)
                    names[given.url] = given.url
                else:
                    path = FilePath(folder) / f"{number}.md"
                    path.write_text(_markdown(given), encoding="utf-8")
                    sources.append(path)
                    names[str(path)] = given.id or str(number)
            return _added(desk, desk.pipeline.corpus.add(sources), names, actor(caller, request))

    return await asyncio.to_thread(store)


def _markdown(given: schemas.StatementGiven) -> str:
    told = given.model_dump(exclude={"text"}, exclude_none=True, mode="json")
    return frontmatter.dumps(frontmatter.Post(given.text or "", **told))


@router.post("/files", status_code=201, responses=responses(413))
async def upload(
    files: list[UploadFile], desk: TheDesk, caller: Reviewer, request: Request
) -> schemas.StatementsAdded:
    """Add statements from files: text, Markdown, HTML, PDF, DOCX, JSONL."""
    if len(files) > _MOST_FILES:
        raise InputError(f"files: {len(files)} are too many at a time; at most {_MOST_FILES}")
    with tempfile.TemporaryDirectory() as folder:
        names: dict[str, str] = {}
        for number, file in enumerate(files, start=1):
            name = FilePath(file.filename or "").name or f"file {number}"
            kind = FilePath(name).suffix.lower()
            place = FilePath(folder) / str(number)
            place.mkdir()
            path = place / f"upload{kind if kind in EXTENSIONS else ''}"
            path.write_bytes(await file.read())
            names[str(path)] = name

        def store() -> schemas.StatementsAdded:
            report = desk.pipeline.corpus.add([FilePath(path) for path in names])
            return _added(desk, report, names, actor(caller, request))

        return await asyncio.to_thread(store)


def _added(
    desk: Desk, report: AddReport, names: dict[str, str], who: Actor
) -> schemas.StatementsAdded:
    results: list[schemas.StatementAdded] = []

    def name_of(told: str) -> str:
        return next((name for path, name in names.items() if told.startswith(path)), told)

    def stored(outcome: Any, added: list[Added]) -> None:  # noqa: ANN401  one of the literals
        results.extend(
            schemas.StatementAdded(
                name=name_of(one.name),
                outcome=outcome,
                statement_id=one.statement_id,
                version=one.version,
            )
            for one in added
        )

    stored("added", report.added)
    stored("changed", report.changed)
    stored("unchanged", report.unchanged)
    for outcome, left in (("skipped", report.skipped), ("failed", report.failed)):
        results += [
            schemas.StatementAdded(name=name_of(name), outcome=outcome, reason=reason)
            for name, reason in left
        ]
    with desk.transaction() as session:
        for one in (*report.added, *report.changed):
            desk.trail.record(
                session,
                who,
                "statement.add",
                f"statement:{one.statement_id}",
                revision=one.version,
            )
    return schemas.StatementsAdded(results=results, corpus_revision=report.revision)


@router.get("", responses=responses())
def listed(desk: TheDesk, caller: Reader) -> list[schemas.StatementVersion]:
    """The current version of every statement, by id."""
    return [_version(stored) for stored in desk.pipeline.corpus.list()]


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
    statement_id: StatementId, desk: TheDesk, caller: Reader, version: Version | None = None
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
    revision = desk.pipeline.corpus.withdraw(statement_id)
    with desk.transaction() as session:
        citing = session.scalars(
            select(CitationRow.note_id)
            .where(CitationRow.statement_id == statement_id)
            .distinct()
            .order_by(CitationRow.note_id)
        ).all()
        who = actor(caller, request)
        desk.trail.record(session, who, "statement.withdraw", f"statement:{statement_id}")
    return schemas.Withdrawn(
        statement_id=statement_id, corpus_revision=revision, notes=list(citing)
    )


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
