"""Routes of notes: read, edit, decide."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from service.api import paging, schemas
from service.api.access import Reader, ReviewingPerson, actor
from service.api.desk import TheDesk
from service.api.problems import Refused, responses
from service.notes import review
from service.notes.jsonl import to_json
from service.notes.review import NoteState, Outdated, Reviewed
from service.types import Verdict

router = APIRouter(prefix="/notes", tags=["notes"])

NoteId = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')


@router.get("", responses=responses())
def listed(
    desk: TheDesk,
    caller: Reader,
    state: NoteState | SkipJsonSchema[None] = None,
    verdict: Verdict | SkipJsonSchema[None] = None,
    submission_id: Annotated[str, Query(pattern="^[0-9a-f]{24}$")] | SkipJsonSchema[None] = None,
    changed: Annotated[
        bool | SkipJsonSchema[None],
        Query(description="whether something that they cite has changed since"),
    ] = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.Page[schemas.NoteShown]:
    """Notes, the newest first."""
    with desk.transaction() as session:
        found = review.page(
            session,
            before=paging.moment_and_id_in(cursor),
            limit=limit + 1,
            state=state,
            verdict=verdict,
            submission_id=submission_id,
            changed=changed,
        )
    return paging.page_of(found, limit, _shown, lambda one: [one.created_at.isoformat(), one.id])


@router.get("/{note_id}", responses=responses(404))
def one(note_id: NoteId, desk: TheDesk, caller: Reader, response: Response) -> schemas.NoteShown:
    """A note: its newest revision, and what was decided. ``ETag`` is the revision."""
    with desk.transaction() as session:
        found = review.find(session, note_id)
    response.headers["ETag"] = _etag(found)
    return _shown(found)


@router.get("/{note_id}/history", responses=responses(404))
def history(note_id: NoteId, desk: TheDesk, caller: Reader) -> list[schemas.RevisionShown]:
    """Every revision of a note, the oldest first."""
    with desk.transaction() as session:
        revisions = review.history(session, note_id)
    return [
        schemas.RevisionShown(
            revision=one.number,
            author=one.author,
            at=one.at,
            note=schemas.NoteDrafted(**to_json(one.note)),
        )
        for one in revisions
    ]


@router.patch("/{note_id}", responses=responses(404, 409, 412, 428))
def edit(
    note_id: NoteId,
    body: schemas.NoteEdited,
    desk: TheDesk,
    caller: ReviewingPerson,
    request: Request,
    response: Response,
    if_match: Annotated[
        str | SkipJsonSchema[None], Header(max_length=40, description="the `ETag` that was seen")
    ] = None,
) -> schemas.NoteShown:
    """Give a note other findings: a new revision. They pass the citation gate first."""
    if if_match is None:
        raise Refused(428, "precondition-required", "If-Match: send the ETag of what you edit")
    seen = _ETAG.fullmatch(if_match)
    findings = [
        review.Edited(
            found.text, tuple(review.Quoted(**one.model_dump()) for one in found.citations)
        )
        for found in body.findings
    ]
    try:
        with desk.transaction() as session:
            revision = int(seen[1]) if seen else -1
            found = review.edit(session, note_id, revision, findings, caller.user)
            desk.trail.record(
                session,
                actor(caller, request),
                "note.edit",
                f"note:{note_id}",
                revision=found.revision,
            )
    except Outdated as error:
        raise Refused(412, "outdated", f"If-Match: {error}") from error
    response.headers["ETag"] = _etag(found)
    return _shown(found)


@router.post("/{note_id}/decisions", status_code=201, responses=responses(404, 409))
def decide(
    note_id: NoteId,
    body: schemas.Decides,
    desk: TheDesk,
    caller: ReviewingPerson,
    request: Request,
    response: Response,
) -> schemas.NoteShown:
    """Decide about the revision that you have seen."""
    with desk.transaction() as session:
        found = review.decide(
            session,
            note_id,
            body.revision,
            body.decision,
            user=caller.user,
            key_id=caller.key_id,
            verdict=body.verdict,
            reason=body.reason,
            comment=body.comment,
        )
        desk.trail.record(
            session,
            actor(caller, request),
            f"note.{body.decision}",
            f"note:{note_id}",
            revision=body.revision,
            verdict=found.decided_verdict or found.note.verdict,
        )
    response.headers["ETag"] = _etag(found)
    return _shown(found)


def _etag(found: Reviewed) -> str:
    return f'"{found.revision}"'


def _shown(found: Reviewed) -> schemas.NoteShown:
    return schemas.NoteShown(
        **to_json(found.note) | {"state": found.state},
        id=found.id,
        submission_id=found.submission_id,
        revision=found.revision,
        decided_verdict=found.decided_verdict,
        created_at=found.created_at,
        decisions=[schemas.DecisionShown(**asdict(one)) for one in found.decisions],
        changed=[schemas.ChangedShown(**asdict(one)) for one in found.changed],
    )
