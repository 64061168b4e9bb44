from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy import text as sql

from service.kit.database import Database
from service.statements.index import text_index_of
from service.statements.repository import next_revision
from service.statements.tables import PassageRow
from service.statements.words import MAX_TERMS, spellings, terms
from service.statements.words_postgresql import PostgresTextIndex
from service.statements.words_sqlite import SqliteTextIndex

_WORDS = st.sampled_from("fleet harbour sailed four 4 1,500 1500 submarines U.S. US the".split())


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    opened.migrate()
    yield opened
    opened.close()


def store(database: Database, texts: Sequence[str]) -> None:
    """Passages with these texts; the place of each is its id."""
    with database.transaction() as session:
        next_revision(session)
        session.execute(sql("INSERT INTO statements VALUES ('s', 's', 1, '2025-12-12', NULL)"))
        session.execute(
            insert(PassageRow),
            [
                {
                    "id": str(position),
                    "statement_id": "s",
                    "version": 1,
                    "position": position,
                    "start": 0,
                    "end": 0,
                    "text": text,
                    "text_sha256": "",
                    "searchable": True,
                }
                for position, text in enumerate(texts)
            ],
        )


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Database]:
    """SQLite, whatever the other tests run on."""
    opened = Database(f"sqlite:///{tmp_path / 'verinote.db'}")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def worded(database: Database) -> Callable[..., Callable[..., list[str]]]:
    def make(*texts: str, **limits: int) -> Callable[..., list[str]]:
        """Passages with these texts; returns a search by words that gives the texts back."""
        store(database, texts)
        index = (SqliteTextIndex if database.kind == "sqlite" else PostgresTextIndex)(**limits)

        def search(query: str, n: int = 10) -> list[str]:
            with database.transaction() as session:
                return [texts[int(id_)] for id_ in index.search(session, terms(query), n)]

        return search

    return make


@pytest.mark.parametrize(
    ("query", "passage"),
    [
        ("F-35B", "An F-35B took off."),
        ("F-35B", "An F35B took off."),
        ("F35B", "An F-35B took off."),
        ("F-35Bs", "An F-35B took off."),
        ("F-35", "An F-35B took off."),
        ("F-35B", "An F-35 took off."),
        ("B-52", "Two B-52H bombers."),
        ("B-52H", "Two B-52s."),
        ("Tu-95s", "Two Tu-95MS bombers."),
        ("€90bn", "a loan of EUR 90 billion"),
        ("EUR 90 billion", "a loan of €90bn"),
        ("90 bn", "a loan of €90bn"),
        ("$1.5 trillion", "USD 1.5tn"),
        ("1,500 troops", "1500 soldiers"),
        ("1500", "1,500 soldiers"),
        ("four", "4 ships"),
        ("7", "seven ships"),
        ("the US", "U.S. forces"),
        ("the U.S. said so", "US forces"),
        ("China's", "a statement by China"),
        ("China’s", "a statement by China"),
        ("bombers", "a bomber"),
        ("Jyväskylä", "in Jyvaskyla"),
        ("EU-led mission", "a mission that the EU sent"),
        ("2025-12-10", "on 10 December 2025"),
        ("COVID-19", "the Covid-19 pandemic"),
    ],
)
def test_a_spelling_finds_the_others(worded, query: str, passage: str):
    search = worded(passage, "quite another matter")

    assert search(query) == [passage]


@pytest.mark.parametrize(
    ("query", "passage"),
    [("F-35B", "35 people, F. Miller"), ("1,500", "1 in 500"), ("the of and to", "of the sea")],
)
def test_what_only_looks_alike_is_not_found(worded, query: str, passage: str):
    assert worded(passage)(query) == []


def test_the_exact_variant_comes_before_its_family(worded):
    search = worded("An F-35A took off.", "An F-35B took off.", "An F-35C took off.")

    assert search("F-35B")[0] == "An F-35B took off."
    assert len(search("F-35B")) == 3


def test_rare_words_weigh_more_than_common_ones(worded):
    search = worded("the fleet sailed", "the fleet returned", "the fleet and a submarine")

    assert search("a submarine of the fleet")[0] == "the fleet and a submarine"


def test_equal_passages_come_in_the_order_they_were_added(worded):
    search = worded("fleet one", "fleet two", "fleet six")

    assert search("fleet", 2) == ["fleet one", "fleet two"]


def test_common_words_are_left_out_beside_rarer_ones(worded):
    search = worded(*["fleet"] * 8, "a submarine and the fleet", common=4)

    assert search("submarine fleet") == ["a submarine and the fleet"]


def test_where_all_words_are_common_all_are_looked_for(worded):
    search = worded(*["fleet"] * 8, *["harbour"] * 8, "fleet in harbour", common=4)

    found = search("fleet harbour", 20)

    assert len(found) == 17
    assert found[0] == "fleet in harbour"


def test_a_word_that_became_common_is_counted_anew(worded, database_url: str):
    search = worded("fleet", *["harbour"] * 4, "fleet in harbour", common=4)
    assert search("fleet harbour") == ["fleet", "fleet in harbour"]
    other = Database(database_url)
    with other.transaction() as session:
        next_revision(session)
        session.execute(sql("UPDATE passages SET text = 'fleet ' || text WHERE text = 'harbour'"))
    other.close()

    assert "harbour" in search("fleet harbour")


@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    texts=st.lists(st.lists(_WORDS, min_size=1, max_size=12), min_size=1, max_size=12),
    query=st.lists(_WORDS, min_size=1, max_size=6),
    n=st.integers(1, 12),
)
def test_sqlite_ranks_as_its_own_bm25_does(
    alone: Database, texts: list[list[str]], query: list[str], n: int
):
    wanted = terms(" ".join(query))
    spelled = [f'"{" ".join(phrase.words)}"' for phrase in spellings(wanted)]
    assume(spelled)
    with alone.transaction() as session:
        session.execute(sql("DELETE FROM passages"))
        session.execute(sql("DELETE FROM statements"))
    store(alone, [" ".join(words) for words in texts])

    with alone.transaction() as session:
        found = SqliteTextIndex().search(session, wanted, n)
        asked = sql(
            "SELECT id FROM passages_fts JOIN passages ON number = passages_fts.rowid"
            " WHERE passages_fts MATCH :all ORDER BY rank, number LIMIT :n"
        )
        ranked = session.scalars(asked, {"all": " OR ".join(spelled), "n": n}).all()

    assert found == ranked


def test_what_was_read_of_a_damaged_index_is_read_anew_once_it_is_made_again(database: Database):
    store(database, ["fleet", "harbour"])
    index = text_index_of(database)
    with database.transaction() as session:
        session.execute(
            sql("INSERT INTO passages_fts(passages_fts) VALUES ('delete-all')")
            if database.kind == "sqlite"
            else sql("DELETE FROM passages_fts")
        )
        next_revision(session)
    with database.transaction() as session:
        assert index.search(session, terms("fleet"), 5) == []

    with database.transaction() as session:
        text_index_of(database).rebuild(session)  # as another process does

    with database.transaction() as session:
        assert index.search(session, terms("fleet"), 5) == ["0"]


@pytest.mark.parametrize(
    "query",
    [
        '"',
        '" OR "a',
        "text:fleet",
        "fleet*",
        "NEAR(fleet harbour)",
        "fleet AND NOT harbour",
        "^fleet",
        "{text}: fleet",
        "-fleet + harbour",
        "'; DROP TABLE passages; --",
        "\x00fleet\x00",
        "(((",
    ],
)
def test_query_syntax_in_a_claim_is_only_words(worded, query: str):
    search = worded("fleet in harbour")

    assert search(query) in ([], ["fleet in harbour"])
    assert search("fleet") == ["fleet in harbour"]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=200))
def test_any_text_can_be_searched_for(shared_search, query: str):
    assert shared_search(query) in ([], ["fleet in harbour"])


@pytest.fixture
def shared_search(worded):
    return worded("fleet in harbour")


@given(st.text(max_size=200))
def test_terms_hold_nothing_but_letters_and_digits(query: str):
    for term in terms(query):
        for phrase in term.spellings:
            assert phrase.words
            assert all(
                letter.isalnum() or not letter.isascii() for word in phrase.words for letter in word
            )


def test_a_long_text_is_cut_to_its_first_terms():
    assert len(terms(" ".join(f"word{number}x" for number in range(1_000)))) == MAX_TERMS
