"""The embedding cache: a text is embedded once by one model, whatever happens to the index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import select

from service.kit.database import Database, insert_new
from service.kit.text import sha256_hex
from service.kit.vectors import Encoder, Vectors, batches
from service.statements.tables import EmbeddingRow

_BATCH = 256
"""Texts embedded and committed together: what a crash can lose of the work done."""


class EmbeddingCache:
    """Vectors of texts, from the database where it has them, else from the encoder.

    Args:
        database: holds the cache.
        encoder: embeds what is missing; its name is the cache's key beside the text's digest.
    """

    def __init__(self, database: Database, encoder: Encoder) -> None:
        self.encoder = encoder
        self._database = database

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return an array ``(len(texts), dimensions)``, embedding only what is not cached."""
        keys = [sha256_hex(text) for text in texts]
        wanted = dict(zip(keys, texts, strict=True))
        found = self.cached(list(wanted))
        # In one order, or two that store the same texts could each wait for the other's row.
        for batch in batches(sorted(wanted.keys() - found.keys()), _BATCH):
            fresh = self.encoder.encode([wanted[key] for key in batch])
            found |= dict(zip(batch, fresh, strict=True))
            with self._database.transaction() as session:
                session.execute(
                    insert_new(session, EmbeddingRow),
                    [
                        {
                            "model": self.encoder.name,
                            "text_sha256": key,
                            "vector": vector.astype("<f4").tobytes(),
                        }
                        for key, vector in zip(batch, fresh, strict=True)
                    ],
                )
        return np.array([found[key] for key in keys], np.float32)

    def cached(self, keys: Sequence[str]) -> dict[str, Vectors]:
        """Return the cached vectors of those text digests that have one."""
        found: dict[str, Vectors] = {}
        with self._database.transaction() as session:
            for batch in batches(keys):
                rows = session.execute(
                    select(EmbeddingRow.text_sha256, EmbeddingRow.vector).where(
                        EmbeddingRow.model == self.encoder.name, EmbeddingRow.text_sha256.in_(batch)
                    )
                )
                found |= {key: np.frombuffer(vector, "<f4") for key, vector in rows}
        return found
