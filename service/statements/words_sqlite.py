"""The text index of SQLite: FTS5, whose functions know how rare a word is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sqlalchemy import text as sql
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from service.statements.words import (
    CANDIDATES,
    SCORING,
    Choice,
    Frequencies,
    Term,
    TextDifferences,
)


class SqliteTextIndex:
    """FTS5 with bm25 over ``searchable_passages``.

    At 100,000 passages an OR of all words takes 180 ms. The choice of terms takes 9 ms and shares
    92 percent of the first ten with it (86 when the rarest terms rank alone); with 10,000 passages
    hardly a term is left out.

    Args:
        candidates: see ``Choice.of``.
        scoring: see ``Choice.of``.
    """

    def __init__(self, candidates: int = CANDIDATES, scoring: int = SCORING) -> None:
        self._candidates = candidates
        self._scoring = scoring
        self._frequencies = Frequencies()

    def search(self, session: Session, wanted: Sequence[Term], n: int) -> list[str]:
        """See ``TextIndex``."""
        expression = self._expression(session, wanted)
        if not expression:
            return []
        return list(
            session.scalars(
                sql(
                    "SELECT passages.id FROM passages JOIN"
                    " (SELECT rowid AS number, rank AS badness FROM passages_fts"
                    "  WHERE passages_fts MATCH :expression ORDER BY rank LIMIT :n) AS found"
                    " USING (number) ORDER BY found.badness, number"
                ),
                {"expression": expression, "n": n},
            )
        )

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

    def _expression(self, session: Session, wanted: Sequence[Term]) -> str:
        """FTS5's expression for the terms, or nothing where no passage holds any."""
        changes = session.scalar(
            sql("SELECT seq FROM sqlite_sequence WHERE name = 'passage_changes'")
        )
        counts = self._frequencies.of(
            [_fts(term) for term in wanted], changes or 0, partial(self._count, session)
        )
        choice = Choice.of(counts, self._candidates, self._scoring)
        rare = " OR ".join(choice.rare)
        if choice.others:
            return f"({rare}) AND ({rare} OR {' OR '.join(choice.others)})"
        return rare or " AND ".join(choice.common)

    def _count(self, session: Session, expression: str) -> int:
        """How many passages hold a term, counted up to ``scoring``."""
        found = session.scalar(
            sql(
                "SELECT count(*) FROM (SELECT 1 FROM passages_fts"
                " WHERE passages_fts MATCH :expression LIMIT :most)"
            ),
            {"expression": expression, "most": self._scoring},
        )
        return found or 0


def _fts(term: Term) -> str:
    """A term in FTS5's language. Every word is quoted, so nothing in it is syntax."""
    spellings = [
        '"{}"{}'.format(" ".join(phrase.words), " *" if phrase.prefix else "")
        for phrase in term.spellings
    ]
    return f"({' OR '.join(spellings)})" if len(spellings) > 1 else spellings[0]
