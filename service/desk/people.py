"""For admins: people and their keys, and the audit trail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from service.access.register import Register, Role
from service.api import paging
from service.api.desk import Desk, TheDesk
from service.audit.trail import Actor, entries
from service.desk.queue import one_of
from service.desk.views import page
from service.desk.visitors import Acting, SendingAdmin, VisitingAdmin
from service.kit.errors import InputError, NotFound

router = APIRouter(include_in_schema=False)
Name = Annotated[str, Form(max_length=64)]
_ENTRIES = 100


@router.get("/people")
def people(request: Request, desk: TheDesk, caller: VisitingAdmin) -> Response:
    """Everybody, with their keys."""
    return _people(request, desk, caller)


def _people(
    request: Request,
    desk: Desk,
    caller: VisitingAdmin,
    status: int = 200,
    refused: str | None = None,
    made: tuple[str, str] | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    return page(
        request,
        "people.html",
        caller,
        status,
        users=desk.register.users(),
        keys=desk.register.keys(),
        refused=refused,
        made=made,
        given=defaultdict(str, given or {}),
    )


def _register(desk: Desk, who: Actor) -> Register:
    """The register, in whose changes somebody is named."""
    return Register(desk.pipeline.corpus.database, desk.trail, who)


@router.post("/people")
def add(
    request: Request,
    desk: TheDesk,
    caller: SendingAdmin,
    who: Acting,
    name: Name,
    role: Annotated[str, Form()],
) -> Response:
    """Add somebody, and make their first key, which is shown once."""
    try:
        register = _register(desk, who)
        register.add(name.strip(), one_of(Role, role, "role"))
        _, key = register.issue(name.strip(), "the first")
    except InputError as error:
        given = {"name": name, "role": role}
        return _people(request, desk, caller, 422, str(error), given=given)
    return _people(request, desk, caller, made=(name, key))


@router.post("/people/{name}/{act}")
def change(
    name: Annotated[str, Path(max_length=64)],
    act: Annotated[str, Path(max_length=10)],
    request: Request,
    desk: TheDesk,
    caller: SendingAdmin,
    who: Acting,
    role: Annotated[str, Form()] = "",
    label: Annotated[str, Form(max_length=200)] = "",
    days: Annotated[int, Form(ge=0, le=36_500)] = 0,
    for_service: Annotated[bool, Form()] = False,
) -> Response:
    """Give somebody another role or a key, or let them go."""
    register = _register(desk, who)
    try:
        if act == "role":
            register.change_role(name, one_of(Role, role, "role"))
        elif act == "key":
            lasts = timedelta(days=days) if days else None
            _, key = register.issue(name, label, for_service=for_service, lasts=lasts)
            return _people(request, desk, caller, made=(name, key))
        elif act == "remove":
            register.remove(name)
        else:
            raise NotFound(f"{act}: nobody can do this to people")
    except InputError as error:
        return _people(request, desk, caller, 422, str(error))
    return RedirectResponse("/people", 303)


@router.post("/keys/{key_id}/revoke")
def revoke(
    key_id: Annotated[str, Path(pattern="^[0-9a-f]{12}$")],
    desk: TheDesk,
    caller: SendingAdmin,
    who: Acting,
) -> Response:
    """End a key at once."""
    _register(desk, who).revoke(key_id)
    return RedirectResponse("/people", 303)


@router.get("/audit")
def audit(
    request: Request,
    desk: TheDesk,
    caller: VisitingAdmin,
    subject: Annotated[str, Query(max_length=120)] = "",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """What was done, by whom, the oldest first."""
    with desk.transaction() as session:
        found = entries(
            session,
            after=paging.number_in(cursor),
            limit=_ENTRIES + 1,
            subject=subject or None,
        )
    shown = paging.page_of(found, _ENTRIES, lambda one: one, lambda one: [one.number])
    kept = {"subject": subject} if subject else {}
    return page(
        request,
        "audit.html",
        caller,
        entries=shown.items,
        subject=subject,
        following=f"/audit?{urlencode({**kept, 'cursor': shown.next})}" if shown.next else None,
    )
