"""`verinote migrate` makes every table that the service needs, however many do it at once."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import sqlalchemy as sa
from processes import VERINOTE

from service.kit.database import Database
from service.pipeline import Pipeline
from service.settings import Settings, load_settings
from service.work.durable import Work
from service.work.schema import migrate, queue_url


def tables(settings: Settings) -> set[tuple[str, str, str]]:
    """Every table of every schema that is not the database's own."""
    found = set()
    for url in (settings.database, queue_url(settings)):
        database = Database(url)
        inspector = sa.inspect(database.engine)
        for schema in inspector.get_schema_names():
            if schema != "information_schema":
                names = inspector.get_table_names(schema)
                found |= {(Path(url).name, schema, name) for name in names}
        database.close()
    return found


def test_several_at_once_all_succeed_in_an_empty_database(empty_url: str, tmp_path: Path) -> None:
    environment = {
        "PATH": os.defpath,
        "VERINOTE_DATA_DIR": str(tmp_path),
        "VERINOTE_DATABASE_URL": empty_url,
    }
    started = [
        subprocess.Popen(
            [VERINOTE, "migrate"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(3)
    ]
    said = [(process.communicate(timeout=60)[0], process.returncode) for process in started]
    assert said == [("all tables are up to date\n", 0)] * 3


async def test_after_it_the_service_finds_every_table(empty_url: str, tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, database_url=empty_url)
    migrate(settings)
    before = tables(settings)
    async with Pipeline.open(settings) as pipeline, Work.open(pipeline):
        assert tables(settings) == before
    assert {name for _, _, name in before} >= {"notes", "workflow_status", "datasource_outputs"}


def test_it_changes_nothing_the_second_time(empty_url: str, tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, database_url=empty_url)
    migrate(settings)
    before = tables(settings)
    migrate(settings)
    assert tables(settings) == before
