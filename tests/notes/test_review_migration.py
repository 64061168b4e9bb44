"""The eighth migration: notes from before can be asked for by confidence and warnings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from service.kit.database import Database


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    opened = Database(empty_url)
    yield opened
    opened.close()


def test_confidence_and_warnings_of_notes_from_before_are_known(database: Database) -> None:
    database.migrate("0007")
    bodies = {
        "sure": '{"confidence": 0.75, "warnings": []}',
        "warned": '{"confidence": 0.5, "warnings": ["look at the dates"]}',
        "unmeasured": '{"confidence": null, "warnings": []}',
    }
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO submissions (id, sha256, text, claims_only, local_only, created_at)"
                " VALUES ('s', 's', 't', false, false, '2025-12-12')"
            )
        )
        session.execute(
            text(
                "INSERT INTO claims (id, submission_id, text, digest, body, created_at)"
                " VALUES ('c', 's', 't', 'd', '{}', '2025-12-12')"
            )
        )
        for id_, body in bodies.items():
            session.execute(
                text(
                    "INSERT INTO notes (id, claim_id, as_of, corpus_revision, engine, model,"
                    " prompt_version, state, body, created_at) VALUES (:id, 'c', '2025-12-12', 1,"
                    " 'local', 'm', 'p', 'drafted', :body, '2025-12-12')"
                ),
                {"id": id_, "body": body},
            )

    database.migrate()

    with database.transaction() as session:
        rows = session.execute(text("SELECT id, confidence, warned FROM notes")).all()
    assert {id_: (confidence, bool(warned)) for id_, confidence, warned in rows} == {
        "sure": (0.75, False),
        "warned": (0.5, True),
        "unmeasured": (None, False),
    }
