"""A run: a dataset's rows through the product, a line of ``items.jsonl`` each as it finishes.

A run that ended before its last row, killed or at a limit, goes on where it was: what is written is
not asked again. Figures come from ``items.jsonl`` alone.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from eval import fold_parameters
from eval.catalogue import Dataset
from eval.datasets.reading import BadRow, count_lines, file_sha256
from eval.environment import git_revision, packages
from eval.measures import Measures, Row
from eval.metrics.intervals import RESAMPLES, SEED
from eval.run_folder import RunFolder, add_row
from eval.subject import Subject
from eval.tasks.task import Task
from service.kit.errors import InputError, OutOfReach
from service.kit.text import sha256_hex
from service.settings import Settings
from service.types import Usage

_FREE = ("concurrency", "started")
"""What may differ between a run and its going on."""
_SETTINGS = ("embeddings", "passages_per_claim", "llm_token_budget", "llm_cross_check")


class Identified(Protocol):
    """Every example has an id of its own."""

    @property
    def id(self) -> str:
        """Unique in its dataset."""


E = TypeVar("E", bound=Identified)
MOST = 2**53
"""The largest limit in tokens: what any program that reads JSON takes for the same number."""


class Progress(Protocol):
    """Told how many items are done, of how many, if that is known, and what they cost."""

    def __call__(self, done: int, total: int | None, cost: float = 0.0) -> None:
        """Show it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use of a language model.

    Attributes:
        cost: no further item is begun once so much is spent, in the price table's currency.
        tokens: the same, in tokens, prompts and completions together.
    """

    cost: float | None = None
    tokens: int | None = None

    def check(self, settings: Settings) -> None:
        """Refuse a limit that could not be kept.

        Raises:
            InputError: a cost is limited and nobody knows what the model costs; or it is no
                number that could be reached.
        """
        if self.cost is not None and not math.isfinite(self.cost):
            raise InputError(f"a limit of {self.cost:g} in cost: give a finite number")
        if self.tokens is not None and self.tokens > MOST:
            raise InputError(f"a limit of {self.tokens} in tokens: give {MOST} at most")
        known = settings.engine == "local" or settings.llm_model in settings.llm_prices
        if self.cost is not None and not known:
            raise InputError(
                f"a limit of {self.cost:g} in cost: no price is known for {settings.llm_model}; "
                "set VERINOTE_LLM_PRICES, or limit the tokens instead"
            )

    def reached(self, used: Usage) -> str | None:
        """Which limit is reached, in words; None where none is."""
        if self.cost is not None and used.cost >= self.cost:
            return f"the limit in cost, {self.cost:g}, is reached: {used.cost:.4f} is spent"
        if self.tokens is not None and used.tokens >= self.tokens:
            return f"the limit in tokens, {self.tokens}, is reached: {used.tokens} are used"
        return None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run.

    Attributes:
        data: the folder that holds the dataset's file, or that file itself.
        out: the folder that the run writes; files of an earlier run in it are replaced.
        statements: the statements to check claims against, for datasets that need some.
        limit: how many rows, from the first; all by default.
        concurrency: how many items are in flight at a time.
        resume: go on with the run that the folder holds, if it holds one.
        limits: what it may use of a language model.
        against_service: claims are checked against the service's statements, not a folder's.
    """

    dataset: Dataset
    data: Path
    out: Path
    settings: Settings
    statements: Path | None = None
    limit: int | None = None
    concurrency: int = 2
    resume: bool = False
    limits: Limits = Limits()
    against_service: bool = False

    @property
    def file(self) -> Path:
        """The dataset's file.

        Raises:
            InputError: there is none.
        """
        file = self.dataset.file(self.data)
        if file.is_file():
            return file
        card = self.dataset.card
        if self.data.is_dir():
            raise InputError(f"--data {self.data}: holds no {card.file} (from {card.upstream})")
        raise InputError(
            f"--data {self.data}: there is no such file or folder; it is to be {card.file} (from "
            f"{card.upstream}), or the folder that holds it"
        )

    @property
    def corpus(self) -> Path | None:
        """The folder of the statements, None where none is needed.

        Raises:
            InputError: the dataset needs some and there is no such folder.
        """
        if not self.dataset.corpus or self.against_service:
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
        used: of a language model, by all tries.
        stopped: why it stopped before its last row, in words; None where all were answered.
    """

    measures: Measures = field(default_factory=Measures)
    items: int = 0
    failed: int = 0
    bad: list[str] = field(default_factory=list)
    seconds: float = 0.0
    used: Usage = field(default_factory=Usage)
    stopped: str | None = None


async def run(plan: Plan, progress: Progress | None = None) -> Outcome:
    """Run the plan and write its folder.

    A malformed row is left out and listed in ``run.json``; an item that fails is kept in
    ``items.jsonl`` with its error, left out of the figures and counted as ``failed``; a run that
    goes on tries it again.

    Raises:
        InputError: the data or the statements aren't there, no row could be read, a limit could
            not be kept, the run that should go on was made with other settings, or another run
            writes into the folder.
    """
    plan.limits.check(plan.settings)
    asked = asked_of(plan)
    folder = RunFolder(plan.out)
    with folder.held():
        return await _run(plan, asked, folder, progress)


async def _run(plan: Plan, asked: Row, folder: RunFolder, progress: Progress | None) -> Outcome:
    before = folder.told() if plan.resume and folder.begun else None
    if before and "evaluation" in before:
        raise InputError(f"{plan.out}: the run was made on workers; go on with --workers")
    if before is None:
        folder.clear()
    else:
        check_same(before, asked, plan.out)
        folder.mend()
    started = datetime.fromisoformat(before["started"]) if before else datetime.now(UTC)
    outcome = Outcome(seconds=before.get("seconds", 0.0) if before else 0.0)
    # Nothing of a service's own: neither its database nor its vectors.
    own = {"data_dir": folder.data, "database_url": None, "chroma_url": None}
    settings = plan.settings.model_copy(update=own)
    async with Subject.open(settings, plan.dataset.card.name, started.date()) as subject:
        if corpus := plan.corpus:
            await subject.load(corpus)
        told = asked | await ran_by(subject)
        if before:
            check_same(before, told, plan.out)
        told |= {
            "concurrency": plan.concurrency,
            "started": started.isoformat(timespec="seconds"),
        }
        folder.tell(told | {"state": "running", "seconds": round(outcome.seconds, 1)})
        begun = time.perf_counter()
        await _answer_all(plan, folder, subject, outcome, progress)
        outcome.seconds += time.perf_counter() - begun
    outcome.measures = measure(plan.dataset, plan.data, folder)
    folder.tell(
        told
        | {
            "state": "stopped" if outcome.stopped else "done",
            "reason": outcome.stopped,
            "seconds": round(outcome.seconds, 1),
            "items": outcome.items,
            "failed": outcome.failed,
            "bad_rows": outcome.bad,
            "usage": spent(outcome.used),
        },
    )
    if not outcome.stopped:
        folder.forget_data()
    if not outcome.items and not outcome.stopped:
        raise InputError(
            f"{plan.file}: no row could be read; see bad_rows in {plan.out / 'run.json'}"
        )
    return outcome


def measure(dataset: Dataset, data: Path, folder: RunFolder) -> Measures:
    """Measure a run's ``items.jsonl`` and write ``metrics.json`` and ``confusion.json``."""
    measures = dataset.task(data).measure([row for row in folder.items() if "failed" not in row])
    folder.measured(measures)
    return measures


def asked_of(plan: Plan) -> Row:
    """What a run is asked to do, known before anything is opened.

    Raises:
        InputError: the data or the statements aren't there.
    """
    settings, file, corpus = plan.settings, plan.file, plan.corpus
    return {
        "dataset": plan.dataset.card.name,
        "file": file.name,
        "data_sha256": file_sha256(file),
        "statements_sha256": _folder_sha256(corpus) if corpus else None,
        "limit": plan.limit,
        "seed": SEED,
        "resamples": RESAMPLES,
        "engine": settings.engine,
        **_settings_of(settings),
        "git_revision": git_revision(),
        "packages": packages(),
    }


def _settings_of(settings: Settings) -> Row:
    """The settings that change answers."""
    return {name: getattr(settings, name) for name in _SETTINGS}


async def ran_by(subject: Subject) -> Row:
    """What answers, known once it is open."""
    return {
        **_settings_of(subject.settings),
        "engine": subject.engine,
        "model": subject.model,
        "prompt_version": subject.prompt_version,
        "prompts": subject.prompts,
        "corpus_revision": await subject.corpus_revision(),
        "fold_parameters": file_sha256(fold_parameters.FILE) if subject.out_of_fold else None,
    }


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], out: object) -> None:
    """See that a run goes on as it was begun.

    Args:
        before: what ``run.json`` says.
        now: what would run.
        out: what to call the run.

    Raises:
        InputError: they differ; the message names the first difference.
    """
    for name in now:
        then, value = _compared(name, before.get(name)), _compared(name, now[name])
        if name not in _FREE and value != then:
            told = _difference(then, value)
            raise InputError(
                f"{out}: the run was made with another {name} ({told}); go on as it was made, or "
                "leave --resume out to begin again"
            )


def _compared(name: str, value: object) -> object:
    """Changed files count only where they change an answer: the prompt version tells."""
    return value.rstrip("+") if name == "git_revision" and isinstance(value, str) else value


def _difference(then: object, now: object) -> str:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        name = next(one for one in {**then, **now} if then.get(one) != now.get(one))
        return f"{name}: {_difference(then.get(name), now.get(name))}"
    return f"{then} then, {now} now"


def _folder_sha256(folder: Path) -> str:
    """One digest of all files under a folder, names included."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    told = [f"{path.relative_to(folder).as_posix()} {file_sha256(path)}" for path in found]
    return sha256_hex("\n".join(told))


async def _answer_all(
    plan: Plan, folder: RunFolder, subject: Subject, outcome: Outcome, progress: Progress | None
) -> None:
    task = plan.dataset.task(plan.data)
    done = _done(folder, outcome)
    bad: list[BadRow] = []
    examples = _left(plan, bad, done)
    total = count_lines(plan.dataset.file(plan.data))
    total = total if plan.limit is None else min(total, plan.limit)
    if progress:
        progress(outcome.items, total, outcome.used.cost)
    with folder.append() as items:

        async def work() -> None:
            # The generator is shared: rows are read only as fast as they are answered.
            while (stopped := plan.limits.reached(outcome.used)) is None:
                if (one := next(examples, None)) is None:
                    return
                row = await answer(task, subject, *one)
                outcome.items += 1
                outcome.failed += has_failed(row)
                outcome.used += usage_of(row)
                add_row(items, row)
                if progress:
                    progress(outcome.items, total, outcome.used.cost)
            outcome.stopped = stopped

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(plan.concurrency):
                    group.create_task(work())
        except ExceptionGroup as several:  # the data ends in what cannot be read
            raise several.exceptions[0] from None
        if outcome.stopped and next(examples, None) is None:
            outcome.stopped = None  # it was the last row that reached the limit
    outcome.bad = [str(row) for row in bad]


def _done(folder: RunFolder, outcome: Outcome) -> set[int]:
    """The places that need not be answered again; what they took is booked."""
    done: set[int] = set()
    for row in folder.rows():
        outcome.used += usage_of(row)
        if not has_failed(row):
            done.add(row["place"])
    outcome.items = len(done)
    return done


def _left(plan: Plan, bad: list[BadRow], done: set[int]) -> Iterator[tuple[int, Any]]:
    for place, example in enumerate(plan.dataset.examples(plan.data, bad)):
        if plan.limit is not None and place >= plan.limit:
            return
        if place not in done:
            yield place, example


async def answer(
    task: Task[E], subject: Subject, place: int, example: E, *, waits: bool = False
) -> Row:
    """One example's row of ``items.jsonl``; one that says so where it failed.

    Args:
        task: asks.
        subject: is asked.
        place: the example's in the data.
        example: what is asked about.
        waits: whether the caller waits for servers that are out of reach.

    Raises:
        OutOfReach: one is, and the caller waits.
    """
    begun = time.perf_counter()
    asked = subject.with_own_account()
    try:
        row = await task.run(asked, example)
    except Exception as error:  # one bad item must not end a night's run
        if waits and isinstance(error, OutOfReach):
            raise
        row = {"id": example.id, "failed": f"{type(error).__name__}: {error}"}
    seconds = round(time.perf_counter() - begun, 4)
    return {"place": place, **row, "seconds": seconds, "usage": spent(asked.used)}


def has_failed(row: Row) -> bool:
    """Whether a row's item ended in an error."""
    return "failed" in row or bool(row.get("error"))


def spent(used: Usage) -> Row:
    """What was used of a language model, as rows and ``run.json`` tell it."""
    return {
        "calls": used.calls,
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "cost": used.cost,
    }


def usage_of(row: Row) -> Usage:
    """What an item used of a language model."""
    return Usage(**row["usage"])
