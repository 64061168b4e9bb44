"""A run: a dataset's rows through the product, a line of ``items.jsonl`` each as it finishes.

A run's folder holds ``run.json`` (what ran, on what, with which versions), ``items.jsonl`` (a row
an item), ``metrics.json`` (``{metric: {value, low, high}}``, with ``n`` and ``baselines``) and
``confusion.json``. Figures come from ``items.jsonl`` alone.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TextIO, TypeVar

from eval import fold_parameters
from eval.catalogue import Dataset
from eval.datasets.reading import BadRow, count_lines, file_sha256
from eval.environment import git_revision, packages
from eval.measures import Confusion, Measure, Measures, Row
from eval.metrics.intervals import RESAMPLES, SEED
from eval.subject import Subject
from eval.tasks.task import Task
from service.kit.errors import InputError
from service.settings import Settings

_DATA = "data-"


class Identified(Protocol):
    """Every example has an id of its own."""

    @property
    def id(self) -> str:
        """Unique in its dataset."""


E = TypeVar("E", bound=Identified)
Progress = Callable[[int, int | None], None]
"""Told how many items are done, of how many, if that is known."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run.

    Attributes:
        data: the folder that holds the dataset's file, or that file itself.
        out: the folder that the run writes; files of an earlier run in it are replaced.
        statements: the statements to check claims against, for datasets that need some.
        limit: how many rows, from the first; all by default.
        concurrency: how many items are in flight at a time.
    """

    dataset: Dataset
    data: Path
    out: Path
    settings: Settings
    statements: Path | None = None
    limit: int | None = None
    concurrency: int = 2

    @property
    def corpus(self) -> Path | None:
        """The folder of the statements, None for datasets that need none.

        Raises:
            InputError: the dataset needs some and there is no such folder.
        """
        if not self.dataset.corpus:
            return None
        folder = self.statements or self.data / "statements"
        if not folder.is_dir():
            raise InputError(
                f"{folder}: no such folder; --statements names the statements that the claims of "
                f"'{self.dataset.card.name}' are checked against"
            )
        return folder


@dataclass(slots=True)
class Outcome:
    """What came of a run.

    Attributes:
        items: rows answered, the failed ones included.
        failed: rows that ended in an error.
        bad: lines that could not be read.
    """

    measures: Measures = field(default_factory=Measures)
    items: int = 0
    failed: int = 0
    bad: list[BadRow] = field(default_factory=list)
    seconds: float = 0.0


async def run(plan: Plan, progress: Progress | None = None) -> Outcome:
    """Run the plan and write its folder.

    A malformed row is left out and listed in ``run.json``; an item that fails is kept in
    ``items.jsonl`` with its error, left out of the figures and counted as ``failed``.

    Raises:
        InputError: the data or the statements aren't there, or no row could be read.
    """
    file = plan.dataset.file(plan.data)
    if not file.is_file():
        raise InputError(
            f"{file}: no such file; --data names the folder that holds {plan.dataset.card.file} "
            f"(from {plan.dataset.card.upstream})"
        )
    corpus = plan.corpus
    plan.out.mkdir(parents=True, exist_ok=True)
    for name in ("items.jsonl", "metrics.json", "confusion.json", "run.json"):
        (plan.out / name).unlink(missing_ok=True)
    for left in plan.out.glob(f"{_DATA}*"):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    outcome = Outcome()
    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory(dir=plan.out, prefix=_DATA) as folder:
        settings = plan.settings.model_copy(update={"data_dir": Path(folder)})
        async with Subject.open(settings, plan.dataset.card.name) as subject:
            if corpus:
                await subject.load(corpus)
            told = {
                "dataset": plan.dataset.card.name,
                "file": file.name,
                "data_sha256": file_sha256(file),
                "limit": plan.limit,
                "seed": SEED,
                "resamples": RESAMPLES,
                "concurrency": plan.concurrency,
                "engine": subject.engine,
                "model": subject.model,
                "prompt_version": subject.prompt_version,
                "corpus_revision": await subject.corpus_revision(),
                "fold_parameters": (
                    file_sha256(fold_parameters.FILE) if subject.out_of_fold else None
                ),
                "git_revision": git_revision(),
                "packages": packages(),
                "started": started.isoformat(timespec="seconds"),
            }
            _write(plan.out / "run.json", told | {"state": "running"})
            begun = time.perf_counter()
            await _answer_all(plan, subject, outcome, progress)
            outcome.seconds = time.perf_counter() - begun
    outcome.measures = measure(plan.dataset, plan.data, plan.out)
    _write(
        plan.out / "run.json",
        told
        | {
            "state": "done",
            "seconds": round(outcome.seconds, 1),
            "items": outcome.items,
            "failed": outcome.failed,
            "bad_rows": [str(row) for row in outcome.bad],
        },
    )
    if not outcome.items:
        raise InputError(f"{file}: no row could be read; see bad_rows in {plan.out / 'run.json'}")
    return outcome


def measure(dataset: Dataset, data: Path, out: Path) -> Measures:
    """Measure a run's ``items.jsonl`` and write ``metrics.json`` and ``confusion.json``."""
    rows = sorted(read_items(out), key=lambda row: row["place"])
    measures = dataset.task(data).measure([row for row in rows if "failed" not in row])
    _write(
        out / "metrics.json",
        {name: figure.as_json() for name, figure in measures.figures.items()},
    )
    _write(
        out / "confusion.json",
        {
            name: {"labels": table.labels, "counts": table.counts}
            for name, table in measures.confusions.items()
        },
    )
    return measures


def read_items(out: Path) -> Iterator[Row]:
    """Stream the rows of a run's ``items.jsonl``."""
    with (out / "items.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row: Row = json.loads(line)
            yield row


def read_measures(out: Path) -> Measures:
    """Read back what :func:`measure` wrote."""
    figures = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    tables = json.loads((out / "confusion.json").read_text(encoding="utf-8"))
    return Measures(
        {name: Measure.from_json(told) for name, told in figures.items()},
        {
            name: Confusion(tuple(told["labels"]), tuple(map(tuple, told["counts"])))
            for name, told in tables.items()
        },
    )


async def _answer_all(
    plan: Plan, subject: Subject, outcome: Outcome, progress: Progress | None
) -> None:
    task = plan.dataset.task(plan.data)
    examples = enumerate(plan.dataset.examples(plan.data, outcome.bad))
    total = count_lines(plan.dataset.file(plan.data))
    total = total if plan.limit is None else min(total, plan.limit)
    with (plan.out / "items.jsonl").open("w", encoding="utf-8", errors="backslashreplace") as items:

        async def work() -> None:
            # The generator is shared: rows are read only as fast as they are answered.
            for place, example in examples:
                if plan.limit is not None and place >= plan.limit:
                    return
                row = await _answer(task, subject, place, example)
                outcome.items += 1
                outcome.failed += "failed" in row or bool(row.get("error"))
                _append(items, row)
                if progress:
                    progress(outcome.items, total)

        async with asyncio.TaskGroup() as group:
            for _ in range(plan.concurrency):
                group.create_task(work())


async def _answer(task: Task[E], subject: Subject, place: int, example: E) -> Row:
    begun = time.perf_counter()
    try:
        row = await task.run(subject, example)
    except Exception as error:  # noqa: BLE001 - one bad item must not end a night's run
        row = {"id": example.id, "failed": f"{type(error).__name__}: {error}"}
    return {"place": place, **row, "seconds": round(time.perf_counter() - begun, 4)}


def _append(items: TextIO, row: Row) -> None:
    items.write(json.dumps(row, ensure_ascii=False) + "\n")
    items.flush()


def _write(path: Path, told: Row) -> None:
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
