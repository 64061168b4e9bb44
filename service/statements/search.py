"""Hybrid search: passages near in meaning and passages with the same words, in one ranking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.kit.database import Database
from service.kit.vectors import Encoder, Vectors, batches
from service.statements import repository
from service.statements.tables import PassageRow
from service.statements.words import TextIndex, terms
from service.types import Hit, Kind

RRF_K = 5
"""Reciprocal rank fusion adds 1 / (k + rank): Cormack, Clarke and Büttcher, SIGIR 2009. With their
60 a passage that is best in one list and missing in the other comes behind those in the middle of
both. Measured over the 8,932 evidence sentences of Climate-FEVER and Fool-Me-Twice (1,281 claims):
a gold sentence among the first eight for 74 percent of the claims, with 60 and equal weights 70,
by meaning alone 73, by words alone 60."""
WORDS_WEIGHT = 0.7
"""What a rank by words counts beside one by meaning."""
CONTEXT_WEIGHT = 0.5
"""What a rank for the claim with its context counts beside one for the claim alone."""
DEPTH = 100
"""Passages taken from each list before they are fused."""
_DEEPEST = 1_000
"""Where looking further for passages of another text ends."""

_KINDS = tuple(Kind)
"""Of the same text under two addresses the issuer's own stands before a digest."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for.

    Attributes:
        text: a claim, or any words.
        context: a sentence that says what the claim is about; widens the search.
    """

    text: str
    context: str = ""

    @property
    def wordings(self) -> tuple[tuple[str, float], ...]:
        """What is looked for, and what a rank for it counts: the text, then with its context."""
        if not self.context.strip():
            return ((self.text, 1.0),)
        return ((self.text, 1.0), (f"{self.context.strip()} {self.text}", CONTEXT_WEIGHT))


class Nearest(Protocol):
    """What finds passages by meaning: the index, or an exact search to measure it by."""

    def nearest(self, queries: Vectors, n: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector at most ``n`` passage ids with cosine, best first."""


class Searcher:
    """Searches the passages. Blocking: call it off the event loop.

    The same corpus and query give the same answer: of equal scores the more similar passage
    comes first, then the smaller id.

    Args:
        database: holds the passages.
        encoder: turns queries into vectors, by the same model as those in ``vectors``.
        vectors: finds passages by meaning.
        words: finds passages by words.
    """

    def __init__(
        self, database: Database, encoder: Encoder, vectors: Nearest, words: TextIndex
    ) -> None:
        self._database = database
        self._encoder = encoder
        self._vectors = vectors
        self._words = words

    def search(self, text: str, k: int, *, context: str = "") -> list[Hit]:
        """Return at most ``k`` passages for a claim, best first.

        Args:
            text: the claim.
            k: how many; passages of the very same text count as one.
            context: a sentence that says what the claim is about; widens the search.
        """
        return self.search_many([Query(text, context)], k)[0]

    def search_many(self, queries: Sequence[Query], k: int) -> list[list[Hit]]:
        """Search for several claims at once: encoding them together is quicker than one by one.

        Returns:
            For each query what ``search`` returns for it.
        """
        texts = list(dict.fromkeys(text for query in queries for text, _ in query.wordings))
        if not texts or k < 1:
            return [[] for _ in queries]
        vectors = dict(zip(texts, self._encoder.encode(texts), strict=True))
        with self._database.transaction() as session:
            return [self._hits(session, query, k, vectors) for query in queries]

    def _hits(
        self, session: Session, query: Query, k: int, vectors: Mapping[str, Vectors]
    ) -> list[Hit]:
        depth = max(DEPTH, 5 * k)
        while True:
            rankings = self._rankings(session, query, depth, vectors)
            found = {id_ for ranking in rankings for id_, _ in ranking.found}
            digests = _digests(session, found)
            fused = _fuse(rankings, digests, _shown(session, digests))
            full = any(len(ranking.found) >= depth for ranking in rankings)
            if len(fused) >= k or not full or depth >= _DEEPEST:
                return _hydrated(session, fused[:k])
            depth *= 4  # the same few texts fill the lists: look further for others

    def _rankings(
        self, session: Session, query: Query, depth: int, vectors: Mapping[str, Vectors]
    ) -> list[_Ranking]:
        """Two rankings for each wording, by meaning and by words, the claim's own first."""
        near = self._vectors.nearest(np.stack([vectors[text] for text, _ in query.wordings]), depth)
        rankings: list[_Ranking] = []
        for (text, weight), dense in zip(query.wordings, near, strict=True):
            worded = self._words.search(session, terms(text), depth)
            rankings.append(_Ranking(dense, weight))
            rankings.append(_Ranking([(id_, None) for id_ in worded], weight * WORDS_WEIGHT))
        return rankings


@dataclass(frozen=True, slots=True)
class _Ranking:
    """One list of passages, best first, with their similarities if it has them."""

    found: Sequence[tuple[str, float | None]]
    weight: float


@dataclass(slots=True)
class _Fused:
    """What the rankings say of one text. ``ranks`` has a place for each ranking."""

    id: str
    ranks: list[int | None]
    score: float = 0.0
    similarity: float | None = None

    def order(self) -> tuple[float, float, str]:
        """Best first, and always the same way."""
        return -self.score, -(self.similarity or 0.0), self.id


def _digests(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """The text digests of those that may be searched: the vectors can lag behind a withdrawal."""
    found: dict[str, str] = {}
    for batch in batches(sorted(ids)):
        query = select(PassageRow.id, PassageRow.text_sha256)
        found |= dict(session.execute(query.where(repository.searchable_among(batch))).all())
    return found


def _shown(session: Session, digests: Mapping[str, str]) -> dict[str, str]:
    """The passage that is shown of each text, by its digest: the issuer's own before a digest.

    Kinds are looked up only where a text stands twice: SQLite keeps them behind the statement's
    bytes, and reads through those.
    """
    same: dict[str, list[str]] = {}
    for id_, digest in digests.items():
        same.setdefault(digest, []).append(id_)
    several = [id_ for ids in same.values() if len(ids) > 1 for id_ in ids]
    standing = {id_: _KINDS.index(kind) for id_, kind in repository.kinds(session, several).items()}
    return {
        digest: min(ids, key=lambda id_: (standing.get(id_, len(_KINDS)), id_))
        for digest, ids in same.items()
    }


def _fuse(
    rankings: Sequence[_Ranking], digests: Mapping[str, str], shown: Mapping[str, str]
) -> list[_Fused]:
    """Reciprocal rank fusion over distinct texts. The first ranking is the claim's own dense.

    Args:
        rankings: as they were found.
        digests: of the texts of those passages that may be searched.
        shown: the passage that stands for each text.
    """
    fused: dict[str, _Fused] = {}
    for place, ranking in enumerate(rankings):
        rank = 0
        for id_, similarity in ranking.found:
            if id_ not in digests:
                continue
            digest = digests[id_]
            entry = fused.get(digest)
            if entry is None:
                entry = fused[digest] = _Fused(shown[digest], [None] * len(rankings))
            if entry.ranks[place] is not None:
                continue
            rank += 1
            entry.ranks[place] = rank
            entry.score += ranking.weight / (RRF_K + rank)
            if place == 0:
                entry.similarity = similarity
    return sorted(fused.values(), key=_Fused.order)


def _hydrated(session: Session, fused: Sequence[_Fused]) -> list[Hit]:
    passages = repository.passages(session, [entry.id for entry in fused])
    return [
        Hit(
            passage=passage,
            score=entry.score,
            dense_rank=entry.ranks[0],
            text_rank=entry.ranks[1],
            similarity=entry.similarity,
        )
        for passage, entry in zip(passages, fused, strict=True)
    ]
