from __future__ import annotations

import pytest
from desk import SEEDS

from service.settings import Settings
from service.statements.corpus import Corpus


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data folder with the seed statements. Only for tests that change nothing in it."""
    settings = Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("seeded") / "data")
    with Corpus.open(settings) as corpus:
        corpus.add([SEEDS / "statements"])
    return settings
