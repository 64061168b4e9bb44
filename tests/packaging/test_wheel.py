"""The wheel, installed away from the checkout, does the whole job."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

STATEMENT = """---
issuer: Ministry of Transport
title: Road bridge over the Elver reopened
published: 2024-05-03
kind: original
---
The Ministry of Transport reopened the road bridge over the river Elver on 2 May 2024. The repair
of the bridge took seven months and cost EUR 12 million.
"""
ARTICLE = "The repair of the bridge over the river Elver cost EUR 12 million.\n"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with the environment's own uv and hatchling."""
    out = tmp_path_factory.mktemp("dist")
    _uv("build", "--wheel", "--no-build-isolation", "--out-dir", out, ROOT)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it; what the wheel needs is borrowed, not copied.

    A ``.pth`` file adds the running environment's packages to the path. ``.pth`` files in there
    are not read again, so the editable install, and with it the checkout, is out of reach.
    """
    environment = tmp_path_factory.mktemp("environment")
    _uv("venv", "--python", sys.executable, "--clear", environment)
    python = environment / "bin" / "python"
    _uv("pip", "install", "--no-deps", "--python", python, wheel)
    paths = {"base": str(environment), "platbase": str(environment)}
    site = Path(sysconfig.get_path("purelib", "venv", paths))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return environment


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Runs a program of the fresh environment in an empty folder, with nothing from outside."""

    def command(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [installed / "bin" / program, *arguments],
            cwd=tmp_path,
            env={"PATH": os.defpath, "HOME": str(tmp_path), "COLUMNS": "100"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return command


def _uv(*arguments: str | Path) -> None:
    program = Path(sys.executable).with_name("uv")
    subprocess.run([program, "--offline", "--quiet", *arguments], cwd=ROOT, check=True, timeout=120)


def test_the_code_that_runs_is_the_installed_one(run: Run, installed: Path):
    shown = run("python", "-c", "import service, eval; print(service.__file__, eval.__file__)")
    assert shown.returncode == 0, shown.stderr
    assert all(Path(file).is_relative_to(installed) for file in shown.stdout.split())


def test_the_wheel_holds_every_file_of_the_packages_the_prompts_and_the_seeds(wheel: Path):
    kept = {
        file.relative_to(ROOT).as_posix()
        for folder in ("service", "eval", "prompts", "seeds")
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and file.parent.name != "__pycache__"
    }
    expected = {
        f"service/{name}" if name.startswith(("prompts/", "seeds/")) else name for name in kept
    }
    with zipfile.ZipFile(wheel) as archive:
        assert expected - set(archive.namelist()) == set()


def test_the_wheel_holds_nothing_but_the_two_packages(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        folders = {name.partition("/")[0] for name in archive.namelist()}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {
        "service",
        "eval",
    }


def test_verify_checks_a_text_against_added_statements(run: Run, tmp_path: Path):
    (tmp_path / "bridge.md").write_text(STATEMENT, encoding="utf-8")
    (tmp_path / "article.txt").write_text(ARTICLE, encoding="utf-8")

    added = run("verinote", "corpus", "add", "bridge.md")
    assert added.returncode == 0, added.stderr

    verified = run("verinote", "verify", "article.txt", "--json", "--as-of", "2024-06-01")
    assert verified.returncode == 0, verified.stderr
    (note,) = [json.loads(line) for line in verified.stdout.splitlines()]
    assert note["verdict"] == "supported"
    (finding,) = note["note"]
    (citation,) = finding["citations"]
    shown = run("verinote", "corpus", "show", citation["statement_id"], "--text")
    assert shown.stdout[citation["start"] : citation["end"]] == citation["quote"]


def test_unusable_input_has_its_exit_code(run: Run):
    verified = run("verinote", "verify", "missing.txt")
    assert verified.returncode == 2
    assert "missing.txt" in verified.stderr


def test_evaluation_travels_with_its_claims(run: Run):
    shown = run("verinote", "eval", "--help")
    assert shown.returncode == 0, shown.stderr
    assert "report-quality" in shown.stdout
    counted = run(
        "python",
        "-c",
        "from eval.commands import HELD_OUT; print(len(HELD_OUT.read_text().splitlines()))",
    )
    assert int(counted.stdout) > 0, counted.stderr
