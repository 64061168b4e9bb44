"""The servers that Verinote can run on, started once for each worker that needs one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from chroma_server import chroma_server, emptied
from postgres import Cluster, cluster_folder, started
from processes import free_port


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    with cluster_folder() as folder, started(folder):
        yield Cluster(folder)


@pytest.fixture
def postgresql_url(postgres: Cluster) -> Iterator[str]:
    """The address of a migrated PostgreSQL database of the test's own."""
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of either kind; the test runs on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'verinote.db'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of either kind in which nothing is yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    with request.getfixturevalue("postgres").database("template0") as url:
        yield url


@pytest.fixture(scope="session")
def _chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_server(tmp_path_factory.mktemp("chroma") / "data", free_port()) as url:
        yield url


@pytest.fixture
def chroma_url(_chroma: str) -> str:
    """The address of a Chroma server that holds nothing."""
    return emptied(_chroma)
