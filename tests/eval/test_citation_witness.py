"""The witness passes true citations and catches every kind of tampering."""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import citations

BODY = "Two B-52 bombers flew on 10 December.\n\nThe café at Zürich said nothing."
STATEMENT = """---
id: S01
issuer: Joint Staff
title: Exercise
published: 2025-12-11
kind: digest
url: https://example.org/1
---

"""


def citation(quote: str = "Two B-52 bombers flew", **changes: Any) -> dict[str, Any]:
    start = BODY.index(quote) if quote in BODY else 0
    return {
        "statement_id": "S01",
        "version": 1,
        "sha256": hashlib.sha256(BODY.encode()).hexdigest(),
        "kind": "digest",
        "issuer": "Joint Staff",
        "title": "Exercise",
        "published": "2025-12-11",
        "url": "https://example.org/1",
        "quote": quote,
        "start": start,
        "end": start + len(quote),
    } | changes


@pytest.fixture
def statements(tmp_path: Path) -> Path:
    folder = tmp_path / "statements"
    folder.mkdir()
    # As an editor on another machine may save it: decomposed letters, CRLF, a byte order mark.
    text = unicodedata.normalize("NFD", STATEMENT + BODY + "\n").replace("\n", "\r\n")
    (folder / "s01.md").write_bytes(b"\xef\xbb\xbf" + text.encode())
    return folder


def check(statements: Path, *cited: dict[str, Any]) -> citations.Count:
    notes = statements.parent / "notes.jsonl"
    note = {"claim": "c", "note": [{"text": "f", "citations": [item]} for item in cited]}
    notes.write_text(json.dumps(note) + "\n")
    return citations.count(notes, statements)


def test_a_verbatim_quote_is_counted(statements: Path) -> None:
    result = check(statements, citation(), citation("café at Zürich"))
    assert (result.citations, result.verbatim, result.faults) == (2, 2, [])
    assert result.passed


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"quote": "Two B-52 bombers fled"}, "not 'Two B-52 bombers fled'"),
        ({"start": 1, "end": 22}, "not 'Two B-52"),
        ({"start": -5}, "no offsets"),
        ({"end": "21"}, "no offsets"),
        ({"quote": "", "end": 0}, "empty"),
        ({"sha256": "0" * 64}, "no statement file"),
        ({"statement_id": "S02"}, "is statement S01"),
        ({"kind": "original"}, "kind is 'original'"),
        ({"issuer": "NATO"}, "issuer is 'NATO'"),
        ({"published": "2025-12-12"}, "published is"),
    ],
)
def test_a_tampered_citation_is_caught(
    statements: Path, changes: dict[str, Any], fault: str
) -> None:
    result = check(statements, citation(), citation(**changes))
    assert (result.citations, result.verbatim) == (2, 1)
    assert fault in result.faults[0]
    assert not result.passed


@given(place=st.integers(0, 20), letter=st.characters())
@settings(max_examples=60, deadline=None)
def test_any_changed_letter_is_caught(
    tmp_path_factory: pytest.TempPathFactory, place: int, letter: str
) -> None:
    quote = "Two B-52 bombers flew"
    changed = quote[:place] + letter + quote[place + 1 :]
    folder = tmp_path_factory.mktemp("seeds")
    (folder / "s01.md").write_text(STATEMENT + BODY, encoding="utf-8")
    sources = citations.read_sources(folder)
    faults = list(citations._faults(citation(quote) | {"quote": changed}, sources))
    assert bool(faults) == (changed != quote)


def test_a_changed_statement_file_is_caught(statements: Path) -> None:
    (statements / "s01.md").write_text(STATEMENT + BODY.replace("Two", "Six"))
    assert not check(statements, citation()).passed


def test_a_finding_without_a_citation_is_a_fault(statements: Path) -> None:
    notes = statements.parent / "notes.jsonl"
    notes.write_text(json.dumps({"note": [{"text": "They said so.", "citations": []}]}))
    result = citations.count(notes, statements)
    assert "cites nothing" in result.faults[0]


def test_a_line_that_is_no_note_is_a_fault(statements: Path) -> None:
    notes = statements.parent / "notes.jsonl"
    notes.write_text("[]\n{}\n{broken\n")
    assert len(citations.count(notes, statements).faults) == 3


def test_a_file_without_citations_proves_nothing(statements: Path) -> None:
    result = check(statements)
    assert not result.passed
    assert "no citation to check" in citations.report(result)


def test_the_witness_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(citations.__file__).read_text())
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not modules & {"service", "eval"}


def test_it_runs_alone_and_exits_with_1_on_a_fault(statements: Path) -> None:
    check(statements, citation(kind="original"))
    notes = statements.parent / "notes.jsonl"
    command = [sys.executable, "-m", "eval.citations", str(notes), "--statements", str(statements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 citations, 0 verbatim (0.0%)" in done.stdout
