"""From bytes to text: byte order mark, declared charset, else UTF-8, and nothing guessed.

A wrong guess would store words that the issuer never wrote, so what cannot be decoded is an error
that names the offset.
"""

from __future__ import annotations

import codecs
import re

from service.kit.errors import InputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';]+)", re.I)
_NOT_FOR_TEXTS = {
    "idna",
    "punycode",
    "raw-unicode-escape",
    "unicode-escape",
    "undefined",
    "utf-7",
}
_AS_ON_THE_WEB = {"ascii": "cp1252", "iso8859-1": "cp1252"}
"""Labels that mean windows-1252 on the web (https://encoding.spec.whatwg.org/#names-and-labels)."""


def charset_of(media_type: str | None) -> str | None:
    """The charset parameter of a media type, if it has one."""
    match = _CHARSET.search(media_type or "")
    return match[1] if match else None


def decode(content: bytes, *, name: str, charset: str | None = None) -> str:
    """Decode a text by its byte order mark, else ``charset``, else UTF-8.

    Raises:
        InputError: the bytes are not text in that encoding, or hold NUL (binary).
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _strict(content[len(mark) :], encoding, name, len(mark))
    return _strict(content, _codec(charset, name) if charset else "utf-8", name, 0)


def _codec(charset: str, name: str) -> str:
    try:
        found = codecs.lookup(charset)
    except (LookupError, ValueError) as error:
        raise InputError(
            f"{name}: declares the unknown charset {charset[:40]!r}; save it as UTF-8"
        ) from error
    if found.name in _NOT_FOR_TEXTS or not getattr(found, "_is_text_encoding", True):
        raise InputError(f"{name}: charset {found.name} is not read; save it as UTF-8")
    return _AS_ON_THE_WEB.get(found.name, found.name)


def _strict(content: bytes, encoding: str, name: str, skipped: int) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        offset = skipped + getattr(error, "start", 0)
        nul = content.find(b"\0")
        if nul >= 0 and not encoding.startswith("utf-16"):
            raise _binary(name, skipped + nul) from error
        raise InputError(
            f"{name}: is not {encoding} (byte 0x{content[offset - skipped]:02x} at offset "
            f"{offset}); save it as UTF-8"
        ) from error
    nul = text.find("\0")
    if nul >= 0:
        raise _binary(name, skipped + len(text[:nul].encode(encoding)))
    return text


def _binary(name: str, offset: int) -> InputError:
    return InputError(
        f"{name}: holds a NUL byte at offset {offset}: it is binary, or UTF-16 without a byte "
        "order mark; give text"
    )
