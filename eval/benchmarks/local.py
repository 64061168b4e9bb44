"""``verinote eval bench local``: how long a newcomer waits with the embedded engine.

Loads a corpus of filler statements, then times the article, single claims one after the other, and
claims in batch, the whole way with claim memory on, as ``verinote verify`` goes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eval.benchmarks import filler
from eval.benchmarks.result import Spread, Table, Tell
from service.engines.local.engine import LocalEngine
from service.kit.text import sha256_hex
from service.models import StanceModel
from service.models.stance import Scorer
from service.pipeline import Pipeline
from service.settings import Settings
from service.submissions.intake import read_submission
from service.types import Submission

AS_OF = date(2025, 12, 20)
WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Result:
    """What the benchmark measured. Times are wall-clock, on whatever else the machine does.

    Attributes:
        filler: where the filler texts are from.
        load_seconds: adding and indexing the whole corpus.
        open_seconds: opening the pipeline, models loaded.
        article_claims: claims that the article gave.
        article_first_seconds: the article, first thing after opening.
        article_seconds: the same article again, with the memory of its verdicts emptied.
        claim_ms: one claim, alone, search and note included.
        claim_cpu_ms: processor time of the same, all cores together: steady on a busy machine.
        pairs: pairs that the stance model read for one claim.
        batch_claims_per_second: claims of one submission, as many in flight as the pipeline takes.
    """

    filler: str
    statements: int
    passages: int
    load_seconds: float
    open_seconds: float
    article_claims: int
    article_first_seconds: float
    article_seconds: float
    claim_ms: Spread
    claim_cpu_ms: Spread
    pairs: Spread
    batch_claims_per_second: float


class _Counting:
    """A stance model that counts the pairs it reads."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.pairs = 0

    def score(self, pairs: Sequence[tuple[str, str]]) -> npt.NDArray[np.float64]:
        """Score ``(passage, claim)`` pairs."""
        self.pairs += len(pairs)
        return self._scorer.score(pairs)


def table(result: Result) -> Table:
    """The figures beside what is asked of them."""
    rows = (
        ("article, first thing after start", f"{result.article_first_seconds:.1f} s", "10 s"),
        ("article, models warm", f"{result.article_seconds:.1f} s", ""),
        ("claims in it", f"{result.article_claims}", ""),
        ("start: the pipeline opened", f"{result.open_seconds:.1f} s", ""),
        (f"one claim, p50 of {result.claim_ms.n}", f"{result.claim_ms.p50:.0f} ms", ""),
        ("one claim, p95", f"{result.claim_ms.p95:.0f} ms", "300 ms"),
        ("processor time of one claim, p50", f"{result.claim_cpu_ms.p50:.0f} ms", ""),
        ("processor time of one claim, p95", f"{result.claim_cpu_ms.p95:.0f} ms", ""),
        ("pairs a claim that the stance model reads, p50", f"{result.pairs.p50:.0f}", ""),
        ("pairs a claim, p95", f"{result.pairs.p95:.0f}", ""),
        ("claims a second, in batch", f"{result.batch_claims_per_second:.1f}", "8"),
        ("passages searched", f"{result.passages:,}", "10,000"),
        (f"texts: {result.filler}", "", ""),
        ("indexing them", f"{result.load_seconds:.0f} s", ""),
    )
    return Table(("", "measured", "asked"), rows)


async def run(
    settings: Settings,
    seeds: Path,
    data: Path | None,
    *,
    passages: int,
    claims: int,
    tell: Tell,
) -> Result:
    """Run the benchmark.

    Args:
        settings: how the pipeline is configured; its data folder is replaced by a passing one.
        seeds: the folder of the seed statements and articles.
        data: folder of the public sets, for filler and claims; generated ones without it.
        passages: how many the corpus shall have.
        claims: how many claims are timed.
        tell: told what is being done.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = settings.model_copy(update={"data_dir": Path(folder) / "data"})
        statements = filler.write_statements(Path(folder) / "filler", passages, data)
        tell(f"indexing {passages} passages")
        begun = time.perf_counter()
        async with Pipeline.open(settings) as pipeline:
            pipeline.corpus.add([seeds / "statements", *statements])
            coverage = pipeline.corpus.coverage()
        loaded = time.perf_counter() - begun
        begun = time.perf_counter()
        async with Pipeline.open(settings) as pipeline:
            opened = time.perf_counter() - begun
            counting = _Counting(StanceModel(settings.threads))
            pipeline.engine = LocalEngine(counting, pipeline.corpus.embeddings.encoder)
            tell("verifying the article")
            first, found = await _articles(pipeline, seeds)
        async with Pipeline.open(settings, memory=False) as pipeline:
            await _articles(pipeline, seeds)
            again, _ = await _articles(pipeline, seeds)
        async with Pipeline.open(settings) as pipeline:
            pipeline.engine = LocalEngine(counting, pipeline.corpus.embeddings.encoder)
            tell(f"verifying {claims} claims one by one, then in batch")
            texts = filler.claims(data, 2 * claims + WARM_UP)
            times, cpu, pairs = await _one_by_one(pipeline, counting, texts[: claims + WARM_UP])
            rate = await _in_batch(pipeline, texts[claims + WARM_UP :])
    return Result(
        filler=filler.told(data, passages),
        statements=coverage.statements,
        passages=coverage.passages,
        load_seconds=round(loaded, 1),
        open_seconds=round(opened, 2),
        article_claims=found,
        article_first_seconds=round(first, 2),
        article_seconds=round(again, 2),
        claim_ms=Spread.of(times),
        claim_cpu_ms=Spread.of(cpu),
        pairs=Spread.of(pairs),
        batch_claims_per_second=round(rate, 2),
    )


async def _articles(pipeline: Pipeline, seeds: Path) -> tuple[float, int]:
    """Verify the first article of the seeds; seconds and claims."""
    path = min((seeds / "articles").glob("*.md"))
    begun = time.perf_counter()
    submission = read_submission(path, pipeline.settings)
    notes = [note async for note in pipeline.verify(submission)]
    return time.perf_counter() - begun, len(notes)


async def _one_by_one(
    pipeline: Pipeline, counting: _Counting, texts: Sequence[str]
) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds, processor milliseconds and pairs of every claim after the first few."""
    times: list[float] = []
    cpu: list[float] = []
    pairs: list[float] = []
    for place, text in enumerate(texts):
        submission = _claims([text])
        (claim,) = (await pipeline.claims_of(submission)).claims
        before, begun, worked = counting.pairs, time.perf_counter(), time.process_time()
        await pipeline.verify_claim(claim, AS_OF, submission)
        if place >= WARM_UP:
            times.append(1000 * (time.perf_counter() - begun))
            cpu.append(1000 * (time.process_time() - worked))
            pairs.append(counting.pairs - before)
    return times, cpu, pairs


async def _in_batch(pipeline: Pipeline, texts: Sequence[str]) -> float:
    submission = _claims(texts)
    begun = time.perf_counter()
    notes = [note async for note in pipeline.verify(submission, AS_OF)]
    return len(notes) / (time.perf_counter() - begun)


def _claims(texts: Sequence[str]) -> Submission:
    text = "\n".join(" ".join(text.split()) for text in texts)
    return Submission(text=text, sha256=sha256_hex(text), claims_only=True)
