"""The ``verinote`` command: one sub-command a room, and the exit codes."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console

from eval.commands import eval_app
from service.claims.commands import claims_app
from service.kit.errors import InputError, VerinoteError
from service.notes.jsonl import to_line
from service.notes.table import print_notes
from service.settings import Settings, load_settings
from service.statements.commands import corpus_app, plain, progress_bar
from service.submissions.intake import read_submission
from service.types import ClaimState, Note

app = typer.Typer(
    name="verinote",
    help="Extract a text's checkable claims and check them against official statements.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(corpus_app)
app.add_typer(claims_app)
app.add_typer(eval_app)

SOME_FAILED = 10
"""Exit code when at least one claim ended as failed; the others are complete."""


@app.command()
def verify(
    sources: Annotated[
        list[str], typer.Argument(metavar="FILE|URL|-", help="articles; - for standard input")
    ],
    claims: Annotated[bool, typer.Option("--claims", help="one claim a line, no article")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="one JSON object a claim a line, nothing else on stdout")
    ] = False,
    engine: Annotated[str | None, typer.Option(help="local; by default the configured one")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="statements dated later do not decide; default: the text's own date, else today",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="also write the JSON lines here")] = None,
) -> None:
    """Check a text's claims against the stored statements and draft a note for each."""
    settings = load_settings(**({"engine": engine} if engine else {}))
    when = as_of.date() if as_of else None
    try:
        failed = asyncio.run(_verify(settings, sources, claims, as_json, when, out))
    except BrokenPipeError:  # the reader of a pipe went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        failed = 0
    if failed:
        raise typer.Exit(SOME_FAILED)


async def _verify(
    settings: Settings,
    sources: list[str],
    claims: bool,
    as_json: bool,
    as_of: date | None,
    out: Path | None,
) -> int:
    """Verify every source and show it. Returns how many claims failed."""
    from service.pipeline import Pipeline  # loads the models: not for --help

    if out is not None and any(_is_same_file(source, out) for source in sources):
        raise InputError(f"{out}: is what is to be verified; give --out another file")
    submissions = [read_submission(source, settings, claims_only=claims) for source in sources]
    failed = 0
    with ExitStack() as stack:
        lines: list[TextIO] = [_standard_output()] if as_json else []
        async with Pipeline.open(settings) as pipeline:
            if out is not None:
                lines.append(stack.enter_context(_written(out)))
            if not pipeline.corpus.coverage().statements:
                typer.echo(
                    "verinote: no statements are stored, so nothing can be decided; "
                    "add some: verinote corpus add PATH|URL",
                    err=True,
                )
            for submission in submissions:
                notes: list[Note] = []
                with progress_bar() as progress:
                    async for note in pipeline.verify(submission, as_of, progress):
                        notes.append(note)
                        for stream in lines:
                            print(to_line(note), file=stream, flush=True)
                failed += sum(note.state is ClaimState.FAILED for note in notes)
                if not as_json:
                    print_notes(notes, submission.title or submission.source or "", _console())
    return failed


def _is_same_file(source: str, out: Path) -> bool:
    try:
        return Path(source).samefile(out)
    except (OSError, ValueError):  # one of them is not there, or is no path
        return False


def _standard_output() -> TextIO:
    """Standard output in UTF-8, as JSON is, whatever the locale says."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    return sys.stdout


def _written(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 120)


def main() -> None:
    """Run the command; errors a person can act on go to stderr as one line."""
    try:
        app(standalone_mode=True)
    except VerinoteError as error:
        typer.echo(f"verinote: {plain(' '.join(str(error).split()))}", err=True)
        sys.exit(error.exit_code)
