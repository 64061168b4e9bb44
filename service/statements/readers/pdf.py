"""PDF, by PDFium: the text layer page by page, title and creation date from the metadata."""

from __future__ import annotations

import re
import threading
from datetime import date
from importlib.metadata import version

import pypdfium2

from service.kit.errors import InputError, InputTooLarge
from service.statements.readers.reading import PDF, Metadata, Reading, guess

_START_MARK, _END_MARK = b"%PDF-", b"%%EOF"
_WRONG_PASSWORD = 4
_DATE = re.compile(r"D:(\d{4})(\d{2})(\d{2})")
_BROKEN_WORD = re.compile(r"(\w+)\ufffe(\w+)")
_SENTENCE_END = re.compile(r"[.!?:;][\"'”’)\]]*\s*$")
_lock = threading.Lock()
"""PDFium may not be called from two threads at once."""


def read(content: bytes, name: str, _charset: str | None, max_bytes: int) -> Reading:
    """Read the text layer.

    Raises:
        InputTooLarge: the text grows past ``max_bytes`` characters.
        InputError: the file is truncated, broken, locked by a password or has no text layer.
    """
    if _START_MARK not in content[:1024]:
        raise InputError(f"{name}: is not a PDF")
    if _END_MARK not in content[-2048:]:
        # PDFium mends files without their end, and what was cut off would be missing unseen.
        raise InputError(f"{name}: the end of the PDF is missing: the file is truncated")
    with _lock:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            if error.err_code == _WRONG_PASSWORD:
                raise InputError(f"{name}: the PDF is locked by a password") from error
            raise InputError(f"{name}: the PDF is broken or truncated: {error}") from error
        try:
            known = document.get_metadata_dict(skip_empty=True)
            text = _text(document, name, max_bytes)
        finally:
            document.close()
    if not text.strip():
        raise InputError(f"{name}: the PDF has no text layer: it is a scan; recognise its text")
    metadata = Metadata(title=guess(known.get("Title")), published=_date(known))
    return Reading.of(text, metadata, media_type=PDF, reader=f"pypdfium2/{version('pypdfium2')}")


def _text(document: pypdfium2.PdfDocument, name: str, max_bytes: int) -> str:
    text = ""
    for page in document:
        layer = page.get_textpage()
        found = layer.get_text_range().replace("\r\n", "\n").strip()
        layer.close()
        page.close()
        if found:
            # A sentence that runs over the page's end goes on in the same paragraph.
            gap = "\n\n" if _SENTENCE_END.search(text[-20:]) else "\n"
            text = f"{text}{gap}{found}" if text else found
        if len(text) > max_bytes:
            raise InputTooLarge(f"{name}: holds more than {max_bytes} characters of text")
    return _mend(text)


def _mend(text: str) -> str:
    """Join words broken at a line's end, where PDFium leaves U+FFFE for the hyphen.

    Nothing shows whether the hyphen belongs to the word ("long-term") or to the break: it goes
    only where the document spells the joined word elsewhere.
    """
    words = set(re.findall(r"\w+", text))

    def joined(match: re.Match[str]) -> str:
        whole = match[1] + match[2]
        return whole if whole in words else f"{match[1]}-{match[2]}"

    return _BROKEN_WORD.sub(joined, text).replace("\ufffe", "-")


def _date(known: dict[str, str]) -> date | None:
    match = _DATE.match(known.get("CreationDate", ""))
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
