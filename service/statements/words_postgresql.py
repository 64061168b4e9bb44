"""The text index of PostgreSQL: its text search, with a ranking that knows how rare a word is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import log

from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from service.statements import repository
from service.statements.words import (
    CANDIDATES,
    SCORING,
    Choice,
    Frequencies,
    Term,
    TextDifferences,
)

_SEARCH = sql(
    """
    SELECT passages.id
    FROM passages_fts AS found JOIN passages USING (number)
    WHERE found.words @@ CAST(:expression AS tsquery)
    ORDER BY (
        SELECT sum(weight * often * 2.2 / (often + 0.3 + 0.9 * length(found.words) / :usual))
        FROM unnest(CAST(:spellings AS tsquery[]), CAST(:weights AS float8[]))
                AS spelled(query, weight),
            LATERAL (SELECT ts_rank(found.words, query) / ts_rank('a:1', 'a') AS often) AS told
        WHERE found.words @@ query
    ) DESC, number
    LIMIT :n
    """
)
"""Okapi's BM25 with FTS5's k1 = 1.2 and b = 0.75 (Robertson and Zaragoza, 2009). How often a
spelling stands in a passage is taken from ``ts_rank``, which grows with it but more slowly; how
long a passage is, from how many words it has."""


class PostgresTextIndex:
    """Text search over the words of the searchable passages, ``passages_fts``.

    Words, terms and their choice are those of ``SqliteTextIndex``; ``ts_rank`` alone does not know
    how rare a word is. For the claims of ``seeds/gold.jsonl`` over the seed statements both
    indexes share 92 percent of the first ten, and find the deciding statement as often. At
    100,000 passages a search takes 21 ms (SQLite: 7 ms).

    Args:
        candidates: see ``Choice.of``.
        scoring: see ``Choice.of``.
    """

    def __init__(self, candidates: int = CANDIDATES, scoring: int = SCORING) -> None:
        self._candidates = candidates
        self._scoring = scoring
        self._frequencies = Frequencies()
        self._measured = (-1, 0, 1.0)

    def search(self, session: Session, wanted: Sequence[Term], n: int) -> list[str]:
        """See ``TextIndex``."""
        state = repository.revision(session)  # whatever changes passages takes the next one
        spellings = self._queries(session, wanted)
        count = partial(self._count, session)
        counts = self._frequencies.of(list(spellings), state, count)
        choice = Choice.of(counts, self._candidates, self._scoring)
        expression = " | ".join(choice.rare) or " & ".join(choice.common)
        if not expression:
            return []
        total, usual = self._size(session, state)
        # FTS5 has the rare terms in its expression twice, so here too they count twice.
        ranking = choice.rare * 2 + choice.others or choice.common
        scored = [spelling for term in ranking for spelling in spellings[term]]
        single = self._frequencies.of(scored, state, count)
        return list(
            session.scalars(
                _SEARCH,
                {
                    "expression": expression,
                    "spellings": scored,
                    "weights": [_rarity(single[spelling], total) for spelling in scored],
                    "usual": usual,
                    "n": n,
                },
            )
        )

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
        session.execute(sql("DELETE FROM passages_fts"))
        session.execute(
            sql(
                "INSERT INTO passages_fts"
                " SELECT number, passages_indexed(text) FROM passages WHERE searchable"
            )
        )

    def _queries(self, session: Session, wanted: Sequence[Term]) -> dict[str, list[str]]:
        """Each term in PostgreSQL's language, with its spellings.

        The database makes them itself of mere text, so that nothing in a claim is syntax.
        """
        phrases = [phrase for term in wanted for phrase in term.spellings]
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
        queries = dict(zip(phrases, made, strict=True))
        terms = [[queries[phrase] for phrase in term.spellings] for term in wanted]
        spelled = [list(dict.fromkeys(filter(None, spellings))) for spellings in terms]
        return {
            f"({' | '.join(spellings)})" if len(spellings) > 1 else spellings[0]: spellings
            for spellings in spelled
            if spellings
        }

    def _count(self, session: Session, query: str) -> int:
        """How many passages a query finds, counted up to ``scoring``."""
        found = session.scalar(
            sql(
                "SELECT count(*) FROM (SELECT FROM passages_fts"
                " WHERE words @@ CAST(:query AS tsquery) LIMIT :most) AS found"
            ),
            {"query": query, "most": self._scoring},
        )
        return found or 0

    def _size(self, session: Session, state: int) -> tuple[int, float]:
        """How many passages there are, and how many words one usually has."""
        measured_at, total, usual = self._measured
        if measured_at != state:
            total, usual = session.execute(
                sql("SELECT count(*), CAST(avg(length(words)) AS float8) FROM passages_fts")
            ).one()
            self._measured = (state, total, usual)
        return total, usual


def _rarity(count: int, total: int) -> float:
    """What a spelling weighs: its idf, and hardly anything where half of all passages hold it."""
    return max(1e-6, log((total - count + 0.5) / (count + 0.5)))
