"""Who is at the desk: signing in with a key, the session that follows, signing out.

A browser keeps a random value, of which a digest is stored. Every form carries a token of its
sender's key, which no other site can know: what it sends in somebody's name is refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from service.access.register import Caller, NotAllowed, Role
from service.api.access import actor, check, origin_of
from service.api.desk import TheDesk
from service.api.problems import Refused
from service.audit.trail import Actor
from service.desk.views import page

router = APIRouter(include_in_schema=False)
COOKIE = "verinote_session"


class NotSignedIn(Exception):
    """Nobody has signed in, or their session is over."""


def _visitor(request: Request, desk: TheDesk) -> Caller:
    kept = request.cookies.get(COOKIE, "")
    try:
        found = desk.register.signed_in(kept)
    except NotAllowed as error:
        raise NotSignedIn from error
    desk.asking.take(found.caller.key_id)
    request.state.csrf = found.form_token
    return found.caller


async def _sender(request: Request, caller: Annotated[Caller, Depends(_visitor)]) -> Caller:
    """Who sends a form: it has to be one of ours."""
    sent = (await request.form()).get("csrf")
    expected: str = request.state.csrf
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise Refused(403, "forbidden", "this form is not yours: load the page again")
    return caller


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


async def to_sign_in(request: Request, _: Exception) -> Response:
    """Where somebody goes who has not signed in, and from there back.

    What they have typed into a form meanwhile is kept for them, to be sent again.
    """
    if request.headers.get("HX-Request"):  # for a part of a page: all of it has to go there
        return Response(headers={"HX-Redirect": "/sign-in"})
    if request.method == "POST":
        sent = (await request.form()).multi_items()
        typed = [(name, value) for name, value in sent if isinstance(value, str)]
        return page(request, "session_over.html", None, 401, typed=typed)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted)}", 303)


@router.get("/sign-in")
def sign_in_page(request: Request, next: str = "/") -> Response:  # noqa: A002  its name in the address
    """The page that asks for a key."""
    return page(request, "sign_in.html", None, next=_inside(next), error=None)


@router.post("/sign-in")
def sign_in(
    request: Request,
    desk: TheDesk,
    key: Annotated[str, Form(max_length=200)],
    next: Annotated[str, Form(max_length=2_000)] = "/",  # noqa: A002
) -> Response:
    """Begin a session."""
    if not _is_ours(request):
        raise Refused(403, "forbidden", "this form is from another site")
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
    return address if is_ours and address.isprintable() else "/"


def _is_ours(request: Request) -> bool:
    """Whether a browser says that a form comes from this site; what says nothing is no browser."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "none"}
