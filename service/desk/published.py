"""What everybody may read, without a key: published notes as pages and feeds.

A page runs nothing: its policy lets in our stylesheet alone. The ClaimReview inside is a block of
data, which a browser does not execute and the policy therefore does not concern (HTML, "prepare the
script element"): it only must not end early, so what marks up HTML is escaped in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from lxml import etree

from service.api import paging
from service.api.desk import TheDesk, here
from service.api.problems import Refused
from service.desk.views import rendered
from service.kit.errors import NotFound
from service.notes import publishing
from service.notes.publishing import LANGUAGE, Published, Publisher

_AT_ONCE = 50
_ID = re.compile("[0-9a-f]{64}")
_ATOM = "http://www.w3.org/2005/Atom"
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cache-Control": "public, no-cache",  # a correction is seen at once
}


def _shown(desk: TheDesk) -> None:
    """See that the public is let in.

    Raises:
        Refused: it is not: nothing tells that anything could be here.
    """
    if not desk.settings.public:
        raise Refused(404, "not-found", "Not Found")


router = APIRouter(prefix="/published", include_in_schema=False, dependencies=[Depends(_shown)])


def _publisher(desk: TheDesk, request: Request) -> Publisher:
    return Publisher.of(desk.settings, here(desk.settings, request))


ThePublisher = Annotated[Publisher, Depends(_publisher)]


@router.get("")
def listed(desk: TheDesk, publisher: ThePublisher, cursor: paging.Cursor = None) -> Response:
    """Every published note, the newest first."""
    with desk.transaction() as session:
        before = paging.moment_and_id_in(cursor)
        found = publishing.published(session, before=before, limit=_AT_ONCE + 1)
    page = paging.page_of(
        found, _AT_ONCE, lambda one: one, lambda one: paging.held((one.published_at, one.id))
    )
    return _page(
        "published_list.html",
        publisher,
        notes=page.items,
        following=page.next,
        is_later=cursor is not None,
    )


@router.get("/feed.json")
def json_feed(desk: TheDesk, publisher: ThePublisher, request: Request) -> Response:
    """What was published, corrected or retracted last (JSON Feed 1.1)."""
    at = here(desk.settings, request)
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": f"{publisher.name}: claims checked",
        "home_page_url": f"{at}/published",
        "feed_url": f"{at}/published/feed.json",
        "language": LANGUAGE,
        "authors": [_author(publisher)],
        "items": [
            {
                "id": _urn(note),
                "url": f"{at}/published/{note.id}",
                "title": publishing.title(note, publisher),
                "content_text": publishing.summary(note, publisher),
                "date_published": publishing.iso(note.published_at),
                "date_modified": publishing.iso(note.changed_at),
                "tags": [note.state] if note.is_retracted else [note.state, note.verdict],
            }
            for note in _newest(desk)
        ],
    }
    return Response(json.dumps(feed), 200, _HEADERS, "application/feed+json")


def _author(publisher: Publisher) -> dict[str, str]:
    told = {"name": publisher.name, "url": publisher.url}
    return told | ({"avatar": publisher.logo} if publisher.logo else {})


@router.get("/feed.atom")
def atom_feed(desk: TheDesk, publisher: ThePublisher, request: Request) -> Response:
    """What was published, corrected or retracted last (Atom, RFC 4287)."""
    at = here(desk.settings, request)
    notes = _newest(desk)
    feed = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})
    _add(feed, "id", f"{at}/published")
    _add(feed, "title", f"{publisher.name}: claims checked")
    _add(feed, "updated", publishing.iso(max((one.changed_at for one in notes), default=_NEVER)))
    _add(feed, "link", rel="self", type="application/atom+xml", href=f"{at}/published/feed.atom")
    _add(feed, "link", rel="alternate", type="text/html", href=f"{at}/published")
    author = _add(feed, "author")
    _add(author, "name", publisher.name)
    _add(author, "uri", publisher.url)
    for note in notes:
        entry = _add(feed, "entry")
        _add(entry, "id", _urn(note))
        _add(entry, "title", publishing.title(note, publisher))
        _add(entry, "published", publishing.iso(note.published_at))
        _add(entry, "updated", publishing.iso(note.changed_at))
        href = f"{at}/published/{note.id}"
        _add(entry, "link", rel="alternate", type="text/html", href=href)
        _add(entry, "category", term=note.state if note.is_retracted else note.verdict)
        _add(entry, "summary", publishing.summary(note, publisher))
    told = etree.tostring(feed, xml_declaration=True, encoding="utf-8")
    return Response(told, 200, _HEADERS, "application/atom+xml")


@router.get("/{note_id}")
def one(note_id: str, desk: TheDesk, publisher: ThePublisher, request: Request) -> Response:
    """A note, as it stands: corrected and retracted ones keep their address."""
    missing = _page("published_missing.html", publisher, 404)
    if not _ID.fullmatch(note_id):
        return missing
    try:
        with desk.transaction() as session:
            note = publishing.find_published(session, note_id)
    except NotFound:
        return missing
    address = f"{here(desk.settings, request)}/published/{note.id}"
    told = None if note.is_retracted else publishing.claim_review(note, publisher, address)
    return _page(
        "published_note.html",
        publisher,
        note=note,
        title=publishing.title(note, publisher),
        address=address,
        claim_review=told,
    )


def _newest(desk: TheDesk) -> Sequence[Published]:
    with desk.transaction() as session:
        return publishing.newest(session, _AT_ONCE)


def _urn(note: Published) -> str:
    """The name of a note, wherever its page moves."""
    return f"urn:verinote:note:{note.id}"


_NEVER = datetime(1970, 1, 1)
"""When nothing was published yet."""
_NOT_IN_XML = {code: "\ufffd" for code in (*range(32), 0xFFFE, 0xFFFF) if chr(code) not in "\t\n\r"}


def _add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:  # noqa: ANN401
    """Add an element, without the few characters that XML cannot hold."""
    attributes = {key: value.translate(_NOT_IN_XML) for key, value in attributes.items()}
    element = etree.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = text.translate(_NOT_IN_XML) if text is not None else None
    return element


def _page(
    template: str,
    publisher: Publisher,
    status: int = 200,
    **values: Any,  # noqa: ANN401  whatever the template shows
) -> HTMLResponse:
    return HTMLResponse(rendered(template, {"publisher": publisher, **values}), status, _HEADERS)
