"""``verinote eval bench api``: how long scripts wait for the API, one or several at once.

The service runs as a process of its own over a corpus and many made-up notes; whoever asks runs in
this one, on the same cores. Each round asks for every route once, so that each meets the others.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import httpx

from eval.benchmarks import filler, made_up_notes
from eval.benchmarks.processes import served
from eval.benchmarks.result import Spread, Table, Tell
from service.settings import Settings
from service.statements.corpus import Corpus

_CLAIM = "Two U.S. B-52 strategic bombers took part in the exercise over the Sea of Japan."
_READ = (
    "/v1/notes",
    "/v1/notes?verdict=refuted&state=drafted",
    "/v1/notes?text=grain+export",
    "/v1/notes/{note_id}",
    "/v1/claims",
    "/v1/claims/{claim_id}",
    "/v1/claims/similar?text=B-52+bombers",
    "/v1/submissions",
    "/v1/submissions/{submission_id}",
    "/v1/submissions/{submission_id}/export",
    "/v1/statements",
    "/v1/statements/{statement_id}",
    "/v1/statements/search?q=B-52+bombers",
)
"""What people and scripts ask for most."""
Routes = Mapping[str, httpx.Request]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of so many that asked at once. Times are wall-clock, in milliseconds.

    Attributes:
        at_once: how many asked.
        each: of each route, from a request to the whole answer.
        requests_per_second: that were answered, all routes together.
    """

    at_once: int
    each: dict[str, Spread]
    requests_per_second: float


@dataclass(frozen=True, slots=True)
class Result:
    """What the benchmark measured.

    Attributes:
        notes: stored.
        passages: searched.
        asked: by how many at once.
    """

    notes: int
    passages: int
    asked: list[Asked]


def table(result: Result) -> Table:
    """Routes below each other; p50 and p95 for each number that asked at once."""
    heads = [f"{head} ({one.at_once})" for one in result.asked for head in ("p50", "p95")]
    rows = [
        (
            route,
            *chain.from_iterable(
                (f"{one.each[route].p50:.0f}", f"{one.each[route].p95:.0f}") for one in result.asked
            ),
        )
        for route in result.asked[0].each
    ]
    rates = chain.from_iterable((f"{one.requests_per_second:.0f}", "") for one in result.asked)
    rows.append(("requests a second, all together", *rates))
    rows.append((f"over {result.notes:,} notes, {result.passages:,} passages", *[""] * len(heads)))
    return Table(("milliseconds (so many asking at once)", *heads), rows)


def run(
    settings: Settings,
    seeds: Path,
    data: Path | None,
    *,
    notes: int,
    passages: int,
    rounds: int,
    at_once: Sequence[int],
    tell: Tell,
) -> Result:
    """Run the benchmark on a new data folder.

    Args:
        settings: how the corpus is indexed; its data folder is replaced.
        seeds: the folder of the seed statements.
        data: folder of the public sets, for the filler; generated sentences without it.
        notes: how many are stored.
        passages: how many the corpus has besides the seeds'.
        rounds: how often each who asks goes through all routes.
        at_once: how many ask at once, one number after the other.
        tell: told what is being done.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "data"
        own = settings.model_copy(
            update={"data_dir": folder, "database_url": None, "chroma_url": None}
        )
        statements = filler.write_statements(Path(temporary) / "filler", passages, data)
        tell(f"{passages} passages are added, {notes} notes made up")
        with Corpus.open(own) as corpus:
            corpus.add([seeds / "statements"])
            note = made_up_notes.fill(corpus, notes, made_up_notes.EVIDENCE)
            corpus.add(statements)
            searched = corpus.coverage().passages
        with served(folder, {"VERINOTE_REQUESTS_PER_MINUTE": "0"}, "--no-work") as client:
            routes = _routes(client, note)
            _round(client, routes)  # what is loaded once is not what people wait for
            asked = []
            for count in at_once:
                tell(f"{count} at once")
                asked.append(_asked(client, routes, count, rounds))
    return Result(notes, searched, asked)


def _routes(client: httpx.Client, note: str) -> Routes:
    """A request for each route."""
    told = client.get(f"/v1/notes/{note}").raise_for_status().json()
    ids = {"note_id": note, **{name: told[name] for name in ("claim_id", "submission_id")}}
    found = {
        f"GET {path}": client.build_request("GET", path.format(**ids, statement_id="S01"))
        for path in _READ
    }
    submitted = client.build_request("POST", "/v1/submissions", json={"claims": [_CLAIM]})
    return {**found, "POST /v1/submissions": submitted}


def _asked(client: httpx.Client, routes: Routes, count: int, rounds: int) -> Asked:
    def ask(_: int) -> list[dict[str, float]]:
        return [_round(client, routes) for _ in range(rounds)]

    begun = time.perf_counter()
    with ThreadPoolExecutor(count) as pool:
        taken = list(chain.from_iterable(pool.map(ask, range(count))))
    seconds = time.perf_counter() - begun
    each = {route: Spread.of([one[route] for one in taken]) for route in routes}
    return Asked(count, each, round(len(taken) * len(routes) / seconds, 1))


def _round(client: httpx.Client, routes: Routes) -> dict[str, float]:
    """Milliseconds of each route."""
    taken = {}
    for name, request in routes.items():
        begun = time.perf_counter()
        client.send(request).raise_for_status()
        taken[name] = 1000 * (time.perf_counter() - begun)
    return taken
