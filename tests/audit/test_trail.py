"""The trail shows every change of it: of a row, of their order, of their end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from service.audit.trail import Actor, Broken, Head, Trail, entries
from service.kit.database import Database

KEY = b"kept elsewhere"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    made.migrate()
    trail = Trail(KEY)
    for number in range(1, 6):
        with made.transaction() as session:
            who = Actor(f"person{number}", "k1", "127.0.0.1")
            trail.record(
                session, who, "note.approve", f"note:{number}", revision=1, why=f"{number}"
            )
    yield made
    made.close()


def broken(database: Database, key: bytes = KEY, known: Head | None = None) -> Broken | None:
    with database.transaction() as session:
        return Trail(key).first_broken(session, known)


def head_of(database: Database) -> Head:
    with database.transaction() as session:
        return Trail(KEY).head(session)


def change(database: Database, *statements: str) -> None:
    with database.transaction() as session:
        for statement in statements:
            session.execute(text(statement))


def test_entries_are_kept_in_order_with_all_that_was_told(database: Database) -> None:
    with database.transaction() as session:
        found = entries(session, after=0, limit=10)
        later = entries(session, after=3, limit=10)
    assert [entry.number for entry in found] == [1, 2, 3, 4, 5]
    assert [entry.number for entry in later] == [4, 5]
    assert found[1].actor == Actor("person2", "k1", "127.0.0.1")
    assert found[1].detail == {"why": "2"}


def test_a_trail_that_nobody_touched_is_whole(database: Database) -> None:
    assert broken(database) is None


@pytest.mark.parametrize(
    ("statements", "first", "reason"),
    [
        (["UPDATE audit SET \"user\" = 'other' WHERE number = 3"], 3, "not what was sealed"),
        (["UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE number = 1"], 1, "sealed"),
        (["UPDATE audit SET detail = '{}' WHERE number = 5"], 5, "not what was sealed"),
        (["UPDATE audit SET revision = NULL WHERE number = 2"], 2, "not what was sealed"),
        (["UPDATE audit SET previous = '' WHERE number = 4"], 4, "behind another entry"),
        (["UPDATE audit SET digest = previous WHERE number = 5"], 5, "not what was sealed"),
        (["DELETE FROM audit WHERE number = 2"], 2, "the next one there is 3"),
        (["DELETE FROM audit WHERE number = 1"], 1, "the next one there is 2"),
        (["DELETE FROM audit WHERE number = 5"], 5, "there were 5 entries by the trail's own"),
        (["DELETE FROM audit"], 1, "there were 5 entries"),
        (
            [
                "UPDATE audit SET number = 99 WHERE number = 2",
                "UPDATE audit SET number = 2 WHERE number = 3",
                "UPDATE audit SET number = 3 WHERE number = 99",
            ],
            2,
            "behind another entry",
        ),
        (
            [
                "UPDATE audit_head SET number = 4,"
                " digest = (SELECT digest FROM audit WHERE number = 4) WHERE id = 1"
            ],
            5,
            "behind the end",
        ),
        (["UPDATE audit_head SET digest = 'x' WHERE id = 1"], 5, "another than it was by"),
    ],
)
def test_the_first_entry_that_was_touched_is_named(
    database: Database, statements: list[str], first: int, reason: str
) -> None:
    change(database, *statements)
    found = broken(database)
    assert found is not None
    assert found.number == first
    assert reason in found.reason


def test_an_end_that_was_cut_off_shows_by_a_head_that_was_kept(database: Database) -> None:
    kept = head_of(database)
    change(
        database,
        "DELETE FROM audit WHERE number = 5",
        "UPDATE audit_head SET number = 4,"
        " digest = (SELECT digest FROM audit WHERE number = 4) WHERE id = 1",
    )
    assert broken(database) is None, "without the head, the shorter trail is a whole one"
    assert broken(database, known=kept) == Broken(
        5, "it is gone: there were 5 entries when the head was taken out"
    )


def test_a_head_that_was_kept_is_held_by_a_trail_that_went_on(database: Database) -> None:
    kept = head_of(database)
    with database.transaction() as session:
        Trail(KEY).record(session, Actor("person6"), "note.reject", "note:6")
    assert broken(database, known=kept) is None
    found = broken(database, known=Head(3, kept.digest))
    assert found == Broken(3, "it is another than it was when the head was taken out")


def test_what_is_added_while_the_trail_is_read_does_not_break_it(database: Database) -> None:
    class Added(Trail):
        def head(self, session) -> Head:
            found = super().head(session)
            with database.transaction() as other:
                Trail(KEY).record(other, Actor("person"), "note.reject", "note:7")
            return found

    with database.transaction() as session:
        assert Added(KEY).first_broken(session) is None


def test_a_chain_that_was_sealed_again_needs_the_key(database: Database) -> None:
    found = broken(database, key=b"guessed")
    assert found is not None
    assert (found.number, "another installation secret" in found.reason) == (1, True)


def test_an_entry_is_there_if_and_only_if_what_it_tells_of_is(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as session:
            Trail(KEY).record(session, Actor("person"), "note.approve", "note:9")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    assert broken(database) is None
    with database.transaction() as session:
        assert len(entries(session, after=0, limit=10)) == 5
