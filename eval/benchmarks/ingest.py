"""``verinote eval bench ingest``: passages a second, beside the encoder alone.

Filler statements are added in slices to a new corpus, through the product's own intake: read, cut,
stored, embedded, indexed. Before each slice the encoder alone embeds the same passages, so that
both are slowed by whatever else the machine does.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from eval.benchmarks import filler
from eval.benchmarks.result import Spread, Table, Tell
from service.kit.vectors import batches
from service.models import Encoder
from service.settings import Settings
from service.statements.corpus import Corpus
from service.statements.passages import split

_SLICES = 3


@dataclass(frozen=True, slots=True)
class Result:
    """What the benchmark measured.

    Attributes:
        filler: where the filler texts are from.
        statements: added, in all slices.
        encoder_alone: passages a second that the encoder embeds, over the slices.
        ingest: passages a second that are added, searchable at the end.
        share: of the encoder's speed that is left.
        processor_ms: processor time of a passage added, all cores together.
        encoder_ms: of that, what the encoder alone takes.
    """

    filler: str
    statements: int
    passages: int
    encoder_alone: Spread
    ingest: Spread
    share: float
    processor_ms: float
    encoder_ms: float


def table(result: Result) -> Table:
    """The figures beside what is asked of them."""
    alone, whole = result.encoder_alone, result.ingest
    rows = [
        ("passages added", f"{result.passages:,}", ""),
        ("statements", f"{result.statements:,}", ""),
        (f"texts: {result.filler}", "", ""),
        ("the encoder alone, passages a second", f"{alone.p50:.0f}", ""),
        ("read, cut, stored, embedded and indexed a second", f"{whole.p50:.0f}", ""),
        ("share of the encoder's speed", f"{result.share:.0%}", "80%"),
        ("processor time of a passage", f"{result.processor_ms:.1f} ms", ""),
        ("  of it the encoder's", f"{result.encoder_ms:.1f} ms", ""),
    ]
    return Table(("", "measured", "asked"), rows)


def run(settings: Settings, data: Path | None, *, passages: int, tell: Tell) -> Result:
    """Run the benchmark on a new data folder.

    Args:
        settings: how texts are embedded and indexed; its data folder is replaced.
        data: folder of the public sets; generated sentences without it.
        passages: about how many are added.
        tell: told what is being done.
    """
    encoder = Encoder(settings.threads)
    with tempfile.TemporaryDirectory() as temporary:
        files = filler.write_statements(Path(temporary) / "filler", passages, data)
        lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
        own = settings.model_copy(
            update={"data_dir": Path(temporary) / "data", "database_url": None, "chroma_url": None}
        )
        alone: list[_Taken] = []
        whole: list[_Taken] = []
        with Corpus.open(own, encoder) as corpus:
            corpus.search("any words", 1)  # what is loaded once is not what every passage takes
            for part in batches(lines, -(-len(lines) // _SLICES)):
                tell(f"{len(part)} statements")
                file = Path(temporary) / f"slice{len(alone)}.jsonl"
                file.write_text("\n".join(part), encoding="utf-8")
                cut = [passage for line in part for passage in _passages(line)]
                alone.append(_taken(partial(encoder.encode, cut), len(cut)))
                whole.append(_taken(partial(corpus.add, [file]), len(cut)))
    return Result(
        filler=filler.told(data, passages),
        statements=len(lines),
        passages=sum(one.passages for one in whole),
        encoder_alone=Spread.of([one.rate for one in alone]),
        ingest=Spread.of([one.rate for one in whole]),
        share=round(sum(one.seconds for one in alone) / sum(one.seconds for one in whole), 3),
        processor_ms=round(_processor_ms(whole), 2),
        encoder_ms=round(_processor_ms(alone), 2),
    )


@dataclass(frozen=True, slots=True)
class _Taken:
    passages: int
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        return self.passages / self.seconds


def _taken(act: Callable[[], object], passages: int) -> _Taken:
    begun, worked = time.perf_counter(), time.process_time()
    act()
    return _Taken(passages, time.perf_counter() - begun, time.process_time() - worked)


def _processor_ms(taken: Sequence[_Taken]) -> float:
    return 1e3 * sum(one.processor for one in taken) / sum(one.passages for one in taken)


def _passages(line: str) -> list[str]:
    text = json.loads(line)["text"]
    return [text[span.start : span.end] for span in split(text)]
