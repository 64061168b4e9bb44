"""Factories for statements, citations and findings, and the seed statements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import frontmatter
import pytest
from exercise import EXERCISE, Stored

from service.kit.text import normalise, sha256_hex
from service.types import Finding, Kind, StatementRef

SEEDS = Path(__file__).parents[2] / "seeds" / "statements"


@pytest.fixture
def stored() -> Stored:
    return Stored()


@pytest.fixture
def quoting(stored: Stored) -> Callable[..., Finding]:
    """Makes a finding that says something and cites words of a statement."""

    def make(text: str, *quotes: str, stored_text: str = EXERCISE, **about) -> Finding:
        statement = stored.put(stored_text, **about)
        return Finding(text, tuple(stored.cite(statement, quote) for quote in quotes))

    return make


@pytest.fixture(scope="session")
def seeds() -> list[tuple[StatementRef, str]]:
    """Every seed statement with its text."""
    found = []
    for path in sorted(SEEDS.glob("*.md")):
        post = frontmatter.load(str(path))
        text = normalise(post.content)
        ref = StatementRef(
            post["id"], 1, sha256_hex(text), Kind(post["kind"]), post["issuer"], post["title"],
            post["published"], post["url"],
        )  # fmt: skip
        found.append((ref, text))
    return found
