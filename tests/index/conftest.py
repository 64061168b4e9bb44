"""A corpus in which nothing is yet, an encoder that counts, and a factory for statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from service.kit.vectors import Encoder, Vectors
from service.models import Encoder as PackagedEncoder
from service.settings import Settings
from service.statements.corpus import Corpus


class CountingEncoder:
    """Embeds with another encoder, under any name, and remembers what it was asked to embed."""

    def __init__(self, encoder: Encoder, name: str = "test-model@1") -> None:
        self.name = name
        self.encoded: list[str] = []
        self._encoder = encoder

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded += texts
        vectors: Vectors = self._encoder.encode(texts)
        return vectors


@pytest.fixture(scope="session")
def packaged() -> Encoder:
    return PackagedEncoder(threads=1)


@pytest.fixture
def counting(packaged: Encoder) -> Callable[..., CountingEncoder]:
    def make(name: str = "test-model@1") -> CountingEncoder:
        return CountingEncoder(packaged, name)

    return make


@pytest.fixture
def encoder(counting: Callable[..., CountingEncoder]) -> CountingEncoder:
    return counting()


@pytest.fixture(params=["alone", "with servers"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """SQLite and embedded Chroma; then PostgreSQL and a Chroma server."""
    if request.param == "alone":
        return Settings(_env_file=None, data_dir=tmp_path / "data")
    return Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        database_url=request.getfixturevalue("postgresql_url"),
        chroma_url=request.getfixturevalue("chroma_url"),
    )


@pytest.fixture
def corpus(settings: Settings, encoder: CountingEncoder) -> Iterator[Corpus]:
    with Corpus.open(settings, encoder) as opened:
        yield opened


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., list[Path]]:
    def make(**texts: str) -> list[Path]:
        """Write a statement of one paragraph each, with the keyword as its id."""
        folder = tmp_path / "sources"
        folder.mkdir(exist_ok=True)
        paths = []
        for name, text in texts.items():
            path = folder / f"{name}.md"
            path.write_text(f"---\nid: {name}\nissuer: Joint Staff\nlanguage: en\n---\n{text}\n")
            paths.append(path)
        return paths

    return make
