"""``docs/performance.md``: what the benchmarks have measured, each with the command that did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.benchmarks import api, desk, ingest, local, overhead, scale_out, search
from eval.benchmarks.result import Made, Record, Table, read

_HEAD = """\
# How fast is it?

Written by `verinote eval performance-page` from the files in [performance/](performance/), which
hold all figures; each was written by the command that stands beside its table. DIR is a folder
with the public sets ([evaluation.md](evaluation.md) says where they are from).

*Load* is how many processes wanted a core in the minute before: with one or more on two cores,
what was measured shared them with other work. *p50* and *p95*: half of the times, and 95 in a
hundred, are no longer. *Asked* is what this project asks of itself.
"""


@dataclass(frozen=True, slots=True)
class _Section:
    """What the page says of a benchmark."""

    title: str
    about: str
    figures: type[Any]
    table: Callable[[Any], Table]


_SECTIONS = {
    "search": _Section(
        "Search",
        """\
Passages are found by meaning (Chroma) and by words (the database's text search), then fused. The
query is a claim of Climate-FEVER. **recall@10** is the share of the first ten that an exact
search has too, which compares every vector, ranks by every word that is not a function word, and
is fused the same way. *By words* goes by the rarest words first; beside it the same with every
word. Encoding the claim and the stance model, which reads what is found, are told apart. Asked at
100,000 passages: 30 ms at p95 with the claim encoded, and a recall of 0.98.

How texts are made up where the public sets end says `eval/benchmarks/filler.py`: sentences
spliced from real ones of one neighbourhood, with figures and names of their own. **Those are
synthetic**, and a corpus of a million passages is nearly all so.
""",
        search.Result,
        search.table,
    ),
    "ingest": _Section(
        "Adding statements",
        """\
Statements are read, cut into passages, stored, embedded and indexed by the product's own intake.
Before each slice the encoder alone embeds the same passages, so that both figures are from the
same minutes.
""",
        ingest.Result,
        ingest.table,
    ),
    "local": _Section(
        "The embedded engine",
        """\
The whole way, as `verinote verify` goes, with claim memory on: search, stance model, comparison
of facts, rules, draft. In batch, as many claims are in flight as there are cores.
""",
        local.Result,
        local.table,
    ),
    "llm-overhead": _Section(
        "What is added to a language model",
        """\
The seed article against a scripted endpoint on real HTTP that takes exactly one second for an
answer. Two waves of requests take two seconds; the rest is ours. Beside it Loki (Libr-AI) on the
same article and such an endpoint, counted the same way.
""",
        overhead.Result,
        overhead.table,
    ),
    "desk": _Section(
        "The desk",
        """\
`verinote serve` in a process of its own over made-up notes; the queue with the filters that
people use, one request after the other, and a note opened in Chromium.
""",
        desk.Result,
        desk.table,
    ),
    "api": _Section(
        "The API",
        """\
`verinote serve` in a process of its own over a corpus and made-up notes; whoever asks runs beside
it on the same cores. Each round asks for every route once, first one at a time, then several at
once.
""",
        api.Result,
        api.table,
    ),
    "scale-out": _Section(
        "More workers",
        """\
Claims in the queue of a PostgreSQL database, over a scripted endpoint that takes one second for
an answer, some at once for each worker. Database, Chroma server, API, endpoint and workers share
this machine. Asked: four workers do 3.6 times the claims of one.
""",
        scale_out.Result,
        scale_out.table,
    ),
}


def page(folder: Path) -> str:
    """Return the page.

    Args:
        folder: holds what the benchmarks wrote, one file a run.

    Raises:
        InputError: a file there is no record of a benchmark.
    """
    kinds = {name: section.figures for name, section in _SECTIONS.items()}
    records = [read(path, kinds) for path in sorted(folder.glob("*.json"))]
    return "\n".join([_HEAD, *_sections(records)])


def _sections(records: Sequence[Record[Any]]) -> Iterator[str]:
    for name, section in _SECTIONS.items():
        runs = [record for record in records if record.benchmark == name]
        if runs:
            yield f"## {section.title}\n\n{section.about}"
        for run in runs:
            yield f"{_told(run.made)}\n\n{section.table(run.figures).as_markdown()}"


def _told(made: Made) -> str:
    revision = (made.git_revision or "no checkout")[:12]
    load = "unknown" if made.load is None else f"{made.load:g}"
    return (
        f"`{made.command}`: {made.day}, {made.machine}, {made.cores} cores, "
        f"{made.memory_gib:g} GiB, load {load}, commit {revision}"
    )
