"""The database: one engine a process, one transaction a unit of work, migrations at start."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Engine, Insert, MetaData, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from service.kit.errors import ConfigurationError

MIGRATIONS = Path(__file__).parent / "migrations"


class Base(DeclarativeBase):
    """All tables. Constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Database:
    """Opens transactions on the configured database.

    Args:
        url: an SQLAlchemy address, such as ``sqlite:///var/verinote.db``.

    Raises:
        ConfigurationError: the address cannot be read, or nothing that is installed knows its
            kind. ``transaction`` and ``migrate`` raise it where the database itself is damaged,
            read-only, locked or not there.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self.engine: Engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        except (ArgumentError, ValueError) as error:
            # The address is not shown: what cannot be read may hold a password anywhere.
            raise ConfigurationError(
                "VERINOTE_DATABASE_URL: is no address of a database that SQLAlchemy can read; "
                "give one such as sqlite:///var/verinote.db"
            ) from error
        except ImportError as error:
            raise ConfigurationError(
                f"VERINOTE_DATABASE_URL: the driver of its database is not installed "
                f"({error.name}); install it, or leave the setting out to use SQLite"
            ) from error
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _tune_sqlite)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @classmethod
    def open(cls, url: str, data_dir: Path) -> Database:
        """Open the database, made and migrated if need be, with the folder that holds the data.

        Raises:
            ConfigurationError: one of them cannot be used.
        """
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"{data_dir}: cannot hold the data ({error.strerror}); "
                "set VERINOTE_DATA_DIR to a folder that can be written"
            ) from error
        database = cls(url)
        database.migrate()
        return database

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One unit of work: committed when the block ends, rolled back when it raises."""
        with self._named_in_errors(), self._sessions.begin() as session:
            yield session

    def migrate(self, to: str = "head") -> None:
        """Bring the schema up to a revision, by default the newest."""
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["engine"] = self.engine
        with self._named_in_errors():
            command.upgrade(config, to)

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()

    @contextmanager
    def _named_in_errors(self) -> Iterator[None]:
        """Turn what is wrong with the database as a whole into an error that names it."""
        try:
            yield
        except (DatabaseError, sqlite3.DatabaseError, CommandError) as error:
            whole = (OperationalError, sqlite3.DatabaseError, CommandError)
            # SQLite tells of damage by the base class itself; its others are faults of a statement.
            if not isinstance(error, whole) and type(error) is not DatabaseError:
                raise
            reason = error.orig if isinstance(error, DatabaseError) else error
            raise ConfigurationError(
                f"{self._place}: cannot be used as the database ({str(reason).strip()}); see that "
                "it is whole and can be written, or name another by VERINOTE_DATA_DIR or "
                "VERINOTE_DATABASE_URL"
            ) from error

    @property
    def _place(self) -> str:
        url = self.engine.url
        if url.get_backend_name() == "sqlite" and url.database:
            return url.database
        return url.render_as_string(hide_password=True)


def utc_now() -> datetime:
    """This moment as tables keep it: in UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def insert_new(session: Session, table: type[DeclarativeBase]) -> Insert:
    """An insert that leaves alone the rows whose key is there, even if only just put there."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


_WAL_TRIES, _WAL_PAUSE = 100, 0.05
"""Where several processes start a new database, SQLite refuses the switch at once, without waiting
out its busy timeout."""


def _tune_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401  the driver's own
    cursor = connection.cursor()
    for pragma in ("busy_timeout=10000", "foreign_keys=ON", "synchronous=FULL", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    for left in reversed(range(_WAL_TRIES)):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if not left or "locked" not in str(error):
                raise
            time.sleep(_WAL_PAUSE)
    cursor.close()
