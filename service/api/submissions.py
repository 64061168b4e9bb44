"""Routes of submissions: texts in, and how far they are."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.orm import Session

from service.access.register import Caller, Role
from service.api import paging, schemas
from service.api.access import Reader, Submitter, actor
from service.api.claims import shown, shown_usage
from service.api.desk import Desk, TheDesk
from service.api.problems import OF_A_BODY, Refused, responses
from service.audit.trail import Actor
from service.claims import queries
from service.kit.errors import NotFound
from service.kit.ids import new_id
from service.kit.text import sha256_hex
from service.notes import export as exporting
from service.notes import publishing
from service.settings import Settings
from service.submissions import inbox
from service.submissions.intake import read_claims, read_submission, read_text
from service.submissions.tables import SubmissionRow
from service.types import ClaimState, Submission, SubmissionState
from service.work import erasure, progress

router = APIRouter(prefix="/submissions", tags=["submissions"])

SubmissionId = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]
_LOOKS_EVERY = 0.5
_OVER = {SubmissionState.DONE, SubmissionState.FAILED, SubmissionState.CANCELLED}


@router.post("", status_code=202, responses=responses(*OF_A_BODY, 409))
async def submit(
    body: schemas.Submitted,
    desk: TheDesk,
    caller: Submitter,
    request: Request,
    response: Response,
    idempotency_key: Annotated[
        Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[!-~]+$")]
        | SkipJsonSchema[None],
        Header(
            description="the sender's own key: the same request under it is taken once",
        ),
    ] = None,
) -> schemas.Accepted:
    """Send a text in. It is accepted at once and worked on in the background."""
    asked = sha256_hex(body.model_dump_json())
    repeat = inbox.Repeat(idempotency_key, asked) if idempotency_key else None
    submission = await asyncio.to_thread(read, body, desk.settings)
    who = actor(caller, request)
    accepted = await accept(desk, submission, who, as_of=body.as_of, repeat=repeat)
    response.headers["Location"] = f"/v1/submissions/{accepted.id}"
    return accepted


async def accept(
    desk: Desk,
    submission: Submission,
    who: Actor,
    *,
    as_of: date | None = None,
    repeat: inbox.Repeat | None = None,
) -> schemas.Accepted:
    """Take in what was read, and have it worked on.

    Raises:
        OtherRequest: something else was sent in under the same key.
    """
    submission = replace(submission, id=new_id())

    def store(session: Session) -> tuple[str, SubmissionState, bool]:
        id_, is_new = inbox.accept(
            session, submission, user=who.user or "", as_of=as_of, repeat=repeat
        )
        if is_new:
            desk.trail.record(
                session,
                who,
                "submission.accept",
                f"submission:{id_}",
                sha256=submission.sha256,
                local_only=submission.local_only,
            )
        return id_, SubmissionState(inbox.row_of(session, id_).state), is_new

    id_, state, is_new = await desk.work.transact(store)
    if is_new:
        await desk.work.submit(id_)
    return schemas.Accepted(id=id_, state=state)


def read(body: schemas.Submitted, settings: Settings) -> Submission:
    """Read what is sent in. Blocking: an address is fetched.

    Raises:
        VerinoteError: it cannot be read; the message says why.
    """
    title, published, source = body.title, body.published, body.source_url
    if body.url is not None:
        found = read_submission(body.url, settings)
        found = replace(found, title=title or found.title, published=published or found.published)
    elif body.claims is not None:
        found = read_claims(body.claims, settings, title=title, published=published, source=source)
    else:
        found = read_text(
            body.text or "",
            settings,
            title=title,
            published=published,
            source=source,
            language=re.split("[_-]", body.language)[0].lower() if body.language else None,
        )
    return replace(found, local_only=body.local_only)


@router.get("", responses=responses())
def listed(
    desk: TheDesk,
    caller: Reader,
    state: SubmissionState | SkipJsonSchema[None] = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.Page[schemas.SubmissionListed]:
    """Submissions, the newest first."""
    with desk.transaction() as session:
        before = paging.id_in(cursor)
        rows = inbox.page(session, before=before, limit=limit + 1, state=state)
        counted = progress.counts(session, [row.id for row in rows])
        return paging.page_of(
            rows,
            limit,
            lambda row: schemas.SubmissionListed(**_listed(row, counted[row.id])),
            lambda row: [row.id],
        )


@router.get("/{submission_id}", responses=responses(404))
def one(submission_id: SubmissionId, desk: TheDesk, caller: Reader) -> schemas.SubmissionShown:
    """A submission with its claims."""
    with desk.transaction() as session:
        row = inbox.row_of(session, submission_id)
        counted = progress.counts(session, [row.id])[row.id]
        return schemas.SubmissionShown(
            **_listed(row, counted),
            claims=[shown(found) for found in queries.of_submission(session, row.id)],
            rejected=[
                schemas.RejectedShown(text=text, reason=why) for text, why in row.rejected or ()
            ],
            usage=shown_usage(progress.spent(session, row.id)),
        )


def _listed(row: SubmissionRow, counted: Counter[ClaimState]) -> dict[str, object]:
    return {
        "id": row.id,
        "state": row.state,
        "title": row.title,
        "source": row.source,
        "published": row.published,
        "as_of": row.as_of,
        "local_only": row.local_only,
        "submitted_by": row.submitted_by,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "error": row.error,
        "progress": schemas.Progress(
            claims_total=sum(counted.values()),
            claims_done=counted[ClaimState.DRAFTED],
            claims_failed=counted[ClaimState.FAILED],
        ),
    }


class Export(StrEnum):
    """What a submission's claims and notes are written as."""

    CSV = "csv"
    JSONL = "jsonl"


_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the file",
        "content": {"text/csv": {"schema": {"type": "string"}}, "application/jsonl": {}},
    }
}


@router.get("/{submission_id}/export", response_class=Response, responses=responses(404) | _FILES)
def export(
    submission_id: SubmissionId,
    desk: TheDesk,
    caller: Reader,
    format: Export = Export.CSV,  # noqa: A002  its name in the address
) -> Response:
    """A submission's claims and notes as a file: for spreadsheets, or for programs."""
    return exported(desk, submission_id, format)


def exported(desk: Desk, submission_id: str, form: Export) -> Response:
    """A submission's claims and notes as a file.

    Raises:
        NotFound: there is no such submission.
    """
    with desk.transaction() as session:
        inbox.row_of(session, submission_id)
        found = exporting.of_submission(session, submission_id)
    name = f"submission-{submission_id}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if form is Export.CSV:
        return Response(exporting.to_csv(found), 200, headers, "text/csv; charset=utf-8")
    return Response(exporting.to_jsonl(found), 200, headers, "application/jsonl")


def _present(submission_id: SubmissionId, desk: TheDesk, caller: Reader) -> str:
    """A submission that is there: once a stream has begun, it is too late to say that it isn't."""
    with desk.transaction() as session:
        return inbox.row_of(session, submission_id).id


@router.get(
    "/{submission_id}/events",
    response_class=EventSourceResponse,
    responses=responses(404),
)
async def events(
    submission_id: Annotated[str, Depends(_present)],
    desk: TheDesk,
    last_event_id: Annotated[
        Annotated[int, Field(ge=0, le=2**53)] | SkipJsonSchema[None],
        Header(description="go on after this event"),
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """What happens to a submission, as it happens, until its end."""
    last = last_event_id or 0
    while True:
        found, over = await asyncio.to_thread(_events, desk, submission_id, last)
        for event in found:
            last = event.number
            yield ServerSentEvent(data=event.body, event=event.kind, id=str(event.number))
        if over and not found:
            return
        await asyncio.sleep(0 if found else _LOOKS_EVERY)


def _events(desk: Desk, submission_id: str, last: int) -> tuple[list[inbox.Event], bool]:
    with desk.transaction() as session:
        try:
            over = inbox.row_of(session, submission_id).state in _OVER
        except NotFound:  # it was deleted meanwhile
            return [], True
        return inbox.events(session, submission_id, after=last), over


@router.post("/{submission_id}/cancel", responses=responses(404, 409))
async def cancel(
    submission_id: SubmissionId, desk: TheDesk, caller: Submitter, request: Request
) -> schemas.Accepted:
    """Stop a submission. Notes that are there stay."""
    await stop(desk, submission_id, actor(caller, request))
    return schemas.Accepted(id=submission_id, state=SubmissionState.CANCELLED)


async def stop(desk: Desk, submission_id: str, who: Actor) -> None:
    """Stop a submission that is under way.

    Raises:
        NotFound: there is none.
        NotPossible: it is over.
    """

    def change(session: Session) -> list[str]:
        under_way = progress.cancelled(session, submission_id)
        desk.trail.record(session, who, "submission.cancel", f"submission:{submission_id}")
        return under_way

    await desk.work.stop(await desk.work.transact(change))


@router.post("/{submission_id}/retry", status_code=202, responses=responses(404, 409))
async def retry(
    submission_id: SubmissionId, desk: TheDesk, caller: Submitter, request: Request
) -> schemas.Accepted:
    """Do again what failed or was cancelled. Notes that are there stay."""
    await again(desk, submission_id, actor(caller, request))
    return schemas.Accepted(id=submission_id, state=SubmissionState.QUEUED)


async def again(desk: Desk, submission_id: str, who: Actor) -> None:
    """Have what failed of a submission, or was cancelled, done once more.

    Raises:
        NotFound: there is none.
        NotPossible: nothing of it failed.
    """

    def change(session: Session) -> int:
        attempt = progress.retried(session, submission_id)
        subject = f"submission:{submission_id}"
        desk.trail.record(session, who, "submission.retry", subject, attempt=attempt)
        return attempt

    await desk.work.submit(submission_id, await desk.work.transact(change))


@router.delete("/{submission_id}", status_code=204, responses=responses(403, 404))
async def delete(
    submission_id: SubmissionId, desk: TheDesk, caller: Submitter, request: Request
) -> None:
    """Erase a submission with everything that was made of it. The audit keeps hashes.

    Who sent it in may, and an admin; once a note of it is published, an admin alone.
    """
    await remove(desk, submission_id, caller, actor(caller, request))


async def remove(desk: Desk, submission_id: str, caller: Caller, who: Actor) -> None:
    """Erase a submission with everything that was made of it.

    Raises:
        NotFound: there is none.
        Refused: somebody else sent it in, and the caller is no admin.
    """

    def change(session: Session) -> erasure.Erased:
        row = inbox.row_of(session, submission_id, lock=True)
        if row.submitted_by != caller.user and not caller.may(Role.ADMIN):
            raise Refused(403, "forbidden", f"{row.submitted_by} sent it in: it takes an admin")
        if publishing.is_out(session, submission_id) and not caller.may(Role.ADMIN):
            raise Refused(403, "forbidden", "notes of it are published: it takes an admin")
        erased = erasure.erase(session, submission_id)
        desk.trail.record(
            session,
            who,
            "submission.delete",
            f"submission:{submission_id}",
            sha256=erased.sha256,
            notes=erased.notes,
        )
        return erased

    await erasure.finish(desk.work, await desk.work.transact(change))
