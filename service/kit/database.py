"""The database: one engine a process, one transaction a unit of work, migrations at start.

SQLite for one machine, PostgreSQL for several. The same code runs on both; what is written twice
are the words' index (``statements/words_*.py``) and its triggers (migration 0002).
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    ExceptionContext,
    Executable,
    Insert,
    MetaData,
    Select,
    and_,
    create_engine,
    event,
    func,
    make_url,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session, sessionmaker

from service.kit.errors import ConfigurationError, OutOfReach
from service.kit.locks import locked_file

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x5645524E
"""Of PostgreSQL's advisory locks those that are ours: "VERN", as no other program calls its own."""


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
        url: an SQLAlchemy address, such as ``sqlite:///var/verinote.db`` or
            ``postgresql://verinote:password@host/verinote``.

    Raises:
        ConfigurationError: the address cannot be read, or is one of another kind of database.
            ``transaction`` and ``migrate`` raise it where the database itself is damaged,
            read-only, locked or not there; a later call works once it is back.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        address = _address(url)
        if address.get_backend_name() == "sqlite":
            self.kind: Literal["sqlite", "postgresql"] = "sqlite"
            # Errors are logged: what a statement was given are words of people's texts.
            self.engine: Engine = create_engine(address, hide_parameters=True)
            event.listen(self.engine, "connect", _tune_sqlite)
            event.listen(self.engine, "before_execute", _lock_sqlite)
        else:
            self.kind = "postgresql"
            self.engine = _postgresql(address)
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

    def engine_beside(self, connections: int) -> Engine:
        """Another engine on this PostgreSQL database, for a library that has tables of its own."""
        return _postgresql(_address(self.url), pool_size=connections, max_overflow=0)

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

    @contextmanager
    def exclusive(self, what: str) -> Iterator[None]:
        """Keep other processes on this database out of what is named, until the block ends.

        On PostgreSQL wherever they run, by an advisory lock, which ends with its connection, so
        that no crash leaves it behind. On SQLite by a locked file beside the database.
        """
        if self.kind == "postgresql":
            with self._named_in_errors(), self.engine.connect() as connection:
                # Nothing stays open meanwhile: a server may end transactions that only wait.
                connection.execution_options(isolation_level="AUTOCOMMIT")
                key = {"group": LOCK, "what": zlib.crc32(what.encode()) - 2**31}
                connection.execute(text("SELECT pg_advisory_lock(:group, :what)"), key)
                try:
                    yield
                finally:
                    connection.execute(text("SELECT pg_advisory_unlock(:group, :what)"), key)
        elif (path := self.engine.url.database) and path != ":memory:":
            with locked_file(Path(f"{path}.{what}.lock")):
                yield
        else:
            yield

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()

    @contextmanager
    def _named_in_errors(self) -> Iterator[None]:
        """Turn what is wrong with the database as a whole into an error that names it."""
        try:
            yield
        except (DatabaseError, sqlite3.DatabaseError, CommandError) as error:
            if not _is_of_the_whole(error):
                raise
            reason = error.orig if isinstance(error, DatabaseError) else error
            remedy = (
                "see that it is whole and can be written, or name another by VERINOTE_DATA_DIR or"
                if self.kind == "sqlite"
                else "see that it runs and may be used, or name another by"
            )
            kind = OutOfReach if self._may_pass(error) else ConfigurationError
            raise kind(
                f"{self._place}: cannot be used as the database ({' '.join(str(reason).split())}); "
                f"{remedy} VERINOTE_DATABASE_URL"
            ) from error

    def _may_pass(self, error: Exception) -> bool:
        """Whether the database may be back soon: a server that is down, a file that is locked."""
        if self.kind == "sqlite":
            return "locked" in str(error)
        return isinstance(error, OperationalError)

    @property
    def _place(self) -> str:
        """The database in words, without its password, which may stand in the query too."""
        url = self.engine.url
        if self.kind == "sqlite" and url.database:
            return url.database
        url = url.difference_update_query(set(url.query) - {"host", "port"})
        return url.render_as_string(hide_password=True)


def _address(url: str) -> URL:
    try:
        address = make_url(url)
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        if address.drivername in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
            return address
    except (ArgumentError, ValueError) as error:
        # The address is not shown: what cannot be read may hold a password anywhere.
        raise ConfigurationError(
            "VERINOTE_DATABASE_URL: is no address of a database that SQLAlchemy can read; "
            "give one such as sqlite:///var/verinote.db"
        ) from error
    raise ConfigurationError(
        f"VERINOTE_DATABASE_URL: {address.drivername} is no database that Verinote runs on; give "
        "an address that begins with postgresql:// or sqlite:///"
    )


_OF_ONE_STATEMENT = ("40", "54", "55", "57014")
"""How the codes of those operational errors of PostgreSQL begin that are no fault of the database:
a deadlock, a limit, a lock that is taken, a statement that was called off."""
_OF_RIGHTS = ("42501", "25006")
"""What PostgreSQL answers to whoever may not write."""


def _is_of_the_whole(error: DatabaseError | sqlite3.DatabaseError | CommandError) -> bool:
    """Whether the database cannot be used at all, not just one statement be carried out."""
    if not isinstance(error, DatabaseError) or error.statement is None:  # None: while connecting
        return True
    if code := str(getattr(error.orig, "sqlstate", None) or ""):
        is_operational = isinstance(error, OperationalError) and not code.startswith(
            _OF_ONE_STATEMENT
        )
        return is_operational or code.startswith("XX") or code in _OF_RIGHTS
    # SQLite tells of damage by the base class itself; its others are faults of a statement.
    return isinstance(error, OperationalError) or type(error) is DatabaseError


def comes_after(
    moment: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    id_: InstrumentedAttribute[str],
    last: tuple[datetime, str],
) -> ColumnElement[bool]:
    """What comes after a row where the newest come first, and of one moment the greatest ids."""
    at, known = last
    return or_(moment < at, and_(moment == at, id_ < known))


def utc_now() -> datetime:
    """This moment as tables keep it: in UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def count_by(
    session: Session,
    column: InstrumentedAttribute[str],
    values: type[StrEnum],
    where: ColumnElement[bool] | None = None,
) -> dict[str, int]:
    """How many rows have which value in a column; each of ``values`` is told, also none of it."""
    counted = select(column, func.count()).group_by(column)
    if where is not None:
        counted = counted.where(where)
    return dict.fromkeys(map(str, values), 0) | dict(session.execute(counted).all())


def insert_new(session: Session, table: type[DeclarativeBase]) -> Insert:
    """An insert that leaves alone the rows whose key is there, even if only just put there."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def _postgresql(address: URL, **pool: int) -> Engine:
    engine = create_engine(
        address,
        hide_parameters=True,
        pool_pre_ping=True,
        # Named, since a server may be set to another: here what a lock waited for is seen.
        isolation_level="READ COMMITTED",
        connect_args={"client_encoding": "UTF8"},
        **pool,
    )
    event.listen(engine, "handle_error", _mark_lost_connections)
    return engine


def _mark_lost_connections(context: ExceptionContext) -> None:
    """Let SQLAlchemy, and DBOS by it, know a server that is not there: psycopg's words are new."""
    if "connection is bad" in str(context.original_exception):
        context.is_disconnect = True


def _lock_sqlite(connection: Connection, statement: Executable, *_: object) -> None:
    """Let SQLite lock what is selected FOR UPDATE, which it has no words for.

    Its driver begins a transaction only when something is written: two who read the same row first
    would both go on from it. Here the second waits for the end of the first, then reads.
    """
    if isinstance(statement, Select) and statement._for_update_arg is not None:
        driver = connection.connection.dbapi_connection
        if isinstance(driver, sqlite3.Connection) and not driver.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")


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
