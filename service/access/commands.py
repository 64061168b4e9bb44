"""``verinote users`` and ``verinote keys``: who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from service.access.register import Register, Role
from service.audit.trail import Trail, operator
from service.kit.database import Database
from service.settings import load_settings
from service.statements.commands import plain, wide_console

users_app = typer.Typer(
    name="users", help="The people of the desk and their roles.", no_args_is_help=True
)
keys_app = typer.Typer(
    name="keys", help="Keys that stand for people in requests.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="a person's name in the records")]


@users_app.command()
def add(
    name: Name,
    role: Annotated[
        Role, typer.Option(help="submitters send texts in, reviewers decide, admins do all")
    ] = Role.SUBMITTER,
) -> None:
    """Add a person."""
    with _register() as register:
        user = register.add(name, role)
    typer.echo(f"{user.name} is here as {user.role}; next: verinote keys issue {user.name}")


@users_app.command("list")
def list_users() -> None:
    """List everybody, those who left too."""
    with _register() as register:
        users = register.users()
    table = Table(box=None)
    for head in ("name", "role", "since", "left"):
        table.add_column(head)
    for user in users:
        table.add_row(user.name, user.role.value, _when(user.created_at), _when(user.left_at))
    wide_console().print(table)


@users_app.command()
def role(name: Name, role: Annotated[Role, typer.Argument(metavar="ROLE")]) -> None:
    """Give somebody another role."""
    with _register() as register:
        user = register.change_role(name, role)
    typer.echo(f"{user.name} is {user.role} now")


@users_app.command()
def remove(name: Name) -> None:
    """Let somebody go: the keys end at once, the name stays on what was decided."""
    with _register() as register:
        user = register.remove(name)
    typer.echo(f"{user.name} has left, and the keys have ended")


@keys_app.command()
def issue(
    name: Name,
    label: Annotated[str, typer.Option(help="what it is for")] = "",
    days: Annotated[
        int | None,
        typer.Option(min=1, max=36_500, help="how long it is good for; until revoked without it"),
    ] = None,
    service: Annotated[
        bool, typer.Option("--service", help="for a program: it cannot decide on notes")
    ] = False,
) -> None:
    """Make a key and print it, once: only its digest is kept."""
    with _register() as register:
        lasts = timedelta(days=days) if days is not None else None
        key, token = register.issue(name, label, for_service=service, lasts=lasts)
    typer.echo(token)
    typer.echo(f"verinote: key {key.id} of {key.user}; it will not be shown again", err=True)


@keys_app.command("list")
def list_keys(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="whose keys")] = None,
) -> None:
    """List keys, those that ended too."""
    with _register() as register:
        keys = register.keys(name)
    table = Table(box=None)
    for head in ("key", "of", "label", "made", "expires", "revoked", "last used"):
        table.add_column(head)
    for key in keys:
        owner = f"{key.user} (a program)" if key.for_service else key.user
        table.add_row(
            key.id,
            owner,
            plain(key.label),
            _when(key.created_at),
            _when(key.expires_at),
            _when(key.revoked_at),
            _when(key.last_used_at),
        )
    wide_console().print(table)


@keys_app.command()
def revoke(key: Annotated[str, typer.Argument(metavar="KEY", help="its id, see list")]) -> None:
    """End a key at once."""
    with _register() as register:
        ended = register.revoke(key)
    typer.echo(f"key {ended.id} of {ended.user} has ended")


@contextmanager
def _register() -> Iterator[Register]:
    settings = load_settings()
    database = Database.open(settings.database, settings.data_dir)
    try:
        yield Register(database, Trail.of(settings), operator())
    finally:
        database.close()


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
