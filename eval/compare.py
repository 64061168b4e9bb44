"""Two runs of the same rows, side by side: what differs, and whether chance would do as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

from eval.catalogue import dataset
from eval.measures import Row, classified
from eval.metrics import Interval
from eval.run_folder import RunFolder
from eval.tasks.task import Answer, Question
from service.kit.errors import InputError


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of both runs, and the second's minus the first's with its paired interval."""

    before: float
    after: float
    difference: Interval


@dataclass(frozen=True, slots=True)
class Flip:
    """A row that the runs answer differently."""

    key: str
    claim: str
    gold: str
    before: str
    after: str

    @property
    def kind(self) -> str:
        """``righted``, ``broken``, or ``still wrong``."""
        if self.after == self.gold:
            return "righted"
        return "broken" if self.before == self.gold else "still wrong"


@dataclass(frozen=True, slots=True)
class Compared:
    """A question that both runs answer.

    Attributes:
        rows: how many are compared.
        changes: by metric, ``{question}_macro_f1`` and ``{question}_accuracy``.
        righted: wrong before, right after.
        broken: right before, wrong after.
        p: of so uneven a split of these two, or a more uneven one, if chance alone had split them
            (exact McNemar test, two-sided).
        flips: all rows that are answered differently.
    """

    rows: int
    changes: Mapping[str, Change]
    righted: int
    broken: int
    p: float
    flips: tuple[Flip, ...]


@dataclass(frozen=True, slots=True)
class Spent:
    """What the compared rows took in one run; seconds are an item's, side by side with others."""

    p50: float
    p95: float
    calls: int
    tokens: int
    cost: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that differs between two runs.

    Attributes:
        settings: what ``run.json`` says differently, by name: before and after.
        left_out: rows that only one of the runs has answered.
    """

    questions: Mapping[str, Compared]
    before: Spent
    after: Spent
    settings: Mapping[str, tuple[Any, Any]]
    left_out: int

    def change(self, metric: str) -> Change:
        """A metric's change; ``macro_f1`` and ``accuracy`` alone mean the first question's.

        Raises:
            InputError: there is no such metric.
        """
        changes = {
            name: change for one in self.questions.values() for name, change in one.changes.items()
        }
        first = next(iter(self.questions), "")
        found = changes.get(metric) or changes.get(f"{first}_{metric}")
        if found is None:
            raise InputError(f"no metric '{metric}' is compared; there are: {', '.join(changes)}")
        return found

    def as_json(self) -> Row:
        """All of it, as plain values."""
        told = asdict(self)
        for name, one in self.questions.items():
            for flip, row in zip(one.flips, told["questions"][name]["flips"], strict=True):
                row["kind"] = flip.kind
        return told


@dataclass(frozen=True, slots=True)
class Gate:
    """How much worse a metric may be.

    Attributes:
        by: from 0; the second run's figure may be lower by so much.
    """

    metric: str
    by: float

    @classmethod
    def read(cls, words: str) -> Gate:
        """Read ``METRIC:AMOUNT``.

        Raises:
            InputError: it is written otherwise.
        """
        metric, _, amount = words.rpartition(":")
        try:
            by = float(amount)
        except ValueError:
            by = -1.0
        if not metric or not by >= 0:
            raise InputError(f"--fail-if-worse {words}: write METRIC:AMOUNT, as macro_f1:0.01")
        return cls(metric, by)

    def refuses(self, comparison: Comparison) -> str | None:
        """Why the second run is refused, in words; None where it is not."""
        change = comparison.change(self.metric)
        if not change.before - change.after > self.by + 1e-12:
            return None
        return (
            f"{self.metric} is worse by {change.before - change.after:.4f} "
            f"({change.before:.4f} before, {change.after:.4f} after), more than {self.by:g}"
        )


def compare(before: RunFolder, after: RunFolder) -> Comparison:
    """Compare two runs of one dataset over the rows that both have answered.

    Raises:
        InputError: one is no run, they are of different datasets, or no row is in both.
    """
    told = before.told(), after.told()
    names = [one["dataset"] for one in told]
    named = [
        one.get("evaluation", run.path) for one, run in zip(told, (before, after), strict=True)
    ]
    if names[0] != names[1]:
        raise InputError(
            f"{named[0]} is a run of {names[0]} and {named[1]} of {names[1]}: only runs of "
            "one dataset can be compared"
        )
    task = dataset(names[0]).task(before.path)
    rows = [[row for row in one.items() if "failed" not in row] for one in (before, after)]
    asked = [task.questions(one) for one in rows]
    compared = {
        name: found
        for name in asked[0]
        if name in asked[1] and (found := _compared(name, asked[0][name], asked[1][name]))
    }
    if not compared:
        raise InputError(f"{named[0]} and {named[1]} have answered no row both")
    ids = [{row["id"] for row in one} for one in rows]
    both = ids[0] & ids[1]
    return Comparison(
        questions=compared,
        before=_spent([row for row in rows[0] if row["id"] in both]),
        after=_spent([row for row in rows[1] if row["id"] in both]),
        settings={
            name: (told[0].get(name), told[1].get(name))
            for name in _SETTINGS
            if told[0].get(name) != told[1].get(name)
        },
        left_out=len(ids[0] ^ ids[1]),
    )


_SETTINGS = (
    "engine",
    "model",
    "prompt_version",
    "data_sha256",
    "statements_sha256",
    "corpus_revision",
    "passages_per_claim",
    "git_revision",
)


def _compared(name: str, before: Question, after: Question) -> Compared | None:
    then = dict(_told_apart(before.answers))
    pairs = [
        (then[key], answer)
        for key, answer in _told_apart(after.answers)
        if key in then and then[key].gold == answer.gold
    ]
    if not pairs:
        return None
    figures = classified(
        name,
        [one.gold for _, one in pairs],
        [one.said for _, one in pairs],
        after.labels,
        [one.group for _, one in pairs],
        baselines={"before": [one.said for one, _ in pairs]},
    ).figures
    righted = sum(_right(new) and not _right(old) for old, new in pairs)
    broken = sum(_right(old) and not _right(new) for old, new in pairs)
    return Compared(
        rows=len(pairs),
        changes={
            metric: Change(against.interval.value, figure.interval.value, against.difference)
            for metric, figure in figures.items()
            for against in figure.baselines.values()
        },
        righted=righted,
        broken=broken,
        p=mcnemar(righted, broken),
        flips=tuple(
            Flip(new.key, new.row.get("claim") or new.row["text"], new.gold, old.said, new.said)
            for old, new in pairs
            if old.said != new.said
        ),
    )


def _told_apart(answers: Sequence[Answer]) -> Iterator[tuple[tuple[str, int], Answer]]:
    """Answers by key; of rows that were given one id, by which of them it is, too."""
    seen: Counter[str] = Counter()
    for answer in answers:
        yield (answer.key, seen[answer.key]), answer
        seen[answer.key] += 1


def mcnemar(righted: int, broken: int) -> float:
    """The exact two-sided p-value of McNemar's test (1947); 1 where nothing changed sides.

    Args:
        righted: rows that only the second run answers rightly.
        broken: rows that only the first does.
    """
    changed = righted + broken
    return float(binomtest(righted, changed).pvalue) if changed else 1.0


def _right(answer: Answer) -> bool:
    return answer.said == answer.gold


def _spent(rows: Sequence[Row]) -> Spent:
    p50, p95 = np.percentile([row["seconds"] for row in rows], [50, 95])
    used = [row["usage"] for row in rows]
    return Spent(
        p50=float(p50),
        p95=float(p95),
        calls=sum(one["calls"] for one in used),
        tokens=sum(one["prompt_tokens"] + one["completion_tokens"] for one in used),
        cost=sum(one["cost"] for one in used),
    )
