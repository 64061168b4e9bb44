"""Readers: the bytes of a document in, its normalised text and what it says of itself out.

The same readers serve statements and submissions. One module a format; this one chooses among
them by content, media type and file name, in that order of trust, and turns whatever a parser
trips over into an error that names the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from service.kit.errors import InputError, InputTooLarge, VerinoteError
from service.kit.text import normalise
from service.statements.readers.encoding import charset_of, decode
from service.statements.readers.reading import (
    DOCX,
    HTML,
    JSONL,
    MARKDOWN,
    PDF,
    PLAIN,
    Metadata,
    Reading,
    check_text,
)

__all__ = [
    "EXTENSIONS",
    "JSONL",
    "Metadata",
    "Reading",
    "Record",
    "count_records",
    "read",
    "read_many",
]

EXTENSIONS = {
    ".txt": PLAIN,
    ".text": PLAIN,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".pdf": PDF,
    ".docx": DOCX,
    ".jsonl": JSONL,
    ".ndjson": JSONL,
}
"""File name extensions that are read, with their media types."""

_ALIASES = {
    "text/html": HTML,
    "application/xhtml+xml": HTML,
    "text/markdown": MARKDOWN,
    "text/x-markdown": MARKDOWN,
    "application/pdf": PDF,
    "application/x-pdf": PDF,
    DOCX: DOCX,
    "application/jsonl": JSONL,
    "application/x-jsonl": JSONL,
    "application/jsonlines": JSONL,
    "application/x-ndjson": JSONL,
    "application/ndjson": JSONL,
}
_SAYS_NOTHING = {
    "",
    "text/plain",
    "application/octet-stream",
    "binary/octet-stream",
    "application/binary",
    "application/zip",
}
"""Media types that servers send for want of a better one: name and content decide."""

_NAMES = {HTML: "HTML", PDF: "PDF", DOCX: "DOCX", MARKDOWN: "Markdown", PLAIN: "text"}
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)


@dataclass(frozen=True, slots=True)
class Record:
    """One statement of a source: a whole document, or one line of a JSONL file.

    Attributes:
        name: what to call it to people: the source's name, with the line where there are several.
        raw: the bytes that it was read from.
        line: its line number from 1, None for a whole document.
        outcome: the reading, or why there is none.
    """

    name: str
    raw: bytes
    line: int | None
    outcome: Reading | InputError


def read(content: bytes, *, name: str, media_type: str | None = None, max_bytes: int) -> Reading:
    """Read one document.

    Args:
        content: its bytes.
        name: file name or address, for the choice of the reader and for messages.
        media_type: what the source declares, such as ``text/html; charset=utf-8``.
        max_bytes: largest content, and largest text taken from it.

    Raises:
        InputTooLarge: the content or the text inside is larger than ``max_bytes``.
        InputError: the content is empty, binary, broken, without text or of an unknown format.
    """
    records = list(read_many(content, name=name, media_type=media_type, max_bytes=max_bytes))
    if len(records) != 1:
        raise InputError(f"{name}: holds {len(records)} records where one document is expected")
    outcome = records[0].outcome
    if isinstance(outcome, InputError):
        raise outcome
    return outcome


def read_many(
    content: bytes, *, name: str, media_type: str | None = None, max_bytes: int
) -> Iterator[Record]:
    """Yield the statements of a source: one, but for JSONL one a line.

    A bad line is a record whose outcome is the error; the lines after it are read all the same.

    Raises:
        InputTooLarge: as for ``read``, for the source as a whole.
        InputError: as for ``read``, for the source as a whole.
    """
    if len(content) > max_bytes:
        raise InputTooLarge(f"{name}: {len(content)} bytes; at most {max_bytes} are read")
    if not content:
        raise InputError(f"{name}: is empty")
    chosen = _choose(content, name, media_type)
    if chosen == JSONL:
        from service.statements.readers import jsonl

        text = normalise(decode(content, name=name, charset=charset_of(media_type)))
        for number, line, outcome in jsonl.read(text, name=name, max_bytes=max_bytes):
            yield Record(f"{name}: line {number}", line.encode(), number, outcome)
        return
    yield Record(name, content, None, _read_whole(content, chosen, name, media_type, max_bytes))


def count_records(content: bytes, *, name: str, media_type: str | None = None) -> int:
    """How many records a source has, without reading them; what cannot be read counts as one."""
    try:
        if _choose(content, name, media_type) != JSONL:
            return 1
        text = normalise(decode(content, name=name, charset=charset_of(media_type)))
    except InputError:
        return 1
    return sum(1 for line in text.split("\n") if line.strip())


def _read_whole(
    content: bytes, chosen: str, name: str, media_type: str | None, max_bytes: int
) -> Reading:
    try:
        reading = _reader(chosen)(content, name, charset_of(media_type), max_bytes)
    except VerinoteError:
        raise
    except Exception as error:  # parsers of broken files raise anything
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{name}: cannot be read as {_NAMES[chosen]}: {reason}") from error
    return check_text(reading, name=name, max_bytes=max_bytes)


def _reader(media_type: str) -> Callable[[bytes, str, str | None, int], Reading]:
    # Imported when needed: the parsers of HTML alone take a third of a second to load.
    if media_type == HTML:
        from service.statements.readers import html

        return html.read
    if media_type == PDF:
        from service.statements.readers import pdf

        return pdf.read
    if media_type == DOCX:
        from service.statements.readers import docx

        return docx.read
    from service.statements.readers import plain

    return plain.read_markdown if media_type == MARKDOWN else plain.read_text


def _choose(content: bytes, name: str, media_type: str | None) -> str:
    declared = (media_type or "").split(";")[0].strip().lower()
    extension = PurePosixPath(re.split("[?#]", name, maxsplit=1)[0]).suffix.lower()
    if content.lstrip()[:5] == b"%PDF-":
        return PDF
    if content[:4] == b"PK\x03\x04":
        return DOCX
    if declared in _ALIASES:
        return _ALIASES[declared]
    if declared not in _SAYS_NOTHING:
        raise InputError(
            f"{name}: {declared} is not read; give text, Markdown, HTML, PDF, DOCX or JSONL"
        )
    if extension in EXTENSIONS:
        return EXTENSIONS[extension]
    return HTML if _HTML_START.match(content[:4096].removeprefix(b"\xef\xbb\xbf")) else PLAIN
