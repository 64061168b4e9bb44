"""The page: figures with their intervals, plots, what it took, and the worst errors in full."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval.catalogue import dataset, own_file
from eval.measures import Confusion, Measures, Row
from eval.metrics import Interval
from eval.report.plots import SIDE, Point, reliability_points, risk_coverage, sure
from eval.run_folder import RunFolder
from eval.tasks.task import Answer, Question

WORST = 20
_SHADES = 5

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Plotted:
    """A question's plots; empty where the engine gives no confidence."""

    name: str
    reliability: list[Point]
    risk: list[Point]
    decided: float


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a confusion matrix.

    Attributes:
        shade: 0 to 5, by its share of the row.
    """

    count: int
    shade: int
    right: bool


@dataclass(frozen=True, slots=True)
class Took:
    """What the items took."""

    p50: float
    p95: float
    longest: float
    calls: int
    tokens: int
    cost: float


def write(folder: RunFolder) -> Path:
    """Write a run's ``report.html``. Returns where it is.

    Raises:
        InputError: it is not the folder of a run.
    """
    folder.report.write_text(page(folder), encoding="utf-8")
    return folder.report


def page(folder: RunFolder, measures: Measures | None = None) -> str:
    """The page as HTML.

    Args:
        folder: the run's.
        measures: its figures; by default they are made again from the rows.
    """
    told, items = folder.told(), folder.items()
    entry = dataset(told["dataset"])
    task = entry.task(folder.path)
    answered = [row for row in items if "failed" not in row]
    measures = measures or task.measure(answered)
    questions = task.questions(answered)
    first, asked = next(iter(questions.items()), ("", Question((), ())))
    errors = worst(asked)
    labels = {
        "said": sorted({answer.said for answer in errors}),
        "gold": sorted({answer.gold for answer in errors}),
    }
    style = _PAGES.get_template("style.css").render(labels)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _PAGES.get_template("page.html").render(
        labels,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'",
        style=style,
        card=entry.card,
        own_file=own_file(told),
        told=told,
        settings=json.dumps(told, indent=1, ensure_ascii=False),
        rows=len(items),
        figures=measures.figures,
        headline=entry.card.headline,
        confusions={
            name: (table.labels, _shaded(table)) for name, table in measures.confusions.items()
        },
        plots=[_plotted(name, question) for name, question in questions.items()],
        took=_took(list(folder.rows())),
        failed=[row for row in items if "failed" in row or row.get("error")],
        question=first,
        errors=errors,
        wrong=sum(answer.said != answer.gold for answer in asked.answers),
        interval=interval,
        SIDE=SIDE,
    )


def plots(folder: RunFolder) -> Markup:
    """Only the plots, for a page that has a style for them.

    Raises:
        InputError: it is not the folder of a run.
    """
    task = dataset(folder.told()["dataset"]).task(folder.path)
    questions = task.questions([row for row in folder.items() if "failed" not in row])
    found = [_plotted(name, question) for name, question in questions.items()]
    return Markup(_PAGES.get_template("plots.html").render(plots=found, SIDE=SIDE))  # noqa: S704


def worst(question: Question) -> list[Answer]:
    """The wrong answers that were given most surely; an abstention is less bad than an answer."""
    wrong = [answer for answer in question.answers if answer.said != answer.gold]
    wrong.sort(key=lambda one: (one.said == question.abstention, -(one.confidence or 0.0)))
    return wrong[:WORST]


def interval(figure: Interval) -> str:
    """A figure with its interval."""
    return f"{number(figure.value)} ({number(figure.low)} to {number(figure.high)})"


def number(value: float) -> str:
    """Three digits, or "none" where there was nothing to measure."""
    return "none" if math.isnan(value) else f"{value:.3f}"


def _shaded(table: Confusion) -> list[tuple[str, list[Cell]]]:
    return [
        (
            label,
            [
                Cell(count, math.ceil(_SHADES * count / max(sum(row), 1)), place == column)
                for column, count in enumerate(row)
            ],
        )
        for place, (label, row) in enumerate(zip(table.labels, table.counts, strict=True))
        if any(row)
    ]


def _plotted(name: str, question: Question) -> Plotted:
    answers = sure(question)
    decided = sum(answer.said != question.abstention for answer in question.answers)
    return Plotted(
        name,
        reliability_points(answers) if answers else [],
        risk_coverage(question),
        decided / len(question.answers) if question.answers else math.nan,
    )


def _took(rows: Sequence[Row]) -> Took | None:
    if not rows:
        return None
    seconds = [row["seconds"] for row in rows]
    p50, p95 = np.percentile(seconds, [50, 95])
    used = [row["usage"] for row in rows]
    return Took(
        float(p50),
        float(p95),
        max(seconds),
        sum(one["calls"] for one in used),
        sum(one["prompt_tokens"] + one["completion_tokens"] for one in used),
        sum(one["cost"] for one in used),
    )
