"""Plain text and Markdown. Markdown may open with YAML front matter; the body is the text."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import yaml
from frontmatter.default_handlers import YAMLHandler

from service.kit.errors import InputError
from service.kit.text import normalise
from service.statements.readers.encoding import decode
from service.statements.readers.reading import (
    MARKDOWN,
    PLAIN,
    Metadata,
    Reading,
    declared,
    guess,
)

_HEADING = re.compile(r"^#[ \t]+(.+?)[ \t]*#*$", re.M)
_FIRST_KEY = re.compile(r"-{3,}[^\S\n]*\n(?:\s*#.*\n)*\s*[\w-]+[^\S\n]*:")
"""Without a key after it, the line of dashes is a rule across the page."""
_MOST_FRONT_MATTER = 64_000
_DEEPEST = 8


class _FrontMatter(YAMLHandler):
    """python-frontmatter's splitting, with every scalar kept as the string that was written."""

    def load(self, fm: str, **_: object) -> dict[str, Any]:
        # The loader recurses in C and crashes the process on deep nesting, so look first.
        depth = 0
        for event in yaml.parse(fm, Loader=yaml.CBaseLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _DEEPEST:
                raise yaml.YAMLError(f"nested deeper than {_DEEPEST}")
        values = yaml.load(fm, Loader=yaml.CBaseLoader)  # noqa: S506  # makes strings, lists, dicts
        if not isinstance(values, dict):
            raise yaml.YAMLError("it is not a list of keys and values")
        return values


def read_text(content: bytes, name: str, charset: str | None, _max_bytes: int) -> Reading:
    """Read plain text; it is kept as it is."""
    text = decode(content, name=name, charset=charset)
    return Reading.of(text, Metadata(), media_type=PLAIN, reader="text/1")


def read_markdown(content: bytes, name: str, charset: str | None, _max_bytes: int) -> Reading:
    """Read Markdown: the front matter says what it is, the body after it is the text.

    Raises:
        InputError: the front matter is broken or a key of it cannot be used.
    """
    text = normalise(decode(content, name=name, charset=charset))
    metadata, body = _split(text, name)
    if metadata.title is None and (heading := _HEADING.search(body)):
        metadata = replace(metadata, title=guess(heading[1]))
    reader = f"python-frontmatter/{version('python-frontmatter')}"
    return Reading.of(body, metadata, media_type=MARKDOWN, reader=reader)


def _split(text: str, name: str) -> tuple[Metadata, str]:
    handler = _FrontMatter()
    opened = text.lstrip()
    if not handler.detect(opened) or not _FIRST_KEY.match(opened):
        return Metadata(), text.strip()
    try:
        front, body = handler.split(opened)
    except ValueError as error:
        raise InputError(f"{name}: the front matter is not closed by a line of ---") from error
    if len(front) > _MOST_FRONT_MATTER:
        raise InputError(f"{name}: the front matter is longer than {_MOST_FRONT_MATTER} characters")
    try:
        values = handler.load(front)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{name}: the front matter is not YAML: {reason}") from error
    return declared(values, name=name), body.strip()
