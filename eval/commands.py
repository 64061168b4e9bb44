"""``verinote eval``: runs, benchmarks, calibration and the page of figures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eval.benchmarks.commands import bench_app
from service.kit.errors import SOME_FAILED, InputError, LimitReached

if TYPE_CHECKING:
    from eval.compare import Comparison
    from eval.measures import Measures
    from eval.runner import Outcome, Plan, Progress
    from service.settings import Settings

HELD_OUT = Path(__file__).parent / "claims" / "heldout.jsonl"
"""Claims about the seeds' statements that nothing was ever fitted on."""

eval_app = typer.Typer(
    name="eval",
    help="Is it right? Run datasets through the product, with intervals and baselines.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
eval_app.add_typer(bench_app)

Data = Annotated[Path, typer.Option("--data", help="folder that holds the dataset's file")]
Engine = Annotated[str | None, typer.Option(help="engine to run; the configured one by default")]
Out = Annotated[Path | None, typer.Option("--out", help="folder to write; var/eval/DATASET")]
Statements = Annotated[Path | None, typer.Option(help="statements that claims are checked against")]
_FLIPS_SHOWN = 20
_ORDINARY_TEXTS = 500
"""How many are looked through for texts that seem to speak to a model."""
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
def run_dataset(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="see: verinote eval datasets")],
    data: Data,
    limit: Limit = None,
    engine: Engine = None,
    out: Out = None,
    statements: Statements = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="items in flight at a time; 2 by default")
    ] = None,
    workers: Annotated[
        bool,
        typer.Option("--workers", help="let the workers answer that share the service's database"),
    ] = False,
    service_corpus: Annotated[
        bool,
        typer.Option(
            "--service-corpus", help="with --workers: check against the service's statements"
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="go on with the run that the folder holds, if any")
    ] = False,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="begin no further item once so much is spent")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="begin no further item once so many are used")
    ] = None,
) -> None:
    """Run a dataset; writes run.json, items.jsonl, metrics.json, confusion.json, report.html."""
    from eval.catalogue import dataset
    from eval.report.page import write
    from eval.run_folder import RunFolder
    from eval.runner import Limits, Plan

    if workers and concurrency:
        raise InputError(
            "--concurrency: how many items a worker has in flight is its own setting, "
            "VERINOTE_WORKER_CONCURRENCY"
        )
    if service_corpus and not workers:
        raise InputError("--service-corpus: the service's statements are at hand with --workers")
    entry = dataset(name)
    if service_corpus and not entry.corpus:
        raise InputError(f"--service-corpus: the rows of {name} bring their own evidence")
    if service_corpus and statements:
        raise InputError("--statements and --service-corpus: give one of them")
    plan = Plan(
        dataset=entry,
        data=data,
        out=out or Path("var/eval") / name,
        settings=_settings(engine),
        statements=statements,
        limit=limit,
        concurrency=concurrency or 2,
        against_service=service_corpus,
        resume=resume,
        limits=Limits(max_cost, max_tokens),
    )
    outcome = _run(plan, workers=workers)
    write(RunFolder(plan.out))
    _print_measures(outcome.measures)
    spent = outcome.used
    told = (
        f", {spent.calls} calls, {spent.tokens:,} tokens, {spent.cost:.4f}" if spent.calls else ""
    )
    typer.echo(f"{outcome.items} items in {outcome.seconds:.0f} s{told}; written to {plan.out}")
    if outcome.stopped:
        raise LimitReached(f"{outcome.stopped}; --resume goes on")
    if outcome.failed:
        raise typer.Exit(SOME_FAILED)


@eval_app.command("report")
def write_report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="folder of a run")],
) -> None:
    """Write a run's report.html again: also of a run that was killed or has stopped."""
    from eval.report.page import write
    from eval.run_folder import RunFolder

    typer.echo(f"written to {write(RunFolder(run))}")


@eval_app.command("compare")
def compare_runs(
    before: Annotated[Path, typer.Argument(metavar="A", help="folder of a run")],
    after: Annotated[Path, typer.Argument(metavar="B", help="folder of another, newer one")],
    fail_if_worse: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC:AMOUNT", help="exit 1 where B is worse by more; repeatable"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="write all of it as JSON, too")] = None,
) -> None:
    """Say what differs between two runs of a dataset, row by row, and whether it may be chance."""
    import json

    from eval.compare import Gate, compare
    from eval.run_folder import RunFolder

    gates = [Gate.read(words) for words in fail_if_worse or []]
    found = compare(RunFolder(before), RunFolder(after))
    refused = [told for gate in gates if (told := gate.refuses(found))]
    if out:
        text = json.dumps(found.as_json(), indent=1, ensure_ascii=False) + "\n"
        out.write_text(text, encoding="utf-8")
    _print_comparison(found)
    for told in refused:
        typer.echo(told, err=True)
    if refused:
        raise typer.Exit(1)


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
def report_quality(
    data: Data,
    seeds: Annotated[Path, typer.Option(help="folder of the seeds")] = Path("seeds"),
    probes: Annotated[
        Path, typer.Option(help="claims about the seeds' statements, with verdicts (JSONL)")
    ] = HELD_OUT,
    runs: Annotated[Path, typer.Option(help="folder of the runs")] = Path("var/eval/quality"),
    page: Annotated[Path, typer.Option(help="the page to write")] = Path("docs/quality.md"),
    limit: Limit = None,
    reuse: Annotated[bool, typer.Option(help="keep runs of this engine on these rows")] = False,
) -> None:
    """Run every dataset that is there and write the page of figures."""
    from eval import false_alarms, quality
    from eval.catalogue import DATASETS
    from eval.runner import Plan
    from eval.subject import prompt_version

    places = dict.fromkeys(DATASETS, data) | {"seeds": seeds, "probes": probes}
    version = asyncio.run(prompt_version(_settings("local")))
    finished = []
    for name, entry in DATASETS.items():
        place = places[name]
        if not entry.file(place).is_file():
            typer.echo(f"{name}: left out, {entry.file(place)} isn't there", err=True)
            continue
        run = quality.read_run(runs / name) if reuse else None
        if not run or not quality.up_to_date(run, entry.file(place), limit, version):
            statements = seeds / "statements" if entry.corpus else None
            _run(Plan(entry, place, runs / name, _settings("local"), statements, limit))
            run = quality.read_run(runs / name)
        if run:
            finished.append(run)
    page.parent.mkdir(parents=True, exist_ok=True)
    there = any(data.rglob("*.jsonl"))
    alarms = false_alarms.count(data, _ORDINARY_TEXTS) if there else None
    page.write_text(quality.page(finished, alarms), encoding="utf-8")
    typer.echo(f"{page}: {len(finished)} datasets")


@eval_app.command("fit")
def fit(
    data: Data,
    statements: Annotated[
        Path, typer.Option(help="folder of the statements that the tuning claims are about")
    ] = Path("seeds/statements"),
    out: Annotated[
        Path | None, typer.Option("--out", help="the file to write; by default the engine's own")
    ] = None,
) -> None:
    """Fit the embedded engine's weights to the tuning claims; then run calibrate."""
    import json

    from eval import fitting, fold_parameters
    from service.engines.local import stance

    if not statements.is_dir():
        raise InputError(f"{statements}: no such folder of statements; name it with --statements")
    found = []
    with _progress("readings") as progress:
        for row in chain(fitting.rows(statements), fitting.public_rows(data)):
            found.append(row)
            progress(len(found), None)
    fold_parameters.write_weights(fitting.fold_fits(found))
    out = out or Path(stance.__file__).with_name("stance_weights.json")
    out.write_text(json.dumps(fitting.fit(found), indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{len(found)} readings; written to {out}")


@eval_app.command("calibrate")
def calibrate(
    data: Data,
    out: Annotated[
        Path | None, typer.Option("--out", help="the file to write; by default the engine's own")
    ] = None,
) -> None:
    """Fit the embedded engine's confidence to people's labels; reports the error out of fold."""
    import numpy as np
    from rich.console import Console
    from rich.table import Table

    from eval import calibration, fold_parameters
    from eval.datasets.reading import BadRow
    from eval.folds import fold_of
    from service.engines.local import stance
    from service.models import Encoder, StanceModel

    bad: list[BadRow] = []
    folds = fold_parameters.read()
    examples = list(calibration.labelled(data, bad))
    threads = _settings("local").threads
    scorer, encoder = StanceModel(threads), Encoder(threads)
    readings = []
    with _progress("claims") as progress:
        for done, (_, example) in enumerate(examples, start=1):
            readings.append(calibration.read_example(example, scorer, encoder))
            progress(done, len(examples))
    own_folds = [fold_of(calibration.group_of(*one)) for one in examples]
    pairs: list[calibration.Pair] = []
    blocks = []
    for (name, example), read, fold in zip(examples, readings, own_folds, strict=True):
        pairs += calibration.pairs_of(name, example)
        blocks.append(calibration.proposals(example, read, folds[fold].weights))
    stances = calibration.calibrated(pairs, np.concatenate(blocks))
    fold_parameters.write_calibration(
        [
            {"curves": calibration.told(curves), "verdicts": calibration.told(calibration.SAME)}
            for curves in stances.of_folds
        ]
    )
    folds = fold_parameters.read()
    decided = [
        calibration.decided(name, example, read, folds[fold])
        for (name, example), read, fold in zip(examples, readings, own_folds, strict=True)
    ]
    verdicts = calibration.calibrated_verdicts([one for one in decided if one])
    fold_parameters.write_calibration(
        [{"verdicts": calibration.told(curves)} for curves in verdicts.of_folds]
    )
    out = out or Path(stance.__file__).with_name("calibration.json")
    calibration.write(stances, verdicts, out)
    table = Table("of", "set", "rows", "error before", "after, out of fold", box=None)
    for what, found in (("stance", stances), ("verdict", verdicts)):
        for name, rows in found.rows.items():
            before, after = found.before[name].interval, found.after[name].interval
            table.add_row(
                what,
                name,
                str(rows),
                f"{before.value:.3f}",
                f"{after.value:.3f} ({after.low:.3f}-{after.high:.3f})",
            )
    Console().print(table)
    typer.echo(f"{len(bad)} malformed rows left out; written to {out}")


@eval_app.command("export-decisions")
def export_decisions(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="the JSON lines to write")],
) -> None:
    """Write decided notes as an evaluation set (`probes`); tell how often people overrode."""
    from rich.console import Console
    from rich.table import Table

    from eval import decisions
    from service.kit.database import Database
    from service.types import Verdict

    settings = _settings(None)
    database = Database.open(settings.database, settings.data_dir)
    try:
        with database.transaction() as session:
            found = list(decisions.decisions(session))
    finally:
        database.close()
    if not found:
        raise InputError("no note was approved yet: there is nothing to export")
    decisions.write(found, out)
    table = Table(box=None)
    table.add_column("engine's verdict")
    for column in ("decided", "overridden", "rate", *(f"to {verdict}" for verdict in Verdict)):
        table.add_column(column, justify="right")
    for rate in decisions.rates(found):
        table.add_row(
            rate.verdict or "any",
            str(rate.decided),
            str(rate.overridden),
            f"{rate.overridden / rate.decided:.1%}" if rate.decided else "",
            *(str(rate.instead[verdict] or "") for verdict in Verdict),
        )
    Console().print(table)
    typer.echo(f"{len(found)} claims; written to {out}")


@eval_app.command("prompts-page")
def prompts_page(
    seeds: Annotated[Path, typer.Option(help="folder of the seeds")] = Path("seeds"),
    out: Annotated[Path, typer.Option(help="the file to write")] = Path("docs/prompts.md"),
) -> None:
    """Write the requests that a language model gets, and good answers, for a reader to judge."""
    from eval.prompts_page import page

    out.write_text(asyncio.run(page(_settings("openai"), seeds)), encoding="utf-8")
    typer.echo(f"written to {out}")


@eval_app.command("performance-page")
def performance_page(
    figures: Annotated[
        Path, typer.Option(help="folder of what the benchmarks wrote", exists=True, file_okay=False)
    ] = Path("docs/performance"),
    out: Annotated[Path, typer.Option(help="the file to write")] = Path("docs/performance.md"),
) -> None:
    """Write the page of how fast it is, from what the benchmarks wrote."""
    from eval.benchmarks.page import page

    out.write_text(page(figures), encoding="utf-8")
    typer.echo(f"written to {out}")


@eval_app.command("false-alarms")
def false_alarms(
    data: Annotated[Path, typer.Option(help="folder of the public sets")],
    limit: Annotated[
        int, typer.Option(min=1, help="texts that are looked through")
    ] = _ORDINARY_TEXTS,
) -> None:
    """Count ordinary texts that are taken for texts that speak to a model."""
    from eval.false_alarms import count

    found = count(data, limit)
    for name, words in found.alarms:
        typer.echo(f"{name}: {words}")
    typer.echo(
        f"{len(found.alarms)} of {found.texts} ordinary texts look as if they spoke to a model"
    )


def _settings(engine: str | None) -> Settings:
    from service.settings import load_settings

    return load_settings() if engine is None else load_settings(engine=engine)


def _run(plan: Plan, *, workers: bool = False) -> Outcome:
    with _progress(plan.dataset.card.name) as progress:
        if workers:
            from eval.durable import following

            outcome = following.run(plan, progress)
        else:
            from eval.runner import run

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

    class Cost(ProgressColumn):
        def render(self, task: BarTask) -> Text:
            return Text(f"cost {task.fields['cost']:.4f}" if task.fields["cost"] else "")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        Cost(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        shown = bar.add_task(title, total=None, cost=0.0)
        begun = False

        def show(done: int, total: int | None, cost: float = 0.0) -> None:
            nonlocal begun
            if not begun:  # what an earlier run did says nothing of this one's rate
                bar.reset(shown, completed=done, total=total, cost=cost)
                begun = True
            bar.update(shown, completed=done, total=total, cost=cost)

        yield show


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


def _print_comparison(found: Comparison) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("metric", box=None)
    for column in ("n", "before", "after", "difference", "95 %"):
        table.add_column(column, justify="right")
    for question in found.questions.values():
        for metric, change in question.changes.items():
            table.add_row(
                metric,
                str(question.rows),
                f"{change.before:.3f}",
                f"{change.after:.3f}",
                f"{change.difference.value:+.3f}",
                f"{change.difference.low:+.3f} to {change.difference.high:+.3f}",
            )
    Console().print(table)
    for name, question in found.questions.items():
        typer.echo(
            f"{name}: {question.righted} righted, {question.broken} broken, {len(question.flips)} "
            f"answered differently; McNemar (exact) p = {question.p:.4g}"
        )
        for flip in question.flips[:_FLIPS_SHOWN]:
            typer.echo(
                f"  {flip.kind}: {flip.key}: {flip.before} then, {flip.after} now, people say "
                f"{flip.gold}: {flip.claim}"
            )
        if len(question.flips) > _FLIPS_SHOWN:
            typer.echo(f"  and {len(question.flips) - _FLIPS_SHOWN} more; --out writes all")
    if found.left_out:
        typer.echo(f"{found.left_out} rows that only one of the runs has answered are left out")
    then, now = found.before, found.after
    typer.echo(
        f"seconds an item: p50 {then.p50:.2f} then, {now.p50:.2f} now; "
        f"p95 {then.p95:.2f} then, {now.p95:.2f} now"
    )
    if then.calls or now.calls:
        typer.echo(
            f"cost: {then.cost:.4f} then, {now.cost:.4f} now ({now.cost - then.cost:+.4f}); "
            f"tokens: {then.tokens:,} then, {now.tokens:,} now"
        )
    for name, (old, new) in found.settings.items():
        typer.echo(f"{name}: {old} then, {new} now")
