"""Routes of notes: read, edit, decide, and what people tell each other about them."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from service.api import paging, schemas
from service.api.access import Reader, ReviewingPerson, origin_of
from service.api.claims import Words
from service.api.desk import TheDesk, here
from service.api.problems import OF_A_BODY, Refused, problem_of, responses
from service.kit.errors import NotFound
from service.notes import publishing, review
from service.notes.differences import Difference
from service.notes.jsonl import finding_to_json, to_json
from service.notes.publishing import Publisher
from service.notes.review import NoteState, Order, Outdated, Person, Reviewed, Wanted
from service.types import Verdict

router = APIRouter(prefix="/notes", tags=["notes"])


class LinkedData(JSONResponse):
    """JSON-LD."""

    media_type = "application/ld+json"


NoteId = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')


def _person(desk: TheDesk, caller: ReviewingPerson, request: Request) -> Person:
    """Who does something to a note, and where it is recorded."""
    return Person(caller, desk.trail, origin_of(request))


ThePerson = Annotated[Person, Depends(_person)]


@router.get("", responses=responses())
def listed(
    desk: TheDesk,
    caller: Reader,
    state: NoteState | SkipJsonSchema[None] = None,
    verdict: Verdict | SkipJsonSchema[None] = None,
    submission_id: Annotated[str, Query(pattern="^[0-9a-f]{24}$")] | SkipJsonSchema[None] = None,
    text: Annotated[
        Words | SkipJsonSchema[None], Query(description="words that the claim holds")
    ] = None,
    assigned: Annotated[
        Literal["me", "nobody"] | SkipJsonSchema[None], Query(description="to whom")
    ] = None,
    assigned_to: Annotated[
        schemas.Name | SkipJsonSchema[None], Query(description="to whom, by name")
    ] = None,
    warned: Annotated[
        bool | SkipJsonSchema[None], Query(description="whether they have warnings")
    ] = None,
    changed: Annotated[
        bool | SkipJsonSchema[None],
        Query(description="whether something that they cite has changed since somebody looked"),
    ] = None,
    overdue: Annotated[
        bool | SkipJsonSchema[None], Query(description="whether they wait and their time is up")
    ] = None,
    order: Order = Order.NEWEST,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.Page[schemas.NoteShown]:
    """Notes, in the order asked for."""
    whose = {"me": caller.user, "nobody": review.NOBODY, None: assigned_to}[assigned]
    wanted = Wanted(
        states=frozenset({state}) if state is not None else frozenset(),
        verdict=verdict,
        assigned_to=whose,
        warned=warned,
        changed=changed,
        overdue=overdue,
        text=text,
        submission_id=submission_id,
    )
    after = paging.place_after(cursor, order)
    with desk.transaction() as session:
        found = review.page(session, wanted, order=order, after=after, limit=limit + 1)
    return paging.page_of(
        found, limit, _shown, lambda one: paging.held(review.place_of(one, order))
    )


@router.post("/bulk", responses=responses(*OF_A_BODY, 403))
def many(
    body: Annotated[schemas.ManyAssigned | schemas.ManyToBeChanged, Field(discriminator="act")],
    desk: TheDesk,
    person: ThePerson,
) -> list[schemas.OutcomeShown]:
    """Assign many notes, or ask for changes of many: each is done, or not, by itself."""
    notes = [review.Seen(one.id, one.revision) for one in body.notes]
    if isinstance(body, schemas.ManyAssigned):
        found = review.assign_many(
            desk.transaction,
            notes,
            person,
            to=body.to,
            due_at=body.due_at,
            instead_of=body.instead_of,
        )
    else:
        found = review.request_changes_of_many(
            desk.transaction, notes, person, comment=body.comment
        )
    return [
        schemas.OutcomeShown(
            id=one.note_id,
            done=one.error is None,
            problem=problem_of(one.error) if one.error is not None else None,
        )
        for one in found
    ]


@router.get("/{note_id}", responses=responses(404))
def one(note_id: NoteId, desk: TheDesk, caller: Reader, response: Response) -> schemas.NoteShown:
    """A note: its newest revision, and what was decided. ``ETag`` is the revision."""
    with desk.transaction() as session:
        found = review.find(session, note_id)
    return _answered(found, response)


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
            difference=_shown_difference(one.difference) if one.difference else None,
        )
        for one in revisions
    ]


def _shown_difference(found: Difference) -> schemas.DifferenceShown:
    return schemas.DifferenceShown(
        added=[schemas.FindingShown(**finding_to_json(one)) for one in found.added],
        removed=[schemas.FindingShown(**finding_to_json(one)) for one in found.removed],
        changed=[
            schemas.FindingChanged(
                before=schemas.FindingShown(**finding_to_json(one.before)),
                after=schemas.FindingShown(**finding_to_json(one.after)),
                words=[schemas.StretchShown(**asdict(words)) for words in one.words],
            )
            for one in found.changed
        ],
    )


@router.get(
    "/{note_id}/claimreview",
    response_class=LinkedData,
    responses=responses(404),
)
def claim_review(note_id: NoteId, desk: TheDesk, caller: Reader, request: Request) -> Response:
    """A published note as schema.org's ClaimReview. One that was retracted has none."""
    with desk.transaction() as session:
        note = publishing.find_published(session, note_id)
    if note.is_retracted:
        raise NotFound(f"note {note_id}: was retracted: there is no ClaimReview of it")
    at = here(desk.settings, request)
    publisher = Publisher.of(desk.settings, at)
    address = f"{at}/published/{note.id}"
    return LinkedData(publishing.claim_review(note, publisher, address))


@router.patch("/{note_id}", responses=responses(*OF_A_BODY, 403, 404, 409, 412, 428))
def edit(
    note_id: NoteId,
    body: schemas.NoteEdited,
    desk: TheDesk,
    person: ThePerson,
    response: Response,
    if_match: Annotated[
        str | SkipJsonSchema[None], Header(max_length=40, description="the `ETag` that was seen")
    ] = None,
) -> schemas.NoteShown:
    """Give a note other findings: a new revision. They pass the citation gate first."""
    if if_match is None:
        raise Refused(428, "precondition-required", "If-Match: send the ETag of what you edit")
    seen = _ETAG.fullmatch(if_match)
    try:
        with desk.transaction() as session:
            revision = int(seen[1]) if seen else -1
            found = review.edit(session, note_id, revision, _written(body.findings), person)
    except Outdated as error:
        raise Refused(412, "outdated", f"If-Match: {error}") from error
    return _answered(found, response)


@router.post(
    "/{note_id}/decisions", status_code=201, responses=responses(*OF_A_BODY, 403, 404, 409)
)
def decide(
    note_id: NoteId,
    body: schemas.Decides,
    desk: TheDesk,
    person: ThePerson,
    response: Response,
) -> schemas.NoteShown:
    """Decide about the revision that you have seen; a draft is taken into review first."""
    with desk.transaction() as session:
        found = review.decide(
            session,
            note_id,
            body.revision,
            body.decision,
            person,
            verdict=body.verdict,
            findings=None if body.findings is None else _written(body.findings),
            reason=body.reason,
            comment=body.comment,
            four_eyes=desk.settings.four_eyes,
        )
    return _answered(found, response)


@router.put("/{note_id}/assignment", responses=responses(*OF_A_BODY, 403, 404, 409))
def assign(
    note_id: NoteId,
    body: schemas.Assigns,
    desk: TheDesk,
    person: ThePerson,
    response: Response,
) -> schemas.NoteShown:
    """Say who is to decide on a note, or take it. One that somebody has is not taken unawares."""
    with desk.transaction() as session:
        found = review.assign(
            session,
            note_id,
            body.revision,
            person,
            to=body.to,
            due_at=body.due_at,
            instead_of=body.instead_of,
        )
    return _answered(found, response)


@router.delete("/{note_id}/assignment", responses=responses(403, 404, 409))
def unassign(
    note_id: NoteId,
    revision: Annotated[int, Query(ge=1, le=1_000_000, description="the one that was seen")],
    desk: TheDesk,
    person: ThePerson,
    response: Response,
) -> schemas.NoteShown:
    """Let a note be nobody's, without a time."""
    with desk.transaction() as session:
        found = review.unassign(session, note_id, revision, person)
    return _answered(found, response)


@router.get("/{note_id}/comments", responses=responses(404))
def comments(
    note_id: NoteId,
    desk: TheDesk,
    caller: Reader,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> schemas.Page[schemas.CommentShown]:
    """What was said about a note, the oldest first."""
    with desk.transaction() as session:
        after = paging.id_in(cursor)
        found = review.comments(session, note_id, after=after, limit=limit + 1)
    return paging.page_of(
        found, limit, lambda one: schemas.CommentShown(**asdict(one)), lambda one: [one.id]
    )


@router.post("/{note_id}/comments", status_code=201, responses=responses(*OF_A_BODY, 403, 404, 409))
def comment(
    note_id: NoteId, body: schemas.CommentWritten, desk: TheDesk, person: ThePerson
) -> schemas.CommentShown:
    """Say something about a note."""
    with desk.transaction() as session:
        return schemas.CommentShown(**asdict(review.comment(session, note_id, body.text, person)))


@router.post("/{note_id}/opinions", status_code=201, responses=responses(*OF_A_BODY, 403, 404, 409))
def opine(
    note_id: NoteId,
    body: schemas.OpinionAsked | schemas.OpinionGiven,
    desk: TheDesk,
    person: ThePerson,
    response: Response,
) -> schemas.NoteShown:
    """Ask for a second opinion, or give the one that somebody else asked for."""
    with desk.transaction() as session:
        if isinstance(body, schemas.OpinionAsked):
            found = review.ask(session, note_id, body.revision, body.question, person)
        else:
            found = review.answer(
                session,
                note_id,
                body.revision,
                person,
                agrees=body.agrees,
                verdict=body.verdict,
                words=body.words,
            )
    return _answered(found, response)


@router.post("/{note_id}/recheck", status_code=201, responses=responses(*OF_A_BODY, 403, 404, 409))
def recheck(
    note_id: NoteId,
    body: schemas.LookedAgain,
    desk: TheDesk,
    person: ThePerson,
    response: Response,
) -> schemas.NoteShown:
    """Say that you have looked at a note again and that it stands, whatever has changed."""
    seen = [review.Changed(**one.model_dump()) for one in body.changed]
    with desk.transaction() as session:
        found = review.stands(session, note_id, body.revision, seen, person, comment=body.comment)
    return _answered(found, response)


def _written(findings: list[schemas.FindingWritten]) -> list[review.Edited]:
    return [
        review.Edited(
            found.text, tuple(review.Quoted(**one.model_dump()) for one in found.citations)
        )
        for found in findings
    ]


def _answered(found: Reviewed, response: Response) -> schemas.NoteShown:
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
        assigned_to=found.assigned_to,
        due_at=found.due_at,
        created_at=found.created_at,
        published_at=found.published_at,
        decisions=[schemas.DecisionShown(**asdict(one)) for one in found.decisions],
        opinions=[schemas.OpinionShown(**asdict(one)) for one in found.opinions],
        changed=[schemas.ChangedShown(**asdict(one)) for one in found.changed],
    )
