"""``docs/quality.md``: written from the runs' ``metrics.json``, never by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eval import fold_parameters
from eval.catalogue import DATASETS
from eval.datasets.reading import file_sha256
from eval.false_alarms import FalseAlarms
from eval.measures import Against, Confusion, Measure, Measures, Row
from eval.metrics import Interval
from eval.run_folder import RunFolder

_DIGITS = 3
_BASELINES = {
    "majority": "majority",
    "word_overlap": "word overlap",
    "bm25": "BM25",
    "length": "length",
}


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure of the page's first table.

    Attributes:
        question: what it answers, in words.
        reasons: by baseline, why that one is hard to beat; printed only where it isn't beaten.
    """

    dataset: str
    metric: str
    question: str
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """A run's folder, read back."""

    name: str
    told: Row
    measures: Measures


_ABSTAINS = """\
The engine supports nothing unless the passage states every number, date and model of the claim,
and says nothing where it isn't sure: right for a note that a desk signs, costly for a mean over the
classes where people call a passage supporting that only bears on the claim (see decided and
right_if_decided below). Word overlap's thresholds are chosen on this very set for this very metric;
of the engine's stance only the calibration is fitted here."""
_TOGETHER = """\
Many of these claims are decided by several answers together (a sum, a comparison, an answer that
only makes sense beside another), and the engine reads each answer by itself; two of the four
classes have about a dozen rows."""
_FEW = "The rows are too few to be sure."

HEADLINES: tuple[Headline, ...] = (
    Headline(
        "seeds", "accuracy", "The seed article's claims, end to end (accuracy)", {"majority": _FEW}
    ),
    Headline("probes", "accuracy", "Other claims about the statements, end to end (accuracy)"),
    Headline(
        "climate-fever",
        "stance_macro_f1",
        "Stance of a sentence, three ways (macro-F1)",
        {"word_overlap": _ABSTAINS},
    ),
    Headline(
        "climate-fever",
        "likeliest_stance_macro_f1",
        "The same, the likeliest stance without abstaining",
        {
            "word_overlap": "Many of its labels hang on what people know of the climate beside the "
            "sentence, which the embedded models do not; its thresholds are chosen on this very "
            "set for this very metric."
        },
    ),
    Headline(
        "healthver",
        "stance_macro_f1",
        "Stance of an abstract's sentence (macro-F1)",
        {"word_overlap": _ABSTAINS},
    ),
    Headline(
        "healthver",
        "likeliest_stance_macro_f1",
        "The same, the likeliest stance without abstaining",
        {"word_overlap": "Its thresholds are chosen on this very set for this very metric."},
    ),
    Headline(
        "fool-me-twice",
        "forced_choice_accuracy",
        "Supports or refutes, with gold evidence (accuracy)",
    ),
    Headline(
        "climate-fever",
        "verdict_macro_f1",
        "Verdict with its five sentences given, four ways (macro-F1)",
        {
            "word_overlap": _ABSTAINS + " A disputed claim counts as conflicting here, which the "
            "rules say only where one statement supports and another refutes."
        },
    ),
    Headline(
        "averitec",
        "verdict_macro_f1",
        "Verdict with the annotators' answers given, four ways (macro-F1)",
        {"majority": _TOGETHER, "word_overlap": _TOGETHER},
    ),
    Headline(
        "wice-claims",
        "found_at_5",
        "A gold sentence among the first five found in the cited article (share)",
        {"bm25": "Both find one nearly always: the rows that differ are too few to be sure."},
    ),
    Headline(
        "checkworthy-sentences", "auroc", "Check-worthiness of sentences (AUROC)", {"length": _FEW}
    ),
    Headline(
        "checkworthy-claims",
        "auroc",
        "Check-worthiness of claims (AUROC)",
        {"length": "Nine of its rows are opinions: too few for any score to be sure."},
    ),
)

_METRICS = {
    "macro_f1": "mean over the classes of F1, so that rare classes count as much as common ones",
    "forced_choice": "which of supports and refutes scores higher; a tie counts half",
    "stance": "what the engine says of a passage, abstaining (neutral) where it isn't sure",
    "likeliest_stance": "the stance with the highest calibrated score, without abstaining",
    "ece": "expected calibration error in ten bins: at 0, a confidence of 0.8 is right 8 in 10",
    "flipped": "supported where people say refuted, or the reverse: a count",
    "decided": "rows that get an answer other than neutral or not_enough_evidence",
    "right_if_decided": "of those, the answers that are right",
    "abstained": "not_enough_evidence where people have a verdict",
    "statement_shown": "the deciding statement is in the note's evidence",
    "citations_verbatim": "quotes that stand in the stored text, exactly where they say",
    "citations_carrying": "quotes that the stance model, reading each alone and uncalibrated, "
    "takes to be on the verdict's side; what decides is mostly found by comparing, which it can't",
    "decided_with_citation": "notes with a verdict that cite at all",
    "words_a_note": "length of the findings of a note that decides",
    "extracted_known": "extracted claims that are known assertions: a floor of precision, since "
    "not all that is checkable in an article is in the set",
    "spans_verbatim": "extracted claims whose source stands in the article, where it says",
    "same_span": "matched claims whose source is the known assertion's, to the character",
    "ndcg": "of the ranking's first ten, 1 where every gold sentence comes first",
    "recall": "share of the gold sentences among the first",
    "statement_decides": "only statements that people name decide the verdict",
}


COMMAND = "verinote eval report-quality --data DIR"
_READING = """\
Intervals are 95 percent bootstrap intervals (1,000 resamples by claim, seeded; the exact binomial
one where every row is alike). Baselines: the commonest label (taken from the reported rows
themselves); word overlap (the share of the claim's content words in the passage that holds most of
them, with thresholds cross-fitted in five folds for the best macro-F1); BM25 (SQLite FTS5's, over
the same sentences). *Beaten*: the interval of the paired difference is above 0; *ahead*: better,
but the interval holds 0. Rows of the sets that the engine's stance was fitted or calibrated on
(climate-fever, healthver, fool-me-twice, wice-claims) are read with the parameters of a fold that
never saw them; nothing is ever fitted on AVeriTeC, gold.jsonl or heldout.jsonl."""


_OTHER_ENGINE = """\
All figures above are of the embedded engine. **No capable language model was measured for this
page**: what `--engine openai` is worth hangs on the model, and none was asked. What holds
for every model is tested with scripted ones: the citations, and what becomes of lies. One command
measures a model on a set, and says which it was, with the prompts' hash:

```
OPENAI_API_KEY=… VERINOTE_LLM_MODEL=gpt-4.1-mini verinote eval run climate-fever --data DIR --engine openai
```

It runs every set of this page likewise (`--data seeds` for the seed article); `--limit 200` asks
about the first 200 rows alone."""  # noqa: E501  a command is one line


def read_run(folder: Path) -> Run | None:
    """Read a finished run; None where there is none."""
    run = RunFolder(folder)
    if not run.begun:
        return None
    told = run.told()
    return Run(told["dataset"], told, run.measures()) if told["state"] == "done" else None


def up_to_date(run: Run, file: Path, limit: int | None, prompt_version: str) -> bool:
    """Whether running again would ask the same engine the same rows."""
    folds = run.told.get("fold_parameters")
    return bool(
        run.told["prompt_version"] == prompt_version
        and run.told["data_sha256"] == file_sha256(file)
        and run.told["limit"] == limit
        and (folds is None or folds == file_sha256(fold_parameters.FILE))
    )


def page(runs: Sequence[Run], alarms: FalseAlarms | None = None) -> str:
    """The page, in Markdown, of the runs given.

    Args:
        runs: in the order of the page.
        alarms: ordinary texts that were taken for texts that speak to a model, if counted.
    """
    by_name = {run.name: run for run in runs}
    shown = [
        (headline, by_name[headline.dataset], figure)
        for headline in HEADLINES
        if headline.dataset in by_name
        and (figure := by_name[headline.dataset].measures.figures.get(headline.metric))
    ]
    parts = [
        "# How good it is",
        f"Written by `{COMMAND}`; do not edit.",
        _READING,
        _engine_line(runs),
        "## The figures",
        _headlines(shown),
        "## Where a baseline isn't beaten",
        _not_beaten(shown),
        "## With a language model",
        _OTHER_ENGINE,
        *([_alarms_line(alarms)] if alarms else []),
        "## What the words mean",
        "\n".join(f"- `{name}`: {meaning}." for name, meaning in _METRICS.items()),
        *(_section(run) for run in runs),
    ]
    return "\n\n".join(parts) + "\n"


def _alarms_line(alarms: FalseAlarms) -> str:
    raised = "".join(f"\n- {name}: “{words}”" for name, words in alarms.alarms)
    return (
        f"Of {alarms.texts} ordinary texts, drawn at random from the public sets, "
        f"{len(alarms.alarms)} look to the code as if they spoke to a model.{raised}"
    )


def _engine_line(runs: Sequence[Run]) -> str:
    engines = sorted(
        {
            f"engine `{run.told['engine']}` ({run.told['model']}), "
            f"rules and calibration `{run.told['prompt_version'][:12]}`"
            for run in runs
        }
    )
    seconds = sum(run.told["seconds"] for run in runs)
    return f"What ran: {'; '.join(engines)}. All runs together took {seconds / 60:.1f} minutes."


def _headlines(shown: Sequence[tuple[Headline, Run, Measure]]) -> str:
    lines = [
        "| question | dataset | n | Verinote | baselines |",
        "|---|---|---:|---|---|",
    ]
    for headline, run, figure in shown:
        baselines = "<br>".join(
            f"{_BASELINES.get(name, name)} {_told(against.interval)}: {against.outcome}"
            for name, against in figure.baselines.items()
        )
        lines.append(
            f"| {headline.question} | {run.name} | {figure.n} | **{_told(figure.interval)}** "
            f"| {baselines} |"
        )
    return "\n".join(lines)


def _not_beaten(shown: Sequence[tuple[Headline, Run, Measure]]) -> str:
    lines = [
        f"- {headline.question}, {run.name}: {_BASELINES.get(name, name)} is {_outcome(against)}. "
        + " ".join(headline.reasons.get(name, "Why is not yet known.").split())
        for headline, run, figure in shown
        for name, against in figure.baselines.items()
        if against.outcome != "beaten"
    ]
    return "\n".join(lines) or "Every baseline in the table is beaten."


def _outcome(against: Against) -> str:
    difference = against.difference
    words = "not beaten" if against.outcome == "not beaten" else "not surely beaten"
    return f"{words} (difference {_told(difference, signed=True)})"


def _section(run: Run) -> str:
    card = DATASETS[run.name].card
    told = run.told
    facts = [
        f"- Source: {card.upstream}; licence: {card.licence}.",
        "- Labels: " + ", ".join(f"{label} = {ours}" for label, ours in card.labels.items()) + ".",
        f"- Evidence: {card.evidence}. Training overlap: {card.overlap}.",
        f"- {told['items']} rows, {len(told['bad_rows'])} malformed, {told['failed']} failed; "
        f"{told['seconds']:.0f} s"
        + (f"; only the first {told['limit']} rows" if told["limit"] else "")
        + f"; sha256 of {told['file']} {told['data_sha256'][:12]}.",
    ]
    if card.remark:
        facts.append(f"- {card.remark}")
    tables = [_confusion(name, table) for name, table in run.measures.confusions.items()]
    return "\n\n".join(
        [
            f"## {run.name}: {card.title}",
            "\n".join(facts),
            f"`verinote eval run {run.name} --data DIR`",
            _figures(run.measures.figures),
            *tables,
        ]
    )


def _figures(figures: Mapping[str, Measure]) -> str:
    lines = ["| metric | n | value (95 %) | baselines |", "|---|---:|---|---|"]
    for name, figure in figures.items():
        baselines = ", ".join(
            f"{_BASELINES.get(other, other)} {_number(against.interval.value)}"
            for other, against in figure.baselines.items()
        )
        lines.append(f"| {name} | {figure.n} | {_told(figure.interval)} | {baselines} |")
    return "\n".join(lines)


def _confusion(name: str, table: Confusion) -> str:
    lines = [
        f"What people say ({name}, rows) against what Verinote says (columns):",
        "",
        "| | " + " | ".join(table.labels) + " |",
        "|---|" + "---:|" * len(table.labels),
    ]
    lines += [
        f"| {label} | " + " | ".join(map(str, row)) + " |"
        for label, row in zip(table.labels, table.counts, strict=True)
        if any(row)
    ]
    return "\n".join(lines)


def _told(interval: Interval, *, signed: bool = False) -> str:
    return (
        f"{_number(interval.value, signed=signed)} "
        f"({_number(interval.low, signed=signed)} to {_number(interval.high, signed=signed)})"
    )


def _number(value: float, *, signed: bool = False) -> str:
    if math.isnan(value):
        return "none"
    return f"{value:+.{_DIGITS}f}" if signed else f"{value:.{_DIGITS}f}"
