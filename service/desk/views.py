"""How pages are made: templates, what they may show, and what a browser may do with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.access.register import Caller, Role
from service.desk.marking import segments
from service.notes import wording
from service.notes.process import NoteState
from service.notes.publishing import is_address
from service.notes.wording import SIGNS, attribution, words
from service.types import NEEDS_ATTENTION, Kind, Stance, Verdict

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What goes with every page: nothing runs in it but our own files, and nobody keeps a copy."""

_KINDS = {
    Kind.ORIGINAL: "in their own words",
    Kind.TRANSLATION: "translation",
    Kind.DIGEST: "our digest",
}
_STANCES = {Stance.SUPPORTS: "supports", Stance.REFUTES: "refutes", Stance.NEUTRAL: "says nothing"}


def page(
    request: Request,
    template: str,
    caller: Caller | None,
    status: int = 200,
    **values: Any,  # noqa: ANN401  whatever the template shows
) -> HTMLResponse:
    """A page, or a part of one.

    Args:
        request: what it answers.
        template: its file.
        caller: whom it is shown to; None: somebody who has not signed in.
        status: of the answer.
        values: what it shows.
    """
    kept = request.state
    known = {
        "request": request,
        "caller": caller,
        "csrf": getattr(kept, "csrf", ""),
        "typed": getattr(kept, "typed", ()),
    }
    return HTMLResponse(rendered(template, known | values), status, HEADERS)


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """A template with what it shows, all of it escaped."""
    return _TEMPLATES.get_template(template).render(values)


def day(value: date | None) -> str:
    """A day as pages show it."""
    return wording.day(value) if value is not None else "no date"


def moment(value: datetime) -> str:
    """A moment, stored in UTC, as pages show it."""
    return f"{value.day} {value:%b %Y, %H:%M} UTC"


def age(value: datetime) -> str:
    """How long ago a moment was, roughly."""
    seconds = (datetime.now(UTC).replace(tzinfo=None) - value).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "now"


def percent(value: float | None) -> str:
    """A share in hundredths."""
    return "—" if value is None else f"{value:.0%}"


def host(address: str | None) -> str:
    """The host of an address, to be shown beside a link to it."""
    return urlsplit(address or "").hostname or ""


def urgent(warning: str) -> bool:
    """Whether a warning is one that nobody may overlook."""
    return warning.startswith(NEEDS_ATTENTION)


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    named: Mapping[str, Any] = {
        f.__name__: f for f in (words, day, moment, age, percent, host, attribution)
    }
    made.filters.update(named)
    made.tests.update({"web": is_address, "urgent": urgent})
    made.globals.update(
        signs=SIGNS,
        kinds=_KINDS,
        stances=_STANCES,
        verdicts=list(Verdict),
        states=list(NoteState),
        roles=list(Role),
        segments=segments,
    )
    return made


_TEMPLATES = _environment()
