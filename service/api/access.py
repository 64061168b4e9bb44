"""Who asks: keys in requests, what roles may do, and how often a key may ask."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from service.access.register import Caller, NotAllowed, Role
from service.api.problems import Refused
from service.audit.trail import Actor

_BEARER = HTTPBearer(
    auto_error=False, scheme_name="key", description="a key, see `verinote keys issue`"
)
_WRONG_KEYS_A_MINUTE = 30


class Asking:
    """Counts requests, of each key and of each place that sends wrong ones. In this process.

    Args:
        a_minute: requests that a key may make; 0: no limit, nor one of wrong keys.
    """

    def __init__(self, a_minute: int) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._of_key = RateLimitItemPerMinute(a_minute) if a_minute else None
        self._wrong = RateLimitItemPerMinute(_WRONG_KEYS_A_MINUTE) if a_minute else None

    def take(self, key_id: str) -> None:
        """Count a request.

        Raises:
            Refused: there were too many.
        """
        if self._of_key is not None and not self._window.hit(self._of_key, "key", key_id):
            raise self._too_many(self._of_key, "key", key_id)

    def wrong(self, origin: str) -> None:
        """Count a wrong key.

        Raises:
            Refused: the place has sent too many.
        """
        if self._wrong is not None and not self._window.hit(self._wrong, "wrong", origin):
            raise self._too_many(self._wrong, "wrong", origin)

    def _too_many(self, item: RateLimitItemPerMinute, *of: str) -> Refused:
        reset = self._window.get_window_stats(item, *of).reset_time
        seconds = max(1, math.ceil(reset - time.time()))
        return Refused(
            429,
            "too-many-requests",
            f"more than {item.amount} a minute; try again in {seconds} s",
            {"Retry-After": str(seconds)},
        )


def origin_of(request: Request) -> str | None:
    """Where a request comes from; None where that is no address: a proxy may pass on anything."""
    try:
        return str(ipaddress.ip_address(request.client.host)) if request.client else None
    except ValueError:
        return None


def caller(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> Caller:
    """The person that a request's key stands for.

    Raises:
        NotAllowed: there is no key, or it lets nobody in.
        Refused: too many requests.
    """
    desk = request.app.state.desk
    if given is None:
        raise NotAllowed("a key is needed: Authorization: Bearer KEY")
    try:
        found: Caller = desk.register.caller(given.credentials)
    except NotAllowed:
        # Others behind the same proxy have right keys: they are not kept out by who guesses.
        desk.asking.wrong(origin_of(request) or "")
        raise
    desk.asking.take(found.key_id)
    return found


def require(role: Role, *, person: bool = False) -> Callable[..., Caller]:
    """A dependency that lets in who has a role; with ``person``, no service key."""

    def allowed(asking: Annotated[Caller, Depends(caller)]) -> Caller:
        return check(asking, role, person=person)

    return allowed


def check(asking: Caller, role: Role, *, person: bool = False) -> Caller:
    """See that somebody has a role; with ``person``, not through a service's key.

    Raises:
        Refused: they may not.
    """
    if not asking.may(role):
        told = f"{asking.user} is {asking.role}: it takes the role of {role}"
        raise Refused(403, "forbidden", told)
    if person and asking.for_service:
        raise Refused(403, "forbidden", "a service's key cannot do this: a person has to")
    return asking


def actor(asking: Caller, request: Request) -> Actor:
    """The caller as the audit trail names them."""
    return Actor(asking.user, asking.key_id, origin_of(request))


Reader = Annotated[Caller, Depends(require(Role.SUBMITTER))]
Submitter = Annotated[Caller, Depends(require(Role.SUBMITTER))]
Reviewer = Annotated[Caller, Depends(require(Role.REVIEWER))]
ReviewingPerson = Annotated[Caller, Depends(require(Role.REVIEWER, person=True))]
Admin = Annotated[Caller, Depends(require(Role.ADMIN))]
