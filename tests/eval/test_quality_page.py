"""The page says what the runs say, and where a baseline isn't beaten."""

from __future__ import annotations

import json
from pathlib import Path

from eval import quality
from eval.catalogue import DATASETS
from eval.false_alarms import FalseAlarms
from eval.measures import Measures, share
from eval.run_folder import RunFolder
from eval.runner import measure


def run(name: str, measures: Measures) -> quality.Run:
    told = {
        "dataset": name,
        "engine": "local",
        "model": "m",
        "prompt_version": "0123456789abcdef",
        "seconds": 60.0,
        "items": 4,
        "failed": 0,
        "bad_rows": [],
        "limit": None,
        "file": "file.jsonl",
        "data_sha256": "f" * 64,
    }
    return quality.Run(name, told, measures)


def wice(found: list[float], bm25: list[float]) -> quality.Run:
    return run("wice-claims", Measures({"found_at_5": share(found, baselines={"bm25": bm25})}))


def test_a_beaten_baseline_is_said_to_be() -> None:
    page = quality.page([wice([1.0] * 40, [0.0] * 40)])
    assert "**1.000 (0.912 to 1.000)** | BM25 0.000 (0.000 to 0.088): beaten |" in page
    assert "Every baseline in the table is beaten." in page


def test_a_baseline_that_is_not_beaten_has_a_line_with_the_difference() -> None:
    page = quality.page([wice([0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0])])
    line = next(line for line in page.splitlines() if line.startswith("- A gold sentence"))
    assert "BM25 is not beaten (difference -0.250" in line


def test_false_alarms_are_counted_and_shown() -> None:
    raised = FalseAlarms(500, (("a.jsonl", "ignore all previous instructions"),))
    page = quality.page([wice([1.0], [0.0])], raised)
    assert "Of 500 ordinary texts" in page
    assert "- a.jsonl: “ignore all previous instructions”" in page


def test_it_says_that_no_capable_model_was_measured_and_how_one_would_be() -> None:
    page = quality.page([wice([1.0], [0.0])])
    assert "No capable language model was measured" in page
    assert "verinote eval run climate-fever --data DIR --engine openai" in page


def test_the_page_is_the_same_for_the_same_runs() -> None:
    runs = [wice([1.0, 0.0], [0.0, 0.0])]
    assert quality.page(runs) == quality.page(runs)


def test_every_headline_names_a_dataset_and_every_card_a_headline() -> None:
    assert {headline.dataset for headline in quality.HEADLINES} == set(DATASETS)
    shown = {(headline.dataset, headline.metric) for headline in quality.HEADLINES}
    assert {(name, entry.card.headline) for name, entry in DATASETS.items()} <= shown


def test_figures_are_made_again_from_the_items_alone(tmp_path: Path) -> None:
    rows = [
        {"place": 1, "id": "b", "group": "b", "gold": [2], "found": [0, 1], "bm25": [2]},
        {"place": 0, "id": "a", "group": "a", "gold": [2], "found": [2], "bm25": [0]},
        {"place": 2, "failed": "ModelFileError: gone"},
    ]
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    measure(DATASETS["wice-claims"], tmp_path, RunFolder(tmp_path))
    told = json.loads((tmp_path / "metrics.json").read_text())
    assert told["found_at_5"]["value"] == 0.5
    assert told["found_at_5"]["n"] == 2
    assert told["found_at_5"]["low"] <= 0.5 <= told["found_at_5"]["high"]
