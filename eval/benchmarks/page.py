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


_REVISION = 12
"""Letters of a commit that are shown; "+" where files in it had changed."""


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
Passages are found by meaning (Chroma) and by words (the database's text search), then fused.
Queries are claims of Climate-FEVER, by a process that has searched for 200 others before.
**recall@10** is the share of the first ten that an exact search has too: one that compares every
vector, ranks by every word that is not a function word, and is fused the same way. Encoding the
claim, and the stance model reading what is found, are told apart. Asked at 100,000 passages: 30
ms at p95 with the claim encoded, and a recall of 0.98.

*By words* leaves out words that stand in more than 100,000 passages where rarer ones are there;
*every word* leaves out none, so up to that size both do the same. *By a new process* is what a
word costs that was not asked for since a passage changed.

Where the public sets end, sentences are spliced from real ones of one neighbourhood, with figures
and names of their own (`eval/benchmarks/filler.py`). **Those are synthetic**, and a corpus of a
million passages is nearly all so; their vectors are the packaged encoder's.
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

FIGURES: dict[str, type[Any]] = {name: section.figures for name, section in _SECTIONS.items()}
"""What each benchmark's figures are, by its name."""

_OBSTACLES = """\
## What stood in the way

- **SQLite's planner.** Asked for passages of given ids that are searchable, it went through all
  searchable ones: 29 ms of each search among 100,000, now 0.5 (`statements/repository.py`).
- **Ranking by many words.** FTS5 takes about a microsecond for each passage that holds a word: 30
  ms for a claim among 100,000. Ranking only those that hold one of the rarest words was quick,
  but missed a third of the first ten by words and a seventh of the fused ones. BM25 adds up over
  words, so what a word counts in a passage is now read once and kept until a passage changes;
  passages are ranked by adding, which gives FTS5's own order (`statements/words.py`).
- **Python's garbage collector.** Rows by the thousand, in a list, made it look through all that
  the process holds, a tenth of a second at a time. They now go into arrays one by one.
- **Chroma's filters** are slow, so none is used: only what may be searched is in there. Its HNSW
  graph has 32 neighbours, an effort of 100 in adding and of 200 in searching: with 200 in adding,
  recall@10 among 75,000 is 0.997 instead of 0.995, for twice the processor time of a row added.
  Larger `batch_size` and `sync_threshold` write half as much to the disk and save no time. A new
  `ef_search` counts only once the collection is opened again.
- **Adding** was embedding after storing after reading. Now statements are embedded while others
  are stored, two batches ahead of what is brought to Chroma; a sentence's word pieces are counted
  once instead of twice.
- **The parser's matrices.** The BLAS that spaCy brings knows no processor newer than itself and
  takes such a one for the slowest kind, at a third of numpy's speed. Its networks multiply by numpy
  now (`models/parser.py`): 2.3 ms a sentence instead of 4.0, and no parse of 340 differs. Who asks
  for what is parsed already no longer waits for those who parse.
- **Pairs that decide nothing.** Half of what the stance model read for a claim changed no stance:
  further windows of statements that hold little of the claim, repairs of such, repairs by second
  and third rivals, and windows in which the rival does not stand. Of all statements read for 1,430
  claims, five got another stance, three of them the right one (`engines/local/assess.py`).
- **Fused norms.** onnxruntime's fused sum and norm reckons number by number; the plain operators
  take a quarter off a pair (`eval/training/network.py`).
- **int8 models in batches** would be no quicker here, sorted by length or not, and a text's
  result would hang on its neighbours (`models/parallel.py`): each text runs alone, as many side
  by side as there are cores.
"""


def page(folder: Path) -> str:
    """Return the page.

    Args:
        folder: holds what the benchmarks wrote, one file a run.

    Raises:
        InputError: a file there is no record of a benchmark.
    """
    records = [read(path, FIGURES) for path in sorted(folder.glob("*.json"))]
    return "\n".join([_HEAD, *_sections(records), _OBSTACLES])


def _sections(records: Sequence[Record[Any]]) -> Iterator[str]:
    for name, section in _SECTIONS.items():
        runs = [record for record in records if record.benchmark == name]
        if runs:
            yield f"## {section.title}\n\n{section.about}"
        for run in runs:
            yield f"{_told(run.made)}\n\n{section.table(run.figures).as_markdown()}"


def _told(made: Made) -> str:
    revision = made.git_revision or "no checkout"
    if len(revision) > _REVISION:
        revision = revision[:_REVISION] + ("+" if revision.endswith("+") else "")
    load = "unknown" if made.load is None else f"{made.load:g}"
    return (
        f"`{made.command}`: {made.day}, {made.machine}, {made.cores} cores, "
        f"{made.memory_gib:g} GiB, load {load}, commit {revision}"
    )
