"""Word documents (DOCX), by python-docx, after the archive around them proved harmless.

The declared sizes, the sizes that really come out, and the ratio are bounded before anything is
parsed, and no part may declare a document type: OOXML has none, entity bombs need one.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from xml.parsers import expat

from docx import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from lxml.etree import _Element as Element

from service.kit.errors import InputError, InputTooLarge
from service.statements.readers.reading import DOCX, Metadata, Reading, guess

_MOST_PARTS = 5_000
_MOST_INFLATED = 200_000_000
"""Bytes of all parts together, whatever the limit on the file."""
_LEAST_ALLOWED = 20_000_000
"""The same, however low the limit on the file: pictures count too."""
_RATIO_FROM = 1_000_000
_MOST_RATIO = 200
"""XML of real documents shrinks by 5 to 20; the ratio counts for parts above 1 MB."""
_CHUNK = 1 << 20

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_ELSEWHERE = {f"{_W}p", f"{_W}tbl", f"{_W}moveFrom", _FALLBACK}
"""Not part of a paragraph's own text: blocks inside it, words moved away, second renderings."""
_WHITE = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "\u2011"}


def read(content: bytes, name: str, _charset: str | None, max_bytes: int) -> Reading:
    """Read paragraphs and tables in order; paragraphs are set apart by blank lines.

    The creation date is not taken for the date of publication: it is often the template's.

    Raises:
        InputTooLarge: the parts inflate past the limits (a zip bomb).
        InputError: the archive is broken, not a Word document, or declares a document type.
    """
    _check(content, name, max_bytes)
    document = Document(io.BytesIO(content))
    text = "\n\n".join(_blocks(document.element.body))
    if not text.strip():
        raise InputError(f"{name}: the document has no text")
    properties = any(
        relation.reltype == RELATIONSHIP_TYPE.CORE_PROPERTIES
        for relation in document.part.package.rels.values()
    )
    metadata = Metadata(title=guess(document.core_properties.title) if properties else None)
    return Reading.of(
        text, metadata, media_type=DOCX, reader=f"python-docx/{version('python-docx')}"
    )


def _check(content: bytes, name: str, max_bytes: int) -> None:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"{name}: is not a DOCX archive, or it is truncated: {error}") from error
    with archive:
        parts = archive.infolist()
        if not any(part.filename == "word/document.xml" for part in parts):
            raise InputError(f"{name}: is a ZIP archive without a Word document inside")
        if len(parts) > _MOST_PARTS:
            raise InputTooLarge(f"{name}: {len(parts)} parts; at most {_MOST_PARTS} are read")
        allowed = min(_MOST_INFLATED, max(_LEAST_ALLOWED, 4 * max_bytes))
        if sum(part.file_size for part in parts) > allowed:
            raise InputTooLarge(f"{name}: inflates to more than {allowed} bytes (a zip bomb?)")
        inflated = 0
        for part in parts:
            inflated += _inflate(archive, part, allowed - inflated, name)


def _inflate(archive: zipfile.ZipFile, part: zipfile.ZipInfo, room: int, name: str) -> int:
    """Return a part's real size; look at the head of XML parts on the way."""
    size = 0
    prolog = _Prolog() if part.filename.endswith((".xml", ".rels")) else None
    try:
        with archive.open(part) as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > room or (size > _RATIO_FROM and size > _MOST_RATIO * part.compress_size):
                    raise InputTooLarge(
                        f"{name}: {part.filename} inflates to {size} bytes or more from "
                        f"{part.compress_size} (a zip bomb?)"
                    )
                if prolog:
                    prolog.feed(chunk)
    except _DeclaresTypeError as error:
        raise InputError(
            f"{name}: {part.filename} declares a document type, which no Word document has; "
            "save it again with a word processor"
        ) from error
    except expat.ExpatError as error:
        raise InputError(f"{name}: {part.filename} is not XML: {error}") from error
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise InputError(f"{name}: {part.filename} cannot be inflated: {error}") from error
    return size


class _DeclaresTypeError(Exception):
    """An XML part declares a document type."""


class _Prolog:
    """Reads XML up to its first element: a document type can only stand before it."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._on_type
        self._parser.StartElementHandler = self._on_element
        self._done = False

    def feed(self, chunk: bytes) -> None:
        """Read the next bytes; raises ``_DeclaresTypeError`` at the declaration's first word."""
        for start in range(0, len(chunk), 4096):
            if self._done:
                return
            self._parser.Parse(chunk[start : start + 4096], False)

    def _on_type(self, *_: object) -> None:
        raise _DeclaresTypeError

    def _on_element(self, *_: object) -> None:
        self._done = True


def _blocks(element: Element) -> Iterator[str]:
    """Yield the text of paragraphs, and of tables with a line a row."""
    for child in element:
        if child.tag == f"{_W}p":
            if text := _paragraph(child).strip():
                yield text
            yield from _boxes(child)
        elif child.tag == f"{_W}tbl":
            if text := "\n".join(_rows(child)):
                yield text
        elif isinstance(child.tag, str) and child.tag != _FALLBACK:
            yield from _blocks(child)


def _rows(table: Element) -> Iterator[str]:
    for row in _own(table, "tr", "tbl"):
        cells = (" ".join(" ".join(_blocks(cell)).split()) for cell in _own(row, "tc", "tr"))
        if (line := " | ".join(cells)).strip(" |"):
            yield line


def _paragraph(element: Element) -> str:
    parts: list[str] = []
    for child in element:
        if child.tag == f"{_W}t":
            parts.append(child.text or "")
        elif child.tag in _WHITE:
            parts.append(_WHITE[child.tag])
        elif isinstance(child.tag, str) and child.tag not in _ELSEWHERE:
            parts.append(_paragraph(child))
    return "".join(parts)


def _boxes(paragraph: Element) -> Iterator[str]:
    """Text boxes stand inside a paragraph, but are blocks of their own."""
    for box in _own(paragraph, "txbxContent", "p"):
        if not any(parent.tag == _FALLBACK for parent in box.iterancestors()):
            yield from _blocks(box)


def _own(element: Element, tag: str, kind: str) -> Iterator[Element]:
    """Yield the descendants that belong to ``element`` and to no ``kind`` nested inside it."""
    for found in element.iter(f"{_W}{tag}"):
        if next(found.iterancestors(f"{_W}{kind}"), None) is element:
            yield found
