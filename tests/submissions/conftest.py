"""Factories for submissions."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from service.kit.text import normalise, sha256_hex
from service.settings import Settings
from service.types import Submission

Give = Callable[[bytes], None]


@pytest.fixture
def limits(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path, max_submission_bytes=5000)


@pytest.fixture
def on_standard_input(monkeypatch: pytest.MonkeyPatch) -> Give:
    def give(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


@pytest.fixture
def submitted() -> Callable[[str], Submission]:
    def make(text: str) -> Submission:
        text = normalise(text)
        return Submission(
            text=text, sha256=sha256_hex(text), published=date(2024, 5, 1), source="claims.txt"
        )

    return make
