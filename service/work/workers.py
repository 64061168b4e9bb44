"""The processes that take work: who is alone, who lives, and who is gone.

Each has an id of its own and says every few seconds that it lives. Whoever sees that another has
said nothing for a while takes its work over. Clocks of several machines must agree to some seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update

from service.kit.database import Database, utc_now
from service.kit.errors import ConfigurationError
from service.kit.locks import locked_file
from service.settings import Settings
from service.work.tables import WorkerRow

_LOCK = "serve.lock"


def shares(settings: Settings) -> bool:
    """Whether several processes may work on the same data: both stores must be servers."""
    return not settings.database.startswith("sqlite") and settings.chroma_url is not None


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Keep other processes from working on the same data, where they may not.

    Raises:
        ConfigurationError: another does; or they may share it, and have no secret in common.
    """
    if shares(settings):
        if settings.secret is None:
            raise ConfigurationError(
                "VERINOTE_SECRET: is not set; processes that share the data need the same"
            )
        yield
        return
    with ExitStack() as held:
        try:
            held.enter_context(locked_file(settings.data_dir / _LOCK, wait=False))
        except BlockingIOError as error:
            raise _refused(f"{settings.data_dir}: another process works here already") from error
        yield


class Workers:
    """The processes that take work from a database. Blocking; thread-safe.

    Args:
        database: migrated.
        settings: whether several may share the data, and after which silence one is gone.
        takes_work: whether this process takes work, or only gives it to others.
    """

    def __init__(self, database: Database, settings: Settings, *, takes_work: bool = True) -> None:
        self._database = database
        self._shared = shares(settings)
        self._patience = timedelta(seconds=settings.worker_gone_after)
        self._takes_work = takes_work

    def begin(self, worker: str) -> None:
        """Say that a worker is there.

        Raises:
            ConfigurationError: another lives, and the settings do not let several share the data.
        """
        now = utc_now()
        with self._database.transaction() as session:
            if self._database.kind == "sqlite":  # the lock says that the others are gone
                session.execute(update(WorkerRow).values(seen_at=self._long_ago()))
            elif not self._shared:
                living = select(WorkerRow.id).where(WorkerRow.seen_at >= now - self._patience)
                if (other := session.scalars(living).first()) is not None:
                    raise _refused(f"{other} works on this database already")
            session.add(self._row(worker, now))

    def beat(self, worker: str) -> list[str]:
        """Say that a worker lives. Returns the others that have said nothing for too long."""
        now = utc_now()
        with self._database.transaction() as session:
            row = session.get(WorkerRow, worker)
            if row is None:  # others took it for gone
                session.add(self._row(worker, now))
            else:
                row.seen_at = now
            gone = select(WorkerRow.id).where(WorkerRow.seen_at < now - self._patience)
            return list(session.scalars(gone.order_by(WorkerRow.id)))

    def forget(self, gone: Sequence[str]) -> None:
        """Take workers out whose work was taken over, unless they came back."""
        silent = WorkerRow.seen_at < utc_now() - self._patience
        with self._database.transaction() as session:
            session.execute(delete(WorkerRow).where(WorkerRow.id.in_(gone), silent))

    def living(self) -> int:
        """How many processes take work and have said in time that they live."""
        since = utc_now() - self._patience
        with self._database.transaction() as session:
            count = select(func.count()).where(WorkerRow.seen_at >= since, WorkerRow.takes_work)
            return session.scalars(count.select_from(WorkerRow)).one()

    def end(self, worker: str) -> None:
        """Say that a worker leaves. What it has not finished is taken over at once."""
        with self._database.transaction() as session:
            row = session.get(WorkerRow, worker)
            if row is not None:
                row.seen_at = self._long_ago()

    def _row(self, worker: str, now: datetime) -> WorkerRow:
        return WorkerRow(id=worker, started_at=now, seen_at=now, takes_work=self._takes_work)

    def _long_ago(self) -> datetime:
        return utc_now() - 2 * self._patience


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{why}; several processes need a database and vectors that are servers: set "
        "VERINOTE_DATABASE_URL to PostgreSQL and VERINOTE_CHROMA_URL to a Chroma server"
    )
