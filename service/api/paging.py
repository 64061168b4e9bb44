"""Pages by key: a cursor says after which item the next page begins, so that none is skipped."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Query
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from service.api.problems import Refused
from service.api.schemas import Page
from service.kit.text import is_storable
from service.notes.review import Order, Place

S = TypeVar("S")
T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=200, description="items of a page")]
Cursor = Annotated[
    Annotated[str, Field(max_length=400, pattern="^[A-Za-z0-9_-]+$")] | SkipJsonSchema[None],
    Query(description="`next` of the page before"),
]
"""Left out or right, but not null. The bounds stand inside, where the document shows them."""


def page_of(
    found: Sequence[T],
    limit: int,
    show: Callable[[T], S],
    key: Callable[[T], Sequence[str | float]],
) -> Page[S]:
    """The page of what was asked for with one item more than its limit.

    Args:
        found: the items, at most ``limit`` and one.
        limit: how many the page has.
        show: an item as it goes over the wire.
        key: what its cursor holds.
    """
    following = None
    if len(found) > limit:
        told = json.dumps(list(key(found[limit - 1])), separators=(",", ":"))
        following = base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")
    return Page(items=[show(one) for one in found[:limit]], next=following)


def _read(cursor: str, count: int) -> list[str | float]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars="-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if not isinstance(found, list) or len(found) != count:
        raise _wrong(cursor)
    return found


def _wrong(cursor: str) -> Refused:
    return Refused(422, "invalid-request", f"cursor: {cursor[:40]} is none of a page's `next`")


def id_in(cursor: str | None) -> str | None:
    """The id that a cursor holds."""
    if cursor is None:
        return None
    (found,) = _read(cursor, 1)
    if not isinstance(found, str) or not is_storable(found):
        raise _wrong(cursor)
    return found


def number_in(cursor: str | None) -> int:
    """The number that a cursor holds; 0 without one."""
    if cursor is None:
        return 0
    (found,) = _numbers(cursor, 1, 2**53)
    return found


def place_in(cursor: str | None) -> tuple[int, int] | None:
    """The position and line that a cursor holds."""
    if cursor is None:
        return None
    position, line = _numbers(cursor, 2, 2**31)
    return position, line


def _numbers(cursor: str, count: int, end: int) -> list[int]:
    found = [number for number in _read(cursor, count) if type(number) is int]
    if len(found) != count or not all(0 <= number < end for number in found):
        raise _wrong(cursor)
    return found


def place_after(cursor: str | None, order: Order) -> Place | None:
    """The place of a note in an order that a cursor holds."""
    return moment_and_id_in(cursor) if order.by_age else _share_and_id_in(cursor)


def held(place: Place) -> list[str | float]:
    """What a cursor holds of a place."""
    key, id_ = place
    return [key.isoformat() if isinstance(key, datetime) else key, id_]


def _share_and_id_in(cursor: str | None) -> tuple[float, str] | None:
    """The share of one, and the id, that a cursor holds; -1 is that of what has none."""
    if cursor is None:
        return None
    share, id_ = _read(cursor, 2)
    is_share = isinstance(share, int | float) and -1 <= share <= 1
    if not is_share or not isinstance(id_, str) or not is_storable(id_):
        raise _wrong(cursor)
    return float(share), id_


def moment_and_id_in(cursor: str | None) -> tuple[datetime, str] | None:
    """The time and id that a cursor holds."""
    if cursor is None:
        return None
    at, id_ = _read(cursor, 2)
    try:
        moment = datetime.fromisoformat(str(at))
    except ValueError as error:
        raise _wrong(cursor) from error
    if moment.tzinfo is not None or not isinstance(id_, str) or not is_storable(id_):
        raise _wrong(cursor)
    return moment, id_
