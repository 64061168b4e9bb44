"""The product's own search over the sentences of one document, each sentence a passage.

The same words index, fusion and order as a search over the corpus, on a database in memory. The
nearest vectors are found by comparing them all, which a document's few sentences allow.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from service.kit.database import Database
from service.kit.text import normalise, sha256_hex
from service.kit.vectors import Encoder, Vectors
from service.statements import repository
from service.statements.passages import PassageSpan
from service.statements.readers.reading import PLAIN, Metadata, Reading
from service.statements.search import Searcher
from service.statements.words_sqlite import SqliteTextIndex
from service.types import Kind

_DOCUMENT = "document"
_GAP = "\n\n"
_migrating = threading.Lock()
"""Alembic's context is one for the whole process."""


class _Exact:
    """Nearest passages by comparing every vector."""

    def __init__(self, ids: Sequence[str], vectors: Vectors) -> None:
        self._ids = ids
        self._vectors = vectors

    def nearest(self, queries: Vectors, n: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector its ``n`` nearest ids with cosine, best first."""
        return [
            [(self._ids[place], float(row[place])) for place in np.argsort(-row, kind="stable")[:n]]
            for row in queries @ self._vectors.T
        ]


def rank(encoder: Encoder, claim: str, sentences: Sequence[str], k: int) -> list[int]:
    """Return positions of at most ``k`` sentences, best first. Blocking.

    Of sentences with the same words the search shows one. Empty ones are never found.
    """
    text = ""
    spans: dict[PassageSpan, int] = {}
    for place, sentence in enumerate(sentences):
        words = normalise(sentence).strip()
        if words:
            start = len(text)
            text += words + _GAP
            spans[PassageSpan(start, start + len(words))] = place
    if not spans:
        return []
    database = Database("sqlite://")
    try:
        with _migrating:
            database.migrate()
        _store(database, text, list(spans))
        ids = {f"{_DOCUMENT}@1:{span.start}-{span.end}": place for span, place in spans.items()}
        vectors = encoder.encode([text[span.start : span.end] for span in spans])
        nearest = _Exact(list(ids), vectors)
        hits = Searcher(database, encoder, nearest, SqliteTextIndex()).search(claim, k)
        return [ids[hit.passage.id] for hit in hits]
    finally:
        database.close()


def _store(database: Database, text: str, spans: Sequence[PassageSpan]) -> None:
    with database.transaction() as session:
        revision = repository.next_revision(session)
        repository.add_version(
            session,
            repository.add_statement(session, _DOCUMENT, _DOCUMENT),
            Reading.of(text, Metadata(), media_type=PLAIN, reader="sentences"),
            raw=b"",
            content_sha256=sha256_hex(text),
            kind=Kind.ORIGINAL,
            language="en",
            spans=spans,
            at_revision=revision,
        )
