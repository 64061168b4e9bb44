"""Backups: every row of the database as text, in one archive, for either kind of database.

An archive holds one file of JSON lines a table, and a manifest with their digests. What can be made
again is left out: the indexes, the vectors (embeddings that were paid for are in it) and the
queue's records; work that was under way is begun again from what is stored.
"""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Table

from service.kit.database import Database
from service.kit.errors import InputError
from service.kit.secret import FILE as SECRET
from service.settings import Settings

_MANIFEST = "manifest.json"
_FORMAT = 1
_MADE_AGAIN = (
    "workers",
    "passage_changes",
    "passages_fts",
    "alembic_version",
    "datasource_outputs",
    "dbos_",
)
"""How the names of tables begin that are left out. All others are taken, known to this process or
not: what was forgotten here would be lost."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Backup:
    """What an archive holds.

    Attributes:
        schema: the database's revision when it was made.
        rows: how many rows each table has.
    """

    schema: str
    made_by: str
    rows: dict[str, int]


def back_up(settings: Settings, database: Database, path: Path) -> Backup:
    """Write everything into an archive, as it is at one moment.

    Args:
        settings: where the secret is.
        database: migrated; others may go on writing.
        path: the archive, made whole or not at all; readable by its owner alone.

    Raises:
        InputError: there is such a file already, or it cannot be written.
    """
    if path.exists():
        raise InputError(f"{path}: is there already; give another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            made = _write(settings, database, Path(folder))
            half = Path(folder) / "archive"
            with tarfile.open(half, "w:gz") as archive:
                for file in sorted(Path(folder).glob("*.json*")):
                    archive.add(file, file.name)
                if (secret := Path(folder) / SECRET).exists():
                    archive.add(secret, SECRET)
            half.chmod(0o600)
            half.rename(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    return made


def _write(settings: Settings, database: Database, folder: Path) -> Backup:
    rows: dict[str, int] = {}
    digests: dict[str, str] = {}
    with _at_one_moment(database) as connection:
        schema = MigrationContext.configure(connection).get_current_revision() or ""
        tables = _tables(connection)
        for table in tables:
            file = folder / f"{table.name}.jsonl"
            digest = hashlib.sha256()
            with file.open("wb") as out:
                for row in connection.execute(
                    sa.select(table).execution_options(yield_per=_AT_ONCE)
                ):
                    line = json.dumps([_as_json(value) for value in row]).encode() + b"\n"
                    out.write(line)
                    digest.update(line)
                    rows[table.name] = rows.get(table.name, 0) + 1
            rows.setdefault(table.name, 0)
            digests[table.name] = digest.hexdigest()
    if settings.secret is None:
        (folder / SECRET).write_bytes(settings.installation_secret())
    made = Backup(schema, f"verinote {version('verinote')}", rows)
    manifest = {
        "format": _FORMAT,
        "made_by": made.made_by,
        "schema": schema,
        "rows": rows,
        "columns": {table.name: list(table.columns.keys()) for table in tables},
        "sha256": digests,
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return made


def restore(settings: Settings, database: Database, path: Path) -> Backup:
    """Bring everything back from an archive into a database that has nothing yet.

    The vectors are made again afterwards, see ``Corpus.reindex`` and ``Memory.reindex``.

    Args:
        settings: where the secret goes; one that is set stays.
        database: reachable, not migrated yet.
        path: the archive.

    Raises:
        InputError: it is no archive of ours, is damaged, or the database is not empty.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        manifest = _unpacked(path, folder)
        made = Backup(manifest["schema"], manifest["made_by"], manifest["rows"])
        _check_empty(database, path)
        database.migrate(to=made.schema)
        with database.engine.begin() as connection:
            for table in _tables(connection):
                if table.name in manifest["columns"]:
                    _fill(connection, table, manifest, folder)
        database.migrate()
        if settings.secret is None and (kept := folder / SECRET).exists():
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            target = settings.data_dir / SECRET
            target.touch(mode=0o600)
            target.write_bytes(kept.read_bytes())
    return made


def _unpacked(path: Path, folder: Path) -> dict[str, Any]:
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:  # plain files with plain names, and nothing else
                if member.isfile() and Path(member.name).name == member.name:
                    archive.extract(member, folder, set_attrs=False)
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_bytes())
        if manifest["format"] != _FORMAT:
            raise InputError(f"{path}: was made by another version ({manifest['made_by']})")
        for name, digest in manifest["sha256"].items():
            with (folder / f"{name}.jsonl").open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    raise InputError(f"{path}: is damaged ({name})")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no backup, or is damaged ({error})") from error
    return manifest


def _check_empty(database: Database, path: Path) -> None:
    inspector = sa.inspect(database.engine)
    if "alembic_version" not in inspector.get_table_names():
        return
    with database.engine.connect() as connection:
        for table in _tables(connection):
            if table.name in {"corpus", "audit_head"}:  # have a row from their first day
                continue
            if connection.scalar(sa.select(sa.func.count()).select_from(table)):
                raise InputError(
                    f"{path}: is only restored into an empty place, and there are {table.name} "
                    "already; set VERINOTE_DATA_DIR or VERINOTE_DATABASE_URL"
                )


def _fill(connection: Connection, table: Table, manifest: dict[str, Any], folder: Path) -> None:
    columns = [table.columns[name] for name in manifest["columns"][table.name]]
    connection.execute(sa.delete(table))
    with (folder / f"{table.name}.jsonl").open("rb") as lines:
        batch: list[dict[str, Any]] = []
        for line in lines:
            values = zip(columns, json.loads(line), strict=True)
            batch.append({column.name: _from_json(column, value) for column, value in values})
            if len(batch) == _AT_ONCE:
                connection.execute(sa.insert(table), batch)
                batch = []
        if batch:
            connection.execute(sa.insert(table), batch)
    _go_on_counting(connection, table)


def _go_on_counting(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows after those that came with their numbers."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key.columns:
        if isinstance(column.type, sa.Integer) and column.server_default is not None:
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            newest = sa.func.coalesce(sa.func.max(column), 0) + 1
            connection.execute(sa.select(sa.func.setval(sequence, newest, False)))


def _tables(connection: Connection) -> list[Table]:
    """The tables as they are in this database, in an order that their keys allow."""
    there = sa.MetaData()
    there.reflect(connection, only=lambda name, _: not name.startswith(_MADE_AGAIN))
    return there.sorted_tables


@contextmanager
def _at_one_moment(database: Database) -> Iterator[Connection]:
    """A connection that sees the database as it is now, whatever others write meanwhile."""
    engine = database.engine
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        yield connection
        connection.rollback()


def _as_json(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value


def _from_json(column: sa.Column[Any], value: Any) -> Any:  # noqa: ANN401
    if value is None:
        return None
    match column.type:
        case sa.LargeBinary():
            return base64.b64decode(value)
        case sa.DateTime():
            return datetime.fromisoformat(value)
        case sa.Date():
            return date.fromisoformat(value)
    return value
