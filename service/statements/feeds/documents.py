"""What a feed says: the bytes of an RSS or Atom feed or a sitemap in, its items out.

Feeds are read by feedparser, sitemaps (https://www.sitemaps.org/protocol.html) by lxml. Neither
gets anything but bytes: given text, feedparser would open a file or an address of that name.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import feedparser
from lxml import etree

from service.kit.errors import InputError, InputTooLarge
from service.kit.text import normalise
from service.statements.feeds.sources import LONGEST_ADDRESS
from service.statements.fetch import Fetched, gunzip
from service.statements.intake import address_key
from service.statements.readers.reading import guess, is_web_address

LARGEST = 50_000_000
"""Bytes of a sitemap, by its protocol."""

LARGEST_FEED = 5_000_000
"""Bytes of a feed: the worst that was tried (tags nested a million deep) takes feedparser six
seconds a megabyte, an honest feed a fifth of one."""

_GZIP = b"\x1f\x8b"
_COMMENT = re.compile(rb"<!--.*?-->", re.S)
_ROOT = re.compile(rb"<(?:[\w.-]+:)?(\w[\w.-]*)")
_SITEMAPS = {"urlset", "sitemapindex"}


@dataclass(frozen=True, slots=True)
class Item:
    """What a feed says of one statement.

    Attributes:
        address: the page's address, absolute, in one spelling.
        updated: when it changed last, in the feed's own words.
        published: the day on which it was published; a sitemap's lastmod is none.
        day: the day of the newest thing known of it.
    """

    address: str
    guid: str | None = None
    updated: str | None = None
    title: str | None = None
    published: date | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """A feed's content.

    Attributes:
        items: as listed, each address once.
        sitemaps: addresses of the sitemaps that an index lists.
        unusable: items without an address that can be fetched, by name and reason.
        flaw: what is wrong with the document as a whole, where it was read all the same.
    """

    items: tuple[Item, ...] = ()
    sitemaps: tuple[str, ...] = ()
    unusable: tuple[tuple[str, str], ...] = ()
    flaw: str | None = None


def read_document(fetched: Fetched, kind: Literal["feed", "sitemap"] | None) -> FeedDocument:
    """Read a feed or a sitemap.

    Args:
        fetched: what its address answered.
        kind: what it has to be; None for whichever it is.

    Raises:
        InputTooLarge: it is larger than what is read of its kind.
        InputError: it is neither, or not of that kind, or broken beyond reading.
    """
    name, content = fetched.url, fetched.content
    if content.startswith(_GZIP):
        content = _unpacked(content, name)
    if not content:
        raise InputError(f"{name}: is empty")
    root, prolog = _start(content)
    if b"<!entity" in prolog.lower():
        # Feeds have no need of them, and nested ones grow without end.
        raise InputError(f"{name}: declares entities of its own, which are not read")
    is_sitemap = root in _SITEMAPS
    if root == "html":
        raise InputError(f"{name}: is an HTML page, neither a feed nor a sitemap")
    if kind and (kind == "sitemap") != is_sitemap:
        raise InputError(f"{name}: is no {kind}: it begins with <{root}>")
    if not is_sitemap and len(content) > LARGEST_FEED:
        raise InputTooLarge(f"{name}: {len(content)} bytes of feed; at most {LARGEST_FEED}")
    try:
        return _sitemap(content, name) if is_sitemap else _feed(content, fetched)
    except InputError:
        raise
    except Exception as error:  # parsers of broken files raise anything
        called = "a sitemap" if is_sitemap else "a feed"
        raise InputError(f"{name}: cannot be read as {called}: {_squeezed(str(error))}") from error


def _unpacked(content: bytes, name: str) -> bytes:
    plain = bytearray()
    for chunk in gunzip([content], name, LARGEST):
        plain += chunk
        if len(plain) > LARGEST:
            raise InputTooLarge(f"{name}: unpacks to more than {LARGEST} bytes")
    return bytes(plain)


def _start(content: bytes) -> tuple[str, bytes]:
    """The name of the outermost tag in lower case, and what stands before it."""
    head = content[:100_000]
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if head.startswith(mark):
            head = head.decode(encoding, "ignore").encode()
    head = _COMMENT.sub(b"", head)
    match = _ROOT.search(head)
    if match is None:
        return "", head
    return match[1].decode("ascii", "replace").lower(), head[: match.start()]


# Feeds.


def _feed(content: bytes, fetched: Fetched) -> FeedDocument:
    charset = f"; charset={fetched.charset}" if fetched.charset else ""
    parsed = feedparser.parse(
        io.BytesIO(content),
        response_headers={
            # Not the media type as served: many a feed comes as text/html or text/plain.
            "content-type": f"application/xml{charset}",
            "content-location": fetched.url,
        },
        sanitize_html=False,  # nothing of an item's text is used
        resolve_relative_uris=False,
    )
    broken = parsed.bozo and not isinstance(
        parsed.bozo_exception, feedparser.CharacterEncodingOverride
    )
    reason = _squeezed(str(parsed.bozo_exception)) if broken else ""
    if not parsed.version and not parsed.entries:
        raise InputError(f"{fetched.url}: is no feed{f': {reason}' if reason else ''}")
    if broken and not parsed.entries:
        raise InputError(f"{fetched.url}: is a broken feed: {reason}")
    items: dict[str, Item] = {}
    unusable: list[tuple[str, str]] = []
    for entry in parsed.entries:
        item = _item(entry, fetched.url)
        if isinstance(item, Item):
            items.setdefault(item.address, item)
        else:
            unusable.append(item)
    flaw = f"is not well-formed ({reason}); what could be read was" if broken else None
    return FeedDocument(tuple(items.values()), (), tuple(unusable), flaw)


def _item(entry: Any, base: str) -> Item | tuple[str, str]:  # noqa: ANN401  feedparser has no types
    link, guid, title = _link(entry.get("link")), guess(entry.get("id")), guess(entry.get("title"))
    if not link:
        return title or guid or "an item", "the feed gives no address for it"
    address = _address(link, base)
    if isinstance(address, InputError):
        return link[:200], str(address)
    # "updated" in entry, and not .get: feedparser would give published in its place.
    updated = guess(entry["updated"]) if "updated" in entry else None
    published = guess(entry.get("published"))
    changed = _day(updated)
    day = _day(published) or changed
    return Item(address, guid, updated or published, title, day, max_day(changed, day))


def max_day(*days: date | None) -> date | None:
    """The latest of the days that are known."""
    return max((day for day in days if day), default=None)


def _day(value: str | None) -> date | None:
    """The day of a date as its writer had it: in UTC, a morning in Tokyo is the day before."""
    if not value:
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(value).date()
        except ValueError:
            continue
    match = re.match(r"\d{4}-\d{2}-\d{2}", value)
    try:
        return date.fromisoformat(match[0]) if match else None
    except ValueError:
        return None


def _link(value: object) -> str:
    """A link as written, without the white space around it."""
    return normalise(value).strip() if isinstance(value, str) else ""


def _address(link: str, base: str) -> str | InputError:
    """The absolute address of a link in one spelling, or why it is none."""
    try:
        address = address_key(urljoin(base, link))
        if not is_web_address(address):
            return InputError("is not an http or https address")
        address = _without_campaign(address)
    except ValueError:
        return InputError("is not an address")
    if len(address) > LONGEST_ADDRESS:
        return InputError(f"is longer than {LONGEST_ADDRESS} characters")
    return address


def _without_campaign(address: str) -> str:
    """Without what says which feed led to the page: the page is the same for all."""
    parts = urlsplit(address)
    if "utm_" not in parts.query:
        return address
    kept = [
        (key, value)
        for key, value in parse_qsl(parts.query, keep_blank_values=True)
        if not key.startswith("utm_")
    ]
    return parts._replace(query=urlencode(kept)).geturl()


def _squeezed(text: str) -> str:
    return " ".join(text.split())[:200]


# Sitemaps.


def _sitemap(content: bytes, name: str) -> FeedDocument:
    items: dict[str, Item] = {}
    sitemaps: dict[str, str] = {}
    unusable: list[tuple[str, str]] = []
    try:
        for tag, said in _entries(content):
            link = _link(said.get("loc"))
            if not link:
                unusable.append((f"an entry of {name}", "the sitemap gives no address for it"))
                continue
            address = _address(link, name)
            if isinstance(address, InputError):
                unusable.append((link[:200], str(address)))
            elif tag == "sitemap":
                sitemaps.setdefault(address, guess(said.get("lastmod")) or "")
            else:
                items.setdefault(address, _listed(address, said))
    except etree.XMLSyntaxError as error:
        raise InputError(f"{name}: is a broken sitemap: {_squeezed(str(error))}") from error
    newest_first = sorted(items.values(), key=lambda item: item.day or date.min, reverse=True)
    in_order = sorted(sitemaps, key=lambda address: sitemaps[address], reverse=True)
    return FeedDocument(tuple(newest_first), tuple(in_order), tuple(unusable))


def _listed(address: str, said: dict[str, str]) -> Item:
    lastmod = guess(said.get("lastmod"))
    published = _day(guess(said.get("publication_date")))
    return Item(
        address,
        updated=lastmod,
        title=guess(said.get("title")),
        published=published,
        day=max_day(_day(lastmod), published),
    )


def _entries(content: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """Each entry's tag and texts. Google's news extension has title and date one level down."""
    wanted = {"loc", "lastmod", "publication_date", "title"}
    events = etree.iterparse(
        io.BytesIO(content),
        events=("end",),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    for _, element in events:
        tag = etree.QName(element).localname
        if tag not in {"url", "sitemap"}:
            continue
        said: dict[str, str] = {}
        for group in (element, *(child for child in element if _local(child) == "news")):
            for child in group:
                if (local := _local(child)) in wanted and child.text:
                    said.setdefault(local, child.text)
        yield tag, said
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
