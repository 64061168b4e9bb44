"""``verinote claims``: what the desk remembers of claims, and fact-checks by others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from service.claims.factchecks import read
from service.claims.memory import Memory
from service.kit.errors import InputError
from service.settings import load_settings
from service.statements.commands import plain, progress_bar, wide_console
from service.statements.corpus import Corpus
from service.types import ClaimLink

claims_app = typer.Typer(
    name="claims",
    help="Claims known from before, and fact-checks by others. Never evidence.",
    no_args_is_help=True,
)

_RELATIONS = {
    "duplicate": "the same claim",
    "same_facts": "the same facts",
    "near": "near, facts differ",
}


@claims_app.command("import")
def import_checks(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="ClaimReview JSON-LD, a page that holds it, or CSV with the columns "
            "claim,rating,publisher,url,date,claimant.",
        ),
    ],
) -> None:
    """Import fact-checks by others; what cannot be read is named, the rest is imported."""
    checks, problems = read(file)
    for problem in problems:
        typer.echo(f"{file}: {problem.where}: {plain(problem.reason)}", err=True)
    if not checks:
        raise InputError(f"{file}: holds no fact-check that can be read")
    with _memory() as memory, progress_bar() as progress:
        imported = memory.import_checks(checks, progress)
    typer.echo(
        f"{imported.added} fact-checks added, {imported.changed} changed, "
        f"{imported.known} known before, {len(problems)} not read"
    )


@claims_app.command()
def similar(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A claim.")],
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many of each.")] = 10,
) -> None:
    """Show known claims and fact-checks by others that are near a claim."""
    with _memory() as memory:
        links = memory.similar(text, limit=limit)
    table = Table("", "similarity", "verdict or rating", Column("claim", overflow="fold"))
    table.add_column("where", overflow="fold")
    for link in links:
        table.add_row(
            plain(_relation(link)),
            f"{link.similarity:.2f}",
            plain(link.rating or (link.verdict.value if link.verdict else "-")),
            plain(link.text),
            plain(link.url or link.claim_id),
        )
    wide_console().print(table)


@claims_app.command("list")
def list_claims() -> None:
    """List the remembered claims, the newest first, each with its newest verdict."""
    with _memory() as memory:
        known = memory.claims()
        checks = memory.count_checks()
    table = Table("id", "noted (UTC)", "verdict", Column("claim", overflow="fold"))
    for claim in known:
        table.add_row(
            plain(claim.id),
            f"{claim.noted_at:%Y-%m-%d %H:%M:%S}",
            claim.verdict.value if claim.verdict else "-",
            plain(claim.text),
        )
    console = wide_console()
    console.print(table)
    console.print(f"{len(known)} claims, {checks} fact-checks by others", highlight=False)


@claims_app.command()
def reindex() -> None:
    """Make the vectors of claims and fact-checks again, as after a change of the encoder."""
    with _memory() as memory, progress_bar() as progress:
        memory.reindex(progress)
    typer.echo("claims and fact-checks indexed")


@contextmanager
def _memory() -> Iterator[Memory]:
    with Corpus.open(load_settings()) as corpus:
        yield Memory(corpus.database, corpus.vectors, corpus.embeddings)


def _relation(link: ClaimLink) -> str:
    if link.relation != "fact_check":
        return _RELATIONS[link.relation]
    checked_on = f", {link.checked_on}" if link.checked_on else ""
    return f"checked by {link.checked_by}{checked_on}"
