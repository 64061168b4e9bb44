"""Search: how long each part takes at p50 and p95, and what the approximations miss.

The corpus is filled with the datasets' sentences (or generated ones), through the product's own
intake. What is found is held against an exact search, fused the same way: every vector compared,
and every word ranked that isn't a function word. Encoding the claim, and the stance model that
reads what is found, are told apart.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.benchmarks import filler
from eval.benchmarks.result import Spread, Table
from service.kit.vectors import BATCH, Encoder, VectorCollection, Vectors
from service.models import Encoder as PackagedEncoder
from service.models import StanceModel
from service.models.encoder import DIMENSIONS
from service.settings import Settings
from service.statements.corpus import Corpus
from service.statements.index import COLLECTION, REMEDY, PassageIndex
from service.statements.intake import Progress
from service.statements.search import DEPTH, Nearest, Query, Searcher
from service.statements.words import TextIndex, terms
from service.statements.words_sqlite import SqliteTextIndex

K = 10
QUERIES = 200
_BATCH = 20
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the search.

    Attributes:
        milliseconds: for a claim.
        recall: share of the first ten that are found; of the same search made exact.
    """

    name: str
    milliseconds: Spread
    recall: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What the benchmark measured.

    Attributes:
        filler: where the filler texts are from.
        passages: passages searched.
        queries: claims searched for.
        ingest_seconds: adding and indexing all of them; None where they were there.
        open_seconds: from opening the corpus to the first answer, models loaded.
        parts: of the search, and the whole of it.
        batch_ms: milliseconds a claim when twenty are searched together.
        memory_mib: of the process that searches, models and vectors included.
        database_mib: size of the database file.
        vectors_mib: size of Chroma's folder.
    """

    filler: str
    passages: int
    queries: int
    ingest_seconds: float | None
    open_seconds: float
    parts: list[Part]
    batch_ms: float
    memory_mib: float
    database_mib: float
    vectors_mib: float


class _Exact:
    """Nearest passages by comparing every vector."""

    def __init__(self, vectors: VectorCollection) -> None:
        self._ids = sorted(vectors.ids())
        self._vectors = np.empty((len(self._ids), DIMENSIONS), np.float32)
        for start in range(0, len(self._ids), BATCH):
            found = vectors.vectors(some := self._ids[start : start + BATCH])
            self._vectors[start : start + len(some)] = [found[id_] for id_ in some]

    def nearest(self, queries: Vectors, n: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector its ``n`` nearest ids with cosine, best first."""
        found = []
        for row in queries @ self._vectors.T:
            best = np.argpartition(-row, min(n, len(row) - 1))[:n]
            found.append(
                sorted(((self._ids[at], float(row[at])) for at in best), key=_nearest_first)
            )
        return found


def _nearest_first(one: tuple[str, float]) -> tuple[float, str]:
    return -one[1], one[0]


class _Encoded:
    """An encoder that was asked before, to time the search without it."""

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        self.name = encoder.name
        self._vectors = dict(zip(texts, encoder.encode(texts), strict=True))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See ``service.kit.vectors.Encoder``."""
        return np.stack([self._vectors[text] for text in texts])


def run(
    passages: int,
    data: Path | None = None,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Result:
    """Fill a corpus and measure searching it.

    Args:
        passages: about how many passages.
        data: folder of the public sets; generated sentences without it.
        folder: data folder to use, and to use again when it holds a corpus; what was broken off
            goes on. A temporary one without it.
        progress: told while the corpus is filled.
    """
    with ExitStack() as stack:
        folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = Settings(_env_file=None, data_dir=folder, database_url=None)
        encoder = PackagedEncoder(settings.threads)
        ingest_seconds = _fill(settings, encoder, passages, data, progress)
        claims = filler.claims(data, 2 * QUERIES)
        opened = time.perf_counter()
        corpus = stack.enter_context(Corpus.open(settings, encoder))
        corpus.search("any words", 1)
        open_seconds = time.perf_counter() - opened
        asked_before, claims = claims[: len(claims) // 2], claims[len(claims) // 2 :]
        parts, batch_ms, memory = _measured(corpus, encoder, settings.threads, asked_before, claims)
        return Result(
            filler=filler.told(data, passages),
            passages=corpus.coverage().passages,
            queries=len(claims),
            ingest_seconds=ingest_seconds and round(ingest_seconds, 1),
            open_seconds=round(open_seconds, 2),
            parts=parts,
            batch_ms=round(batch_ms, 1),
            memory_mib=round(memory),
            database_mib=round(_size(settings.data_dir, "verinote.db*")),
            vectors_mib=round(_size(settings.chroma_dir, "**/*")),
        )


def table(result: Result) -> Table:
    """Each part with what it misses."""
    rows = [
        (
            part.name,
            f"{part.milliseconds.p50:.1f} ms",
            f"{part.milliseconds.p95:.1f} ms",
            "" if part.recall is None else f"{part.recall:.3f}",
        )
        for part in result.parts
    ]
    rows.append((f"search, {_BATCH} claims together, a claim", f"{result.batch_ms:.1f} ms", "", ""))
    if result.ingest_seconds:
        rate = result.passages / result.ingest_seconds
        taken = f"{result.ingest_seconds:,.0f} s"
        rows.append(("adding and indexing all", taken, f"{rate:.0f} a second", ""))
    rows += [
        (f"texts: {result.filler}", "", "", ""),
        ("opening, to the first answer", f"{result.open_seconds:.2f} s", "", ""),
        ("memory of the process", f"{result.memory_mib:,.0f} MiB", "", ""),
        ("disk: database", f"{result.database_mib:,.0f} MiB", "", ""),
        ("disk: vectors", f"{result.vectors_mib:,.0f} MiB", "", ""),
    ]
    return Table((f"{result.passages:,} passages", "p50", "p95", f"recall@{K}"), rows)


def _fill(
    settings: Settings,
    encoder: Encoder,
    passages: int,
    data: Path | None,
    progress: Progress | None,
) -> float | None:
    with Corpus.open(settings, encoder) as corpus:
        already = corpus.coverage().passages
        if already >= passages:
            corpus.index_changes(progress)
            return None
        files = filler.write_statements(settings.data_dir / "filler", passages, data)
        corpus.search("any words", 1)
        started = time.perf_counter()
        corpus.add(files, progress)
        return None if already else time.perf_counter() - started


def _measured(
    corpus: Corpus,
    encoder: Encoder,
    threads: int,
    asked_before: Sequence[str],
    claims: Sequence[str],
) -> tuple[list[Part], float, float]:
    """The parts, milliseconds of a claim among others, and the memory in use."""
    index = PassageIndex(corpus.database, corpus.vectors, corpus.embeddings)
    index.open()
    encoded = _Encoded(encoder, [*asked_before, *claims])
    plain, every_word = SqliteTextIndex(), SqliteTextIndex(common=sys.maxsize)
    quick = Searcher(corpus.database, encoded, index, index.words)
    slow = Searcher(corpus.database, encoded, index, SqliteTextIndex(common=sys.maxsize))

    def worded(words: TextIndex, claim: str, n: int) -> list[str]:
        with corpus.database.transaction() as session:
            return words.search(session, terms(claim), n)

    def near(nearest: Nearest, claim: str, n: int) -> list[str]:
        return [id_ for id_, _ in nearest.nearest(encoded.encode([claim]), n)[0]]

    def found(searcher: Searcher, claim: str) -> list[str]:
        return [hit.passage.id for hit in searcher.search(claim, K)]

    for claim in asked_before:
        corpus.search(claim, K)
    memory = _memory()
    for claim in asked_before:  # each index of words keeps what these asked for, and no more
        found(quick, claim)
        found(slow, claim)
        worded(plain, claim, K)
        worded(every_word, claim, K)
    taken = {
        name: _timed(act, claims)
        for name, act in (
            ("encoding the claim", lambda claim: encoder.encode([claim])),
            ("by meaning", lambda claim: near(index, claim, DEPTH)),
            ("by words, by a new process", lambda claim: worded(SqliteTextIndex(), claim, DEPTH)),
            ("by words", lambda claim: worded(plain, claim, DEPTH)),
            ("by words, every word", lambda claim: worded(every_word, claim, DEPTH)),
            ("search, claim encoded", lambda claim: found(quick, claim)),
            ("search, claim encoded, every word", lambda claim: found(slow, claim)),
            ("search", lambda claim: corpus.search(claim, K)),
        )
    }
    read = {
        claim: [(hit.passage.text, claim) for hit in quick.search(claim, K)] for claim in claims
    }
    stance = StanceModel(threads)
    taken[f"stance model, {K} passages"] = _timed(lambda claim: stance.score(read[claim]), claims)
    started = time.perf_counter()
    for at in range(0, len(claims), _BATCH):
        corpus.search_many([Query(claim) for claim in claims[at : at + _BATCH]], K)
    batch_ms = (time.perf_counter() - started) * 1e3 / len(claims)

    exact = _Exact(corpus.vectors.open(COLLECTION, encoder.name, REMEDY))
    truth = Searcher(corpus.database, encoded, exact, every_word)
    whole = [found(truth, claim) for claim in claims]
    recalls = {
        "by meaning": _recall(
            [near(index, claim, K) for claim in claims], [near(exact, claim, K) for claim in claims]
        ),
        "by words": _recall(
            [worded(plain, claim, K) for claim in claims],
            [worded(every_word, claim, K) for claim in claims],
        ),
        "search, claim encoded": _recall([found(quick, claim) for claim in claims], whole),
        "search, claim encoded, every word": _recall(
            [found(slow, claim) for claim in claims], whole
        ),
    }
    parts = [Part(name, spread, recalls.get(name)) for name, spread in taken.items()]
    return parts, batch_ms, memory


def _timed(act: Callable[[str], object], claims: Sequence[str]) -> Spread:
    act(claims[0])
    taken = []
    for claim in claims:
        started = time.perf_counter()
        act(claim)
        taken.append((time.perf_counter() - started) * 1e3)
    return Spread.of(taken)


def _recall(found: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]]) -> float:
    shares = [
        len(set(got) & set(exact)) / len(exact)
        for got, exact in zip(found, wanted, strict=True)
        if exact
    ]
    return round(float(np.mean(shares)), 4)


def _memory() -> float:
    """Mebibytes that the process holds now, as Linux tells it."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / _MEBIBYTE


def _size(folder: Path, pattern: str) -> float:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file()) / _MEBIBYTE
