"""``verinote eval bench llm-overhead``: what is added to an endpoint that always takes one second.

The seed article runs against a scripted endpoint on real HTTP, whose answers were written by us and
need no repair. Two waves of requests take two seconds; the rest is ours.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import httpx

from eval.benchmarks.result import Spread, Table, Tell
from eval.endpoint import scripts
from eval.endpoint.faults import Faults, mixed, never
from eval.endpoint.server import Counted, ScriptedEndpoint
from service.kit.text import sha256_hex
from service.pipeline import Pipeline
from service.settings import Settings
from service.submissions.intake import read_submission
from service.types import ClaimState, Submission

ARTICLE = "japan-us-air-exercise.md"
WARM_UP = "Two bombers flew over the sea on Wednesday."
LOKI = {"seconds": 37.9, "calls_per_claim": 10.2, "tokens_per_claim": 8140}
"""The open pipeline Loki (Libr-AI) on this article, with such an endpoint, counted the same way."""
_PATIENCE = 2.0
"""Times the latency until a call is given up in the runs with faults: some of them never end."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Some runs of the article.

    Attributes:
        milliseconds: from the start of the first call to the last note.
        calls: requests of the last run.
        prompt_tokens: prompts and schemas of the last run, four characters a token.
        failed: claims that failed, in the run with most of them.
    """

    milliseconds: Spread
    claims: int
    failed: int
    calls: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Result:
    """What the benchmark measured.

    Attributes:
        latency: seconds that the endpoint takes for an answer.
        clean: the runs without a fault.
        fault_rate: share of calls that fail in the other runs.
        faulty: those runs, each right after a clean one; None where there are none.
        times_clean: how many times as long they took as the clean ones before them.
    """

    latency: float
    clean: Measured
    fault_rate: float
    faulty: Measured | None
    times_clean: Spread | None


def table(result: Result) -> Table:
    """The figures beside what is asked of them, and beside Loki's."""
    clean, took = result.clean, result.clean.milliseconds
    most_calls = 1.3 * clean.claims + 6
    calls, tokens = clean.calls / clean.claims, clean.tokens / clean.claims
    rows = [
        ("claims", f"{clean.claims}", "20 to 25", ""),
        ("claims that failed", f"{clean.failed}", "0", ""),
        (f"first call to last note, p50 of {took.n}", _seconds(took.p50), "3.0 s", _LOKI_TOOK),
        ("first call to last note, p95", _seconds(took.p95), "3.0 s", ""),
        ("calls", f"{clean.calls}", f"at most {most_calls:.0f}", ""),
        ("calls a claim", f"{calls:.2f}", "", f"{LOKI['calls_per_claim']}"),
        ("tokens a claim", f"{tokens:,.0f}", "1,600", f"{LOKI['tokens_per_claim']:,}"),
    ]
    if result.faulty is not None and result.times_clean is not None:
        faulty, times = result.faulty, result.times_clean
        rows += [
            (_failing(result), "", "", ""),
            ("claims", f"{faulty.claims}", f"{clean.claims}", ""),
            ("claims that failed", f"{faulty.failed}", "", ""),
            ("first call to last note, p50", _seconds(faulty.milliseconds.p50), "", ""),
            ("times the clean run, p50", f"{times.p50:.1f}", "3.0", ""),
            ("times the clean run, p95", f"{times.p95:.1f}", "3.0", ""),
            ("calls", f"{faulty.calls}", "", ""),
        ]
    return Table(("", "measured", "asked", "Loki"), rows)


def _failing(result: Result) -> str:
    patience = _PATIENCE * result.latency
    return f"with {result.fault_rate:.0%} of calls failing, given up after {patience:g} s"


_LOKI_TOOK = f"{LOKI['seconds']} s"


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.2f} s"


def run(
    settings: Settings,
    seeds: Path,
    *,
    latency: float,
    repeats: int,
    fault_rate: float,
    tell: Tell,
) -> Result:
    """Run the benchmark, each run in a process of its own: nothing is known beforehand.

    The endpoint runs in this process, so that it takes nothing from what is measured.

    Args:
        settings: how the pipeline is configured; its data folder and endpoint are replaced.
        seeds: the folder of the seed statements and articles.
        latency: seconds before each answer.
        repeats: how often the article is verified.
        fault_rate: share of calls that fail, in as many other runs; 0 leaves them out.
        tell: told what is being done.
    """
    clean, faulty = [], []
    for number in range(1, repeats + 1):
        tell(f"the article, {number} of {repeats}")
        clean.append(_once(settings, seeds, latency, never))
        if fault_rate:
            tell(f"the article with faults, {number} of {repeats}")
            quick = settings.model_copy(update={"llm_timeout": _PATIENCE * latency})
            faulty.append(_once(quick, seeds, latency, mixed(fault_rate, number)))
    times = [one.seconds / good.seconds for one, good in zip(faulty, clean, strict=False)]
    return Result(
        latency=latency,
        clean=_measured(clean),
        fault_rate=fault_rate,
        faulty=_measured(faulty) if faulty else None,
        times_clean=Spread.of(times, digits=2) if faulty else None,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float
    claims: int
    failed: int
    counted: Counted


def _measured(runs: Sequence[_Run]) -> Measured:
    last = runs[-1]
    return Measured(
        milliseconds=Spread.of([1000 * one.seconds for one in runs]),
        claims=last.claims,
        failed=max(one.failed for one in runs),
        calls=last.counted.calls,
        prompt_tokens=last.counted.prompt_tokens,
        completion_tokens=last.counted.completion_tokens,
    )


def _once(settings: Settings, seeds: Path, latency: float, faults: Faults) -> _Run:
    with (
        tempfile.TemporaryDirectory() as folder,
        ScriptedEndpoint(scripts.clean, latency=latency, faults=faults) as endpoint,
        ProcessPoolExecutor(1, get_context("spawn")) as process,
    ):
        changed = {
            "engine": "openai",
            "data_dir": Path(folder) / "data",
            "openai_base_url": endpoint.url,
            "llm_concurrency": 0,
        }
        settings = settings.model_copy(update=changed)
        states, ended = process.submit(_verified, settings, seeds).result()
        counted = endpoint.counted
    return _Run(
        seconds=ended - counted.first,
        claims=len(states),
        failed=states.count(ClaimState.FAILED),
        counted=counted,
    )


def _verified(settings: Settings, seeds: Path) -> tuple[list[ClaimState], float]:
    """How the article's claims ended, and when the last did, by the clock of the whole machine."""
    return asyncio.run(_verify(settings, seeds))


async def _verify(settings: Settings, seeds: Path) -> tuple[list[ClaimState], float]:
    async with Pipeline.open(settings) as pipeline:
        pipeline.corpus.add([seeds / "statements"])
        warm = Submission(WARM_UP, sha256_hex(WARM_UP), claims_only=True)
        _ = [note async for note in pipeline.verify(warm)]  # loads models and indexes
        async with httpx.AsyncClient() as client:
            forgotten = await client.delete(f"{settings.openai_base_url}/counted")
        forgotten.raise_for_status()
        article = read_submission(seeds / "articles" / ARTICLE, settings)
        states = [note.state async for note in pipeline.verify(article)]
        return states, time.monotonic()
