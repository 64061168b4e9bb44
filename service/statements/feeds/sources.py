"""``feeds.toml``: which feeds of which official bodies are read. docs/feeds.md describes it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from service.kit.errors import InputError
from service.kit.text import sha256_hex
from service.statements.readers import Metadata
from service.statements.readers.reading import is_web_address
from service.types import Kind

LONGEST_ADDRESS = 1000
"""Characters: addresses are keys, and an index entry of PostgreSQL holds 2,700 bytes."""

_EVERY = re.compile(r"(\d{1,4})\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def _interval(value: object) -> object:
    if isinstance(value, str) and (match := _EVERY.fullmatch(value.strip())) and int(match[1]):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    raise ValueError("write it as 30m, 6h or 1d")


_Line = Annotated[str, Field(min_length=1, max_length=500)]


class Feed(BaseModel):
    """One entry of feeds.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    url: str = Field(max_length=LONGEST_ADDRESS, description="the feed's address")
    issuer: _Line = Field(description="the body whose statements the feed lists")
    kind: Literal["feed", "sitemap"] | None = Field(None, description="empty: found out")
    include: tuple[_Line, ...] = Field((), description="only items whose address matches one")
    exclude: tuple[_Line, ...] = Field((), description="no items whose address matches one")
    since: date | None = Field(None, description="no items that the feed dates earlier")
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] | None = Field(
        None, description="of the statements; empty: found out for each"
    )
    statement_kind: Kind | None = Field(None, description="original, translation or digest")
    reported_by: tuple[_Line, ...] = Field((), description="pages that carry the statements")
    limit: int = Field(200, ge=1, le=10_000, description="most items fetched in one run")
    every: Annotated[timedelta, BeforeValidator(_interval)] | None = Field(
        None, description="how often the service reads it"
    )

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not is_web_address(value):
            raise ValueError("give an http or https address")
        if "@" in value.split("/")[2]:
            raise ValueError("give it without user name and password")
        return value

    def takes(self, address: str, day: date | None) -> bool:
        """Whether an item is wanted, by its address and the day that the feed gives it."""
        if self.since and day and day < self.since:
            return False
        if self.include and not any(fnmatchcase(address, pattern) for pattern in self.include):
            return False
        return not self.leaves_out(address)

    def leaves_out(self, address: str) -> bool:
        """Whether an address is excluded: of an item, or of a sitemap inside the feed's."""
        return any(fnmatchcase(address, pattern) for pattern in self.exclude)

    @property
    def selection(self) -> str:
        """A digest of what decides which items are taken."""
        return sha256_hex(repr((self.include, self.exclude, self.since)))

    def told(self, title: str | None, published: date | None) -> Metadata:
        """What is known of an item apart from what its page says."""
        return Metadata(
            title=title,
            published=published,
            issuer=self.issuer,
            kind=self.statement_kind,
            reported_by=self.reported_by,
            language=self.language,
        )


def load_feeds(path: Path) -> tuple[Feed, ...]:
    """Read feeds.toml.

    Raises:
        InputError: it cannot be read, or an entry cannot be used; the message names the file,
            the entry and the field.
    """
    given = _tables(path)
    feeds: list[Feed] = []
    wrong: list[str] = []
    places: dict[str, int] = {}
    for number, entry in enumerate(given, start=1):
        try:
            feed = Feed.model_validate(entry)
        except ValidationError as error:
            called = _called(number, entry)
            wrong += [f"{called}: {_told(dict(one))}" for one in error.errors(include_url=False)]
            continue
        if feed.url in places:
            wrong.append(f"{_called(number, entry)}: url: is that of feed {places[feed.url]} too")
        places.setdefault(feed.url, number)
        feeds.append(feed)
    if wrong:
        raise InputError(f"{path}: {'; '.join(wrong)}")
    return tuple(feeds)


def _tables(path: Path) -> list[Mapping[str, object]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: is not there; write one that lists your feeds (docs/feeds.md says how, "
            "seeds/feeds.toml is an example), or name another file"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: is not TOML: {error}") from error
    if unknown := sorted(set(content) - {"feed"}):
        raise InputError(f"{path}: {unknown[0]}: is not known here; entries begin with [[feed]]")
    entries = content.get("feed")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path}: lists no feeds; each begins with a line [[feed]]")
    return entries


def _called(number: int, entry: Mapping[str, object]) -> str:
    url = entry.get("url")
    # A password may stand in an address that is refused for it.
    shown = f" ({url})" if isinstance(url, str) and "@" not in url else ""
    return f"feed {number}{shown}"


def _told(wrong: dict[str, Any]) -> str:
    field = ".".join(map(str, wrong["loc"]))
    if wrong["type"] == "extra_forbidden":
        return f"{field}: is not known; the keys are {', '.join(Feed.model_fields)}"
    if wrong["type"] == "missing":
        return f"{field}: is missing"
    return f"{field}: {wrong['msg'].removeprefix('Value error, ')}"
