"""The text index of SQLite: FTS5, whose functions know how rare a word is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text as sql
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from service.statements import repository
from service.statements.words import (
    COMMON,
    Phrase,
    Places,
    Ranking,
    Term,
    TextDifferences,
    spellings,
)


class SqliteTextIndex:
    """FTS5 over ``searchable_passages``, ranked by its bm25: see ``Ranking``.

    Args:
        common: see ``Ranking``.
    """

    def __init__(self, common: int = COMMON) -> None:
        self._ranking = Ranking(common)

    def search(self, session: Session, wanted: Sequence[Term], n: int) -> list[str]:
        """See ``TextIndex``."""
        state = session.scalar(
            sql("SELECT seq FROM sqlite_sequence WHERE name = 'passage_changes'")
        )
        phrases = [_fts(phrase) for phrase in spellings(wanted)]
        numbers = self._ranking.best(phrases, state, _Reader(session), n)
        return repository.passage_ids(session, numbers)

    def differences(self, session: Session) -> TextDifferences:
        """See ``TextIndex``."""
        indexed = "SELECT id FROM passages_fts_docsize"
        searchable = "SELECT number FROM searchable_passages"
        count = "SELECT count(*) FROM ({} EXCEPT {})"
        missing = session.scalar(sql(count.format(searchable, indexed))) or 0
        surplus = session.scalar(sql(count.format(indexed, searchable))) or 0
        try:
            session.execute(
                sql("INSERT INTO passages_fts(passages_fts, rank) VALUES ('integrity-check', 1)")
            )
        except DatabaseError:
            return TextDifferences(missing, surplus, damaged=True)
        return TextDifferences(missing, surplus)

    def rebuild(self, session: Session) -> None:
        """See ``TextIndex``."""
        session.execute(sql("INSERT INTO passages_fts(passages_fts) VALUES ('rebuild')"))
        # A change of nothing, so that no process goes by what it read before.
        session.execute(sql("INSERT INTO passage_changes(passage_id) VALUES ('')"))
        session.execute(sql("DELETE FROM passage_changes WHERE passage_id = ''"))


@dataclass(frozen=True, slots=True)
class _Reader:
    """See ``PlaceReader``."""

    session: Session

    def count(self, spelling: str, most: int) -> int:
        found = self.session.scalar(
            sql(
                "SELECT count(*) FROM (SELECT 1 FROM passages_fts"
                " WHERE passages_fts MATCH :spelling LIMIT :most)"
            ),
            {"spelling": spelling, "most": most},
        )
        return found or 0

    def places(self, spelling: str) -> Places:
        query = sql("SELECT rowid, -rank FROM passages_fts WHERE passages_fts MATCH :spelling")
        return Places.read(self.session, query, spelling=spelling)


def _fts(phrase: Phrase) -> str:
    """A spelling in FTS5's language. Every word is quoted, so nothing in it is syntax."""
    return '"{}"{}'.format(" ".join(phrase.words), " *" if phrase.prefix else "")
