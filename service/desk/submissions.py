"""Submissions: sending a text in, watching it being worked on, reading it with its claims."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Path, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from service.api import paging, schemas, submissions
from service.api.desk import Desk, TheDesk
from service.audit.corpus import witness
from service.claims import queries
from service.claims.queries import FoundClaim
from service.desk.marking import Mark, segments
from service.desk.queue import one_of
from service.desk.views import page
from service.desk.visitors import Acting, Sender, SendingReviewer, Visitor
from service.kit.errors import InputError, NotFound, VerinoteError
from service.kit.ids import new_id
from service.kit.packaged import seeds
from service.kit.text import normalise, sha256_hex
from service.submissions import inbox
from service.submissions.inbox import Repeat
from service.submissions.intake import read_content
from service.types import ClaimState, Submission, SubmissionState, Verdict
from service.work import progress

router = APIRouter(prefix="/submissions", include_in_schema=False)
SubmissionId = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]
_A_PAGE = 50
_UNDER_WAY = {SubmissionState.QUEUED, SubmissionState.RUNNING}


@router.get("")
def listed(
    request: Request,
    desk: TheDesk,
    caller: Visitor,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Submissions, the newest first."""
    with desk.transaction() as session:
        rows = inbox.page(session, before=paging.id_in(cursor), limit=_A_PAGE + 1)
        counted = progress.counts(session, [row.id for row in rows])
        found = paging.page_of(rows, _A_PAGE, lambda row: row.id, lambda row: [row.id])
        return page(
            request,
            "submissions.html",
            caller,
            rows=rows[:_A_PAGE],
            counted=counted,
            done=ClaimState.DRAFTED,
            failed=ClaimState.FAILED,
            following=f"/submissions?cursor={found.next}" if found.next else None,
        )


@router.get("/new")
def new(request: Request, desk: TheDesk, caller: Visitor) -> Response:
    """The form for a text."""
    return _form(request, desk, caller)


def _form(
    request: Request,
    desk: Desk,
    caller: Visitor,
    status: int = 200,
    refused: str | None = None,
    given: dict[str, Any] | None = None,
) -> Response:
    return page(
        request,
        "new_submission.html",
        caller,
        status,
        refused=refused,
        given=defaultdict(str, given or {}),
        engine=desk.pipeline.engine,
        endpoint=desk.endpoint,
        today=date.today().isoformat(),
        once=new_id(),
    )


@router.post("/new")
async def submit(
    request: Request,
    desk: TheDesk,
    caller: Sender,
    who: Acting,
    kind: Annotated[str, Form()] = "text",
    text: Annotated[str, Form()] = "",
    claims: Annotated[str, Form()] = "",
    url: Annotated[str, Form()] = "",
    file: Annotated[UploadFile | None, File()] = None,
    title: Annotated[str, Form()] = "",
    source_url: Annotated[str, Form()] = "",
    published: Annotated[str, Form()] = "",
    local_only: Annotated[bool, Form()] = False,
    once: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Send a text in: pasted, from a file, by address, or as claims, one a line."""
    given = {
        "kind": kind,
        "text": text,
        "claims": claims,
        "url": url,
        "title": title,
        "source_url": source_url,
        "published": published,
        "local_only": local_only,
    }
    told = (("title", title), ("source_url", source_url), ("published", published))
    body: dict[str, Any] = {"local_only": local_only}
    body |= {name: value.strip() for name, value in told if value.strip()}
    if kind == "claims":
        body["claims"] = [line.strip() for line in claims.splitlines() if line.strip()]
    elif kind == "url":
        body["url"] = url.strip()
    else:
        body["text"] = text
    try:
        if kind == "file":
            found = await _file(file, desk)
            checked = schemas.Submitted(**body | {"text": found.text})
            found = _with(found, checked)
        else:
            checked = schemas.Submitted(**body)
            found = await asyncio.to_thread(submissions.read, checked, desk.settings)
        asked = sha256_hex(once + checked.model_dump_json())
        repeat = Repeat(asked, asked) if once else None  # of a form that is sent twice
        accepted = await submissions.accept(desk, found, who, repeat=repeat)
    except (ValidationError, VerinoteError) as error:
        return _form(request, desk, caller, 422, _told(error), given)
    return RedirectResponse(f"/submissions/{accepted.id}", 303)


async def _file(file: UploadFile | None, desk: Desk) -> Submission:
    if file is None or not file.filename:
        raise InputError("file: choose one")
    name = normalise(FilePath(file.filename).name)
    return await asyncio.to_thread(read_content, await file.read(), name, desk.settings)


def _with(found: Submission, told: schemas.Submitted) -> Submission:
    """What a file holds, with what was told of it."""
    return replace(
        found,
        title=told.title or found.title,
        published=told.published or found.published,
        source=told.source_url or found.source,
        local_only=told.local_only,
    )


def _told(error: ValidationError | VerinoteError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:3]
        )
    return str(error)


@router.post("/example")
async def example(desk: TheDesk, caller: SendingReviewer, who: Acting) -> Response:
    """Load the example's statements, and send its article in."""
    folder = seeds()
    if folder is None:
        raise NotFound("the example is not installed here")
    statements = [folder / "statements"]
    await asyncio.to_thread(desk.pipeline.corpus.add, statements, witness=witness(desk.trail, who))
    article = min((folder / "articles").glob("*.md"))
    found = read_content(article.read_bytes(), article.name, desk.settings)
    accepted = await submissions.accept(desk, found, who)
    return RedirectResponse(f"/submissions/{accepted.id}", 303)


@router.get("/{submission_id}")
def shown(
    submission_id: SubmissionId,
    request: Request,
    desk: TheDesk,
    caller: Visitor,
    part: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """A submission: its text, each claim marked where it stands, and the notes beside it."""
    with desk.transaction() as session:
        row = inbox.row_of(session, submission_id)
        counted = progress.counts(session, [row.id])[row.id]
        found = queries.of_submission(session, row.id)
        return page(
            request,
            "_submission.html" if part else "submission.html",
            caller,
            row=row,
            claims=found,
            article=_pieces(row.text, found),
            counted=counted,
            total=sum(counted.values()),
            over=counted.total() - counted[ClaimState.QUEUED],
            under_way=row.state in _UNDER_WAY,
            retriable=row.state not in _UNDER_WAY
            and bool(counted[ClaimState.FAILED] or counted[ClaimState.CANCELLED] or row.error),
            usage=progress.spent(session, row.id),
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text under the same claims.

    Attributes:
        begins: the claims whose words begin here.
        shown: of the claims that it is part of, the one whose verdict it shows; None: of none.
    """

    text: str
    begins: tuple[FoundClaim, ...]
    shown: FoundClaim | None


_LOUDEST = [Verdict.REFUTED, Verdict.CONFLICTING, Verdict.SUPPORTED, Verdict.NOT_ENOUGH_EVIDENCE]
"""Where claims share words, no refuted one may hide below another."""


def _pieces(text: str, found: list[FoundClaim]) -> list[Piece]:
    marks = [Mark(one.claim.source.start, one.claim.source.end, one) for one in found]
    return [
        Piece(cut.text, cut.begins, min(cut.marks, key=_loudness, default=None))
        for cut in segments(text, marks)
    ]


def _loudness(found: FoundClaim) -> int:
    return _LOUDEST.index(found.verdict) if found.verdict is not None else len(_LOUDEST)


@router.get("/{submission_id}/export")
def export(
    submission_id: SubmissionId,
    desk: TheDesk,
    caller: Visitor,
    format: Annotated[str, Query(max_length=10)] = "csv",  # noqa: A002  its name in the address
) -> Response:
    """A submission's claims and notes as a file."""
    return submissions.exported(desk, submission_id, one_of(submissions.Export, format, "format"))


@router.post("/{submission_id}/cancel")
async def cancel(
    submission_id: SubmissionId, desk: TheDesk, caller: Sender, who: Acting
) -> Response:
    """Stop a submission."""
    await submissions.stop(desk, submission_id, who)
    return RedirectResponse(f"/submissions/{submission_id}", 303)


@router.post("/{submission_id}/retry")
async def retry(
    submission_id: SubmissionId, desk: TheDesk, caller: Sender, who: Acting
) -> Response:
    """Have what failed done again."""
    await submissions.again(desk, submission_id, who)
    return RedirectResponse(f"/submissions/{submission_id}", 303)


@router.post("/{submission_id}/delete")
async def delete(
    submission_id: SubmissionId, desk: TheDesk, caller: Sender, who: Acting
) -> Response:
    """Erase a submission with everything that was made of it."""
    await submissions.remove(desk, submission_id, caller, who)
    return RedirectResponse("/submissions", 303)
