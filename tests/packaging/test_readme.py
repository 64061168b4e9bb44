"""The README's tables say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic_core import PydanticUndefined

from service.cli import SOME_FAILED
from service.kit import errors
from service.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def _rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table under a heading, by their first cell."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\|(.+)\|$", section, re.MULTILINE)[2:]
    cells = [[cell.strip().strip("`") for cell in line.split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


def test_every_exit_code_is_in_the_table():
    found = [one for one in vars(errors).values() if isinstance(one, type)]
    codes = {one.exit_code for one in found if issubclass(one, errors.VerinoteError)}
    assert set(_rows("Exit codes")) == {str(code) for code in codes | {0, SOME_FAILED}}


def test_every_setting_is_in_the_table_with_its_default():
    told = {name: cells[0] for name, cells in _rows("Settings").items()}
    defaults = {
        str(field.validation_alias or f"VERINOTE_{name.upper()}"): str(field.default)
        for name, field in Settings.model_fields.items()
        if field.default not in (None, PydanticUndefined)
    }
    assert told == {**told, **defaults}
    assert len(told) == len(Settings.model_fields)


def test_every_link_leads_to_a_file():
    root = Path(__file__).parents[2]
    links = re.findall(r"\]\(((?!https?://)[^)#]+)", README)
    assert [link for link in links if not (root / link).exists()] == []
