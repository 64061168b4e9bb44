"""Who is at the desk: signing in with a key, the session that follows, signing out.

A browser keeps a random value, of which a digest is stored. Every form carries a token of its
sender's key, which no other site can know: what it sends in somebody's name is refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from service.access.register import Caller, NotAllowed, Role
from service.api.access import actor, check, origin_of
from service.api.desk import TheDesk, here
from service.api.problems import Refused
from service.audit.trail import Actor
from service.desk.views import page
from service.kit.errors import InputError
from service.kit.text import is_storable
from service.settings import Settings

router = APIRouter(include_in_schema=False)
COOKIE = "verinote_session"
_LONGEST = 2_000
"""Characters of an address that signing in leads back to."""
_OURS = frozenset({"csrf", "revision", "once"})
"""Fields that nobody types."""


class NotSignedIn(Exception):
    """Nobody has signed in, or their session is over."""


def _visitor(request: Request, desk: TheDesk) -> Caller:
    kept = request.cookies.get(COOKIE, "")
    try:
        found = desk.register.signed_in(kept)
    except NotAllowed as error:
        raise NotSignedIn from error
    desk.asking.take(found.caller.key_id)
    _check_storable(request.query_params.multi_items())
    request.state.csrf = found.form_token
    return found.caller


async def _form(request: Request) -> FormData:
    """What is sent. Whatever comes of it, pages can show again what was typed."""
    form = await request.form()
    if _is_ours(request):
        sent = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        request.state.sent = sent
        request.state.typed = [
            (name, value) for name, value in sent if value.strip() and name not in _OURS
        ]
    return form


TheForm = Annotated[FormData, Depends(_form)]


async def _sender(
    request: Request,
    form: TheForm,
    caller: Annotated[Caller, Depends(_visitor)],
) -> Caller:
    """Who sends a form: it has to be one of ours."""
    sent = form.get("csrf")
    expected: str = request.state.csrf
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise Refused(403, "forbidden", "this form is not yours: load the page again")
    _check_storable(form.multi_items())
    return caller


def _check_storable(given: Iterable[tuple[str, object]]) -> None:
    for name, value in given:
        if isinstance(value, str) and not is_storable(value):
            raise InputError(f"{name}: holds a character that nothing here can keep (NUL)")


def visitor(role: Role = Role.SUBMITTER) -> Callable[..., Caller]:
    """A dependency that lets in who has signed in and has a role."""

    def allowed(caller: Annotated[Caller, Depends(_visitor)]) -> Caller:
        return check(caller, role)

    return allowed


def sender(role: Role = Role.SUBMITTER) -> Callable[..., Caller]:
    """A dependency that lets in who sends a form of ours and has a role."""

    def allowed(caller: Annotated[Caller, Depends(_sender)]) -> Caller:
        return check(caller, role, person=role is not Role.SUBMITTER)

    return allowed


Visitor = Annotated[Caller, Depends(visitor())]
Sender = Annotated[Caller, Depends(sender())]
SendingReviewer = Annotated[Caller, Depends(sender(Role.REVIEWER))]
VisitingReviewer = Annotated[Caller, Depends(visitor(Role.REVIEWER))]
VisitingAdmin = Annotated[Caller, Depends(visitor(Role.ADMIN))]
SendingAdmin = Annotated[Caller, Depends(sender(Role.ADMIN))]


def _acting(caller: Annotated[Caller, Depends(_visitor)], request: Request) -> Actor:
    return actor(caller, request)


Acting = Annotated[Actor, Depends(_acting)]


def to_sign_in(request: Request, _: Exception) -> Response:
    """Where somebody goes who has not signed in, and from there back.

    What they have sent meanwhile is kept for them, to be sent again.
    """
    is_part = bool(request.headers.get("HX-Request"))  # of a page: all of it has to go there
    asked = request.headers.get("HX-Current-URL", "") if is_part else str(request.url)
    path = asked.partition("://")[2].partition("/")[2].partition("#")[0]
    wanted = f"/{path}" if request.method == "GET" else "/"
    address = "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted)}"
    if is_part:
        return Response(headers={"HX-Redirect": address})
    if sent := getattr(request.state, "sent", []):
        return page(request, "session_over.html", None, 401, sent=sent)
    return RedirectResponse(address, 303)


@router.get("/sign-in")
def sign_in_page(request: Request, next: str = "/") -> Response:  # noqa: A002  its name in the address
    """The page that asks for a key."""
    return page(request, "sign_in.html", None, next=_inside(next), error=None)


@router.post("/sign-in")
def sign_in(
    request: Request,
    desk: TheDesk,
    key: Annotated[str, Form(max_length=200)],
    next: Annotated[str, Form(max_length=_LONGEST)] = "/",  # noqa: A002
) -> Response:
    """Begin a session."""
    if not _is_ours(request):
        told = "this form is from another site; behind a proxy, VERINOTE_PUBLIC_URL names ours"
        raise Refused(403, "forbidden", told)
    try:
        kept = desk.register.sign_in(key.strip())
    except NotAllowed as error:
        desk.asking.wrong(origin_of(request) or "")
        told = str(error)
        return page(request, "sign_in.html", None, 401, next=_inside(next), error=told)
    answer = RedirectResponse(_inside(next), 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, kept, httponly=True, samesite="lax", secure=secure)
    return answer


@router.post("/sign-out")
def sign_out(request: Request, desk: TheDesk, caller: Sender) -> Response:
    """End the session."""
    desk.register.sign_out(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _inside(address: str) -> str:
    """An address of ours, whatever was asked for."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    is_short = len(address) <= _LONGEST
    return address if is_ours and is_short and address.isprintable() else "/"


def _is_ours(request: Request) -> bool:
    """Whether a browser says that a form comes from this site; what says nothing is no browser."""
    told = request.headers
    if (site := told.get("Sec-Fetch-Site")) is not None:
        return site in {"same-origin", "none"}
    came_from = told.get("Origin") or told.get("Referer")
    if came_from is None:
        return True
    settings: Settings = request.app.state.desk.settings
    ours = {_host(str(request.base_url)), _host(here(settings, request))}
    return _host(came_from) in ours


def _host(address: str) -> str:
    """The host of an address, with its port; empty where there is none."""
    return address.partition("://")[2].partition("/")[0]
