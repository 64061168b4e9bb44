"""What every reader returns, and the metadata that a document may declare of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from urllib.parse import urlsplit

from service.kit.errors import InputError, InputTooLarge
from service.kit.text import normalise, one_line
from service.types import Kind

PLAIN = "text/plain"
MARKDOWN = "text/markdown"
HTML = "text/html"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
JSONL = "application/x-ndjson"

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ].+)?")
_ABSENT = {"", "~", "null", "none"}
_LONGEST = 2000
"""Characters of one declared value: a title or an address is never longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """What a document says of itself; None where it says nothing.

    Attributes:
        reported_by: pages that carried it, as declared.
        language: primary language code in lower case, when declared.
        declared_id: the statement id that its author chose.
    """

    title: str | None = None
    published: date | None = None
    issuer: str | None = None
    kind: Kind | None = None
    url: str | None = None
    reported_by: tuple[str, ...] = ()
    language: str | None = None
    declared_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading(Metadata):
    """A document's text in stored form, with what is known about it.

    Attributes:
        text: normalised (see ``service.kit.text.normalise``), never without a word.
        media_type: what it was read as.
        reader: what read it, "name/version".
    """

    text: str
    media_type: str
    reader: str

    @classmethod
    def of(cls, text: str, metadata: Metadata, *, media_type: str, reader: str) -> Reading:
        """Put text and metadata together; the text is normalised here."""
        known = {field.name: getattr(metadata, field.name) for field in fields(Metadata)}
        return cls(text=normalise(text), media_type=media_type, reader=reader, **known)


def check_text(reading: Reading, *, name: str, max_bytes: int) -> Reading:
    """Return the reading if its text is usable.

    Raises:
        InputTooLarge: the text has more than ``max_bytes`` characters.
        InputError: the text has no word in it.
    """
    if len(reading.text) > max_bytes:
        raise InputTooLarge(
            f"{name}: holds {len(reading.text)} characters of text; at most {max_bytes} are read"
        )
    if not any(character.isalnum() for character in reading.text):
        blank = not reading.text.strip()
        raise InputError(f"{name}: holds {'only white space' if blank else 'no words'}")
    return reading


def guess(value: object) -> str | None:
    """A title or issuer that a document's format carries: one line, cut where it runs on."""
    line = one_line(value) if isinstance(value, str) else ""
    return line[:500] or None


def declared(values: Mapping[str, object], *, name: str) -> Metadata:
    """Read the declared keys ``id issuer title published kind language url reported_by``.

    Other keys are left alone: front matter serves other programs too.

    Raises:
        InputError: a value cannot be used; the message names the key.
    """
    return Metadata(
        title=_line(values, "title", name),
        published=_published(values, name),
        issuer=_line(values, "issuer", name),
        kind=_kind(values, name),
        url=_url(values, name),
        reported_by=_reported_by(values, name),
        language=_language(values, name),
        declared_id=_declared_id(values, name),
    )


def _wrong(name: str, key: str, value: str, advice: str) -> InputError:
    return InputError(f"{name}: {key}: {value[:60]!r} {advice}")


def _line(values: Mapping[str, object], key: str, name: str) -> str | None:
    return _as_line(values.get(key), key, name)


def _as_line(value: object, key: str, name: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise InputError(f"{name}: {key}: must be one line of text, not a {type(value).__name__}")
    line = one_line(value)
    if len(line) > _LONGEST:
        raise InputError(f"{name}: {key}: is longer than {_LONGEST} characters")
    return None if line.lower() in _ABSENT else line


def _published(values: Mapping[str, object], name: str) -> date | None:
    value = _line(values, "published", name)
    if value is None:
        return None
    try:
        if _DATE.fullmatch(value):
            return datetime.fromisoformat(value).date()
    except ValueError:
        pass
    raise _wrong(name, "published", value, "is not a date; write it as YYYY-MM-DD")


def _kind(values: Mapping[str, object], name: str) -> Kind | None:
    value = _line(values, "kind", name)
    if value is None:
        return None
    try:
        return Kind(value.lower())
    except ValueError as error:
        allowed = ", ".join(Kind)
        raise _wrong(name, "kind", value, f"is unknown; use one of: {allowed}") from error


def _url(values: Mapping[str, object], name: str) -> str | None:
    value = _line(values, "url", name)
    if value is not None and not is_web_address(value):
        raise _wrong(name, "url", value, "is not an http or https address")
    return value


def is_web_address(value: str) -> bool:
    """Whether ``value`` is an absolute http or https address."""
    try:
        parts = urlsplit(value)
        return parts.scheme.lower() in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def _reported_by(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = values.get("reported_by")
    several = value if isinstance(value, list) else [value]
    lines = (_as_line(item, "reported_by", name) for item in several)
    return tuple(line for line in lines if line)


def _language(values: Mapping[str, object], name: str) -> str | None:
    value = _line(values, "language", name)
    if value is None:
        return None
    match = _LANGUAGE.fullmatch(value)
    if match is None:
        raise _wrong(name, "language", value, "is not a language code such as en")
    return match[1].lower()


def _declared_id(values: Mapping[str, object], name: str) -> str | None:
    value = _line(values, "id", name)
    if value is not None and not _ID.fullmatch(value):
        raise _wrong(
            name, "id", value, "must be 1 to 64 letters, digits, dots, dashes or underscores"
        )
    return value
