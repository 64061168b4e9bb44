"""Streaming JSON lines, or a CSV table, into typed rows.

A malformed line is reported and counted, not fatal.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from service.kit.errors import InputError
from service.kit.text import normalise

T = TypeVar("T")
MOST_BAD = 1_000
"""Malformed lines after which a file is refused: they are kept and shown, all of them."""
_LONGEST_REASON = 300
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that could not be read.

    Attributes:
        line: its number in the file, from 1.
        reason: what is wrong with it, in words.
    """

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


def stream(path: Path, parse: Callable[[Fields], T], bad: list[BadRow]) -> Iterator[T]:
    """Yield each line of ``path`` as ``parse`` reads it; what it can't read is added to ``bad``.

    Blank lines are skipped. One line is held in memory at a time.

    Args:
        path: a UTF-8 file of one JSON object a line; or, when its name ends in ``.csv``, a table
            whose first line names the fields. An empty cell is no field.
        parse: turns the object into a row; raises ValueError with a reason when it can't.
        bad: receives the malformed lines.

    Raises:
        InputError: there is no such file, it is no table in UTF-8, or hardly anything in it can
            be read.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; --data names the folder that holds {path.name}")
    with path.open("rb") as lines:
        for number, line in _table(lines) if path.suffix.lower() == ".csv" else _lines(lines):
            try:
                row = parse(_cells(line) if isinstance(line, dict) else _object(line))
            except KeyError as error:
                bad.append(BadRow(number, f"field {error} is missing"))
            except UnicodeDecodeError as error:
                bad.append(BadRow(number, f"not UTF-8 at byte {error.start}"))
            except json.JSONDecodeError as error:
                bad.append(BadRow(number, f"not JSON: {error.msg} at column {error.colno}"))
            except RecursionError:
                bad.append(BadRow(number, "nested too deeply"))
            except (ValueError, TypeError, AttributeError) as error:
                bad.append(BadRow(number, str(error)[:_LONGEST_REASON]))
            else:
                yield row
            if len(bad) > MOST_BAD:
                raise InputError(
                    f"{path}: more than {MOST_BAD:,} lines cannot be read, as {bad[0]}; is it "
                    "another format?"
                )


def _lines(lines: BinaryIO) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(lines, start=1) if line.strip())


def _table(lines: BinaryIO) -> Iterator[tuple[int, dict[str | None, Any]]]:
    text = TextIOWrapper(lines, encoding="utf-8-sig", newline="")
    table = csv.DictReader(text)
    try:
        for row in table:
            yield table.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{lines.name}: after line {table.line_num}: {error}; save the table as CSV in UTF-8"
        ) from None


def _cells(row: dict[str | None, Any]) -> Fields:
    if None in row:
        raise ValueError("it has more cells than the first line names")
    return {name: cell for name, cell in row.items() if name and cell}


def _object(line: bytes) -> Fields:
    fields = json.loads(line)
    if not isinstance(fields, dict):
        raise TypeError(f"expected a JSON object, found {type(fields).__name__}")
    return fields


def count_lines(path: Path) -> int:
    """Number of lines in the file, for a progress bar; 0 when it isn't there."""
    if not path.is_file():
        return 0
    with path.open("rb") as lines:
        return sum(1 for line in lines if line.strip())


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes, so that a run says which data it read."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def words(fields: Fields, name: str) -> str:
    """Return a field that must hold text, in the form that texts are stored in, without blanks.

    Raises:
        KeyError: the field is missing.
        ValueError: it is empty or no text.
    """
    value = fields[name]
    if not isinstance(value, str) or not normalise(value).strip():
        raise ValueError(f"field '{name}' must be a text that isn't empty")
    return normalise(value).strip()


def mapped(fields: Fields, name: str, labels: dict[str, T]) -> T:
    """Return what a field's label means to us.

    Raises:
        KeyError: the field is missing.
        ValueError: its label is none of the known ones.
    """
    label = fields[name]
    if not isinstance(label, str) or label not in labels:
        raise ValueError(f"field '{name}' is {label!r}; known are {', '.join(labels)}")
    return labels[label]


def day(fields: Fields, name: str) -> date | None:
    """Return an optional field's ISO date (YYYY-MM-DD); None where it is absent or null.

    Raises:
        ValueError: it holds something else.
    """
    value = fields.get(name)
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except (ValueError, TypeError):
        raise ValueError(f"field '{name}' is {value!r}; write dates as YYYY-MM-DD") from None
