"""``verinote eval bench llm-overhead``: what is added to an endpoint that always takes one second.

The seed article runs against a scripted endpoint on real HTTP, whose answers were written by us and
need no repair. Two waves of requests take two seconds; the rest is ours.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from rich.table import Table

from eval.benchmarks.local import Spread
from eval.endpoint.scripts import clean
from eval.endpoint.server import Counted, ScriptedEndpoint
from eval.environment import git_revision, packages
from service.kit.text import sha256_hex
from service.pipeline import Pipeline
from service.settings import Settings
from service.submissions.intake import read_submission
from service.types import ClaimState, Note, Submission

ARTICLE = "japan-us-air-exercise.md"
WARM_UP = "Two bombers flew over the sea on Wednesday."
LOKI = {"seconds": 37.9, "calls_per_claim": 10.2, "tokens_per_claim": 8140}
"""The open pipeline Loki (Libr-AI) on this article, with such an endpoint, counted the same way."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What the benchmark measured.

    Attributes:
        latency: seconds that the endpoint takes for an answer.
        milliseconds: from the start of the first call to the last note, over the repetitions.
        calls: requests of one repetition.
        tokens: prompts, schemas and completions of one, four characters a token.
    """

    machine: str
    cores: int
    git_revision: str | None
    packages: dict[str, str]
    latency: float
    claims: int
    failed: int
    milliseconds: Spread
    calls: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


def table(result: Result) -> Table:
    """The figures beside what is asked of them, and beside Loki's."""
    shown = Table(box=None)
    for name in ("", "measured", "asked", "Loki"):
        shown.add_column(name, justify="right" if name else "left")
    most_calls = 1.3 * result.claims + 6
    for row in (
        ("claims", f"{result.claims}", "20 to 25", ""),
        ("claims that failed", f"{result.failed}", "0", ""),
        (
            f"first call to last note, p50 of {result.milliseconds.n}",
            f"{result.milliseconds.p50 / 1000:.2f} s",
            "3.0 s",
            f"{LOKI['seconds']} s",
        ),
        ("first call to last note, p95", f"{result.milliseconds.p95 / 1000:.2f} s", "3.0 s", ""),
        ("calls", f"{result.calls}", f"at most {most_calls:.0f}", ""),
        (
            "calls a claim",
            f"{result.calls / result.claims:.2f}",
            "",
            f"{LOKI['calls_per_claim']}",
        ),
        (
            "tokens a claim",
            f"{result.tokens / result.claims:,.0f}",
            "1,600",
            f"{LOKI['tokens_per_claim']:,}",
        ),
    ):
        shown.add_row(*row)
    return shown


def write(result: Result, path: Path) -> None:
    """Write the figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")


def run(settings: Settings, seeds: Path, *, latency: float, repeats: int, tell: Tell) -> Result:
    """Run the benchmark, each repetition in a process of its own: nothing is known beforehand.

    Args:
        settings: how the pipeline is configured; its data folder and endpoint are replaced.
        seeds: the folder of the seed statements and articles.
        latency: seconds before each answer.
        repeats: how often the article is verified.
        tell: told what is being done.
    """
    runs: list[_Run] = []
    for number in range(repeats):
        tell(f"the article, {number + 1} of {repeats}")
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            runs.append(process.submit(_once, settings, seeds, latency).result())
    last = runs[-1]
    return Result(
        machine=f"{platform.machine()} {platform.system()}",
        cores=os.cpu_count() or 1,
        git_revision=git_revision(),
        packages=packages(),
        latency=latency,
        claims=last.claims,
        failed=max(one.failed for one in runs),
        milliseconds=Spread.of([1000 * one.seconds for one in runs]),
        calls=last.calls,
        prompt_tokens=last.prompt_tokens,
        completion_tokens=last.completion_tokens,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float
    claims: int
    failed: int
    calls: int
    prompt_tokens: int
    completion_tokens: int


def _once(settings: Settings, seeds: Path, latency: float) -> _Run:
    with (
        tempfile.TemporaryDirectory() as folder,
        ScriptedEndpoint(clean, latency=latency) as endpoint,
    ):
        changed = {
            "engine": "openai",
            "data_dir": Path(folder) / "data",
            "openai_base_url": endpoint.url,
            "llm_concurrency": 0,
        }
        notes, ended = asyncio.run(_verified(settings.model_copy(update=changed), seeds, endpoint))
        counted = endpoint.counted
    return _Run(
        seconds=ended - counted.first,
        claims=len(notes),
        failed=sum(note.state is ClaimState.FAILED for note in notes),
        calls=counted.calls,
        prompt_tokens=counted.prompt_tokens,
        completion_tokens=counted.completion_tokens,
    )


async def _verified(
    settings: Settings, seeds: Path, endpoint: ScriptedEndpoint
) -> tuple[list[Note], float]:
    """The article's notes and when the last was there, with models and indexes loaded before."""
    async with Pipeline.open(settings) as pipeline:
        pipeline.corpus.add([seeds / "statements"])
        warm = Submission(WARM_UP, sha256_hex(WARM_UP), claims_only=True)
        _ = [note async for note in pipeline.verify(warm)]
        endpoint.counted = Counted()
        article = read_submission(seeds / "articles" / ARTICLE, settings)
        notes = [note async for note in pipeline.verify(article)]
        return notes, time.monotonic()
