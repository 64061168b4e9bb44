"""Chroma: collections of bare vectors under ids of ours, each made by one named model.

Chroma holds no texts and no metadata that a query filters on: both are the database's, which
commits first. So a collection can always be made again from the database and the cached vectors.
Processes take turns at opening and writing: embedded Chroma itself is made for one.
"""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from service.kit.errors import BrokenVectors, IndexMismatch

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api.client import Client

Vectors = npt.NDArray[np.float32]

T = TypeVar("T")

BATCH = 1_000
"""Rows for one call; Chroma takes 5,461 at most."""

_NEIGHBORS, _EF = 32, 200
"""HNSW's width and effort. Measured on 10,000 sentences: recall@10 1.000, recall@50 0.999 at 1.0 ms
a query and 4,000 rows a second (Chroma's defaults, 16 and 100: 0.996 and 0.979 at 0.6 ms)."""


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
    """A folder of collections. Chroma is imported and opened at the first use.

    Safe between threads, and between processes as far as they write through a store: each write
    is ``exclusive``. Every method, and those of the collections, raise ``BrokenVectors`` where
    Chroma's files are damaged.

    Args:
        directory: where embedded Chroma keeps its files. The lock is a file beside it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._client: Client | None = None
        self._lock = threading.RLock()
        self._is_exclusive = False

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other threads and processes from writing; one that holds it may take it again."""
        with self._lock:
            if self._is_exclusive:
                yield
                return
            self.directory.parent.mkdir(parents=True, exist_ok=True)
            # It stays: were it removed, two processes could each lock a file of this name.
            with self.directory.with_name(f"{self.directory.name}.lock").open("wb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._is_exclusive = True
                try:
                    yield
                finally:
                    self._is_exclusive = False

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
            found = self.model_of(name)
            if found is None:
                return self.recreate(name, model)
        if found != model:
            raise IndexMismatch(
                f"the vectors of {name} in {self.directory} were made by {found}, and the encoder "
                f"now is {model}: run `{remedy}`, which embeds only what this encoder has not yet"
            )
        return self._collection(name)

    def model_of(self, name: str) -> str | None:
        """The model that made a collection's vectors; None where there is no such collection."""
        from chromadb.errors import NotFoundError

        client = self._chroma()
        try:
            with self.explaining():
                found = client.get_collection(name, embedding_function=None)
        except NotFoundError:
            return None
        return str((found.metadata or {}).get("model", "an unnamed model"))

    def recreate(self, name: str, model: str) -> VectorCollection:
        """Make a collection empty and anew, for vectors of ``model``."""
        from chromadb.errors import NotFoundError

        client = self._chroma()
        with self.exclusive(), self.explaining():
            with suppress(NotFoundError):
                client.delete_collection(name)
            made = client.create_collection(
                name,
                metadata={"model": model},
                configuration={
                    "hnsw": {
                        "space": "cosine",
                        "max_neighbors": _NEIGHBORS,
                        "ef_construction": _EF,
                        "ef_search": _EF,
                    }
                },
                embedding_function=None,
            )
        return VectorCollection(made, self)

    def is_sound(self) -> bool:
        """Whether Chroma's files can be read: its database in full, of each collection a vector."""
        file = self.directory / "chroma.sqlite3"
        if not self.directory.exists() or (self.directory.is_dir() and not file.exists()):
            return True  # nothing is there, so nothing is broken
        try:
            with closing(
                sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
            ) as opened:
                if opened.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                    return False
            client = self._chroma()
            with self.explaining():
                names = [found.name for found in client.list_collections()]
            for name in names:
                self._collection(name).try_out()
        except (sqlite3.DatabaseError, BrokenVectors):
            return False
        return True

    def set_aside(self) -> Path:
        """Move the folder out of the way, so that the next use starts an empty one.

        Returns:
            Where it is now. One that was set aside before is removed.
        """
        aside = self.directory.with_name(f"{self.directory.name}.broken")
        with self.exclusive():
            self.close()
            if aside.is_dir():
                shutil.rmtree(aside)
            else:
                aside.unlink(missing_ok=True)
            self.directory.rename(aside)
        return aside

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn Chroma's failures at its own files into an error that says what to do."""
        from chromadb.errors import InternalError, InvalidArgumentError

        try:
            yield
        except (InternalError, InvalidArgumentError) as error:  # the second: other dimensions
            raise self._broken(error) from error

    def close(self) -> None:
        """Give Chroma back. The store opens again at its next use."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _collection(self, name: str) -> VectorCollection:
        client = self._chroma()
        with self.explaining():
            return VectorCollection(client.get_collection(name, embedding_function=None), self)

    def _chroma(self) -> Client:
        with self._lock:
            if self._client is None:
                with self.exclusive():  # two processes cannot both make Chroma's tables
                    self._client = self._open_chroma()
            return self._client

    def _open_chroma(self) -> Client:
        from chromadb.api.client import Client
        from chromadb.api.shared_system_client import SharedSystemClient
        from chromadb.config import Settings

        path = str(self.directory)
        try:
            return Client(
                settings=Settings(
                    _env_file=None,
                    is_persistent=True,
                    persist_directory=path,
                    anonymized_telemetry=False,
                )
            )
        except Exception as error:  # what it raises depends on the damage
            # Chroma keeps what it half opened, and would hand it to whoever opens this path next.
            if path not in SharedSystemClient._identifier_to_refcount:
                SharedSystemClient._identifier_to_system.pop(path, None)
            raise self._broken(error) from error

    def _broken(self, cause: Exception) -> BrokenVectors:
        return BrokenVectors(
            f"the vectors in {self.directory} cannot be used ({cause}): run `verinote corpus "
            "reindex`, which makes them again from the database and embeds nothing twice"
        )


class VectorCollection:
    """Vectors of one model under ids. Made by ``VectorStore``."""

    def __init__(self, collection: Collection, store: VectorStore) -> None:
        self._collection = collection
        self._store = store

    def count(self) -> int:
        """How many vectors there are."""
        with self._store.explaining():
            return self._collection.count()

    def ids(self) -> set[str]:
        """Every id."""
        with self._store.explaining():
            return set(self._collection.get(include=[])["ids"])

    def try_out(self) -> None:
        """Read a vector and search with it: this opens all of the collection's files."""
        with self._store.explaining():
            rows = self._collection.get(limit=1, include=["embeddings"])["embeddings"]
        if rows is not None and len(rows):
            self.nearest(np.asarray(rows, np.float32), 1)

    def upsert(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store ``vectors[i]`` under ``ids[i]``, in place of what was there."""
        for start in range(0, len(ids), BATCH):
            end = start + BATCH
            with self._store.exclusive(), self._store.explaining():
                self._collection.upsert(ids=list(ids[start:end]), embeddings=vectors[start:end])

    def delete(self, ids: Sequence[str]) -> None:
        """Remove ids; those that are not there are passed over."""
        for batch in batches(ids):
            with self._store.exclusive(), self._store.explaining():
                self._collection.delete(ids=list(batch))

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Return the stored vectors of those ids that are there."""
        found: dict[str, Vectors] = {}
        for batch in batches(ids):
            with self._store.explaining():
                stored = self._collection.get(ids=list(batch), include=["embeddings"])
            rows = np.asarray(stored["embeddings"], np.float32)
            found |= dict(zip(stored["ids"], rows, strict=True))
        return found

    def nearest(self, queries: Vectors, n: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector its ``n`` nearest ids with cosine similarity, best first.

        Equal similarities are ordered by id, so that the same state gives the same answer.
        """
        if len(queries) == 0:
            return []
        with self._store.explaining():
            result = self._collection.query(
                query_embeddings=queries, n_results=n, include=["distances"]
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
        with self._store.explaining():
            stored = self._collection.get(include=["embeddings"])
        vectors = np.asarray(stored["embeddings"], np.float32)
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
        distances = np.round(1.0 - (vectors @ query) / lengths, 6).tolist()
        return [(id_, 1.0 - far) for far, id_ in sorted(zip(distances, stored["ids"], strict=True))]


def batches(items: Sequence[T], size: int = BATCH) -> list[Sequence[T]]:
    """Cut a sequence into runs of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]
