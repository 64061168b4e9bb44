"""The text index of PostgreSQL: its text search, with a ranking that knows how rare a word is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from service.statements import repository
from service.statements.words import (
    COMMON,
    Places,
    Ranking,
    Term,
    TextDifferences,
    spellings,
)

_PLACES = sql(
    """
    SELECT number, often * 2.2 / (often + 0.3 + 0.9 * length(words) / :usual)
    FROM (
        SELECT number, words, ts_rank(words, query) / ts_rank('a:1', 'a') AS often
        FROM passages_fts, CAST(:spelling AS tsquery) AS query
        WHERE words @@ query
    ) AS found
    """
)
"""Okapi's BM25 with FTS5's k1 = 1.2 and b = 0.75 (Robertson and Zaragoza, 2009). How often a
spelling stands in a passage is taken from ``ts_rank``, which grows with it but more slowly; how
long a passage is, from how many words it has."""


class PostgresTextIndex:
    """Text search over the words of the searchable passages, ``passages_fts``: see ``Ranking``.

    Words and terms are those of ``SqliteTextIndex``; ``ts_rank`` alone does not know how rare a
    word is. For the claims of ``seeds/gold.jsonl`` over the seed statements both indexes share 92
    percent of the first ten, and find the deciding statement as often.

    Args:
        common: see ``Ranking``.
    """

    def __init__(self, common: int = COMMON) -> None:
        self._ranking = Ranking(common)
        self._measured: tuple[object, int, float] = (None, 0, 1.0)

    def search(self, session: Session, wanted: Sequence[Term], n: int) -> list[str]:
        """See ``TextIndex``."""
        # Whatever changes passages takes the next revision; ``rebuild`` moves the table.
        file = session.scalar(sql("SELECT pg_relation_filenode('passages_fts')"))
        state = repository.revision(session), file
        reader = _Reader(session, *self._size(session, state))
        numbers = self._ranking.best(self._queries(session, wanted), state, reader, n)
        return repository.passage_ids(session, numbers)

    def differences(self, session: Session) -> TextDifferences:
        """See ``TextIndex``."""
        missing, surplus, damaged = session.execute(
            sql(
                """
                SELECT
                    count(*) FILTER (WHERE found.number IS NULL),
                    count(*) FILTER (WHERE wanted.number IS NULL),
                    coalesce(bool_or(found.words <> passages_indexed(wanted.text)), false)
                FROM (SELECT number, text FROM passages WHERE searchable) AS wanted
                FULL JOIN passages_fts AS found USING (number)
                """
            )
        ).one()
        return TextDifferences(missing, surplus, damaged)

    def rebuild(self, session: Session) -> None:
        """See ``TextIndex``."""
        # Not deleted row by row: a table that was emptied lies in another file from then on.
        session.execute(sql("TRUNCATE passages_fts"))
        session.execute(
            sql(
                "INSERT INTO passages_fts"
                " SELECT number, passages_indexed(text) FROM passages WHERE searchable"
            )
        )

    def _queries(self, session: Session, wanted: Sequence[Term]) -> list[str]:
        """The spellings of all terms in PostgreSQL's language, without those that have no word.

        The database makes them itself of mere text, so that nothing in a claim is syntax.
        """
        phrases = spellings(wanted)
        made = session.scalars(
            sql(
                "SELECT CAST(passages_phrase(words, open_ended) AS text)"
                " FROM unnest(CAST(:words AS text[]), CAST(:open_ended AS boolean[]))"
                " WITH ORDINALITY AS phrases(words, open_ended, place) ORDER BY place"
            ),
            {
                "words": [" ".join(phrase.words) for phrase in phrases],
                "open_ended": [phrase.prefix for phrase in phrases],
            },
        )
        return list(dict.fromkeys(filter(None, made)))

    def _size(self, session: Session, state: object) -> tuple[int, float]:
        """How many passages there are, and how many words one usually has."""
        measured_at, total, usual = self._measured
        if measured_at != state:
            total, usual = session.execute(
                sql("SELECT count(*), CAST(avg(length(words)) AS float8) FROM passages_fts")
            ).one()
            self._measured = (state, total, usual)
        return total, usual


@dataclass(frozen=True, slots=True)
class _Reader:
    """See ``PlaceReader``; ``total`` and ``usual`` are those of ``PostgresTextIndex._size``."""

    session: Session
    total: int
    usual: float

    def count(self, spelling: str, most: int) -> int:
        found = self.session.scalar(
            sql(
                "SELECT count(*) FROM (SELECT FROM passages_fts"
                " WHERE words @@ CAST(:spelling AS tsquery) LIMIT :most) AS found"
            ),
            {"spelling": spelling, "most": most},
        )
        return found or 0

    def places(self, spelling: str) -> Places:
        found = Places.read(self.session, _PLACES, spelling=spelling, usual=self.usual)
        return replace(found, scores=found.scores * _rarity(len(found.numbers), self.total))


def _rarity(count: int, total: int) -> float:
    """What a spelling weighs: its idf, and hardly anything where half of all passages hold it."""
    return max(1e-6, log((total - count + 0.5) / (count + 0.5)))
