"""Fact-checks by others, read from ClaimReview JSON-LD (alone or in a page) or from CSV.

They are shown as "checked by X", with X's own rating words, and are never evidence. Everything
read here is text: no address is followed, and one that isn't http or https is refused.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from service.kit.errors import InputError, InputTooLarge
from service.kit.text import normalise

COLUMNS = ("claim", "rating", "publisher", "url", "date", "claimant")
"""Columns of a CSV file, named in its first line, in any order; the first three must be filled."""
REQUIRED = COLUMNS[:3]
MAX_BYTES = 1_000_000_000
"""Largest file; the feed that most publishers share has some 300 MB."""
MAX_TEXT = 10_000
"""Longest claim or rating, in characters."""

_BROKEN = re.compile("[\ud800-\udfff]")
_JSON_LD = re.compile(r"\s*application/ld\+json\s*(;|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FactCheck:
    """What others found about a claim.

    Attributes:
        claim: the claim as the publisher words it.
        rating: the publisher's own words for its judgement.
        publisher: who checked it.
        url: where the check stands.
        checked_on: when it was published.
        claimant: who made the claim.
    """

    claim: str
    rating: str
    publisher: str
    url: str | None = None
    checked_on: date | None = None
    claimant: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read: where in the file ("line 3", "review 2"), and why."""

    where: str
    reason: str


def read(path: Path) -> tuple[list[FactCheck], list[Problem]]:
    """Read a file of fact-checks: JSON, an HTML page with JSON-LD in it, or CSV.

    Args:
        path: what it holds is told by its first character, not by its name.

    Returns:
        The fact-checks that could be read, and what could not be and why.

    Raises:
        InputError: the file cannot be read, or holds none of the three.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputTooLarge(f"{path}: larger than {MAX_BYTES} bytes; import it in parts")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(content, str(path))


def parse(content: bytes, name: str) -> tuple[list[FactCheck], list[Problem]]:
    """Read the content of a file as ``read`` does.

    Args:
        content: the bytes.
        name: the file's name, for messages.

    Raises:
        InputError: the content is none of the three formats.
    """
    if b"\x00" in content[:4096]:
        raise InputError(f"{name}: is not text; save it as UTF-8")
    # A byte that isn't UTF-8 stays where it is as a lone surrogate, so that its row can be named.
    text = content.decode("utf-8-sig", "surrogateescape")
    opening = text.lstrip()[:1]
    if not opening:
        raise InputError(f"{name}: is empty")
    if opening in "{[":
        return _from_json(text, name)
    if opening == "<":
        return _from_page(content, text, name)
    return _from_csv(text, name)


def _from_json(text: str, name: str) -> tuple[list[FactCheck], list[Problem]]:
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: is not valid JSON: {error}") from error
    checks, problems = _from_reviews([loaded])
    if not checks and not problems:
        raise InputError(f"{name}: holds no ClaimReview")
    return checks, problems


def _from_page(content: bytes, text: str, name: str) -> tuple[list[FactCheck], list[Problem]]:
    from lxml import etree
    from lxml.html import HTMLParser, document_fromstring

    declared = _BROKEN.search(text)  # not UTF-8: believe what the page says of its encoding
    try:
        page = document_fromstring(content, HTMLParser(encoding=None if declared else "utf-8"))
    except (etree.LxmlError, ValueError) as error:
        raise InputError(f"{name}: is not a page that can be read: {error}") from error
    loaded: list[Any] = []
    problems: list[Problem] = []
    scripts = [script for script in page.iter("script") if _JSON_LD.match(script.get("type", ""))]
    for number, script in enumerate(scripts, start=1):
        try:
            loaded.append(json.loads(script.text or ""))
        except (ValueError, RecursionError) as error:
            problems.append(Problem(f"script {number}", f"is not valid JSON: {error}"))
    checks, more = _from_reviews(loaded)
    if not checks and not problems and not more:
        raise InputError(f"{name}: holds no ClaimReview")
    return checks, problems + more


def _from_reviews(loaded: list[Any]) -> tuple[list[FactCheck], list[Problem]]:
    """Read every ClaimReview, however deep it stands: in a list, an @graph, a data feed."""
    nodes = list(_nodes(loaded))
    named = {str(node["@id"]): node for node in nodes if len(node) > 1 and "@id" in node}
    checks: list[FactCheck] = []
    problems: list[Problem] = []
    for number, review in enumerate(filter(_is_review, nodes), start=1):
        try:
            checks.append(_from_review(_Review(review, named)))
        except ValueError as error:
            problems.append(Problem(f"review {number}", str(error)))
    return checks, problems


def _nodes(loaded: list[Any]) -> Iterator[dict[str, Any]]:
    """Every object in a parsed JSON text, in its order."""
    waiting = loaded[::-1]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += reversed(value.values())
        elif isinstance(value, list):
            waiting += reversed(value)


def _is_review(node: Mapping[str, Any]) -> bool:
    types = node.get("@type")
    return any(
        re.split(r"[/#:]", one)[-1] == "ClaimReview"
        for one in (types if isinstance(types, list) else [types])
        if isinstance(one, str)
    )


@dataclass(frozen=True, slots=True)
class _Review:
    """A ClaimReview, and the objects of its file that it can refer to by ``@id``."""

    node: Mapping[str, Any]
    named: Mapping[str, Mapping[str, Any]]

    def text(self, *path: str) -> str:
        """The first text at the end of a path of properties; empty where there is none."""
        for value in self._at(self.node, path):
            if isinstance(value, str | int | float) and str(value).strip():
                return str(value)
        return ""

    def _at(self, value: Any, path: tuple[str, ...]) -> Iterator[Any]:  # noqa: ANN401 - any JSON
        if isinstance(value, list):
            for one in value:
                yield from self._at(one, path)
        elif not path:
            yield value.get("@value") if isinstance(value, dict) else value
        elif isinstance(value, dict):
            referred = self.named.get(str(value.get("@id")), {})
            yield from self._at(value.get(path[0], referred.get(path[0])), path[1:])
        elif path == ("name",):  # a publisher or claimant given as mere text
            yield value


def _from_review(review: _Review) -> FactCheck:
    rating = review.text("reviewRating", "alternateName") or review.text("reviewRating", "name")
    value = review.text("reviewRating", "ratingValue")
    if not rating and value:
        best = review.text("reviewRating", "bestRating")
        rating = f"{value} of {best}" if best else value
    url = review.text("url")
    publisher = (
        review.text("author", "name")
        or review.text("publisher", "name")
        or review.text("sdPublisher", "name")
        or urlsplit(url).hostname
        or ""
    )
    claim = review.text("claimReviewed")
    for what, text in (("claimReviewed", claim), ("reviewRating", rating), ("author", publisher)):
        if not text:
            raise ValueError(f"has no {what}")
    return FactCheck(
        claim=_clean(html.unescape(claim), "claimReviewed"),
        rating=_clean(html.unescape(rating), "reviewRating"),
        publisher=_clean(html.unescape(publisher), "author"),
        url=_address(url),
        checked_on=_lenient_date(review.text("datePublished")),
        claimant=_clean(html.unescape(review.text("itemReviewed", "author", "name")), "author")
        or None,
    )


def _from_csv(text: str, name: str) -> tuple[list[FactCheck], list[Problem]]:
    checks: list[FactCheck] = []
    problems: list[Problem] = []
    header: list[str] = []
    for line, row in _rows(text):
        if not header:
            header = _header(row, name)
            continue
        try:
            check = _from_row(row, header)
        except ValueError as error:
            problems.append(Problem(f"line {line}", str(error)))
        else:
            checks += [check] if check else []
    return checks, problems


def _rows(text: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Yield each record of a CSV text with the line it begins in.

    After a record with stray or open quotation marks reading goes on in the next line, so that it
    does not swallow those that follow.
    """
    lines = list(io.StringIO(text, newline=""))
    delimiter = max(",;\t", key=lines[0].count)
    at = 0
    while at < len(lines):
        rest = (lines[index] for index in range(at, len(lines)))
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        try:
            row: list[str] | csv.Error = next(reader)
        except csv.Error as error:
            row, taken = error, 1
        else:
            taken = reader.line_num
        yield at + 1, row
        at += taken


def _header(row: list[str] | csv.Error, name: str) -> list[str]:
    header = [] if isinstance(row, csv.Error) else [column.strip().lower() for column in row]
    if set(REQUIRED) - set(header) or len(set(header)) != len(header):
        raise InputError(
            f"{name}: is neither JSON nor a page, and as CSV its first line must name the columns "
            f"{', '.join(COLUMNS)} once each ({', '.join(REQUIRED)} at least)"
        )
    return header


def _from_row(row: list[str] | csv.Error, header: list[str]) -> FactCheck | None:
    """Read a record; None for an empty line."""
    if isinstance(row, csv.Error):
        raise ValueError(f"is not CSV: {row}")  # noqa: TRY004 - one kind of error for every bad row
    if not any(cell.strip() for cell in row):
        return None
    if len(row) > len(header):
        raise ValueError(f"has {len(row)} columns, the first line names {len(header)}")
    cells = {column: _clean(cell, column) for column, cell in zip(header, row, strict=False)}
    for column in REQUIRED:
        if not cells.get(column):
            raise ValueError(f"has no {column}")
    try:
        checked_on = date.fromisoformat(cells["date"]) if cells.get("date") else None
    except ValueError as error:
        raise ValueError(f"date {cells['date']!r}: must be YYYY-MM-DD") from error
    return FactCheck(
        claim=cells["claim"],
        rating=cells["rating"],
        publisher=cells["publisher"],
        url=_address(cells.get("url", "")),
        checked_on=checked_on,
        claimant=cells.get("claimant") or None,
    )


def _clean(text: str, what: str) -> str:
    if _BROKEN.search(text):
        raise ValueError(f"{what}: is not UTF-8")
    if len(text) > MAX_TEXT:
        raise ValueError(f"{what}: longer than {MAX_TEXT} characters")
    return " ".join(normalise(text).split())


def _address(url: str) -> str | None:
    url = _clean(url, "url")
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme.lower() not in {"http", "https"} or not parts.netloc:
        raise ValueError(f"url {url!r}: must begin with http:// or https://")
    return url


def _lenient_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
