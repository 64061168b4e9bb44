"""A note: read, edited, decided on, and talked about."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, cast, get_args

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from service.access.register import Caller, Role, who_may
from service.api.access import origin_of
from service.api.desk import Desk, TheDesk
from service.desk import reading
from service.desk.queue import one_of
from service.desk.views import page
from service.desk.visitors import SendingReviewer, TheForm, VisitingReviewer, Visitor
from service.facts.quoting import locate
from service.kit.errors import InputError
from service.kit.text import normalise
from service.notes import review
from service.notes.process import OPEN, Act, Decision
from service.notes.review import GateRefused, Order, Outdated, Person, Reviewed, Wanted
from service.statements import repository
from service.submissions import inbox
from service.types import Verdict

router = APIRouter(prefix="/notes", include_in_schema=False, form_limits={"max_fields": 2_000})
"""A form of as many findings and citations as a note may have holds some 1,400 fields."""
NoteId = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
Revision = Annotated[int, Form(ge=1, le=1_000_000)]


def _as_stored(written: object) -> object:
    """Browsers send two characters for the end of a line, and count one."""
    return normalise(written) if isinstance(written, str) else written


Words = Annotated[str, Form(max_length=10_000), BeforeValidator(_as_stored)]
"""What a person writes."""
_COMMENTS = 200
_DECISIONS = get_args(Decision)


def _person(desk: TheDesk, caller: SendingReviewer, request: Request) -> Person:
    return Person(caller, desk.trail, origin_of(request))


ThePerson = Annotated[Person, Depends(_person)]


@router.get("/{note_id}")
def shown(note_id: NoteId, request: Request, desk: TheDesk, caller: Visitor) -> Response:
    """A note with all that it rests on."""
    return _shown(note_id, request, desk, caller)


def _shown(
    note_id: str,
    request: Request,
    desk: Desk,
    caller: Caller,
    status: int = 200,
    refused: str | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    """The note's page; with ``refused``, why what was sent was not done, and what was ``given``."""
    with desk.transaction() as session:
        found = review.find(session, note_id)
        return page(
            request,
            "note.html",
            caller,
            status,
            found=found,
            note=found.note,
            submission=inbox.row_of(session, found.submission_id),
            findings=reading.findings_of(found.note),
            exhibits=reading.exhibits(found.note, partial(repository.text, session)),
            steps=reading.steps(found.note),
            command=reading.command(found.note),
            allowed=review.allowed(found.state, caller),
            acts=Act,
            comments=review.comments(session, note_id, limit=_COMMENTS),
            history=review.history(session, note_id),
            reviewers=who_may(session, Role.REVIEWER),
            following=_following(session, found),
            refused=refused,
            given=defaultdict(str, given or {}),
            now=datetime.now(UTC).replace(tzinfo=None),
        )


def _following(session: Session, found: Reviewed) -> dict[str, str | None]:
    """The notes that wait before and after one, oldest first."""
    wanted = Wanted(states=OPEN)
    after = review.queue(
        session, wanted, order=Order.OLDEST, after=(found.created_at, found.id), limit=1
    )
    before = review.queue(
        session, wanted, order=Order.NEWEST, after=(found.created_at, found.id), limit=1
    )
    return {
        "next": after[0].id if after else None,
        "previous": before[0].id if before else None,
    }


@router.post("/{note_id}/decisions")
def decide(
    note_id: NoteId,
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    revision: Revision,
    decision: Annotated[str, Form()],
    verdict: Annotated[str, Form()] = "",
    reason: Words = "",
    comment: Words = "",
) -> Response:
    """Decide about the revision that was shown."""
    act = one_of(Act, decision, "decision")
    if act not in _DECISIONS:
        raise InputError(f"decision: {act} is none")

    def change(session: Session) -> None:
        review.decide(
            session,
            note_id,
            revision,
            cast("Decision", act),
            person,
            verdict=one_of(Verdict, verdict, "verdict") if verdict else None,
            reason=reason or None,
            comment=comment or None,
            four_eyes=desk.settings.four_eyes,
        )

    given = {"decision": decision, "verdict": verdict, "reason": reason, "comment": comment}
    return _changed(note_id, request, desk, person, change, at="decided", given=given)


def _changed(
    note_id: str,
    request: Request,
    desk: Desk,
    person: Person,
    change: Callable[[Session], object],
    *,
    at: str = "main",
    given: Mapping[str, str] | None = None,
) -> Response:
    """Change a note, and show it; where that is refused, with why, and with what was typed."""
    try:
        with desk.transaction() as session:
            change(session)
    except InputError as error:
        return _shown(note_id, request, desk, person.caller, 409, str(error), given)
    return RedirectResponse(f"/notes/{note_id}#{at}", 303)


@router.get("/{note_id}/edit")
def edit_page(
    note_id: NoteId, request: Request, desk: TheDesk, caller: VisitingReviewer, act: str = Act.EDIT
) -> Response:
    """The form in which findings are written and cited: of an edit, or of a correction."""
    with desk.transaction() as session:
        found = review.find(session, note_id)
    written = [
        {
            "text": one.text,
            "cites": [
                {
                    "statement": f"{cited.statement.statement_id}@{cited.statement.version}",
                    "quote": cited.quote,
                    "start": str(cited.start),
                }
                for cited in one.citations
            ],
        }
        for one in found.note.findings
    ]
    correct = act == Act.CORRECT
    return _editing(request, desk, caller, found, found.revision, written, correct=correct)


def _editing(
    request: Request,
    desk: Desk,
    caller: Caller,
    found: Reviewed,
    seen: int,
    written: list[dict[str, Any]],
    *,
    correct: bool,
    status: int = 200,
    refused: list[str] | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    """The form, and what others made of the note since the revision that was ``seen``."""
    with desk.transaction() as session:
        shown = reading.exhibits(found.note, partial(repository.text, session))
        since = [one for one in review.history(session, found.id) if one.number > seen]
    sources = {
        f"{one.statement.statement_id}@{one.statement.version}": one.statement for one in shown
    }
    return page(
        request,
        "edit.html",
        caller,
        status,
        found=found,
        note=found.note,
        exhibits=shown,
        sources=sources,
        seen=seen,
        since=since,
        written=written,
        correct=correct,
        refused=refused or [],
        given=defaultdict(str, given or {}),
    )


@router.post("/{note_id}/edit")
def edit(
    note_id: NoteId,
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    form: TheForm,
    revision: Revision,
    instead_of: Annotated[int | None, Form(ge=1, le=1_000_000)] = None,
    decision: Annotated[str, Form()] = Act.EDIT,
    verdict: Annotated[str, Form()] = "",
    reason: Words = "",
) -> Response:
    """Give a note other findings, each with quotes that have to stand in what they cite.

    They take the place of the revision that the form was opened with, or of a later one that was
    shown meanwhile and is named.
    """
    written = _written({name: normalise(str(value)) for name, value in form.multi_items()})
    correct = decision == Act.CORRECT
    replaced = instead_of or revision

    def change(session: Session) -> None:
        findings = [_edited(session, one) for one in written]
        if correct:
            review.decide(
                session,
                note_id,
                replaced,
                Act.CORRECT,
                person,
                verdict=one_of(Verdict, verdict, "verdict") if verdict else None,
                findings=findings,
                reason=reason or None,
                four_eyes=desk.settings.four_eyes,
            )
        else:
            review.edit(session, note_id, replaced, findings, person)

    try:
        with desk.transaction() as session:
            change(session)
    except InputError as error:
        refused = (
            [f"“{text}”: {why}" for text, why in error.reasons]
            if isinstance(error, GateRefused)
            else [str(error)]
        )
        with desk.transaction() as session:
            found = review.find(session, note_id)
        status = 409 if isinstance(error, Outdated) else 422
        given = {"verdict": verdict, "reason": reason}
        return _editing(
            request, desk, person.caller, found, revision, written,
            correct=correct, status=status, refused=refused, given=given,
        )  # fmt: skip
    return RedirectResponse(f"/notes/{note_id}", 303)


_FIELD = re.compile(r"(?:text|quote)-(0|[1-9]\d{0,3})(?:-(0|[1-9]\d{0,3}))?")


def _written(form: Mapping[str, str]) -> list[dict[str, Any]]:
    """The findings of a form: ``text-0``, and for each citation of it ``quote-0-0`` and so on."""
    named = filter(None, map(_FIELD.fullmatch, form))
    found: dict[int, dict[str, Any]] = {}
    for i, j in sorted({(int(one[1]), int(one[2] or 0)) for one in named}):
        finding = found.setdefault(i, {"text": form.get(f"text-{i}", "").strip(), "cites": []})
        if (quote := form.get(f"quote-{i}-{j}", "")).strip():
            place = {name: form.get(f"{name}-{i}-{j}", "") for name in ("statement", "start")}
            finding["cites"].append({"quote": quote, **place})
    return [one for one in found.values() if one["text"] or one["cites"]]


def _edited(session: Session, written: Mapping[str, Any]) -> review.Edited:
    return review.Edited(written["text"], tuple(_quoted(session, one) for one in written["cites"]))


def _quoted(session: Session, cite: Mapping[str, str]) -> review.Quoted:
    """Where a quote stands that somebody has typed or selected.

    Raises:
        InputError: it stands nowhere in the statement, as it is given.
    """
    statement_id, _, version = cite["statement"].rpartition("@")
    if not version.isdecimal() or len(version) > 6:
        raise InputError(f"statement: {cite['statement'][:80]!r} is no statement with its version")
    text = repository.text(session, statement_id, int(version))
    quote = cite["quote"]
    near = int(cite["start"]) if cite["start"].isdecimal() and len(cite["start"]) < 10 else 0
    place = locate(quote, text, near, None) or locate(quote, text)
    if place is None:
        raise InputError(f"“{quote}”: does not stand in {statement_id}, word for word")
    return review.Quoted(statement_id, int(version), *place)


@router.post("/{note_id}/assignment")
def assign(
    note_id: NoteId,
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    revision: Revision,
    to: Annotated[str, Form(max_length=64)] = "",
    due: Annotated[str, Form(max_length=40)] = "",
    instead_of: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Say who is to decide on a note, and until when; nobody where no name is given."""

    def change(session: Session) -> None:
        if not to:
            review.unassign(session, note_id, revision, person)
            return
        due_at, held = _moment(due), instead_of or None
        review.assign(session, note_id, revision, person, to=to, due_at=due_at, instead_of=held)

    return _changed(note_id, request, desk, person, change)


def _moment(told: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(told) if told else None
        if found is None or found.tzinfo is None:
            return found
        return found.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise InputError(f"due: {told!r} is no day and time") from error


@router.post("/{note_id}/comments")
def comment(
    note_id: NoteId, request: Request, desk: TheDesk, person: ThePerson, text: Words
) -> Response:
    """Say something about a note."""

    def change(session: Session) -> None:
        review.comment(session, note_id, text, person)

    return _changed(note_id, request, desk, person, change, at="comments", given={"text": text})


@router.post("/{note_id}/opinions")
def opine(
    note_id: NoteId,
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    revision: Revision,
    question: Words = "",
    agrees: Annotated[str, Form()] = "",
    verdict: Annotated[str, Form()] = "",
    words: Words = "",
) -> Response:
    """Ask for a second opinion, or give the one that somebody else asked for."""

    def change(session: Session) -> None:
        if not agrees:
            review.ask(session, note_id, revision, question, person)
            return
        review.answer(
            session,
            note_id,
            revision,
            person,
            agrees=agrees == "yes",
            verdict=one_of(Verdict, verdict, "verdict"),
            words=words,
        )

    given = {"question": question, "agrees": agrees, "opinion": verdict, "words": words}
    return _changed(note_id, request, desk, person, change, at="opinions", given=given)


@router.post("/{note_id}/recheck")
def recheck(
    note_id: NoteId,
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    revision: Revision,
    changed: Annotated[list[str] | None, Form(max_length=200)] = None,
    comment: Words = "",
) -> Response:
    """Say that the note was looked at again and stands, with the changes that were shown."""

    def change(session: Session) -> None:
        shown = review.find(session, note_id).changed
        seen = [one for one in shown if _told(one) in (changed or ())]
        review.stands(session, note_id, revision, seen, person, comment=comment or None)

    return _changed(note_id, request, desk, person, change)


def _told(one: review.Changed) -> str:
    """A change as the form that was shown names it."""
    return f"{one.statement_id}@{one.current}:{one.withdrawn}"
