"""The second migration: the declared tables, and the indexes of passages that were there before."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

from service.claims import tables as claims_tables
from service.kit.database import MIGRATIONS, Base, Database
from service.statements.index import PassageChangeRow

TABLES = {
    PassageChangeRow.__tablename__,
    *(row.__tablename__ for row in vars(claims_tables).values() if hasattr(row, "__tablename__")),
}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'empty.db'}")


def migrate(database: Database, step, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = database.engine
    step(config, revision)


def test_migrating_makes_the_tables_that_are_declared(database: Database):
    database.migrate()

    def ours(_: object, name: str | None, kind: str, *__: object) -> bool:
        return kind != "table" or name in TABLES

    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": ours, "compare_type": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_passages_from_before_are_indexed(database: Database):
    migrate(database, command.upgrade, "0001")
    with database.transaction() as session:
        session.execute(text("INSERT INTO statements VALUES ('s', 's', 1, '2025-12-12', NULL)"))
        session.execute(
            text(
                "INSERT INTO passages VALUES (1, 's@1:0-5', 's', 1, 0, 0, 5, 'fleet', '', 1),"
                " (2, 's@1:6-9', 's', 1, 1, 6, 9, 'sea', '', 0)"
            )
        )

    database.migrate()

    with database.transaction() as session:
        found = "SELECT rowid FROM passages_fts WHERE passages_fts MATCH 'fleet OR sea'"
        assert session.scalars(text(found)).all() == [1]
        assert session.scalars(text("SELECT passage_id FROM passage_changes")).all() == ["s@1:0-5"]


def test_going_back_leaves_what_was_there_before(database: Database):
    migrate(database, command.upgrade, "0001")
    with database.engine.connect() as connection:
        before = set(connection.execute(text("SELECT name FROM sqlite_master")).scalars())

    database.migrate()
    migrate(database, command.downgrade, "0001")

    with database.engine.connect() as connection:
        after = set(connection.execute(text("SELECT name FROM sqlite_master")).scalars())
    assert after - {"sqlite_sequence"} == before
