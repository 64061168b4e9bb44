"""``verinote eval bench desk``: how long a reviewer waits for the queue and for a note.

A desk with many notes, made up over the seeds' statements, is served as a process of its own. The
queue is asked for with the filters that people use, one request after the other; a note with much
evidence is opened in Chromium, where what counts is when its page can be used.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from eval.benchmarks import made_up_notes
from eval.benchmarks.processes import served
from eval.benchmarks.result import Spread, Table, Tell
from service.kit.errors import ConfigurationError
from service.settings import Settings
from service.statements.corpus import Corpus

_ASKED = (
    "/queue",
    "/queue?verdict=refuted",
    "/queue?order=least_confident",
    "/queue?state=all&order=newest",
    "/queue?warned=yes&whose=nobody",
    "/queue?changed=yes",
    "/queue?q=grain+export",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What the benchmark measured. Times are wall-clock, in milliseconds.

    Attributes:
        notes: on the desk.
        queue: from a request to the whole page, over all filters.
        queue_each: of each filter.
        evidence: pieces of it in the note that is opened.
        note: from a request to the whole page.
        interactive: from opening it in Chromium to where its scripts have run.
    """

    notes: int
    queue: Spread
    queue_each: dict[str, Spread]
    evidence: int
    note: Spread
    interactive: Spread


def table(result: Result) -> Table:
    """The figures beside what is asked of them."""
    rows = [
        (f"queue of {result.notes:,} notes", result.queue, "p95 100"),
        *((f"  {path}", spread, "") for path, spread in result.queue_each.items()),
        (f"note with {result.evidence} pieces of evidence, answered", result.note, ""),
        ("  until it can be used in Chromium", result.interactive, "200"),
    ]
    return Table(
        ("milliseconds", "p50", "p95", "asked"),
        [(name, f"{one.p50:.0f}", f"{one.p95:.0f}", asked) for name, one, asked in rows],
    )


def run(
    settings: Settings, seeds: Path, *, notes: int, evidence: int, repeats: int, tell: Tell
) -> Result:
    """Run the benchmark on a new data folder.

    Args:
        settings: how the corpus is indexed; its data folder is replaced.
        seeds: the folder of the seed statements.
        notes: how many are on the desk.
        evidence: pieces of it in the note that is opened.
        repeats: how often each page is asked for.
        tell: told what is being done.

    Raises:
        ConfigurationError: there is no Chromium, or nothing to drive it with.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "data"
        own = settings.model_copy(
            update={"data_dir": folder, "database_url": None, "chroma_url": None}
        )
        tell(f"{notes} notes are made up")
        with Corpus.open(own) as corpus:
            corpus.add([seeds / "statements"])
            opened = f"/notes/{made_up_notes.fill(corpus, notes, evidence)}"
        with served(folder, {"VERINOTE_REQUESTS_PER_MINUTE": "0"}, "--no-work") as client:
            key = client.headers["Authorization"].removeprefix("Bearer ")
            client.post("/sign-in", data={"key": key}, follow_redirects=True).raise_for_status()
            tell("the queue is asked for")
            each = {path: _asked(client, path, repeats) for path in _ASKED}
            tell("a note is asked for")
            note = _asked(client, opened, repeats)
            tell("a note is opened in Chromium")
            interactive = _opened(client, opened, repeats)
    return Result(
        notes=notes,
        queue=Spread.of([one for found in each.values() for one in found]),
        queue_each={path: Spread.of(found) for path, found in each.items()},
        evidence=evidence,
        note=Spread.of(note),
        interactive=Spread.of(interactive),
    )


def _asked(client: httpx.Client, path: str, repeats: int) -> list[float]:
    client.get(path).raise_for_status()  # what is loaded once is not what people wait for
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        client.get(path).raise_for_status()
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def _opened(client: httpx.Client, path: str, repeats: int) -> list[float]:
    program = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ConfigurationError("playwright is not installed: make .venv/.dev does it") from error
    if program is None:
        raise ConfigurationError("chromium is not installed: .ci/programs does it")
    (cookie,) = client.cookies.jar
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context()
        url = str(client.base_url)
        context.add_cookies([{"name": cookie.name, "value": cookie.value or "", "url": url}])
        page = context.new_page()
        taken = []
        for _ in range(repeats + 1):
            page.goto(url + path)
            taken.append(
                float(
                    page.evaluate(
                        "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
                    )
                )
            )
        browser.close()
    return taken[1:]
