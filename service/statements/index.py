"""The two indexes of the searchable passages, and how they are kept in step with the database.

The words' index is the database's own and changes with it. The vectors' is Chroma, brought to the
database's state after the commit, passage by passage, from the queue that the database keeps
(``passage_changes``, filled by triggers). A crash in between leaves the queue, so the next
opening goes on where it stopped. Processes take turns at bringing changes to Chroma, but embed
beside each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, takewhile

import numpy as np
from sqlalchemy import String, delete, func, select
from sqlalchemy.orm import Mapped, mapped_column

from service.kit.database import Base, Database
from service.kit.errors import BrokenVectors
from service.kit.vectors import VectorCollection, Vectors, VectorStore, batches
from service.statements import repository
from service.statements.embeddings import EmbeddingCache
from service.statements.intake import Progress
from service.statements.tables import PassageRow
from service.statements.words import TextDifferences, TextIndex
from service.statements.words_postgresql import PostgresTextIndex
from service.statements.words_sqlite import SqliteTextIndex

COLLECTION = "passages"
REMEDY = "verinote corpus reindex"

_BATCH = 256
"""Passages embedded and committed together: what a crash can make us do again."""
_AHEAD = 2
"""Batches being embedded while one is brought to Chroma."""
_SAME = 1e-3
"""Largest difference in one dimension between a vector sent to Chroma and the one it returns."""


class PassageChangeRow(Base):
    """A passage that became searchable, or stopped to be, and isn't brought to Chroma yet."""

    __tablename__ = "passage_changes"
    __table_args__ = ({"sqlite_autoincrement": True},)

    seq: Mapped[int] = mapped_column(primary_key=True)
    passage_id: Mapped[str] = mapped_column(String(120))


@dataclass(frozen=True, slots=True)
class CheckReport:
    """How the indexes differed from the database, and whether that was put right.

    Attributes:
        passages: searchable passages in the database.
        text: what differed in the words' index.
        vectors_missing: passages without a vector; all of them where none can be read.
        vectors_surplus: vectors of what isn't a searchable passage.
        vectors_wrong: vectors other than the ones that the encoder made of the passage's text.
        other_model: the model that made the vectors, where it isn't the encoder.
        vectors_unreadable: whether Chroma's files are damaged.
        repaired: whether all of it was put right.
    """

    passages: int
    text: TextDifferences
    vectors_missing: int = 0
    vectors_surplus: int = 0
    vectors_wrong: int = 0
    other_model: str | None = None
    vectors_unreadable: bool = False
    repaired: bool = False

    @property
    def differs(self) -> bool:
        """Whether anything was found."""
        return bool(
            self.text
            or self.vectors_missing
            or self.vectors_surplus
            or self.vectors_wrong
            or self.other_model
            or self.vectors_unreadable
        )


def text_index_of(database: Database) -> TextIndex:
    """The text index that a database keeps itself."""
    return SqliteTextIndex() if database.kind == "sqlite" else PostgresTextIndex()


class PassageIndex:
    """Finds passages by meaning and by words.

    Args:
        database: holds the passages; migrated.
        store: where the vectors' collection is.
        cache: vectors of texts, by the encoder in use.
        words: the text index; the database's own by default.
    """

    def __init__(
        self,
        database: Database,
        store: VectorStore,
        cache: EmbeddingCache,
        words: TextIndex | None = None,
    ) -> None:
        self.words: TextIndex = words or text_index_of(database)
        self._database = database
        self._store = store
        self._cache = cache
        self._opened: VectorCollection | None = None

    def open(self, progress: Progress | None = None) -> None:
        """Open Chroma and finish what a crash left undone. Needed once, before searching.

        Raises:
            IndexMismatch: the vectors were made by another model than the encoder.
            BrokenVectors: Chroma's files are damaged.
        """
        self._opened = self._store.open(COLLECTION, self._cache.encoder.name, REMEDY)
        self.sync(progress)
        if self._vectors.count() != self._count():
            with self._store.exclusive():
                self.sync()  # the difference may be what another process is adding just now
                if self._vectors.count() != self._count():
                    self.check(repair=True)

    def is_behind(self) -> bool:
        """Whether changes wait to be brought to Chroma."""
        return self._waits_for(1)

    def has_a_batch(self) -> bool:
        """Whether as many changes wait as are brought to Chroma together."""
        return self._waits_for(_BATCH)

    def count_vectors(self) -> int:
        """How many vectors there are."""
        return self._vectors.count()

    def nearest(self, queries: Vectors, n: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector its ``n`` nearest passage ids with cosine, best first."""
        return self._vectors.nearest(queries, n)

    def sync(
        self, progress: Progress | None = None, is_over: Callable[[], bool] = lambda: False
    ) -> None:
        """Bring Chroma to the database's state for the passages that changed since the last time.

        The work is in proportion to what changed; texts embedded before are not embedded again.
        What others change meanwhile is left to them: they may go on for long. While one batch is
        brought to Chroma two more are embedded: one by the encoder, the other read or stored.

        Args:
            progress: told how many are indexed.
            is_over: asked before each batch whether to leave the others to the next time.
        """
        with self._database.transaction() as session:
            counted = select(func.count(), func.max(PassageChangeRow.seq))
            total, last = session.execute(counted).one()
        done = 0
        waiting = takewhile(lambda _: not is_over(), self._batches(last or 0))
        with ThreadPoolExecutor(_AHEAD, "embedding") as beside:
            ahead: deque[tuple[dict[int, str], Future[None]]] = deque()

            def go_on(count: int) -> None:
                for changes in islice(waiting, count):
                    ahead.append((changes, beside.submit(self._embed, changes)))

            go_on(_AHEAD)
            while ahead:
                changes, embedded = ahead.popleft()
                embedded.result()
                go_on(1)
                self._bring(changes)
                done += len(changes)
                if progress:
                    progress(done, max(done, total), "passages indexed")

    def _waits_for(self, count: int) -> bool:
        """Whether so many changes wait, or more."""
        with self._database.transaction() as session:
            waiting = select(PassageChangeRow.seq).order_by(PassageChangeRow.seq)
            return session.scalar(waiting.offset(count - 1).limit(1)) is not None

    def _batches(self, last: int) -> Iterator[dict[int, str]]:
        """The changes not brought to Chroma yet, up to the last one, in batches."""
        after = 0
        while changes := self._changes(after, last):
            yield changes
            after = max(changes)

    def _embed(self, changes: dict[int, str]) -> None:
        """Embed what changed: this takes long and needs no turn."""
        self._cache.vectors(list(self._texts(sorted(set(changes.values()))).values()))

    def _bring(self, changes: dict[int, str]) -> None:
        """Bring changes to Chroma, and strike them off."""
        changed = sorted(set(changes.values()))
        with self._store.exclusive():
            texts = self._texts(changed)
            self._upsert(texts)
            self._vectors.delete([id_ for id_ in changed if id_ not in texts])
            with self._database.transaction() as session:
                session.execute(
                    delete(PassageChangeRow).where(PassageChangeRow.seq.in_(list(changes)))
                )

    def reindex(self, progress: Progress | None = None) -> None:
        """Make both indexes again from the database; embeds only what isn't in the cache.

        This is what changes the embedding model: what was made by another one is dropped. Where
        Chroma's files are damaged, its folder is set aside and begun anew; other collections in it
        are filled again from the cache by whoever opens them.
        """
        with self._database.transaction() as session:
            self.words.rebuild(session)
        with self._store.exclusive():
            if not self._store.is_sound():
                self._store.set_aside()
            self._opened = self._store.recreate(COLLECTION, self._cache.encoder.name, REMEDY)
            total, done = self._count(), 0
            for ids in self._searchable():
                self._upsert(self._texts(ids))
                done += len(ids)
                if progress:
                    progress(done, max(done, total), "passages indexed")
            self.sync()

    def check(self, repair: bool = False, progress: Progress | None = None) -> CheckReport:
        """Compare the database with both indexes in full, and put right what differs if asked.

        A vector is compared with the cached one of its passage's text; where none is cached,
        only its being there is checked.
        """
        with self._store.exclusive():  # or what another process adds meanwhile would differ
            with self._database.transaction() as session:
                text = self.words.differences(session)
            try:
                if self._store.is_sound():
                    return self._compare(text, repair, progress)
            except BrokenVectors:
                pass
            passages = self._count()
            if repair:
                self.reindex(progress)
            return CheckReport(
                passages, text, vectors_missing=passages, vectors_unreadable=True, repaired=repair
            )

    def _compare(
        self, text: TextDifferences, repair: bool, progress: Progress | None
    ) -> CheckReport:
        """Compare the passages with the vectors, and put right what differs if asked."""
        passages = self._count()
        model = self._store.model_of(COLLECTION)
        if model not in (None, self._cache.encoder.name):
            if repair:
                self.reindex(progress)
            return CheckReport(passages, text, other_model=model, repaired=repair)

        self._opened = self._store.open(COLLECTION, self._cache.encoder.name, REMEDY)
        surplus = self._vectors.ids()
        missing: list[str] = []
        wrong: list[str] = []
        done = 0
        for ids in self._searchable():
            missing += [id_ for id_ in ids if id_ not in surplus]
            wrong += self._wrong([id_ for id_ in ids if id_ in surplus])
            surplus.difference_update(ids)
            done += len(ids)
            if progress:
                progress(done, max(done, passages), "passages checked")
        if repair:
            if text:
                with self._database.transaction() as session:
                    self.words.rebuild(session)
            if (
                wrong
            ):  # perhaps of another dimension, which Chroma takes in an empty collection only
                self.reindex()
            self._vectors.delete(sorted(surplus))
            for batch in batches(missing, _BATCH):
                self._upsert(self._texts(batch))
            self.sync()
        return CheckReport(
            passages=passages,
            text=text,
            vectors_missing=len(missing),
            vectors_surplus=len(surplus),
            vectors_wrong=len(wrong),
            repaired=repair,
        )

    @property
    def _vectors(self) -> VectorCollection:
        if self._opened is None:
            raise RuntimeError("the index is not open: call open() first")
        return self._opened

    def _count(self) -> int:
        with self._database.transaction() as session:
            return session.scalar(select(func.count()).where(PassageRow.searchable)) or 0

    def _changes(self, after: int, last: int) -> dict[int, str]:
        """The next changes not brought to Chroma yet, by their number, at most the last one."""
        with self._database.transaction() as session:
            rows = session.execute(
                select(PassageChangeRow.seq, PassageChangeRow.passage_id)
                .where(PassageChangeRow.seq > after, PassageChangeRow.seq <= last)
                .order_by(PassageChangeRow.seq)
                .limit(_BATCH)
            )
            return dict(rows.all())

    def _searchable(self) -> Iterator[list[str]]:
        """The ids of all searchable passages, by age, in batches."""
        last = -1
        while True:
            with self._database.transaction() as session:
                rows = session.execute(
                    select(PassageRow.number, PassageRow.id)
                    .where(PassageRow.searchable, PassageRow.number > last)
                    .order_by(PassageRow.number)
                    .limit(_BATCH)
                ).all()
            if not rows:
                return
            last = rows[-1].number
            yield [row.id for row in rows]

    def _texts(self, ids: Sequence[str]) -> dict[str, str]:
        """The texts of those passages that are searchable now."""
        with self._database.transaction() as session:
            query = select(PassageRow.id, PassageRow.text)
            return dict(session.execute(query.where(repository.searchable_among(ids))).all())

    def _upsert(self, texts: dict[str, str]) -> None:
        if texts:
            self._vectors.upsert(list(texts), self._cache.vectors(list(texts.values())))

    def _wrong(self, ids: Sequence[str]) -> list[str]:
        """Those ids whose vector isn't the cached one of their text."""
        with self._database.transaction() as session:
            rows = session.execute(
                select(PassageRow.id, PassageRow.text_sha256).where(PassageRow.id.in_(ids))
            )
            digests = dict(rows.all())
        cached = self._cache.cached(sorted(set(digests.values())))
        stored = self._vectors.vectors(ids)
        return [id_ for id_ in ids if not _same(stored.get(id_), cached.get(digests[id_]))]


def _same(stored: Vectors | None, cached: Vectors | None) -> bool:
    if stored is None or cached is None:
        return stored is not None
    return stored.shape == cached.shape and bool(np.allclose(stored, cached, rtol=0, atol=_SAME))
