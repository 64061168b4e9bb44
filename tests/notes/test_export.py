"""A submission as a file: every claim is a line, and no cell acts."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.notes.export import COLUMNS, cell_of

DOCS = Path(__file__).parents[2] / "docs" / "publishing.md"
SPREADSHEETS_ACT_ON = "=+-@\t\r\n＝＋－＠"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0")))
def test_no_cell_is_a_formula_and_none_is_lost(text: str) -> None:
    cell = cell_of(text)
    assert cell[:1] not in set(SPREADSHEETS_ACT_ON)
    assert cell.lstrip()[:1] not in set(SPREADSHEETS_ACT_ON)
    assert cell in {text, f"'{text}"}
    written = io.StringIO(newline="")
    csv.writer(written).writerow([cell, "next"])
    (row,) = csv.reader(io.StringIO(written.getvalue(), newline=""))
    assert row == [cell, "next"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "＝1"])
def test_what_begins_like_a_formula_begins_with_an_apostrophe(text: str) -> None:
    assert cell_of(text) == f"'{text}"


def test_the_page_of_the_docs_has_the_columns() -> None:
    table = DOCS.read_text().partition("| column | holds |")[2]
    rows = re.findall(r"^\| (`.+`) \|", table, re.MULTILINE)
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row)] == list(COLUMNS)
