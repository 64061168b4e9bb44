"""The ``verinote`` command: one sub-command a room, and the exit codes."""

from __future__ import annotations

import asyncio
import io
import os
import stat
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, NoReturn, TextIO

import typer
from rich.console import Console

from eval.commands import eval_app
from service.access.commands import keys_app, users_app
from service.audit.commands import audit_app
from service.audit.corpus import command_witness
from service.claims.commands import claims_app
from service.kit.database import Database
from service.kit.errors import SOME_FAILED, InputError, VerinoteError
from service.notes.jsonl import to_line
from service.notes.table import print_notes
from service.settings import Settings, load_settings
from service.statements.commands import corpus_app, plain, progress_bar
from service.submissions.intake import STANDARD_INPUT, read_submission
from service.types import ClaimState, Note, Usage

app = typer.Typer(
    name="verinote",
    help="Extract a text's checkable claims and check them against official statements.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"obj": command_witness},  # for the rooms below the audit trail
)
app.add_typer(corpus_app)
app.add_typer(claims_app)
app.add_typer(users_app)
app.add_typer(keys_app)
app.add_typer(audit_app)
app.add_typer(eval_app)

_STANDARD_OUTPUT = "standard output"


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port to listen on")] = 8000,
    work: Annotated[
        bool, typer.Option(help="work on submissions too; without it, workers have to")
    ] = True,
) -> None:
    """Serve the HTTP API, and work on what is submitted."""
    from service.serving import serve as run  # loads the models: not for --help

    run(load_settings(), host, port, takes_work=work)


@app.command()
def worker() -> None:
    """Work on what is submitted, without the HTTP API."""
    from service.serving import work as run

    run(load_settings())


@app.command()
def migrate() -> None:
    """Make all tables or bring them up to date, and end. `serve` and `worker` would do it too."""
    from service.work.schema import migrate as run

    run(load_settings())
    typer.echo("all tables are up to date")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the archive to write, a .tar.gz")],
) -> None:
    """Write everything that is stored into one archive; the service may go on meanwhile."""
    from service.backups import back_up

    settings = load_settings()
    database = Database.open(settings.database, settings.data_dir)
    try:
        made = back_up(settings, database, file)
    finally:
        database.close()
    typer.echo(f"{file}: {sum(made.rows.values()):,} rows of {len(made.rows)} tables")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="an archive of `verinote backup`")],
) -> None:
    """Bring everything back from an archive, into a data folder that has nothing yet."""
    from service.backups import restore as run
    from service.claims.memory import Memory
    from service.statements.corpus import Corpus

    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    try:
        made = run(settings, database, file)
    finally:
        database.close()
    with Corpus.open(settings) as corpus, progress_bar() as progress:
        corpus.reindex(progress)
        Memory(corpus.database, corpus.vectors, corpus.embeddings).reindex(progress)
    typer.echo(f"{file}: {sum(made.rows.values()):,} rows of {len(made.rows)} tables are back")


@app.command()
def verify(
    sources: Annotated[
        list[str], typer.Argument(metavar="FILE|URL|-", help="articles; - for standard input")
    ],
    claims: Annotated[bool, typer.Option("--claims", help="one claim a line, no article")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="one JSON object a claim a line, nothing else on stdout")
    ] = False,
    engine: Annotated[
        str | None, typer.Option(help="local or openai; by default the configured one")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="statements dated later do not decide; default: the text's own date, else today",
        ),
    ] = None,
    local_only: Annotated[
        bool, typer.Option("--local-only", help="never send the text anywhere, whatever the engine")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="also write the JSON lines here")] = None,
) -> None:
    """Check a text's claims against the stored statements and draft a note for each."""
    settings = load_settings(**({"engine": engine} if engine else {}))
    when = as_of.date() if as_of else None
    if asyncio.run(_verify(settings, sources, claims, as_json, when, local_only, out)):
        raise typer.Exit(SOME_FAILED)


async def _verify(
    settings: Settings,
    sources: list[str],
    claims: bool,
    as_json: bool,
    as_of: date | None,
    local_only: bool,
    out: Path | None,
) -> int:
    """Verify every source and show it. Returns how many claims failed."""
    from service.pipeline import Pipeline  # loads the models: not for --help

    if out is not None and any(_is_same_file(source, out) for source in sources):
        raise InputError(f"{out}: is what is to be verified; give --out another file")
    submissions = [
        replace(read_submission(source, settings, claims_only=claims), local_only=local_only)
        for source in sources
    ]
    if settings.engine == "local" and settings.openai_api_key is not None:
        typer.echo(
            "verinote: OPENAI_API_KEY is set and not used: the engine is local; to ask a language "
            "model: --engine openai, or VERINOTE_ENGINE=openai",
            err=True,
        )
    failed = counted = 0
    used = Usage()
    with ExitStack() as stack:
        stack.callback(lambda: _tell_price(used, counted, settings))
        lines = [(_STANDARD_OUTPUT, _standard_output())] if as_json else []
        async with Pipeline.open(settings) as pipeline:
            if out is not None:
                lines.append((str(out), stack.enter_context(_written(out))))
            if not pipeline.corpus.coverage().statements:
                typer.echo(
                    "verinote: no statements are stored, so nothing can be decided; "
                    "add some: verinote corpus add PATH|URL",
                    err=True,
                )
            for submission in submissions:
                notes: list[Note] = []
                account = pipeline.account(submission)
                try:
                    extracted = await pipeline.claims_of(submission, account)
                    _tell_rejected(extracted.rejected)
                    with progress_bar() as progress:
                        async for note in pipeline.verify(
                            submission, as_of, progress, account, extracted
                        ):
                            notes.append(note)
                            for name, stream in lines:
                                with _writing(name):
                                    print(to_line(note), file=stream, flush=True)
                finally:
                    used, counted = used + account.used, counted + len(notes)
                    if len(submissions) > 1:
                        name = submission.source or "standard input"
                        _tell_price(account.used, len(notes), settings, of=name)
                failed += sum(note.state is ClaimState.FAILED for note in notes)
                if not as_json:
                    with _writing(_STANDARD_OUTPUT):
                        print_notes(notes, submission.title or submission.source or "", _console())
    return failed


def _tell_rejected(rejected: Sequence[tuple[str, str]]) -> None:
    """Say what an engine gave as claims and code did not take for claims of the text."""
    if not rejected:
        return
    shown = "; ".join(f"{_shortened(text)} ({_shortened(why)})" for text, why in rejected[:_SHOWN])
    more = f"; and {len(rejected) - _SHOWN} more" if len(rejected) > _SHOWN else ""
    typer.echo(
        f"verinote: left out {len(rejected)} that the engine gave as claims: {shown}{more}",
        err=True,
    )


_SHOWN = 3


def _shortened(text: str) -> str:
    return textwrap.shorten(plain(text).plain, 100, placeholder="…")


def _tell_price(used: Usage, claims: int, settings: Settings, of: str = "in all") -> None:
    if used.calls:
        typer.echo(f"verinote: {of}: {_price(used, claims, settings)}", err=True)


def _price(used: Usage, claims: int, settings: Settings) -> str:
    """What a submission or a run took, extraction included."""
    each = max(claims, 1)
    told = (
        f"{settings.llm_model}: {used.calls} calls ({used.calls / each:.1f} a claim), "
        f"{used.prompt_tokens:,} prompt and {used.completion_tokens:,} completion tokens "
        f"({used.tokens / each:,.0f} a claim), {used.seconds:.1f} s of waiting, side by side"
    )
    if settings.llm_model in settings.llm_prices:
        return f"{told}; cost {used.cost:.4f} ({used.cost / each:.5f} a claim)"
    return f"{told}; no price is known: set VERINOTE_LLM_PRICES"


def _is_same_file(source: str, out: Path) -> bool:
    """Whether writing ``out`` would write over a source; a device or a pipe has no such end."""
    try:
        there = out.stat()
        read = os.fstat(sys.stdin.fileno()) if source == STANDARD_INPUT else Path(source).stat()
    except (OSError, ValueError, AttributeError):  # one is not there, is closed, or is no path
        return False
    return os.path.samestat(read, there) and stat.S_ISREG(there.st_mode)


def _standard_output() -> TextIO:
    """Standard output in UTF-8, as JSON is, whatever the locale says."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    return sys.stdout


@contextmanager
def _written(path: Path) -> Iterator[TextIO]:
    with _writing(str(path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8")
    try:
        yield file
    finally:
        with _writing(str(path)):
            file.close()  # writes what is left, on a full disk in vain


@contextmanager
def _writing(name: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # no error: see ``main``
        raise
    except OSError as error:
        raise InputError(f"{name}: cannot be written ({error.strerror})") from error


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 120)


def main() -> None:
    """Run the command; errors a person can act on go to stderr as one line."""
    if sys.stdout is None:  # Python's way to say that it was closed before the start
        _stop(InputError(f"{_STANDARD_OUTPUT}: is closed; give it a file or a pipe"))
    try:
        app(standalone_mode=True)
    except VerinoteError as error:
        _stop(error)
    except OSError as error:
        name = error.filename or _STANDARD_OUTPUT
        _stop(InputError(f"{name}: cannot be read or written ({error.strerror or error})"))
    except SystemExit as stopped:
        # Typer and rich both exit with 1 when the reader of a pipe goes away, as `| head` does.
        if not isinstance(stopped.__context__, BrokenPipeError):
            raise
        _drop_output()
        sys.exit(0)


def _stop(error: VerinoteError) -> NoReturn:
    typer.echo(f"verinote: {plain(' '.join(str(error).split()))}", err=True)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _drop_output()
    sys.exit(error.exit_code)


def _drop_output() -> None:
    """Let what cannot be written go, or Python would complain of it once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
