"""The eleventh migration: notes are found by the verdict that counts, through an index."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from service.claims.tables import NoteRow, verdict_that_counts
from service.kit.database import Database
from service.types import Verdict

FOUND = select(NoteRow.id).where(NoteRow.state == "drafted", verdict_that_counts == Verdict.REFUTED)
THROUGH_THE_INDEX = {
    "sqlite": r"ix_notes_verdict \(state=\? AND <expr>=\?\)",
    "postgresql": r"ix_notes_verdict .*Index Cond: .*state.* AND .*COALESCE",
}


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    opened = Database(empty_url)
    yield opened
    opened.close()


def plan(database: Database) -> str:
    """How a database goes about finding notes, where it may not read all of them."""
    query = FOUND.compile(database.engine, compile_kwargs={"literal_binds": True})
    with database.transaction() as session:
        if database.kind == "sqlite":
            rows = session.execute(text(f"EXPLAIN QUERY PLAN {query}")).all()
        else:
            session.execute(text("SET LOCAL enable_seqscan = off"))
            rows = session.execute(text(f"EXPLAIN {query}")).all()
    return " ".join(str(row) for row in rows)


def test_the_index_holds_the_verdict_that_counts(database: Database) -> None:
    wanted = THROUGH_THE_INDEX[database.kind]
    database.migrate("0010")
    assert not re.search(wanted, plan(database))
    database.migrate()
    assert re.search(wanted, plan(database))
