"""A run's folder on disk: written so that a kill at any moment leaves what can be read again.

``run.json`` says what ran, on what, with which versions, and how far it came; ``items.jsonl`` has a
row an item, in the order in which they finished; ``metrics.json`` (``{metric: {value, low,
high}}``, with ``n`` and ``baselines``) and ``confusion.json`` are computed from it. ``data/`` holds
the corpus, and the answers of a language model, until the run is done. ``run.lock`` is empty: it
keeps two runs apart.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from eval.measures import Confusion, Measure, Measures, Row
from service.kit.errors import InputError
from service.kit.locks import locked_file

_FILES = ("run.json", "items.jsonl", "metrics.json", "confusion.json", "report.html")


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of one run.

    Attributes:
        path: where it is.
    """

    path: Path

    @property
    def items_file(self) -> Path:
        """The rows."""
        return self.path / "items.jsonl"

    @property
    def data(self) -> Path:
        """What the run needs to go on."""
        return self.path / "data"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.path / "report.html"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs from writing here, in other processes too. Makes the folder.

        Raises:
            InputError: one does.
        """
        with ExitStack() as holding:
            try:
                holding.enter_context(locked_file(self.path / "run.lock", wait=False))
            except BlockingIOError as error:
                raise InputError(
                    f"{self.path}: another run writes here; wait for it, or give another --out"
                ) from error
            yield

    def clear(self) -> None:
        """Make the folder and remove what an earlier run left in it."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            (self.path / name).unlink(missing_ok=True)
        self.forget_data()

    def forget_data(self) -> None:
        """Remove what is needed only as long as the run may go on."""
        shutil.rmtree(self.data, ignore_errors=True)

    @property
    def begun(self) -> bool:
        """Whether a run has begun here."""
        return (self.path / "run.json").is_file()

    def told(self) -> Row:
        """What ``run.json`` says.

        Raises:
            InputError: there is no run, or its file is damaged.
        """
        return self._read("run.json")

    def tell(self, told: Row) -> None:
        """Write ``run.json``."""
        self._write("run.json", told)

    def mend(self) -> None:
        """Cut off a row that a kill has left half written."""
        if not self.items_file.is_file():
            return
        with self.items_file.open("r+b") as items:
            whole = 0
            for line in items:
                if line.endswith(b"\n"):
                    whole += len(line)
            items.truncate(whole)

    def append(self) -> TextIO:
        """Open ``items.jsonl`` for further rows."""
        return self.items_file.open("a", encoding="utf-8", errors="backslashreplace")

    def rows(self) -> Iterator[Row]:
        """Stream every row in the order of the file; of an item that was tried again, all tries."""
        if not self.items_file.is_file():
            return
        with self.items_file.open(encoding="utf-8") as lines:
            for line in lines:
                row: Row = json.loads(line)
                yield row

    def items(self) -> list[Row]:
        """The rows in the order of the dataset; of an item that was tried again, the last try."""
        last = {row["place"]: row for row in self.rows()}
        return [last[place] for place in sorted(last)]

    def measures(self) -> Measures:
        """Read back what :meth:`measured` wrote.

        Raises:
            InputError: there are no figures, or their files are damaged.
        """
        return measures_from_json(self._read("metrics.json"), self._read("confusion.json"))

    def measured(self, measures: Measures) -> None:
        """Write ``metrics.json`` and ``confusion.json``."""
        self._write("metrics.json", figures_as_json(measures))
        self._write("confusion.json", confusions_as_json(measures))

    def _read(self, name: str) -> Row:
        path = self.path / name
        if not path.is_file():
            raise InputError(f"{path}: no such file; {self.path} is not the folder of a run")
        try:
            told: Row = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: not JSON: {error}") from None
        return told

    def _write(self, name: str, told: Row) -> None:
        """Replace a file as a whole: it is never seen half written."""
        beside = self.path / f".{name}"
        text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.path / name)


def add_row(items: TextIO, row: Row) -> None:
    """Write a row at the end of ``items.jsonl``, as :meth:`RunFolder.append` has opened it."""
    items.write(json.dumps(row, ensure_ascii=False) + "\n")
    items.flush()


def measures_from_json(figures: Row, confusions: Row) -> Measures:
    """What :func:`figures_as_json` and :func:`confusions_as_json` told."""
    return Measures(
        {name: Measure.from_json(told) for name, told in figures.items()},
        {
            name: Confusion(tuple(told["labels"]), tuple(map(tuple, told["counts"])))
            for name, told in confusions.items()
        },
    )


def figures_as_json(measures: Measures) -> Row:
    """What ``metrics.json`` holds."""
    return {name: figure.as_json() for name, figure in measures.figures.items()}


def confusions_as_json(measures: Measures) -> Row:
    """What ``confusion.json`` holds."""
    return {
        name: {"labels": table.labels, "counts": table.counts}
        for name, table in measures.confusions.items()
    }
