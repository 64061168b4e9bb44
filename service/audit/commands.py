"""``verinote audit``: whether the trail is as it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from service.audit.trail import Head, Trail
from service.kit.database import Database
from service.kit.errors import InputError
from service.settings import load_settings

audit_app = typer.Typer(
    name="audit", help="The trail of what was done, and its seals.", no_args_is_help=True
)
_HEAD = TypeAdapter(Head)


@audit_app.command()
def verify(
    head: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="what `verinote audit head` printed earlier"),
    ] = None,
) -> None:
    """Check every entry; name the first that is not as it was written, and exit with 1."""
    known = _read(head) if head is not None else None
    with _trail() as (trail, session):
        broken = trail.first_broken(session, known)
        number = trail.head(session).number
    if broken is not None:
        typer.echo(f"entry {broken.number}: {broken.reason}")
        raise typer.Exit(1)
    typer.echo(f"{number:,} entries, all as they were written")


@audit_app.command("head")
def show_head() -> None:
    """Print how many entries there are and the newest seal, to be kept elsewhere."""
    with _trail() as (trail, session):
        typer.echo(json.dumps(asdict(trail.head(session))))


def _read(file: Path) -> Head:
    try:
        return _HEAD.validate_json(file.read_bytes(), extra="forbid")
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        raise InputError(f"{file}: is not what `verinote audit head` prints") from error


@contextmanager
def _trail() -> Iterator[tuple[Trail, Session]]:
    settings = load_settings()
    database = Database.open(settings.database, settings.data_dir)
    try:
        with database.transaction() as session:
            yield Trail.of(settings), session
    finally:
        database.close()
