"""Benchmarks fill a corpus with the same texts every time."""

from __future__ import annotations

import json
from pathlib import Path

from eval.benchmarks import filler
from eval.benchmarks.local import Spread
from service.statements.passages import split


def test_generated_filler_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        filler.write_statements(tmp_path / name, 40, None)
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text()


def test_filler_makes_about_as_many_passages_as_were_asked_for(tmp_path: Path) -> None:
    statements = filler.write_statements(tmp_path / "f", 60, None)
    texts = [json.loads(line)["text"] for line in (tmp_path / "f").open()]
    assert len(texts) == statements
    assert 60 <= sum(len(split(text)) for text in texts) <= 90


def test_a_datasets_sentences_are_used_once(tmp_path: Path) -> None:
    words = [f"Sentence number {number} is about the sea and its weather." for number in range(9)]
    row = {
        "label": "supported",
        "supporting_sentences": [[0]],
        "claim": "It is about the sea.",
        "evidence": [*words, *words],
        "meta": {"id": "test1"},
    }
    (tmp_path / "wice-claims.jsonl").write_text(json.dumps(row))
    for name in ("climate-fever", "fool-me-twice", "healthver"):
        (tmp_path / f"{name}.jsonl").write_text("")
    filler.write_statements(tmp_path / "f", 10, tmp_path)
    text = "".join(json.loads(line)["text"] for line in (tmp_path / "f").open())
    assert all(text.count(sentence) == 1 for sentence in words)


def test_timed_claims_are_not_repeated() -> None:
    assert len(set(filler.claims(None, 50))) == 50


def test_a_spread_of_nothing_has_no_figures() -> None:
    assert Spread.of([]).n == 0
    assert Spread.of([1.0, 2.0, 3.0]).p50 == 2.0
