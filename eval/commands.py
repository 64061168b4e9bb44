"""``verinote eval``: runs, benchmarks, calibration and the page of figures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eval.measures import Measures
    from eval.runner import Outcome, Plan, Progress
    from service.settings import Settings

eval_app = typer.Typer(
    name="eval",
    help="Is it right? Run datasets through the product, with intervals and baselines.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
bench_app = typer.Typer(
    name="bench",
    help="How fast is it? Each benchmark prints a table and writes JSON.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
eval_app.add_typer(bench_app)

Data = Annotated[Path, typer.Option("--data", help="folder that holds the dataset's file")]
Engine = Annotated[str | None, typer.Option(help="engine to run; the configured one by default")]
Out = Annotated[Path | None, typer.Option("--out", help="folder to write; var/eval/DATASET")]
Statements = Annotated[Path | None, typer.Option(help="statements that claims are checked against")]
Limit = Annotated[int | None, typer.Option(min=1, help="only the first rows")]


@eval_app.command("datasets")
def list_datasets() -> None:
    """Show every dataset's card: source, licence, labels, headline metric, overlap."""
    from eval.catalogue import DATASETS

    for entry in DATASETS.values():
        card = entry.card
        typer.echo(f"{card.name}: {card.title}")
        for name, value in (
            ("file", card.file),
            ("upstream", card.upstream),
            ("licence", card.licence),
            ("labels", ", ".join(f"{label} = {ours}" for label, ours in card.labels.items())),
            ("evidence", card.evidence),
            ("headline", f"{card.headline} (baselines: {', '.join(card.baselines)})"),
            ("training overlap", card.overlap),
            ("remark", card.remark),
        ):
            if value:
                typer.echo(f"  {name}: {value}")


@eval_app.command("run")
def run_dataset(  # noqa: PLR0917 - typer makes options of them
    name: Annotated[str, typer.Argument(metavar="DATASET", help="see: verinote eval datasets")],
    data: Data,
    limit: Limit = None,
    engine: Engine = None,
    out: Out = None,
    statements: Statements = None,
    concurrency: Annotated[int, typer.Option(min=1, help="items in flight at a time")] = 2,
) -> None:
    """Run a dataset; writes run.json, items.jsonl, metrics.json and confusion.json."""
    from eval.catalogue import dataset
    from eval.runner import Plan

    plan = Plan(
        dataset=dataset(name),
        data=data,
        out=out or Path("var/eval") / name,
        settings=_settings(engine),
        statements=statements,
        limit=limit,
        concurrency=concurrency,
    )
    outcome = _run(plan)
    _print_measures(outcome.measures)
    typer.echo(f"{outcome.items} items in {outcome.seconds:.0f} s; written to {plan.out}")


@eval_app.command("citations")
def check_citations(
    notes: Annotated[Path, typer.Argument(metavar="NOTES_JSONL", exists=True, dir_okay=False)],
    statements: Annotated[
        Path, typer.Option(help="folder of the statement files", exists=True, file_okay=False)
    ],
) -> None:
    """Count the citations that stand word for word in the statement files; exit 1 if any doesn't.

    Reads nothing but the two paths and shares no code with what made the notes.
    """
    from eval import citations

    result = citations.count(notes, statements)
    typer.echo(citations.report(result))
    if not result.passed:
        raise typer.Exit(1)


@eval_app.command("report-quality")
def report_quality(  # noqa: PLR0917 - typer makes options of them
    data: Data,
    seeds: Annotated[Path, typer.Option(help="folder of the seeds")] = Path("seeds"),
    probes: Annotated[
        Path | None, typer.Option(help="your own claims about the seeds' statements (JSONL)")
    ] = None,
    runs: Annotated[Path, typer.Option(help="folder of the runs")] = Path("var/eval/quality"),
    page: Annotated[Path, typer.Option(help="the page to write")] = Path("docs/quality.md"),
    limit: Limit = None,
    reuse: Annotated[bool, typer.Option(help="keep finished runs as they are")] = False,
) -> None:
    """Run every dataset that is there and write the page of figures."""
    from eval import quality
    from eval.catalogue import DATASETS
    from eval.runner import Plan

    places = dict.fromkeys(DATASETS, data) | {"seeds": seeds}
    if probes:
        places["probes"] = probes
    finished = []
    for name, entry in DATASETS.items():
        place = places[name]
        if not entry.file(place).is_file():
            typer.echo(f"{name}: left out, {entry.file(place)} isn't there", err=True)
            continue
        run = quality.read_run(runs / name) if reuse else None
        if run is None:
            statements = seeds / "statements" if entry.corpus else None
            _run(Plan(entry, place, runs / name, _settings("local"), statements, limit))
            run = quality.read_run(runs / name)
        if run:
            finished.append(run)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(quality.page(finished), encoding="utf-8")
    typer.echo(f"{page}: {len(finished)} datasets")


def _settings(engine: str | None) -> Settings:
    from service.settings import Settings

    chosen = {} if engine is None else {"engine": engine}
    return Settings.model_validate(Settings().model_dump() | chosen)


def _run(plan: Plan) -> Outcome:
    from eval.runner import run

    with _progress(plan.dataset.card.name) as progress:
        outcome = asyncio.run(run(plan, progress))
    for row in outcome.bad:
        typer.echo(f"{plan.dataset.file(plan.data)}: {row}: left out", err=True)
    if outcome.bad or outcome.failed:
        typer.echo(
            f"{len(outcome.bad)} malformed rows left out, {outcome.failed} items failed "
            f"(see {plan.out / 'items.jsonl'})",
            err=True,
        )
    return outcome


@contextmanager
def _progress(title: str) -> Iterator[Progress]:
    """A progress bar on stderr with rate and time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar
    from rich.progress import Task as BarTask
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: BarTask) -> Text:
            return Text(f"{task.speed:.1f}/s" if task.speed else "")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        shown = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(shown, completed=done, total=total)


def _print_measures(measures: Measures) -> None:
    from rich.console import Console
    from rich.table import Table

    names = list(
        dict.fromkeys(name for figure in measures.figures.values() for name in figure.baselines)
    )
    table = Table(box=None)
    table.add_column("metric")
    for column in ("n", "value", "95 %", *names):
        table.add_column(column, justify="right")
    for metric, figure in measures.figures.items():
        interval = figure.interval
        table.add_row(
            metric,
            str(figure.n),
            f"{interval.value:.3f}",
            f"{interval.low:.3f}-{interval.high:.3f}",
            *(
                f"{figure.baselines[name].interval.value:.3f}" if name in figure.baselines else ""
                for name in names
            ),
        )
    Console().print(table)
