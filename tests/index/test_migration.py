"""The second migration: the indexes of passages that were there before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from service.kit.database import MIGRATIONS, Database
from service.statements.index import text_index_of
from service.statements.words import terms


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    opened = Database(empty_url)
    yield opened
    opened.close()


def test_passages_from_before_are_indexed(database: Database):
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = database.engine
    command.upgrade(config, "0001")
    with database.transaction() as session:
        session.execute(text("INSERT INTO statements VALUES ('s', 's', 1, '2025-12-12', NULL)"))
        session.execute(
            text(
                "INSERT INTO passages VALUES (1, 's@1:0-5', 's', 1, 0, 0, 5, 'fleet', '', true),"
                " (2, 's@1:6-9', 's', 1, 1, 6, 9, 'sea', '', false)"
            )
        )

    database.migrate()

    index = text_index_of(database)
    with database.transaction() as session:
        assert index.search(session, terms("fleet sea"), 5) == ["s@1:0-5"]
        assert not index.differences(session)
        assert session.scalars(text("SELECT passage_id FROM passage_changes")).all() == ["s@1:0-5"]
