"""Benchmarks fill a corpus with the same texts every time."""

from __future__ import annotations

import json
import re
from pathlib import Path

from eval.benchmarks import filler
from eval.benchmarks.result import Spread
from service.statements.passages import split


def test_generated_filler_is_the_same_every_time(tmp_path: Path) -> None:
    (one,), (other,) = (filler.write_statements(tmp_path / name, 40, None) for name in "ab")
    assert one.read_text() == other.read_text()


def test_filler_makes_about_as_many_passages_as_were_asked_for(tmp_path: Path) -> None:
    (file,) = filler.write_statements(tmp_path, 60, None)
    texts = [json.loads(line)["text"] for line in file.open()]
    assert 60 <= sum(len(split(text)) for text in texts) <= 90


def test_much_filler_is_written_in_files_that_can_be_added(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(filler, "_IN_A_FILE", 2)
    files = filler.write_statements(tmp_path, 50, None)
    ids = [[json.loads(line)["id"] for line in file.open()] for file in files]
    assert ids == [["F000001", "F000002"], ["F000003", "F000004"], ["F000005"]]


def sets(folder: Path) -> list[str]:
    """A folder of sets with a few sentences; returns them."""
    places = ("Estmark", "Norland", "Valdoria")
    words = [
        f"In {1990 + number} the council of {places[number % 3]} counted {number} ships, which "
        f"sailed from {places[(number + 1) % 3]} and were late."
        for number in range(40)
    ]
    row = {
        "label": "supported",
        "supporting_sentences": [[0]],
        "claim": "It is about the sea.",
        "evidence": [*words, *words],
        "meta": {"id": "test1"},
    }
    (folder / "wice-claims.jsonl").write_text(json.dumps(row))
    for name in ("climate-fever", "fool-me-twice", "healthver"):
        (folder / f"{name}.jsonl").write_text("")
    return words


def written(path: Path, passages: int, data: Path) -> list[str]:
    """The paragraphs of the filler."""
    return [
        paragraph
        for file in filler.write_statements(path, passages, data)
        for line in file.open()
        for paragraph in json.loads(line)["text"].split("\n\n")
    ]


def test_a_datasets_sentences_are_used_once(tmp_path: Path) -> None:
    words = sets(tmp_path)
    text = "\n".join(written(tmp_path / "f", 10, tmp_path))
    assert all(text.count(sentence) == 1 for sentence in words)


def test_what_the_sets_do_not_hold_is_made_up_of_their_words(tmp_path: Path) -> None:
    words = sets(tmp_path)
    made_up = written(tmp_path / "f", 240, tmp_path)
    assert len(made_up) == 200
    assert len(set(made_up)) == 200
    real = [one for one in made_up if all(f"{part}." in words for part in one[:-1].split(". "))]
    assert 10 <= len(real) < 20
    ours = {word for sentence in words for word in re.findall("[a-z]+", sentence)}
    assert {word for one in made_up for word in re.findall(r"\b[a-z]+", one)} <= ours


def test_made_up_filler_is_the_same_every_time(tmp_path: Path) -> None:
    sets(tmp_path)
    assert written(tmp_path / "a", 100, tmp_path) == written(tmp_path / "b", 100, tmp_path)


def test_it_is_told_how_much_of_the_filler_is_made_up(tmp_path: Path) -> None:
    sets(tmp_path)
    assert filler.told(None, 5) == "generated from templates (synthetic)"
    assert filler.told(tmp_path, 5) == "sentences of the public sets"
    assert filler.told(tmp_path, 500).startswith(
        "10 paragraphs of the public sets, the others synth"
    )


def test_timed_claims_are_not_repeated() -> None:
    assert len(set(filler.claims(None, 50))) == 50


def test_a_spread_of_nothing_has_no_figures() -> None:
    assert Spread.of([]).n == 0
    assert Spread.of([1.0, 2.0, 3.0]).p50 == 2.0
