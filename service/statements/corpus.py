"""The reference corpus as the rest of Verinote sees it: statements in, passages out."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import TracebackType

from service.engines.openai.embeddings import RemoteEncoder
from service.kit.chroma import Chroma, ChromaServer, EmbeddedChroma
from service.kit.database import Database
from service.kit.errors import BrokenVectors, IndexMismatch, VectorsUnreachable
from service.kit.vectors import Encoder, LazyEncoder, VectorStore
from service.models import ENCODER_NAME
from service.models import Encoder as PackagedEncoder
from service.settings import Settings
from service.statements import intake, repository
from service.statements.embeddings import EmbeddingCache
from service.statements.feeds import Feed, SyncReport, sync
from service.statements.index import CheckReport, PassageIndex
from service.statements.intake import Addition, AddReport, Given, Progress, Witness
from service.statements.repository import Coverage, StatementDetail, StoredVersion
from service.statements.search import Query, Searcher
from service.types import Hit

_LOOKED_EVERY = 0.1
"""Seconds until it is looked whether enough was stored meanwhile to be indexed."""


class Corpus:
    """Statements and their two indexes, under one roof. Blocking; thread-safe.

    Made by ``open``. The encoder and Chroma are loaded when they are first needed.
    """

    def __init__(
        self, settings: Settings, database: Database, vectors: VectorStore, encoder: Encoder
    ) -> None:
        self.database = database
        self.vectors = vectors
        self.embeddings = EmbeddingCache(database, encoder)
        self._settings = settings
        self._index = PassageIndex(database, vectors, self.embeddings)
        self._searcher = Searcher(database, encoder, self._index, self._index.words)
        self._index_is_open = False
        self._counted: tuple[int, Coverage] | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: Settings, encoder: Encoder | None = None) -> Corpus:
        """Open the corpus of a data folder, made and migrated if need be.

        Args:
            settings: where the data lives.
            encoder: what embeds; by default what the settings name.

        Raises:
            ConfigurationError: the data folder cannot be used.
        """
        database = Database.open(settings.database, settings.data_dir)
        vectors = VectorStore(_chroma(settings, database))
        return cls(settings, database, vectors, encoder or _encoder(settings))

    def add(
        self,
        sources: Iterable[Given],
        progress: Progress | None = None,
        witness: Witness | None = None,
    ) -> AddReport:
        """Add files, directories and addresses, and index what they brought.

        Args:
            sources: see ``intake.add``.
            progress: told of the sources first, then of the passages embedded.
            witness: told of each change in its transaction.

        Raises:
            IndexMismatch: the vectors were made by another model than the encoder.
            BrokenVectors: Chroma's files are damaged. In both cases the statements are stored,
                and the command that the message names indexes them.
            VectorsUnreachable: the Chroma server does not answer. The statements are stored, and
                indexed when it is back and the index is next opened or changed.
        """
        with self._indexing_beside():
            report = intake.add(self.database, sources, self._settings, progress, witness)
        self.index_changes(progress)
        return report

    def addition(self, witness: Witness | None = None) -> Addition:
        """An addition record by record; ``index_changes`` follows from time to time."""
        return Addition(self.database, self._settings, witness)

    def sync(
        self,
        feeds: Sequence[Feed],
        progress: Progress | None = None,
        witness: Witness | None = None,
    ) -> SyncReport:
        """Store what is new or changed in feeds, and index it.

        Args:
            feeds: see ``feeds.sync``.
            progress: told of feeds and items first, then of the passages embedded.
            witness: told of each change in its transaction.

        Raises:
            IndexMismatch: as for ``add``.
            BrokenVectors: as for ``add``.
        """
        report = sync(self.database, feeds, self._settings, progress, witness)
        self.index_changes(progress)
        return report

    def index_changes(self, progress: Progress | None = None) -> None:
        """Bring the index to what is stored already, whatever becomes of the index.

        Raises:
            IndexMismatch: as for ``add``.
            BrokenVectors: as for ``add``.
            VectorsUnreachable: as for ``add``.
        """
        try:
            self._opened(progress).sync(progress)
        except (BrokenVectors, IndexMismatch, VectorsUnreachable) as error:
            self._index_is_open = False  # so that the next search looks what is left to be done
            raise type(error)(f"the change is stored, but not indexed: {error}") from error

    @contextmanager
    def _indexing_beside(self) -> Iterator[None]:
        """Index what is stored already while more is: storing waits for the disk most of the time.

        What goes wrong is left to ``index_changes``, which says it; so is what was left undone
        before, which may take long and is told of as it goes on.
        """
        if self._index.is_behind():
            yield
            return
        is_over = threading.Event()

        def index() -> None:
            with suppress(Exception):
                while not is_over.wait(_LOOKED_EVERY):
                    if self._index.has_a_batch():
                        self._opened().sync(is_over=is_over.is_set)

        thread = threading.Thread(target=index, name="indexing")
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def show(self, statement_id: str, version: int | None = None) -> StatementDetail:
        """One version of a statement (the current one by default), with its text.

        Raises:
            NotFound: there is no such statement or version.
        """
        with self.database.transaction() as session:
            return repository.show(session, statement_id, version)

    def text(self, statement_id: str, version: int) -> str:
        """The stored text that citations of a version point into.

        Raises:
            NotFound: there is no such version.
        """
        with self.database.transaction() as session:
            return repository.text(session, statement_id, version)

    def withdraw(self, statement_id: str, witness: Witness | None = None) -> int:
        """Take a statement out of the search. Returns the corpus revision afterwards.

        Args:
            statement_id: which one.
            witness: told of the change in its transaction.

        Raises:
            NotFound: there is no such statement.
        """
        revision = intake.withdraw(self.database, statement_id, witness)
        self.index_changes()
        return revision

    def reinstate(self, statement_id: str, witness: Witness | None = None) -> int:
        """Take a withdrawal back. Returns the corpus revision afterwards.

        Args:
            statement_id: which one.
            witness: told of the change in its transaction.

        Raises:
            NotFound: there is no such statement.
        """
        revision = intake.reinstate(self.database, statement_id, witness)
        self.index_changes()
        return revision

    def search(self, text: str, k: int, *, context: str = "") -> list[Hit]:
        """The passages for a claim, best first: see ``Searcher.search``."""
        self._opened()
        return self._searcher.search(text, k, context=context)

    def search_many(self, queries: Sequence[Query], k: int) -> list[list[Hit]]:
        """The passages for several claims, quicker than one by one."""
        self._opened()
        return self._searcher.search_many(queries, k)

    def reindex(self, progress: Progress | None = None) -> None:
        """Make both indexes again from the database; texts embedded before are not again."""
        with self._lock:
            self._index.reindex(progress)
            self._index_is_open = True

    def check(self, repair: bool = False, progress: Progress | None = None) -> CheckReport:
        """Compare the database with both indexes, and put right what differs if asked."""
        with self._lock:
            return self._index.check(repair, progress)

    def revision(self) -> int:
        """The corpus revision: a number that grows with every change."""
        with self.database.transaction() as session:
            return repository.revision(session)

    def coverage(self) -> Coverage:
        """What a search searches, in figures. Counted once a corpus revision."""
        with self.database.transaction() as session:
            revision = repository.revision(session)
            if self._counted is None or self._counted[0] != revision:
                self._counted = revision, repository.coverage(session)
            return self._counted[1]

    def count_vectors(self) -> int:
        """How many passages have a vector: asks where the vectors are."""
        return self._opened().count_vectors()

    def list(self) -> list[StoredVersion]:
        """The current version of every statement, by id."""
        with self.database.transaction() as session:
            return repository.statements(session)

    def close(self) -> None:
        """Give back Chroma and the database."""
        self.vectors.close()
        self.database.close()

    def __enter__(self) -> Corpus:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self, progress: Progress | None = None) -> PassageIndex:
        with self._lock:
            if not self._index_is_open:
                self._index.open(progress)
                self._index_is_open = True
            return self._index


def _chroma(settings: Settings, database: Database) -> Chroma:
    if settings.chroma_url is None:
        return EmbeddedChroma(settings.chroma_dir)
    return ChromaServer(settings.chroma_url, partial(database.exclusive, "vectors"))


def _encoder(settings: Settings) -> Encoder:
    kind, _, model = settings.embeddings.partition(":")
    if kind == "openai":
        return RemoteEncoder(settings, model)
    return LazyEncoder(ENCODER_NAME, lambda: PackagedEncoder(settings.threads))
