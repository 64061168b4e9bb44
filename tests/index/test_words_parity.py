"""How much the words of the two databases differ: over the seeds, as little as possible."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import text as sql

from service.kit.database import Database
from service.settings import Settings
from service.statements import intake
from service.statements.index import text_index_of
from service.statements.words import terms

SEEDS = Path(__file__).parents[2] / "seeds"
GOLD = [json.loads(line) for line in (SEEDS / "gold.jsonl").read_text("utf-8").splitlines()]
Found = list[list[str]]


@pytest.fixture(scope="module")
def databases(postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Database]]:
    """The seed statements in both."""
    folder = tmp_path_factory.mktemp("parity")
    with postgres.database() as url:
        opened = [Database(f"sqlite:///{folder / 'verinote.db'}"), Database(url)]
        for database in opened:
            database.migrate()
            intake.add(database, [SEEDS / "statements"], Settings(_env_file=None))
        yield opened
        for database in opened:
            database.close()


@pytest.fixture(scope="module")
def found(databases: list[Database]) -> tuple[Found, Found]:
    """For each claim the first ten passages that SQLite finds, and those that PostgreSQL finds."""

    def first_ten(database: Database) -> Found:
        index = text_index_of(database)
        with database.transaction() as session:
            return [index.search(session, terms(row["claim"]), 10) for row in GOLD]

    on_sqlite, on_postgresql = map(first_ten, databases)
    return on_sqlite, on_postgresql


def test_most_of_the_first_ten_are_the_same(found: tuple[Found, Found]):
    shared = [
        len(set(one) & set(other)) / max(len(one), len(other))
        for one, other in zip(*found, strict=True)
    ]

    assert np.mean(shared) >= 0.9
    assert min(shared) >= 0.7


def test_the_deciding_statement_is_found_as_often(found: tuple[Found, Found]):
    def hits(ranked: Found) -> int:
        return sum(
            any(id_.split("@")[0] in row["deciding"] for id_ in ids)
            for row, ids in zip(GOLD, ranked, strict=True)
        )

    assert hits(found[0]) == hits(found[1]) == sum(bool(row["deciding"]) for row in GOLD)


PRINTABLE_ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


@settings(
    max_examples=200, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=PRINTABLE_ASCII | st.text("esy 15E-+.'Éü", max_size=12))
def test_both_take_the_same_for_a_word(words_of, text: str):
    assume(
        not re.search(r"\bsses\b", text, re.IGNORECASE)
    )  # an ending and nothing else: "sse", "ss"
    on_sqlite, on_postgresql = words_of(text)

    assert on_sqlite == on_postgresql


@pytest.fixture(scope="module")
def words_of(databases: list[Database]):
    sqlite, postgresql = databases
    with sqlite.engine.begin() as one, postgresql.engine.begin() as other:
        one.exec_driver_sql(
            "CREATE VIRTUAL TABLE temp.tried"
            " USING fts5(text, tokenize='porter unicode61 remove_diacritics 2')"
        )
        one.exec_driver_sql("CREATE VIRTUAL TABLE temp.words USING fts5vocab(tried, instance)")

        def words(text: str) -> tuple[list[str], list[str]]:
            one.execute(sql("DELETE FROM tried"))
            one.execute(sql("INSERT INTO tried VALUES (:text)"), {"text": text})
            lexemes = sql("SELECT lexeme FROM passages_lexemes(:text) ORDER BY place")
            return (
                list(one.scalars(sql("SELECT term FROM words ORDER BY offset"))),
                list(other.scalars(lexemes, {"text": text})),
            )

        yield words
