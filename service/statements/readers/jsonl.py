"""JSONL: one statement a line, with the keys of the front matter and the text beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from service.kit.errors import InputError
from service.statements.readers.reading import JSONL, Reading, check_text, declared


def read(
    text: str, *, name: str, max_bytes: int
) -> Iterator[tuple[int, str, Reading | InputError]]:
    """Yield line number, line, and its reading or what is wrong with it; skip blank lines."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                outcome: Reading | InputError = _line(line, f"{name}: line {number}", max_bytes)
            except InputError as error:
                outcome = error
            yield number, line, outcome


def _line(line: str, name: str, max_bytes: int) -> Reading:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: is not JSON: {error}") from error
    if not isinstance(values, dict) or not isinstance(values.get("text"), str):
        raise InputError(f"{name}: is not an object with a text")
    metadata = declared(values, name=name)
    reading = Reading.of(values["text"], metadata, media_type=JSONL, reader="jsonl/1")
    return check_text(reading, name=name, max_bytes=max_bytes)
