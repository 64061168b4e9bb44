"""``verinote eval bench``: each benchmark prints a table and writes JSON."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.settings import load_settings

if TYPE_CHECKING:
    from eval.benchmarks.result import Made, Table

bench_app = typer.Typer(
    name="bench",
    help="How fast is it? Each benchmark prints a table and writes JSON.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Data = Annotated[
    Path | None, typer.Option(help="folder of the public sets; generated texts without it")
]
Seeds = Annotated[Path, typer.Option(help="folder of the seeds")]
Passages = Annotated[int, typer.Option(min=1, help="passages in the corpus")]
Out = Annotated[Path | None, typer.Option(help="the file to write; var/bench/NAME.json")]

_SEEDS = Path("seeds")
_WRITTEN = Path("var/bench")
_OF_THIS_MACHINE = ("seeds", "folder", "out")
"""Options that say where something lies: no part of the command that others repeat."""
_say = partial(typer.echo, err=True)


@bench_app.command("local")
def bench_local(
    context: typer.Context,
    data: Data = None,
    seeds: Seeds = _SEEDS,
    passages: Passages = 10_000,
    claims: Annotated[int, typer.Option(min=1, help="claims that are timed")] = 200,
    out: Out = None,
) -> None:
    """Time the embedded engine: the article, one claim among many passages, claims in batch."""
    from eval.benchmarks import local

    made = _made(context)
    measuring = local.run(
        load_settings(engine="local"), seeds, data, passages=passages, claims=claims, tell=_say
    )
    result = asyncio.run(measuring)
    _finish(context, made, result, local.table(result), out)


@bench_app.command("search")
def bench_search(
    context: typer.Context,
    data: Data = None,
    passages: Passages = 10_000,
    folder: Annotated[
        Path | None, typer.Option(help="data folder to keep, and to use again when it is filled")
    ] = None,
    out: Out = None,
) -> None:
    """Time the search among many passages, and hold it against an exact one."""
    from eval.benchmarks import search
    from service.statements.commands import progress_bar

    made = _made(context)
    with progress_bar() as progress:
        result = search.run(passages, data, folder, progress)
    _finish(context, made, result, search.table(result), out)


@bench_app.command("ingest")
def bench_ingest(
    context: typer.Context, data: Data = None, passages: Passages = 10_000, out: Out = None
) -> None:
    """Time adding statements, and the encoder alone on the same passages."""
    from eval.benchmarks import ingest

    made = _made(context)
    result = ingest.run(load_settings(), data, passages=passages, tell=_say)
    _finish(context, made, result, ingest.table(result), out)


@bench_app.command("llm-overhead")
def bench_llm_overhead(
    context: typer.Context,
    seeds: Seeds = _SEEDS,
    latency: Annotated[float, typer.Option(min=0, help="seconds that an answer takes")] = 1.0,
    repeats: Annotated[int, typer.Option(min=1, help="how often it is run")] = 5,
    fault_rate: Annotated[
        float, typer.Option(min=0, max=1, help="share of calls that fail in runs beside")
    ] = 0.0,
    out: Out = None,
) -> None:
    """Time the article with a scripted language model that takes a second for every answer."""
    from eval.benchmarks import overhead

    made = _made(context)
    result = overhead.run(
        load_settings(engine="openai"),
        seeds,
        latency=latency,
        repeats=repeats,
        fault_rate=fault_rate,
        tell=_say,
    )
    _finish(context, made, result, overhead.table(result), out)


@bench_app.command("desk")
def bench_desk(
    context: typer.Context,
    seeds: Seeds = _SEEDS,
    notes: Annotated[int, typer.Option(min=1, help="notes on the desk")] = 10_000,
    evidence: Annotated[int, typer.Option(min=1, help="pieces of it in the note")] = 50,
    repeats: Annotated[int, typer.Option(min=1, help="how often each page is asked for")] = 30,
    out: Out = None,
) -> None:
    """Time the desk's queue among many notes, and a note with much evidence in Chromium."""
    from eval.benchmarks import desk

    made = _made(context)
    result = desk.run(
        load_settings(engine="local"),
        seeds,
        notes=notes,
        evidence=evidence,
        repeats=repeats,
        tell=_say,
    )
    _finish(context, made, result, desk.table(result), out)


@bench_app.command("api")
def bench_api(
    context: typer.Context,
    data: Data = None,
    seeds: Seeds = _SEEDS,
    notes: Annotated[int, typer.Option(min=1, help="notes stored")] = 10_000,
    passages: Passages = 10_000,
    rounds: Annotated[int, typer.Option(min=1, help="how often each goes through all routes")] = 30,
    at_once: Annotated[
        list[int] | None, typer.Option(min=1, help="how many ask at once; 1 and 8 without it")
    ] = None,
    out: Out = None,
) -> None:
    """Time the API's routes over many notes, asked by one and by several at once."""
    from eval.benchmarks import api

    made = _made(context)
    result = api.run(
        load_settings(engine="local"),
        seeds,
        data,
        notes=notes,
        passages=passages,
        rounds=rounds,
        at_once=at_once or [1, 8],
        tell=_say,
    )
    _finish(context, made, result, api.table(result), out)


@bench_app.command("scale-out")
def bench_scale_out(
    context: typer.Context,
    seeds: Seeds = _SEEDS,
    workers: Annotated[
        list[int] | None, typer.Option(min=1, help="how many at once; 1, 2 and 4 without it")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="claims a worker has at once")] = 4,
    latency: Annotated[float, typer.Option(min=0.01, help="seconds that an answer takes")] = 1.0,
    seconds: Annotated[float, typer.Option(min=1, help="the least time that a run takes")] = 20.0,
    out: Out = None,
) -> None:
    """Time one, two and four workers on an empty PostgreSQL database and Chroma server."""
    from eval.benchmarks import scale_out

    made = _made(context)
    result = scale_out.run(
        load_settings(engine="openai"),
        seeds,
        workers=workers or [1, 2, 4],
        concurrency=concurrency,
        latency=latency,
        seconds=seconds,
        tell=_say,
    )
    _finish(context, made, result, scale_out.table(result), out)


def _made(context: typer.Context) -> Made:
    """Where and how figures are made: taken before anything is measured."""
    from eval.benchmarks.result import Made

    words = ["verinote eval bench", str(context.info_name)]
    for option in context.command.params:
        value = context.params[str(option.name)]
        if option.name == "data" and value is not None:
            words.append("--data DIR")
        elif option.name not in _OF_THIS_MACHINE and value not in (None, option.default):
            values = value if isinstance(value, list | tuple) else [value]
            words += [f"{option.opts[0]} {one}" for one in values]
    return Made.here(" ".join(words))


def _finish(
    context: typer.Context, made: Made, figures: object, table: Table, out: Path | None
) -> None:
    """Write the figures and print them."""
    from rich.console import Console

    from eval.benchmarks.result import Record, write

    name = str(context.info_name)
    out = out or _WRITTEN / f"{name}.json"
    write(Record(name, made, figures), out)
    Console().print(table.on_terminal())
    typer.echo(f"written to {out}")
