"""The processes that take work: who is alone, who lives, and who is gone.

Each has an id of its own and says every few seconds that it lives. Whoever sees that another has
said nothing for a while takes its work over. Clocks of several machines must agree to some seconds.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import delete, select, update

from service.kit.database import Database, utc_now
from service.kit.errors import ConfigurationError
from service.settings import Settings
from service.work.tables import WorkerRow

GONE_AFTER = timedelta(seconds=30)
"""Without a sign of life; six beats."""
_LOCK = "serve.lock"


def shares(settings: Settings) -> bool:
    """Whether several processes may work on the same data: both stores must be servers."""
    return not settings.database.startswith("sqlite") and settings.chroma_url is not None


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Keep other processes from working on the same data, where they may not.

    Raises:
        ConfigurationError: another does.
    """
    if shares(settings):
        yield
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / _LOCK).open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _refused(f"{settings.data_dir}: another process works here already") from error
        yield


def begin(database: Database, worker: str, settings: Settings) -> None:
    """Say that a worker is there.

    Raises:
        ConfigurationError: another lives, and the settings do not let several share the data.
    """
    now = utc_now()
    with database.transaction() as session:
        living = select(WorkerRow.id).where(WorkerRow.seen_at >= now - GONE_AFTER)
        on_sqlite = session.get_bind().dialect.name == "sqlite"
        if on_sqlite:  # the lock says that the others are gone
            session.execute(update(WorkerRow).values(seen_at=now - 2 * GONE_AFTER))
        elif not shares(settings) and (other := session.scalars(living).first()) is not None:
            raise _refused(f"{other} works on this database already")
        session.add(WorkerRow(id=worker, started_at=now, seen_at=now))


def beat(database: Database, worker: str) -> list[str]:
    """Say that a worker lives. Returns the others that have said nothing for too long."""
    now = utc_now()
    with database.transaction() as session:
        row = session.get(WorkerRow, worker)
        if row is None:  # others took it for gone
            session.add(WorkerRow(id=worker, started_at=now, seen_at=now))
        else:
            row.seen_at = now
        gone = select(WorkerRow.id).where(WorkerRow.seen_at < now - GONE_AFTER)
        return list(session.scalars(gone.order_by(WorkerRow.id)))


def forget(database: Database, gone: Sequence[str]) -> None:
    """Take workers out whose work was taken over, unless they came back."""
    with database.transaction() as session:
        silent = WorkerRow.seen_at < utc_now() - GONE_AFTER
        session.execute(delete(WorkerRow).where(WorkerRow.id.in_(gone), silent))


def end(database: Database, worker: str) -> None:
    """Say that a worker leaves. What it has not finished is taken over like that of one gone."""
    with database.transaction() as session:
        row = session.get(WorkerRow, worker)
        if row is not None:
            row.seen_at = utc_now() - 2 * GONE_AFTER


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{why}; several processes need a database and vectors that are servers: set "
        "VERINOTE_DATABASE_URL to PostgreSQL and VERINOTE_CHROMA_URL to a Chroma server"
    )
