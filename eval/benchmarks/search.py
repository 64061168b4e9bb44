"""Search: how long each part takes at p50 and p95, and what the approximations miss.

The corpus is filled with the datasets' sentences (or generated ones), through the product's own
intake. What is found is held against an exact search, fused the same way: every vector compared,
and every word ranked that isn't a function word.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from eval.benchmarks import filler
from eval.environment import git_revision, packages
from service.kit.vectors import Encoder, VectorCollection, Vectors
from service.models import Encoder as PackagedEncoder
from service.settings import Settings
from service.statements.corpus import Corpus
from service.statements.index import COLLECTION, REMEDY, PassageIndex
from service.statements.intake import Progress
from service.statements.search import DEPTH, Query, Searcher
from service.statements.words import terms
from service.statements.words_sqlite import SqliteTextIndex

K = 10
QUERIES = 200
_BATCH = 20
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds a query."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What the benchmark measured.

    Attributes:
        passages: passages searched.
        queries: claims searched for.
        ingest_seconds: adding and indexing all of them; None where they were there.
        open_seconds: from opening the corpus to the first answer, models loaded.
        latency: by part; ``search`` is the whole, ``search, claim encoded`` all but the encoder.
        batch_ms: milliseconds a claim when twenty are searched together.
        recall: share of the exact search's first ten that are found, by part.
        memory_mib: the process' peak.
        database_mib: size of the database file.
        vectors_mib: size of Chroma's folder.
    """

    passages: int
    queries: int
    ingest_seconds: float | None
    open_seconds: float
    latency: dict[str, Latency]
    batch_ms: float
    recall: dict[str, float]
    memory_mib: float
    database_mib: float
    vectors_mib: float


class _Exact:
    """Nearest passages by comparing every vector."""

    def __init__(self, vectors: VectorCollection) -> None:
        found = vectors.vectors(sorted(vectors.ids()))
        self._ids = list(found)
        self._vectors = np.stack(list(found.values()))

    def nearest(self, queries: Vectors, n: int) -> list[list[tuple[str, float]]]:
        """Return for each query vector its ``n`` nearest ids with cosine, best first."""
        return [
            [(self._ids[place], float(row[place])) for place in np.argsort(-row, kind="stable")[:n]]
            for row in queries @ self._vectors.T
        ]


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
) -> Figures:
    """Fill a corpus and measure searching it.

    Args:
        passages: about how many passages.
        data: folder of the public sets; generated sentences without it.
        folder: data folder to use, and to use again when it holds a corpus; a temporary one
            without it.
        progress: told while the corpus is filled.
    """
    with ExitStack() as stack:
        folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = Settings(_env_file=None, data_dir=folder, database_url=None)
        encoder = PackagedEncoder(settings.threads)
        ingest_seconds = _fill(settings, encoder, passages, data, progress)
        claims = filler.claims(data, QUERIES)
        opened = time.perf_counter()
        corpus = stack.enter_context(Corpus.open(settings, encoder))
        corpus.search("any words", 1)
        open_seconds = time.perf_counter() - opened
        return _measured(
            corpus,
            settings,
            encoder,
            claims,
            ingest_seconds=ingest_seconds,
            open_seconds=open_seconds,
        )


def table(figures: Figures) -> Table:
    """The figures as they are shown on a terminal."""
    shown = Table("", "", title=f"search, {figures.passages} passages, {figures.queries} claims")
    for part, latency in figures.latency.items():
        shown.add_row(f"{part}, p50 / p95", f"{latency.p50:.1f} / {latency.p95:.1f} ms")
    shown.add_row(f"search, {_BATCH} claims together", f"{figures.batch_ms:.1f} ms a claim")
    for part, share in figures.recall.items():
        shown.add_row(f"recall@{K}, {part}", f"{share:.3f}")
    if figures.ingest_seconds:
        rate = figures.passages / figures.ingest_seconds
        shown.add_row("adding and indexing", f"{figures.ingest_seconds:.0f} s, {rate:.0f} a second")
    shown.add_row("opening, to the first answer", f"{figures.open_seconds:.2f} s")
    shown.add_row("memory, peak", f"{figures.memory_mib:.0f} MiB")
    shown.add_row(
        "disk", f"database {figures.database_mib:.0f} MiB, vectors {figures.vectors_mib:.0f} MiB"
    )
    return shown


def write(figures: Figures, path: Path) -> None:
    """Write the figures as JSON, with what is needed to make them again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {"benchmark": "search", **asdict(figures), "packages": packages()}
    made["git_revision"] = git_revision()
    path.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def _fill(
    settings: Settings,
    encoder: Encoder,
    passages: int,
    data: Path | None,
    progress: Progress | None,
) -> float | None:
    with tempfile.TemporaryDirectory() as sources, Corpus.open(settings, encoder) as corpus:
        if corpus.coverage().passages:
            return None
        source = Path(sources) / "filler.jsonl"
        filler.write_statements(source, passages, data)
        corpus.search("any words", 1)
        started = time.perf_counter()
        corpus.add([source], progress)
        return time.perf_counter() - started


def _measured(
    corpus: Corpus,
    settings: Settings,
    encoder: Encoder,
    claims: Sequence[str],
    *,
    ingest_seconds: float | None,
    open_seconds: float,
) -> Figures:
    index = PassageIndex(corpus.database, corpus.vectors, corpus.embeddings)
    index.open()
    encoded = _Encoded(encoder, claims)

    def by_words(claim: str) -> None:
        with corpus.database.transaction() as session:
            index.words.search(session, terms(claim), DEPTH)

    quick = Searcher(corpus.database, encoded, index, index.words)
    latency = {
        "encoding the claim": _timed(lambda claim: encoder.encode([claim]), claims),
        "by meaning": _timed(lambda claim: index.nearest(encoded.encode([claim]), DEPTH), claims),
        "by words": _timed(by_words, claims),
        "search, claim encoded": _timed(lambda claim: quick.search(claim, K), claims),
        "search": _timed(lambda claim: corpus.search(claim, K), claims),
    }
    started = time.perf_counter()
    for at in range(0, len(claims), _BATCH):
        corpus.search_many([Query(claim) for claim in claims[at : at + _BATCH]], K)
    batch_ms = (time.perf_counter() - started) * 1e3 / len(claims)

    exact = _Exact(corpus.vectors.open(COLLECTION, encoder.name, REMEDY))
    every_word = SqliteTextIndex(candidates=sys.maxsize, scoring=sys.maxsize)
    truth = Searcher(corpus.database, encoded, exact, every_word)
    return Figures(
        passages=corpus.coverage().passages,
        queries=len(claims),
        ingest_seconds=ingest_seconds,
        open_seconds=open_seconds,
        latency=latency,
        batch_ms=batch_ms,
        recall={
            "by meaning": _recall(
                [_ids(index.nearest(encoded.encode([claim]), K)[0]) for claim in claims],
                [_ids(exact.nearest(encoded.encode([claim]), K)[0]) for claim in claims],
            ),
            "search": _recall(_found(quick, claims), _found(truth, claims)),
        },
        memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        database_mib=_size(settings.data_dir, "verinote.db*"),
        vectors_mib=_size(settings.chroma_dir, "**/*"),
    )


def _timed(act: Callable[[str], object], claims: Sequence[str]) -> Latency:
    act(claims[0])
    taken = []
    for claim in claims:
        started = time.perf_counter()
        act(claim)
        taken.append((time.perf_counter() - started) * 1e3)
    p50, p95 = np.percentile(taken, (50, 95))
    return Latency(float(p50), float(p95))


def _ids(found: Sequence[tuple[str, float]]) -> set[str]:
    return {id_ for id_, _ in found}


def _found(searcher: Searcher, claims: Sequence[str]) -> list[set[str]]:
    return [{hit.passage.id for hit in searcher.search(claim, K)} for claim in claims]


def _recall(found: Sequence[set[str]], wanted: Sequence[set[str]]) -> float:
    shares = [len(got & exact) / len(exact) for got, exact in zip(found, wanted, strict=True)]
    return float(np.mean(shares))


def _size(folder: Path, pattern: str) -> float:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file()) / _MEBIBYTE
