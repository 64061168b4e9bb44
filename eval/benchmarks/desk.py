"""``verinote eval bench desk``: how long a reviewer waits for the queue and for a note.

A desk with many notes, made up over the seeds' statements, is served as a process of its own. The
queue is asked for with the filters that people use, one request after the other; a note with much
evidence is opened in Chromium, where what counts is when its page can be used.
"""

from __future__ import annotations

import json
import os
import platform
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import httpx
from rich.table import Table
from sqlalchemy import insert

from eval.benchmarks import filler
from eval.benchmarks.local import Spread
from eval.benchmarks.processes import served
from eval.environment import git_revision, packages
from service.claims.memory import digest_of
from service.claims.tables import ClaimRow, NoteRow
from service.kit.database import utc_now
from service.kit.errors import ConfigurationError
from service.kit.ids import new_id
from service.kit.text import sha256_hex
from service.notes.process import NoteState
from service.notes.reviewed import stored
from service.notes.tables import RevisionRow
from service.settings import Settings
from service.statements.corpus import Corpus
from service.submissions.tables import SubmissionRow
from service.types import (
    Basis,
    Citation,
    Claim,
    ClaimState,
    Evidence,
    Finding,
    Hit,
    Note,
    Span,
    Stance,
    Verdict,
)

_CLAIMS_EACH = 20
_STATES = [NoteState.DRAFTED] * 6 + [NoteState.APPROVED, NoteState.PUBLISHED, NoteState.REJECTED]
_ASKED = (
    "/queue",
    "/queue?verdict=refuted",
    "/queue?order=least_confident",
    "/queue?state=all&order=newest",
    "/queue?warned=yes&whose=nobody",
    "/queue?changed=yes",
    "/queue?q=grain+export",
)
_SEED = 20251212
Tell = Callable[[str], None]


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

    machine: str
    cores: int
    git_revision: str | None
    packages: dict[str, str]
    notes: int
    queue: Spread
    queue_each: dict[str, Spread]
    evidence: int
    note: Spread
    interactive: Spread


def table(result: Result) -> Table:
    """The figures beside what is asked of them."""
    shown = Table(box=None)
    for name in ("milliseconds", "p50", "p95", "asked"):
        shown.add_column(name, justify="right" if name != "milliseconds" else "left")
    rows = [
        (f"queue of {result.notes:,} notes", result.queue, "p95 100"),
        *((f"  {path}", spread, "") for path, spread in result.queue_each.items()),
        (f"note with {result.evidence} pieces of evidence, answered", result.note, ""),
        ("  until it can be used in Chromium", result.interactive, "200"),
    ]
    for name, spread, asked in rows:
        shown.add_row(name, f"{spread.p50:.0f}", f"{spread.p95:.0f}", asked)
    return shown


def write(result: Result, path: Path) -> None:
    """Write the figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(result), indent=1) + "\n", encoding="utf-8")


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
            hits = corpus.search("The ministry announced an exercise.", evidence)
            opened = _fill(corpus, hits, notes, evidence)
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
        machine=f"{platform.machine()} {platform.system()}",
        cores=os.cpu_count() or 1,
        git_revision=git_revision(),
        packages=packages(),
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


def _fill(corpus: Corpus, hits: Sequence[Hit], count: int, evidence: int) -> str:
    """Make notes up; gives the address of the one with the most evidence."""
    claims = filler.claims(None, count)
    chance = random.Random(_SEED)  # noqa: S311  the same each time, no secret
    made = [_note(text, hits, chance, 8) for text in claims]
    made[0] = _note(claims[0], hits, chance, evidence)
    with corpus.database.transaction() as session:
        for first in range(0, count, _CLAIMS_EACH):
            for kind, rows in _rows(made[first : first + _CLAIMS_EACH], first, chance):
                session.execute(insert(kind), rows)
    return f"/notes/{_id(0)}"


def _id(number: int) -> str:
    return sha256_hex(f"note {number}")


def _rows(
    notes: Sequence[Note], first: int, chance: random.Random
) -> Iterator[tuple[type, list[dict[str, object]]]]:
    submission, at = new_id(), utc_now() - timedelta(minutes=first)
    text = " ".join(note.claim.text for note in notes)
    yield SubmissionRow, [
        {
            "id": submission, "sha256": sha256_hex(text), "text": text, "title": f"Text {first}",
            "claims_only": False, "local_only": False, "created_at": at, "state": "done",
            "submitted_by": "admin", "read": True,
        }
    ]  # fmt: skip
    claims, stored_notes, revisions = [], [], []
    for number, note in enumerate(notes, start=first):
        id_, claim_id, body = _id(number), f"claim{number}", stored(note)
        claims.append(
            {
                "id": claim_id, "submission_id": submission, "text": note.claim.text,
                "digest": digest_of(note.claim.text), "body": body["claim"], "created_at": at,
                "state": "drafted", "position": number - first, "note_id": id_,
            }
        )  # fmt: skip
        stored_notes.append(
            {
                "id": id_, "claim_id": claim_id, "as_of": date(2025, 12, 12), "corpus_revision": 1,
                "engine": note.engine, "model": note.model, "prompt_version": note.prompt_version,
                "state": chance.choice(_STATES), "verdict": note.verdict, "body": body,
                "created_at": at + timedelta(seconds=number - first), "reusable": True,
                "revision": 1, "confidence": note.confidence, "warned": bool(note.warnings),
            }
        )  # fmt: skip
        revisions.append({"note_id": id_, "revision": 1, "body": body, "created_at": at})
    yield ClaimRow, claims
    yield NoteRow, stored_notes
    yield RevisionRow, revisions


def _note(text: str, hits: Sequence[Hit], chance: random.Random, count: int) -> Note:
    verdict = chance.choice(list(Verdict))
    pieces = [_piece(hits[number % len(hits)], chance) for number in range(count)]
    deciding = replace(pieces[0], stance=Stance.SUPPORTS, decides=True, why="supports the claim")
    passage = deciding.passage
    cited = Citation(passage.statement, passage.text, passage.start, passage.end)
    return Note(
        claim=Claim(sha256_hex(text)[:16], text, Span(0, len(text), text)),
        state=ClaimState.DRAFTED,
        verdict=verdict,
        confidence=round(chance.random(), 4),
        findings=(Finding(passage.text, (cited,)),),
        basis=Basis(text, "61 statements", 61, 130, 56, None, None),
        warnings=("Only digests decide.",) if chance.random() < 0.3 else (),
        evidence=(deciding, *pieces[1:]),
        engine="local",
        model="made up",
        prompt_version="made up",
        corpus_revision=1,
    )


def _piece(hit: Hit, chance: random.Random) -> Evidence:
    passage = hit.passage
    stance = chance.choice(list(Stance))
    return Evidence(passage, stance, round(chance.random(), 4), passage.start, passage.end)
