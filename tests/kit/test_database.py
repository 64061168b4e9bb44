"""The migrations make the schema that the tables declare; what is wrong with a database is told."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from postgres import OWNER, Cluster, cluster_folder, started
from processes import free_port

import eval.durable.tables  # noqa: F401
import service.access.tables
import service.claims.tables
import service.engines.openai.cache
import service.notes.tables
import service.statements.feeds.tables
import service.statements.index
import service.statements.tables
import service.submissions.tables
import service.work.tables  # noqa: F401  all tables are declared once these are imported
from service.audit.tables import HeadRow
from service.kit.database import MIGRATIONS, Base, Database
from service.kit.errors import ConfigurationError


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    database = Database(empty_url)
    yield database
    database.close()


@pytest.fixture
def empty_sqlite(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'empty.db'}")


def alembic(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = database.engine
    return config


def schema(database: Database) -> list[str]:
    """Everything in the database that has a name or a definition, but for its rows."""
    with database.engine.connect() as connection:
        queries = _SCHEMA[database.kind]
        return sorted(
            found for query in queries for found in connection.exec_driver_sql(query).scalars()
        )


_SCHEMA = {
    "sqlite": ["SELECT name || coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'"],
    "postgresql": [
        "SELECT relname || relkind::text FROM pg_class WHERE relnamespace = 'public'::regnamespace",
        "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "SELECT dictname FROM pg_ts_dict WHERE dictnamespace = 'public'::regnamespace",
    ],
}


def test_migrating_makes_the_tables_that_are_declared(empty: Database):
    empty.migrate()

    def declared(_: object, name: str | None, kind: str, *__: object) -> bool:
        return kind != "table" or name in Base.metadata.tables

    with empty.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": declared, "compare_type": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_each_migration_can_be_taken_back_and_made_again(empty: Database):
    config = alembic(empty)
    revisions = [
        script.revision
        for script in reversed(list(ScriptDirectory.from_config(config).walk_revisions()))
    ]
    found = []
    for revision in revisions:
        command.upgrade(config, revision)
        found.append(schema(empty))

    for revision, before in list(zip(revisions, found, strict=True))[-2::-1]:
        command.downgrade(config, revision)
        assert schema(empty) == before
    command.upgrade(config, "head")
    assert schema(empty) == found[-1]


def test_migrating_twice_changes_nothing(empty: Database):
    empty.migrate()
    before = schema(empty)

    empty.migrate()

    assert schema(empty) == before


def test_a_new_corpus_stands_at_revision_0(empty: Database):
    empty.migrate()

    with empty.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT id, revision FROM corpus")).all() == [(1, 0)]


def test_a_migration_that_dies_half_way_leaves_nothing_behind(empty: Database, monkeypatch):
    def die(*_: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.bulk_insert", die)
        with pytest.raises(RuntimeError, match="power cut"):
            empty.migrate()

    assert schema(empty) == []
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


def test_a_database_that_is_read_only_is_named(empty_sqlite: Database):
    empty_sqlite.migrate()
    empty_sqlite.close()
    path = empty_sqlite.engine.url.database
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

    with pytest.raises(ConfigurationError, match=rf"{empty.engine.url.database}.*9999"):
        empty.migrate()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:se%20cret@127.0.0.1:{port}/news",
        "postgresql+psycopg://reader@127.0.0.1:{port}/news?password=se%20cret",
    ],
)
def test_a_server_that_is_not_there_is_named_without_the_password(url: str):
    port = free_port()
    database = Database(url.format(port=port))

    with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}/news") as raised:
        database.migrate()

    assert "cret" not in str(raised.value)


def test_a_server_that_was_away_is_used_again_when_it_is_back():
    with cluster_folder() as folder:
        with started(folder):
            url = f"postgresql://{OWNER}:secret@/postgres?host={folder}"
            database = Database(url)
            database.migrate()
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=f"{folder}.*VERINOTE_DATABASE_URL"):
                ask(database)
        with started(folder):
            assert ask(database) == 0
            database.close()


def ask(database: Database) -> int | None:
    with database.transaction() as session:
        return session.scalar(sa.text("SELECT revision FROM corpus"))


def test_a_server_that_goes_away_in_a_transaction_is_named(postgresql_url: str):
    database, other = Database(postgresql_url), Database(postgresql_url)
    with (
        pytest.raises(ConfigurationError, match="VERINOTE_DATABASE_URL"),
        database.transaction() as session,
    ):
        own = session.scalar(sa.text("SELECT pg_backend_pid()"))
        with other.transaction() as others:
            others.execute(sa.text("SELECT pg_terminate_backend(:own)"), {"own": own})
        session.execute(sa.text("SELECT 1"))
    assert ask(database) == 0
    database.close()
    other.close()


def test_who_may_not_write_is_told_which_database_it_is(postgresql_url: str):
    database = Database(f"{postgresql_url}&options=-cdefault_transaction_read_only%3Don")

    with (
        pytest.raises(ConfigurationError, match=r"test\d+.*read-only"),
        database.transaction() as session,
    ):
        session.execute(sa.text("UPDATE corpus SET revision = 7"))
    database.close()


def test_a_database_that_keeps_no_unicode_is_refused(postgres: Cluster):
    with postgres.database("template0 ENCODING 'SQL_ASCII'") as url:
        database = Database(url)
        with pytest.raises(ConfigurationError, match="UTF8"):
            database.migrate()
        database.close()


def test_an_option_that_postgresql_does_not_know_is_told(postgresql_url: str):
    with pytest.raises(ConfigurationError, match="nonsense"):
        Database(f"{postgresql_url}&nonsense=1").migrate()


@pytest.mark.parametrize("url", ["mysql://reader:secret@host/news", "postgresql+asyncpg://host/x"])
def test_another_kind_of_database_is_refused(url: str):
    with pytest.raises(ConfigurationError, match="VERINOTE_DATABASE_URL") as raised:
        Database(url)
    assert "secret" not in str(raised.value)


def test_one_process_at_a_time_has_what_is_exclusive(database_url: str):
    first, second = Database(database_url), Database(database_url)
    order: list[str] = []

    def wait() -> None:
        with second.exclusive("things"):
            order.append("second")

    with first.exclusive("things"), second.exclusive("other things"):
        waiting = Thread(target=wait)
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join()

    assert order == ["first", "second"]
    first.close()
    second.close()


def test_a_process_that_dies_gives_back_what_was_exclusive(database_url: str):
    program = (
        "import os, sys; from service.kit.database import Database\n"
        "with Database(sys.argv[1]).exclusive('things'): os._exit(3)"
    )
    died = subprocess.run([sys.executable, "-c", program, database_url], check=False)
    database = Database(database_url)

    with database.exclusive("things"):
        assert died.returncode == 3
    database.close()


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


def test_who_selects_for_update_waits_for_who_did_so_before(database_url: str) -> None:
    database = Database(database_url)
    database.migrate()

    def count(_: int) -> None:
        with database.transaction() as session:
            row = session.get_one(HeadRow, 1, with_for_update=True)
            row.number += 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(80)))
    with database.transaction() as session:
        assert session.get_one(HeadRow, 1).number == 80
    database.close()


def test_an_error_shows_no_word_that_a_statement_was_given(database_url: str) -> None:
    database = Database(database_url)
    words = {"words": "Zubrowka"}
    with pytest.raises(Exception, match="nowhere") as caught, database.transaction() as session:
        session.execute(sa.text("SELECT :words FROM nowhere"), words)
    assert words["words"] not in "".join(traceback.format_exception(caught.value))
    database.close()
