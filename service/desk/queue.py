"""The queue: notes that wait for somebody, and work on many of them at once."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from service.access.register import Caller
from service.api import paging
from service.api.access import origin_of
from service.api.desk import TheDesk
from service.desk.views import page
from service.desk.visitors import SendingReviewer, Visitor
from service.kit.errors import InputError
from service.notes import review
from service.notes.process import OPEN, Act, NoteState
from service.notes.review import Order, Person, Wanted
from service.submissions import inbox
from service.types import ClaimState, SubmissionState, Verdict
from service.work import progress

router = APIRouter(include_in_schema=False)

E = TypeVar("E", bound=StrEnum)
_A_PAGE = 50
_RUNNING = 5
WAITING = "waiting"
_STATES: dict[str, frozenset[NoteState]] = {
    WAITING: OPEN,
    "all": frozenset(),
    **{state.value: frozenset({state}) for state in NoteState},
}
Word = Annotated[str, Query(max_length=200)]


@router.get("/")
def home(caller: Visitor) -> Response:
    """The queue is where one begins."""
    return RedirectResponse("/queue", 303)


@router.get("/queue")
def shown(
    request: Request,
    desk: TheDesk,
    caller: Visitor,
    state: Word = WAITING,
    verdict: Word = "",
    whose: Word = "",
    warned: Word = "",
    changed: Word = "",
    overdue: Word = "",
    q: Word = "",
    order: Word = Order.OLDEST.value,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Notes as a list, narrowed down by what stands in the address."""
    asked = {
        "state": state,
        "verdict": verdict,
        "whose": whose,
        "warned": warned,
        "changed": changed,
        "overdue": overdue,
        "q": q,
        "order": order,
    }
    by = one_of(Order, order, "order")
    wanted = _wanted(asked, caller)
    after = paging.place_after(cursor, by)
    with desk.transaction() as session:
        found = review.queue(session, wanted, order=by, after=after, limit=_A_PAGE + 1)
        counted = review.counts(session, Wanted())
        is_empty = not inbox.page(session, before=None, limit=1)
        under_way = _running(session)
    listed = paging.page_of(found, _A_PAGE, lambda one: one, lambda one: paging.held(one.place))
    kept = {name: value for name, value in asked.items() if value}
    return page(
        request,
        "queue.html",
        caller,
        items=listed.items,
        following=f"/queue?{urlencode({**kept, 'cursor': listed.next})}" if listed.next else None,
        asked=asked,
        address=f"/queue?{urlencode(kept)}",
        tabs={name: f"/queue?{urlencode({**kept, 'state': name})}" for name in _STATES},
        by_state=_by_state(counted),
        orders=list(Order),
        running=under_way,
        is_empty=is_empty,
        engine=desk.pipeline.engine,
        endpoint=desk.endpoint,
    )


@router.get("/queue/running")
def running(request: Request, desk: TheDesk, caller: Visitor) -> Response:
    """The submissions that are worked on, as a part of the queue's page."""
    with desk.transaction() as session:
        under_way = _running(session)
    return page(request, "_running.html", caller, running=under_way)


@router.post("/queue/many")
def many(
    request: Request,
    desk: TheDesk,
    caller: SendingReviewer,
    act: Annotated[str, Form()],
    note: Annotated[list[str] | None, Form(max_length=200)] = None,
    comment: Annotated[str, Form(max_length=10_000)] = "",
    back: Annotated[str, Form(max_length=2_000)] = "/queue",
) -> Response:
    """Assign many notes, or ask for changes of many. Nothing approves of more than one."""
    seen = [_seen(one) for one in note or ()]
    if not seen:
        raise InputError("note: choose at least one")
    person = Person(caller, desk.trail, origin_of(request))
    if act == "assign":
        found = review.assign_many(desk.transaction, seen, person)
    elif act == Act.REQUEST_CHANGES:
        found = review.request_changes_of_many(
            desk.transaction, seen, person, comment=comment or None
        )
    else:
        raise InputError(f"act: {act!r} cannot be done to many notes at once")
    refused = [(one.note_id, str(one.error)) for one in found if one.error is not None]
    if not refused:
        return RedirectResponse(back if back.startswith("/queue") else "/queue", 303)
    done = len(found) - len(refused)
    return page(request, "many.html", caller, 409, refused=refused, done=done, back=back)


def one_of(kind: type[E], value: str, name: str) -> E:
    """A value of ours that stands in an address or a form.

    Raises:
        InputError: it is none.
    """
    try:
        return kind(value)
    except ValueError as error:
        raise InputError(f"{name}: {value!r} is none of {', '.join(kind)}") from error


def _wanted(asked: dict[str, str], caller: Caller) -> Wanted:
    if asked["state"] not in _STATES:
        raise InputError(f"state: {asked['state']!r} is none of {', '.join(_STATES)}")
    whose = {"me": caller.user, "nobody": review.NOBODY, "": None}.get(asked["whose"])
    return Wanted(
        states=_STATES[asked["state"]],
        verdict=one_of(Verdict, asked["verdict"], "verdict") if asked["verdict"] else None,
        assigned_to=asked["whose"] if whose is None and asked["whose"] else whose,
        warned=True if asked["warned"] else None,
        changed=True if asked["changed"] else None,
        overdue=True if asked["overdue"] else None,
        text=asked["q"] or None,
    )


def _seen(told: str) -> review.Seen:
    note_id, _, revision = told.partition(":")
    if not revision.isdecimal() or len(revision) > 6:
        raise InputError(f"note: {told[:80]!r} is no note with its revision")
    return review.Seen(note_id, int(revision))


def _by_state(
    counted: Counter[tuple[NoteState, Verdict | None]],
) -> dict[str, tuple[int, dict[Verdict, int]]]:
    """How many notes wait, and how many are in each state, with their verdicts."""
    found = {}
    for name, states in _STATES.items():
        here = {key: count for key, count in counted.items() if not states or key[0] in states}
        verdicts = {
            verdict: sum(count for key, count in here.items() if key[1] is verdict)
            for verdict in Verdict
        }
        found[name] = sum(here.values()), verdicts
    return found


def _running(session: Session) -> list[dict[str, object]]:
    rows = [
        row
        for state in (SubmissionState.RUNNING, SubmissionState.QUEUED)
        for row in inbox.page(session, before=None, limit=_RUNNING, state=state)
    ]
    counted = progress.counts(session, [row.id for row in rows])
    return [
        {
            "id": row.id,
            "title": row.title,
            "state": row.state,
            "created_at": row.created_at,
            "done": sum(counted[row.id].values()) - counted[row.id][ClaimState.QUEUED],
            "total": sum(counted[row.id].values()),
        }
        for row in rows
    ]
