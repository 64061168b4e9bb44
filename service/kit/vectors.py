"""Chroma: collections of bare vectors under ids of ours, each made by one named model.

Chroma holds no texts and no metadata that a query filters on: both are the database's, which
commits first. So a collection can always be made again from the database and the cached vectors.
Processes take turns at opening and writing (``kit/chroma.py``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from service.kit.chroma import Chroma
from service.kit.errors import BrokenVectors, IndexMismatch

if TYPE_CHECKING:
    from chromadb import Collection, GetResult
    from chromadb.api.client import Client

Vectors = npt.NDArray[np.float32]

T = TypeVar("T")

BATCH = 1_000
"""Rows for one call; Chroma takes 5,461 at most."""

_NEIGHBORS, _BUILDING, _SEARCHING = 32, 100, 200
"""HNSW's width, and its effort in adding a row and in searching. Measured among 75,000 passages:
recall@10 .995 and recall@50 .986 at 0.7 ms of processor time a row added; with 200 for adding,
.997 and .991 at 1.4 ms. Chroma's defaults (16, 100, 100) find .979 of 50 among 10,000."""


class Encoder(Protocol):
    """What turns texts into vectors."""

    @property
    def name(self) -> str:
        """The model, with the part of its digest that tells versions apart."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return an array ``(len(texts), dimensions)`` of vectors of unit length."""


class LazyEncoder:
    """An encoder that is loaded at its first use, so that a command that needs none is quick.

    Args:
        name: the name that the loaded encoder will have.
        load: makes the encoder; called once, whatever the threads.
    """

    def __init__(self, name: str, load: Callable[[], Encoder]) -> None:
        self.name = name
        self._load = load
        self._loaded: Encoder | None = None
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See ``Encoder``."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
        return self._loaded.encode(texts)


class VectorStore:
    """Collections of vectors. Chroma is imported and opened at the first use.

    Safe between threads, and between processes as far as they write through a store: each write
    is ``exclusive``. Every method, and those of the collections, raise ``BrokenVectors`` where
    what Chroma stores is damaged, and ``VectorsUnreachable`` where its server does not answer.

    Args:
        chroma: where Chroma is.
    """

    def __init__(self, chroma: Chroma) -> None:
        self._chroma = chroma
        self._client: Client | None = None
        self._openings = 0
        self._lock = threading.RLock()
        self._is_exclusive = False

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other threads and processes from writing; one that holds it may take it again."""
        with self._lock:
            if self._is_exclusive:
                yield
                return
            with self._chroma.exclusive():
                self._is_exclusive = True
                try:
                    yield
                finally:
                    self._is_exclusive = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write while others may not; afterwards they see it. What they wrote is seen before."""
        with self.exclusive():
            self.refreshed()
            yield
            self._chroma.written()

    def refreshed(self) -> int:
        """Connect again if another process wrote meanwhile. Returns which connection it is."""
        with self._lock:
            if self._client is not None and self._chroma.was_written_elsewhere():
                self.close()
            self._opened()
            return self._openings

    def open(self, name: str, model: str, remedy: str) -> VectorCollection:
        """Open a collection, made empty if it does not exist.

        Args:
            name: 3 to 512 letters, digits, ``.``, ``_`` or ``-``.
            model: name of the model whose vectors it holds.
            remedy: the command that makes it again, for the message.

        Raises:
            IndexMismatch: it was made by another model.
        """
        with self.exclusive():  # two must not both find it missing: the second would drop it
            if self.model_of(name) is None:
                return self.recreate(name, model, remedy)
        return VectorCollection(self.found(name, model, remedy), self, model, remedy)

    def found(self, name: str, model: str, remedy: str) -> Collection:
        """Chroma's own object for a collection that is there: see ``open``."""
        client = self._opened()
        with self.explaining():
            found = client.get_collection(name, embedding_function=None)
        if _model_of(found) != model:
            raise IndexMismatch(
                f"the vectors of {name} in {self._chroma.place} were made by {_model_of(found)}, "
                f"and the encoder now is {model}: run `{remedy}`, which embeds only what this "
                "encoder has not yet"
            )
        return found

    def model_of(self, name: str) -> str | None:
        """The model that made a collection's vectors; None where there is no such collection."""
        from chromadb.errors import NotFoundError

        client = self._opened()
        with self.explaining():
            try:
                return _model_of(client.get_collection(name, embedding_function=None))
            except NotFoundError:
                return None

    def recreate(self, name: str, model: str, remedy: str = "") -> VectorCollection:
        """Make a collection empty and anew, for vectors of ``model``; see ``open``."""
        from chromadb.errors import NotFoundError

        with self.writing(), self.explaining():
            client = self._opened()
            with suppress(NotFoundError):
                client.delete_collection(name)
            made = client.create_collection(
                name,
                metadata={"model": model},
                configuration={
                    "hnsw": {
                        "space": "cosine",
                        "max_neighbors": _NEIGHBORS,
                        "ef_construction": _BUILDING,
                        "ef_search": _SEARCHING,
                    }
                },
                embedding_function=None,
            )
        return VectorCollection(made, self, model, remedy)

    def is_sound(self) -> bool:
        """Whether what Chroma stores can be read: its files, of each collection a vector."""
        if not self._chroma.is_sound():
            return False
        try:
            client = self._opened()
            with self.explaining():
                collections = client.list_collections()
            for collection in collections:
                VectorCollection(collection, self, _model_of(collection)).try_out()
        except BrokenVectors:
            return False
        return True

    def set_aside(self) -> None:
        """Move what is damaged out of the way, so that the next use starts anew."""
        with self.exclusive():
            self.close()
            self._chroma.set_aside()

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn Chroma's failures into errors that say what to do."""
        with self._chroma.explaining():
            yield

    def close(self) -> None:
        """Give Chroma back. The store opens again at its next use."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _opened(self) -> Client:
        with self._lock:
            if self._client is None:
                with self.exclusive():  # two processes cannot both make Chroma's tables
                    self._client = self._chroma.connect()
                    self._openings += 1
            return self._client


class VectorCollection:
    """Vectors of one model under ids. Made by ``VectorStore``.

    Where another process has written to the collection, or made it again, it is seen here.
    """

    def __init__(
        self, collection: Collection, store: VectorStore, model: str, remedy: str = ""
    ) -> None:
        self._collection = collection
        self._store = store
        self._model = model
        self._remedy = remedy
        self._opening = store.refreshed()

    def count(self) -> int:
        """How many vectors there are."""
        return self._ask(lambda collection: collection.count())

    def ids(self) -> set[str]:
        """Every id."""
        return self._ask(lambda collection: set(collection.get(include=[])["ids"]))

    def try_out(self) -> None:
        """Read a vector and search with it: this opens all of the collection's files."""
        stored = self._ask(lambda collection: collection.get(limit=1, include=["embeddings"]))
        rows = stored["embeddings"]
        if rows is not None and len(rows):
            self.nearest(np.asarray(rows, np.float32), 1)

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store ``vectors[i]`` under ``ids[i]``, in place of what was there."""
        for start in range(0, len(ids), BATCH):
            some, theirs = list(ids[start : start + BATCH]), vectors[start : start + BATCH]
            with self._store.writing():
                self._ask(partial(_upsert, ids=some, vectors=theirs))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove ids; those that are not there are passed over."""
        for batch in batches(ids):
            with self._store.writing():
                self._ask(partial(_delete, ids=list(batch)))

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Return the stored vectors of those ids that are there."""
        found: dict[str, Vectors] = {}
        for batch in batches(ids):
            stored = self._ask(partial(_get, ids=list(batch)))
            rows = np.asarray(stored["embeddings"], np.float32)
            found |= dict(zip(stored["ids"], rows, strict=True))
        return found

    def nearest(self, queries: Vectors, n: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector its ``n`` nearest ids with cosine similarity, best first.

        Equal similarities are ordered by id, so that the same state gives the same answer.
        """
        if len(queries) == 0:
            return []
        result = self._ask(
            lambda collection: collection.query(
                query_embeddings=queries, n_results=n, include=["distances"]
            )
        )
        distances = result["distances"] or []
        shortest = min(map(len, result["ids"]))
        if shortest < n and shortest < self.count():
            return [self._nearest_of_all(query)[:n] for query in queries]
        return [
            [(found, 1.0 - distance) for distance, found in sorted(zip(row, ids, strict=True))]
            for ids, row in zip(result["ids"], distances, strict=True)
        ]

    def _nearest_of_all(self, query: Vectors) -> list[tuple[str, float]]:
        """Every id with its cosine, best first, by comparing them all.

        Many equal vectors can leave others out of the reach of HNSW's graph: of 60 collections of
        70 equal vectors and two others, 4 did not give the two back.
        """
        stored = self._ask(_get)
        vectors = np.asarray(stored["embeddings"], np.float32)
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
        distances = np.round(1.0 - (vectors @ query) / lengths, 6).tolist()
        return [(id_, 1.0 - far) for far, id_ in sorted(zip(distances, stored["ids"], strict=True))]

    def _ask(self, request: Callable[[Collection], T]) -> T:
        """Ask Chroma. What is just being written can look like damage: then once more, alone."""
        try:
            return self._asked(request, self._store.refreshed())
        except BrokenVectors:
            with self._store.exclusive():
                return self._asked(request, self._store.refreshed())

    def _asked(self, request: Callable[[Collection], T], opening: int) -> T:
        from chromadb.errors import NotFoundError

        if opening != self._opening:
            self._find()
            self._opening = opening
        with self._store.explaining():
            try:
                return request(self._collection)
            except NotFoundError:
                self._find()
                return request(self._collection)

    def _find(self) -> None:
        name = self._collection.name
        self._collection = self._store.found(name, self._model, self._remedy)


def _get(collection: Collection, ids: list[str] | None = None) -> GetResult:
    return collection.get(ids=ids, include=["embeddings"])


def _upsert(collection: Collection, ids: list[str], vectors: Vectors) -> None:
    collection.upsert(ids=ids, embeddings=vectors)


def _delete(collection: Collection, ids: list[str]) -> None:
    collection.delete(ids=ids)


def _model_of(collection: Collection) -> str:
    return str((collection.metadata or {}).get("model", "an unnamed model"))


def batches(items: Sequence[T], size: int = BATCH) -> list[Sequence[T]]:
    """Cut a sequence into runs of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]
