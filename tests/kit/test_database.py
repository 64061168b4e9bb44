"""The migrations make the schema that the tables declare, on SQLite and on PostgreSQL."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from service.kit.database import MIGRATIONS, Base, Database
from service.kit.errors import ConfigurationError
from service.statements import tables

CORPUS = {
    row.__tablename__
    for row in vars(tables).values()
    if isinstance(row, type) and issubclass(row, Base) and row is not Base
}


@pytest.fixture
def empty(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'empty.db'}")


def script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config)


def statements_of(sql: str) -> set[str]:
    """The statements of a script, with the parts of each in one order."""
    found = set()
    for statement in sql.split(";"):
        parts = re.split(r",\s*\n|\n", statement.strip())
        found.add("\n".join(sorted(part.strip(" \t,") for part in parts)))
    return found - {""}


def test_migrating_makes_the_tables_that_are_declared(empty: Database):
    empty.migrate()

    def ours(_: object, name: str | None, kind: str, *__: object) -> bool:
        return kind != "table" or name in CORPUS

    with empty.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": ours, "compare_type": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_twice_changes_nothing(empty: Database):
    empty.migrate()
    with empty.engine.connect() as connection:
        before = connection.exec_driver_sql("SELECT sql FROM sqlite_master").all()

    empty.migrate()

    with empty.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT sql FROM sqlite_master").all() == before


def test_a_new_corpus_stands_at_revision_0(empty: Database):
    empty.migrate()

    with empty.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT id, revision FROM corpus")).all() == [(1, 0)]


def test_the_first_migration_makes_the_declared_tables_on_postgresql():
    output = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": output}
    )
    with Operations.context(context):
        script().get_revision("0001").module.upgrade()
    dialect = postgresql.dialect()
    declared = "INSERT INTO corpus (id, revision) VALUES (1, 0);"
    for table in Base.metadata.sorted_tables:
        if table.name in CORPUS:
            declared += f"{CreateTable(table).compile(dialect=dialect)};"
            for index in table.indexes:
                declared += f"{CreateIndex(index).compile(dialect=dialect)};"

    assert statements_of(output.getvalue()) == statements_of(declared)


def test_a_migration_that_dies_half_way_leaves_nothing_behind(empty: Database, monkeypatch):
    def die(*_: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.bulk_insert", die)
        with pytest.raises(RuntimeError, match="power cut"):
            empty.migrate()

    with empty.engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    empty.migrate()


def test_processes_that_start_together_migrate_once(empty: Database):
    program = (
        "import sys; from service.kit.database import Database; sys.stdin.read(1);"
        "Database(sys.argv[1]).migrate()"
    )
    started = [
        subprocess.Popen(  # our own program
            [sys.executable, "-c", program, empty.url], stdin=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for process in started:
        process.stdin.close()

    assert [process.wait(timeout=60) for process in started] == [0, 0, 0]
    with empty.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT id, revision FROM corpus")).all() == [(1, 0)]


def test_a_database_that_is_read_only_is_named(empty: Database):
    empty.migrate()
    empty.close()
    path = empty.engine.url.database
    read_only = Database(f"sqlite:///file:{path}?mode=ro&uri=true")

    with (
        pytest.raises(ConfigurationError, match=r"empty\.db.*readonly"),
        read_only.transaction() as session,
    ):
        session.execute(sa.text("UPDATE corpus SET revision = 7"))


def test_a_database_of_a_newer_verinote_is_named(empty: Database):
    empty.migrate()
    with empty.transaction() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(ConfigurationError, match=r"empty\.db.*9999"):
        empty.migrate()


def test_a_fault_of_one_statement_is_not_blamed_on_the_database(empty: Database):
    empty.migrate()

    with pytest.raises(sa.exc.IntegrityError), empty.transaction() as session:
        session.execute(sa.text("INSERT INTO corpus (id, revision) VALUES (1, 0)"))


def test_a_transaction_that_fails_leaves_nothing_behind(empty: Database):
    empty.migrate()

    with pytest.raises(RuntimeError), empty.transaction() as session:
        session.execute(sa.text("UPDATE corpus SET revision = 7"))
        raise RuntimeError

    with empty.transaction() as session:
        assert session.scalar(sa.text("SELECT revision FROM corpus")) == 0
