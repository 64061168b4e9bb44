"""Web pages, by trafilatura: the main text without menus and footers, title, date, site name."""

from __future__ import annotations

import re
from copy import deepcopy
from datetime import date
from importlib.metadata import version

import trafilatura
from lxml.etree import _Element as Element
from trafilatura.settings import DEFAULT_CONFIG, Document

from service.kit.errors import InputError, InputTooLarge
from service.statements.readers.encoding import decode
from service.statements.readers.reading import HTML, Metadata, Reading, guess, is_web_address

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]+)", re.I)
_XML_ENCODING = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_LARGEST = 10_000_000
"""Bytes of a page: its tree takes some twenty times as much, and no page of text is larger."""

_SETTINGS = deepcopy(DEFAULT_CONFIG)
_SETTINGS.set("DEFAULT", "MIN_EXTRACTED_SIZE", "80")
"""Characters below which trafilatura falls back on all the page's text, menus included, without
paragraphs. Its own 250 is more than many an announcement has."""

_DATES = {"extensive_search": False, "original_date": True}
"""Only dates that the page states as its own: the extensive search takes a year in a table for
one, and a wrong date would let a statement decide, or keep it from deciding."""


def read(content: bytes, name: str, charset: str | None, _max_bytes: int) -> Reading:
    """Read a page's main text, its blocks set apart by blank lines.

    Raises:
        InputTooLarge: the page has more than 10 MB.
        InputError: it cannot be decoded, or no text is found in it.
    """
    if len(content) > _LARGEST:
        raise InputTooLarge(f"{name}: {len(content)} bytes of HTML; at most {_LARGEST} are read")
    declared = charset or _declared_charset(content)
    page = _XML_ENCODING.sub("", decode(content, name=name, charset=declared), count=1)
    found = trafilatura.bare_extraction(
        page,
        with_metadata=True,
        include_comments=False,
        date_extraction_params=_DATES,
        config=_SETTINGS,
    )
    if not isinstance(found, Document) or not (text := _text(found.body)):
        raise InputError(f"{name}: no text is found in the page")
    metadata = Metadata(
        title=guess(found.title),
        published=_date(found.date),
        issuer=guess(found.sitename),
        url=found.url if found.url and is_web_address(found.url) else None,
    )
    return Reading.of(
        text, metadata, media_type=HTML, reader=f"trafilatura/{version('trafilatura')}"
    )


def _declared_charset(content: bytes) -> str | None:
    match = _META_CHARSET.search(content[:4096])
    return match[1].decode("ascii", "replace") if match else None


def _date(value: str | None) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        return None


def _text(body: Element) -> str:
    # trafilatura's own text sets one line after another, so that a break inside a paragraph and
    # the end of a paragraph look alike; its tree knows.
    return "\n\n".join(block for child in body if (block := _block(child)))


def _block(element: Element) -> str:
    if element.tag == "list":
        lines = (_inline(item) for item in element.iter("item"))
        return "\n".join(f"- {line}" for line in lines if line)
    if element.tag == "table":
        rows = (" | ".join(map(_inline, row.iter("cell"))) for row in element.iter("row"))
        return "\n".join(row for row in rows if row.strip(" |"))
    return "\n".join(line for part in _pieces(element).split("\n") if (line := _squeezed(part)))


def _inline(element: Element) -> str:
    return _squeezed(_pieces(element, leave_out={"list", "item"}))


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _pieces(element: Element, leave_out: set[str] | frozenset[str] = frozenset()) -> str:
    """The element's text; line breaks and paragraphs inside it are line ends."""
    parts = [element.text or ""]
    for child in element:
        if not isinstance(child.tag, str) or child.tag in leave_out:
            parts.append(child.tail or "")
            continue
        broken = "\n" if child.tag in {"lb", "p", "head"} else ""
        parts += [broken, _pieces(child, leave_out), broken, child.tail or ""]
    return "".join(parts)
