"""The installation secret is made once, kept to its owner, and the same for everybody after."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.kit.errors import ConfigurationError
from service.kit.secret import FILE, installation_secret


def test_it_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    made = installation_secret(None, tmp_path / "data")
    assert len(made) == 64
    assert installation_secret(None, tmp_path / "data") == made
    assert stat.S_IMODE((tmp_path / "data" / FILE).stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == [FILE]


def test_two_installations_have_different_ones(tmp_path: Path) -> None:
    assert installation_secret(None, tmp_path / "a") != installation_secret(None, tmp_path / "b")


def test_those_who_start_together_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: installation_secret(None, tmp_path), range(32)))
    assert len(set(made)) == 1


def test_a_configured_one_goes_first_and_makes_no_file(tmp_path: Path) -> None:
    assert installation_secret("chosen", tmp_path) == b"chosen"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "\n", "é"])
def test_a_file_without_a_secret_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content, encoding="latin-1")
    with pytest.raises(ConfigurationError, match="VERINOTE_SECRET"):
        installation_secret(None, tmp_path)
