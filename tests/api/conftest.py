"""One desk for all tests of a module: each brings texts of its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from desks import Served, served, settings_for


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("desk")
    with served(settings_for(folder, requests_per_minute=0)) as opened:
        yield opened


@pytest.fixture
def admin(desk: Served) -> Iterator[httpx.Client]:
    with desk.client() as client:
        yield client


@pytest.fixture
def reviewer(desk: Served) -> Iterator[httpx.Client]:
    with desk.client("reviewer") as client:
        yield client


@pytest.fixture
def submitter(desk: Served) -> Iterator[httpx.Client]:
    with desk.client("submitter") as client:
        yield client
