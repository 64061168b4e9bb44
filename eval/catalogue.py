"""Every dataset by name: its card, its adapter and the task that it asks of the product."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.datasets import (
    averitec,
    checkworthy,
    climate_fever,
    fool_me_twice,
    healthver,
    probes,
    seeds,
    wice,
)
from eval.datasets.card import Card
from eval.datasets.reading import BadRow, Fields, stream
from eval.tasks.desk import ArticleClaims, ClaimList
from eval.tasks.finding import FindSentences
from eval.tasks.given import GivenEvidence
from eval.tasks.task import Task
from eval.tasks.worth import CheckWorthiness
from service.kit.errors import NotFound


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that can be run.

    Attributes:
        parse: reads one line's object; what it returns is what the task takes.
        task: makes the task, given the folder of the data.
        corpus: whether claims are checked against statements (``statements/`` in the folder of the
            data, unless told otherwise).
        beside: folders beside the file that the task reads, too.
    """

    card: Card
    parse: Callable[[Fields], Any]
    task: Callable[[Path], Task[Any]]
    corpus: bool = False
    beside: tuple[str, ...] = ()

    def file(self, data: Path) -> Path:
        """The dataset's file: in the folder ``data``, or ``data`` itself when that is a file."""
        return data if data.is_file() else data / self.card.file

    def examples(self, data: Path, bad: list[BadRow]) -> Iterator[Any]:
        """Stream the examples; malformed lines are added to ``bad``."""
        return stream(self.file(data), self.parse, bad)


DATASETS = {
    dataset.card.name: dataset
    for dataset in (
        Dataset(climate_fever.CARD, climate_fever.parse, lambda _: GivenEvidence(verdicts=True)),
        Dataset(averitec.CARD, averitec.parse, lambda _: GivenEvidence(verdicts=True)),
        Dataset(fool_me_twice.CARD, fool_me_twice.parse, lambda _: GivenEvidence(sides_only=True)),
        Dataset(healthver.CARD, healthver.parse, lambda _: GivenEvidence()),
        Dataset(wice.CARD, wice.parse, lambda _: FindSentences()),
        Dataset(checkworthy.SENTENCES, checkworthy.parse_sentence, lambda _: CheckWorthiness()),
        Dataset(checkworthy.CLAIMS, checkworthy.parse_claim, lambda _: CheckWorthiness()),
        Dataset(
            seeds.CARD,
            seeds.parse,
            lambda data: ArticleClaims(data / "articles"),
            corpus=True,
            beside=("articles",),
        ),
        Dataset(probes.CARD, probes.parse, lambda _: ClaimList(), corpus=True),
    )
}


def own_file(told: Mapping[str, Any]) -> str | None:
    """The name of the file that a run read, where it is not called as its dataset's is.

    Args:
        told: what ``run.json`` says of the run.
    """
    name: str = told.get("sent_as") or told["file"]
    return name if name != dataset(told["dataset"]).card.file else None


def dataset(name: str) -> Dataset:
    """Return the dataset of that name.

    Raises:
        NotFound: there is none.
    """
    if name not in DATASETS:
        raise NotFound(f"no dataset '{name}'; there are: {', '.join(DATASETS)}")
    return DATASETS[name]
