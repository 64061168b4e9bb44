"""What every benchmark leaves behind: figures, where and how they were made, and one table."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import rich.table
from pydantic import TypeAdapter, ValidationError

from eval.environment import git_revision, packages
from service.kit.errors import InputError

Tell = Callable[[str], None]
"""Told what is being done."""

Found = TypeVar("Found")

_GIBIBYTE = 1 << 30


@dataclass(frozen=True, slots=True)
class Spread:
    """What was measured again and again; nan when it never was."""

    n: int
    p50: float
    p95: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float], digits: int = 1) -> Spread:
        """The spread of the values, rounded to so many digits."""
        if not values:
            return cls(0, math.nan, math.nan, math.nan)
        p50, p95, most = np.percentile(values, [50, 95, 100])
        return cls(len(values), *(round(float(one), digits) for one in (p50, p95, most)))


@dataclass(frozen=True, slots=True)
class Made:
    """Where, when and by what figures were made.

    Attributes:
        command: what makes them again; DIR stands for the folder of the public sets.
        load: processes that wanted a core in the minute before, on average: what else ran; None
            where nobody looked.
        memory_gib: of the machine.
    """

    command: str
    day: date
    machine: str
    cores: int
    memory_gib: float
    load: float | None
    git_revision: str | None
    packages: dict[str, str]

    @classmethod
    def here(cls, command: str) -> Made:
        """On this machine, by this code, now: before anything is measured."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return cls(
            command=command,
            day=datetime.now(UTC).date(),
            machine=f"{platform.machine()} {platform.system()}",
            cores=os.cpu_count() or 1,
            memory_gib=round(memory / _GIBIBYTE, 1),
            load=round(os.getloadavg()[0], 2),
            git_revision=git_revision(),
            packages=packages(),
        )


@dataclass(frozen=True, slots=True)
class Record(Generic[Found]):
    """What a benchmark has found, as it is written down.

    Attributes:
        benchmark: its name: that of its command.
        figures: the benchmark's own ``Result``.
    """

    benchmark: str
    made: Made
    figures: Found


def write(record: Record[Found], path: Path) -> None:
    """Write a record as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(record), indent=1, ensure_ascii=False, default=date.isoformat)
    path.write_text(text + "\n", encoding="utf-8")


def read(path: Path, kinds: dict[str, type[Found]]) -> Record[Found]:
    """Read what ``write`` wrote.

    Args:
        path: the file.
        kinds: of each benchmark what its figures are.

    Raises:
        InputError: it is no record of one of these benchmarks.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        kind = kinds[told["benchmark"]]
        figures = TypeAdapter(kind).validate_python(told["figures"])
        return Record(told["benchmark"], TypeAdapter(Made).validate_python(told["made"]), figures)
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise InputError(f"{path}: is no record of a benchmark: {error}") from error


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads; all but the first column are set to the right."""

    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def on_terminal(self) -> rich.table.Table:
        """As it is printed."""
        shown = rich.table.Table(box=None)
        for place, head in enumerate(self.heads):
            shown.add_column(head, justify="right" if place else "left")
        for row in self.rows:
            shown.add_row(*row)
        return shown

    def as_markdown(self) -> str:
        """As it stands on a page."""
        lines = [self.heads, ("---", *["---:"] * (len(self.heads) - 1)), *self.rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)
