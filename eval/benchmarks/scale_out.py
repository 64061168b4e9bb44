"""``verinote eval bench scale-out``: what more workers are worth.

Submissions of one claim wait in the queue of a PostgreSQL database; one worker works on them, then
two, then four, over a scripted endpoint that always takes one second. Everything runs on this
machine: what the workers gain by waiting side by side they share in processor time.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import httpx
from sqlalchemy import func, select

from eval.benchmarks import filler
from eval.benchmarks.processes import running, served, wait_until
from eval.benchmarks.result import Table, Tell
from eval.endpoint.scripts import silent
from eval.endpoint.server import ScriptedEndpoint
from service.claims.tables import ClaimRow, NoteRow
from service.kit.database import Database
from service.kit.errors import InputError
from service.settings import Settings
from service.statements.corpus import Corpus
from service.submissions.tables import SubmissionRow
from service.work.tables import WorkerRow
from service.work.workers import shares

_WARM, _MEASURED = 0.25, 0.9
"""The rate is taken between these shares of the claims: all workers are at it then."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What some workers did together.

    Attributes:
        times_one: how many times as much as the first rate, of a claims a second a worker.
        busy: share of all cores' time that the machine was busy, whatever with.
    """

    workers: int
    claims: int
    claims_per_second: float
    times_one: float
    busy: float


@dataclass(frozen=True, slots=True)
class Result:
    """What the benchmark measured.

    Attributes:
        latency: seconds that the endpoint takes for an answer.
        concurrency: claims that a worker has assessed at once.
    """

    latency: float
    concurrency: int
    rates: list[Rate]


def table(result: Result) -> Table:
    """The rates beside each other."""
    rows = [
        (
            f"{rate.workers}",
            f"{rate.claims}",
            f"{rate.claims_per_second:.2f}",
            f"{rate.times_one:.2f}",
            f"{rate.busy:.0%}",
        )
        for rate in result.rates
    ]
    return Table(("workers", "claims", "a second", "times one worker", "cores busy"), rows)


def run(
    settings: Settings,
    seeds: Path,
    *,
    workers: Sequence[int],
    concurrency: int,
    latency: float,
    seconds: float,
    tell: Tell,
) -> Result:
    """Run the benchmark on the configured database and Chroma server, which must be empty.

    Args:
        settings: both servers, and the secret of the processes.
        seeds: the folder of the seed statements.
        workers: how many at once, one run after the other.
        concurrency: claims that a worker has assessed at once.
        latency: seconds before each answer of the endpoint.
        seconds: how long a run would take if nothing but the endpoint took time.
        tell: told what is being done.

    Raises:
        InputError: the servers are not both given, or hold submissions.
        VerinoteError: a process does not start.
    """
    if not shares(settings):
        raise InputError("VERINOTE_DATABASE_URL, VERINOTE_CHROMA_URL: several workers need both")
    rates: list[Rate] = []
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        endpoint = opened.enter_context(ScriptedEndpoint(silent, latency=latency))
        with Corpus.open(settings) as corpus:
            _refuse_unless_empty(corpus.database)
            corpus.add([seeds / "statements"])
        database = Database(settings.database)
        opened.callback(database.close)
        environment = _environment(settings, endpoint.url, concurrency)
        wanted = [max(1, round(count * concurrency * seconds / latency)) for count in workers]
        texts = iter(filler.claims(None, sum(wanted)))
        with served(folder / "api", environment, "--no-work") as client:
            for count, claims in zip(workers, wanted, strict=True):
                tell(f"{count} workers, {claims} claims")
                ids = [_submit(client, claim) for claim in islice(texts, claims)]
                rate, busy = _rate(database, folder, environment, count, ids)
                one = rates[0].claims_per_second / rates[0].workers if rates else rate / count
                rates.append(
                    Rate(count, claims, round(rate, 2), round(rate / one, 2), round(busy, 3))
                )
    return Result(
        latency=latency,
        concurrency=concurrency,
        rates=rates,
    )


def _refuse_unless_empty(database: Database) -> None:
    with database.transaction() as session:
        if session.scalar(select(func.count()).select_from(SubmissionRow)):
            raise InputError("VERINOTE_DATABASE_URL: holds submissions; give an empty database")


def _environment(settings: Settings, endpoint: str, concurrency: int) -> dict[str, str]:
    assert settings.secret is not None  # noqa: S101  checked where several share the data
    return {
        "VERINOTE_DATABASE_URL": settings.database,
        "VERINOTE_CHROMA_URL": str(settings.chroma_url),
        "VERINOTE_SECRET": settings.secret.get_secret_value(),
        "VERINOTE_ENGINE": "openai",
        "OPENAI_BASE_URL": endpoint,
        "VERINOTE_LLM_CACHE": "false",
        "VERINOTE_LLM_CROSS_CHECK": "false",
        "VERINOTE_WORKER_CONCURRENCY": str(concurrency),
        "VERINOTE_THREADS": "1",
        "VERINOTE_REQUESTS_PER_MINUTE": "0",
    }


def _submit(client: httpx.Client, claim: str) -> str:
    answer = client.post("/v1/submissions", json={"claims": [claim]})
    answer.raise_for_status()
    return str(answer.json()["id"])


def _rate(
    database: Database, folder: Path, environment: dict[str, str], count: int, ids: Sequence[str]
) -> tuple[float, float]:
    """Claims a second that some workers do, and the share of its time that the machine is busy."""
    with ExitStack() as opened:
        for number in range(count):
            name = f"worker-{count}-{number}"
            opened.enter_context(running(["worker"], folder / name, environment))
        wait_until(lambda: _living(database) > count, "the workers do not start")  # the API is one
        first = _await_done(database, ids, _WARM)
        last = _await_done(database, ids, _MEASURED)
        _await_done(database, ids, 1.0)
    rate = (last.done - first.done) / (last.at - first.at)
    return rate, 1 - (last.idle - first.idle) / ((last.at - first.at) * (os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class _Moment:
    at: float
    done: int
    idle: float


def _await_done(database: Database, ids: Sequence[str], share: float) -> _Moment:
    moments: list[_Moment] = []

    def is_done() -> bool:
        moments.append(_Moment(time.monotonic(), _done(database, ids), _idle()))
        return moments[-1].done >= share * len(ids)

    wait_until(is_done, "the workers do not work")
    return moments[-1]


def _done(database: Database, ids: Sequence[str]) -> int:
    with database.transaction() as session:
        query = (
            select(func.count())
            .select_from(ClaimRow)
            .join(NoteRow, NoteRow.id == ClaimRow.note_id)
            .where(ClaimRow.submission_id.in_(ids))
        )
        return session.scalar(query) or 0


def _living(database: Database) -> int:
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(WorkerRow)) or 0


def _idle() -> float:
    """Seconds that the machine's cores were idle since it started, together."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")
