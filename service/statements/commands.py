"""``verinote corpus``: the commands of the reference corpus."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from service.kit.errors import SOME_FAILED, InputError
from service.settings import Settings, load_settings
from service.statements.corpus import Corpus
from service.statements.feeds import SyncReport, load_feeds
from service.statements.index import CheckReport
from service.statements.intake import AddReport, Witness
from service.statements.repository import StatementDetail, StoredVersion

corpus_app = typer.Typer(
    name="corpus",
    help="The reference corpus: what officials said, in versions.",
    no_args_is_help=True,
)

FEEDS = "feeds.toml"

_LONGEST_NAME = 40
_WIDE = 300


# Adding and looking after statements.


@corpus_app.command()
def add(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH|URL...",
            help="Files, directories, http and https addresses: text, Markdown, HTML, PDF, DOCX, "
            "JSONL.",
        ),
    ],
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 2 if anything could not be added.")
    ] = False,
) -> None:
    """Add statements; what is there unchanged stays, what changed becomes a new version.

    Exits with 10 if some could not be added, with 2 if none could.
    """
    if not all(source.strip() for source in sources):
        raise InputError("the name of a source is empty; give files, directories or addresses")
    settings = load_settings()
    with Corpus.open(settings) as corpus, progress_bar() as progress:
        report = corpus.add(sources, progress, _witness(context, settings))
    _print_report(report)
    stored = report.added or report.changed or report.unchanged
    if report.failed:
        raise typer.Exit(InputError.exit_code if strict or not stored else SOME_FAILED)
    if not stored and not report.skipped:
        raise InputError(f"{', '.join(sources)}: nothing to add in there")


@corpus_app.command("sync")
def sync_feeds(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FEEDS.toml", help="Which feeds; by default feeds.toml in the data folder."
        ),
    ] = None,
) -> None:
    """Add what is new or changed in the feeds and sitemaps of official bodies.

    Exits with 10 if something failed, with 2 if no feed could be read.
    """
    settings = load_settings()
    feeds = load_feeds(file or settings.data_dir / FEEDS)
    with Corpus.open(settings) as corpus, progress_bar() as progress:
        report = corpus.sync(feeds, progress, _witness(context, settings))
    _print_sync(report)
    if all(feed.error for feed in report.feeds):
        raise typer.Exit(InputError.exit_code)
    if any(feed.error or feed.failed for feed in report.feeds):
        raise typer.Exit(SOME_FAILED)


@corpus_app.command("list")
def list_statements() -> None:
    """List the statements, each in its newest version."""
    with Corpus.open(load_settings()) as corpus:
        stored = corpus.list()
        revision = corpus.revision()
    table = Table(Column("id", overflow="fold"), "version", "issuer", "title", "published")
    for heading in ("kind", "language", "state"):
        table.add_column(heading)
    for statement in stored:
        ref = statement.ref
        table.add_row(
            plain(ref.statement_id),
            str(ref.version),
            plain(ref.issuer),
            plain(ref.title),
            str(ref.published or ""),
            ref.kind.value,
            ref.language,
            _state(statement),
        )
    console = wide_console()
    console.print(table)
    console.print(f"{len(stored)} statements, corpus revision {revision}", highlight=False)


@corpus_app.command()
def show(
    statement_id: Annotated[str, typer.Argument(metavar="ID", help="The statement.")],
    version: Annotated[
        int | None, typer.Option(help="Which version; the newest by default.")
    ] = None,
    text: Annotated[
        bool, typer.Option("--text", help="Print the stored text exactly, and nothing else.")
    ] = False,
) -> None:
    """Show what is known about a statement, and its versions."""
    with Corpus.open(load_settings()) as corpus:
        detail = corpus.show(statement_id, version)
    if text:
        # Neither a console's line end nor its encoding may change what citations point into.
        sys.stdout.flush()
        sys.stdout.buffer.write(detail.text.encode("utf-8"))
        sys.stdout.buffer.flush()
        return
    _print_detail(detail)


@corpus_app.command()
def withdraw(
    context: typer.Context,
    statement_id: Annotated[str, typer.Argument(metavar="ID", help="The statement.")],
    undo: Annotated[bool, typer.Option("--undo", help="Take the withdrawal back.")] = False,
) -> None:
    """Take a statement out of the search; notes that cite it can still show it."""
    settings = load_settings()
    with Corpus.open(settings) as corpus:
        switch = corpus.reinstate if undo else corpus.withdraw
        revision = switch(statement_id, _witness(context, settings))
    state = "in force again" if undo else "withdrawn"
    typer.echo(f"{statement_id} is {state}; corpus revision {revision}")


def _witness(context: typer.Context, settings: Settings) -> Witness:
    """What records the changes of a command: the trail is a room above, which hands it down."""
    witness_of: Callable[[Settings], Witness] = context.obj
    return witness_of(settings)


# Searching, and looking after the index.


@corpus_app.command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A claim, or any words.")],
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many passages.")] = 5,
) -> None:
    """Search the passages by meaning and by words together."""
    with Corpus.open(load_settings()) as corpus:
        hits = corpus.search(text, limit)
    table = Table("", "statement", "issuer", "published", "by meaning", "by words")
    table.add_column("passage", overflow="fold")
    for place, hit in enumerate(hits, start=1):
        ref = hit.passage.statement
        near = "" if hit.similarity is None else f" ({hit.similarity:.2f})"
        table.add_row(
            str(place),
            plain(hit.passage.id),
            plain(ref.issuer),
            str(ref.published or ""),
            f"{hit.dense_rank}{near}" if hit.dense_rank else "-",
            str(hit.text_rank or "-"),
            plain(" ".join(hit.passage.text.split())),
        )
    wide_console().print(table)


@corpus_app.command()
def reindex() -> None:
    """Make the index again from the database; texts embedded before are not embedded again."""
    with Corpus.open(load_settings()) as corpus, progress_bar() as progress:
        corpus.reindex(progress)
        passages = corpus.coverage().passages
    typer.echo(f"{passages} passages indexed")


@corpus_app.command()
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Put right what differs.")] = False,
) -> None:
    """Compare the database with the index in full; exit with 1 if they differ and stay so."""
    with Corpus.open(load_settings()) as corpus, progress_bar() as progress:
        report = corpus.check(repair, progress)
    if not report.differs:
        typer.echo(f"{report.passages} passages: the database and the index agree")
        return
    for line in _differences(report):
        typer.echo(line)
    if not report.repaired:
        typer.echo("run `verinote corpus check --repair` to put this right", err=True)
        raise typer.Exit(1)
    typer.echo(f"put right; {report.passages} passages are indexed")


# Output.


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None] | None]:
    """A progress bar on standard error; None where that is no terminal that can draw one.

    What it yields takes how much is done, how much there is, and what comes next.
    """
    console = Console(stderr=True)
    if not console.is_interactive:
        yield None
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("")

        def advance(done: int, total: int, name: str = "") -> None:
            shown = plain(name).plain[-_LONGEST_NAME:]
            bar.update(task, completed=done, total=total, description=shown)

        yield advance


def wide_console() -> Console:
    """Standard output, as wide as it needs to be where it goes into a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDE)


def plain(value: str | None) -> Text:
    """What a document says of itself, for a terminal: no markup, no control characters."""
    return Text(
        "".join(
            "\ufffd" if unicodedata.category(character) in {"Cc", "Cf", "Cs"} else character
            for character in value or ""
        )
    )


def _state(statement: StoredVersion) -> str:
    if statement.withdrawn_at:
        return "withdrawn"
    if not statement.current:
        return "superseded"
    return "searched" if statement.searched else "not searched"


def _differences(report: CheckReport) -> Iterator[str]:
    if report.other_model:
        yield f"all vectors were made by another model: {report.other_model}"
    if report.vectors_unreadable:
        yield "the vectors are damaged and cannot be read"
    for count, what in (
        (report.vectors_missing, "passages without a vector"),
        (report.vectors_surplus, "vectors of what is not a searched passage"),
        (report.vectors_wrong, "vectors that are not those of their passage"),
        (report.text.missing, "passages missing from the index of words"),
        (report.text.surplus, "entries in the index of words that are not a searched passage"),
    ):
        if count:
            yield f"{count} {what}"
    if report.text.damaged:
        yield "the index of words is damaged"


def _print_report(report: AddReport) -> None:
    for title, listed in (("skipped", report.skipped), ("failed", report.failed)):
        for name, reason in listed:
            typer.echo(f"{title}: {plain(name)}: {plain(reason)}", err=True)
    table = Table("added", "new version", "unchanged", "skipped", "failed", "corpus revision")
    counts = (report.added, report.changed, report.unchanged, report.skipped, report.failed)
    table.add_row(*(str(len(counted)) for counted in counts), str(report.revision))
    wide_console().print(table)


def _print_sync(report: SyncReport) -> None:
    for feed in report.feeds:
        told = [("failed", feed.feed, feed.error)] if feed.error else []
        told += [("failed", name, reason) for name, reason in feed.failed]
        told += [("skipped", name, reason) for name, reason in feed.skipped]
        told += [("note", feed.feed, feed.flaw)] if feed.flaw else []
        if feed.left:
            told.append(("note", feed.feed, f"{feed.left} items are left for the next run"))
        for kind, name, reason in told:
            typer.echo(f"{kind}: {plain(name)}: {plain(reason)}", err=True)
    table = Table(Column("feed", overflow="fold"))
    for heading in ("listed", "new", "changed", "unchanged", "failed", "skipped by robots"):
        table.add_column(heading)
    for feed in report.feeds:
        counts = (len(feed.new), len(feed.changed), feed.unchanged, len(feed.failed))
        figures = (feed.listed, *counts, len(feed.skipped))
        row = ["-"] * len(figures) if feed.error else [str(figure) for figure in figures]
        table.add_row(plain(feed.feed), *row)
    console = wide_console()
    console.print(table)
    if other := sum(feed.not_searched for feed in report.feeds):
        console.print(f"{other} of them are in a language that is not searched", highlight=False)
    console.print(f"corpus revision {report.revision}", highlight=False)


def _print_detail(detail: StatementDetail) -> None:
    shown, ref = detail.shown, detail.shown.ref
    table = Table(Column(), Column(overflow="fold"), show_header=False)
    for label, value in (
        ("id", ref.statement_id),
        ("version", f"{ref.version} of {len(detail.versions)}"),
        ("state", _state(shown)),
        ("issuer", ref.issuer),
        ("title", ref.title),
        ("published", str(ref.published or "")),
        ("kind", ref.kind.value),
        ("address", ref.url),
        ("reported by", "; ".join(ref.reported_by)),
        ("language", ref.language),
        ("read as", f"{shown.media_type} by {shown.reader}"),
        ("text", f"{len(detail.text)} characters, sha256 {ref.sha256}"),
        ("raw bytes", f"sha256 {shown.content_sha256}"),
    ):
        table.add_row(label, plain(value))
    versions = Table("version", "added (UTC)", "corpus revision", "sha256")
    for stored in detail.versions:
        versions.add_row(
            str(stored.ref.version),
            f"{stored.added_at:%Y-%m-%d %H:%M:%S}",
            str(stored.revision),
            stored.ref.sha256[:16],
        )
    console = wide_console()
    console.print(table)
    console.print(versions)
