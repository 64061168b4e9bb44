"""Folders that stand beside the packages in a checkout, and inside one in an installed copy."""

from __future__ import annotations

from pathlib import Path

_SERVICE = Path(__file__).parents[1]


def places(name: str) -> tuple[Path, Path]:
    """Where a folder may be: in an installed copy, and in a checkout."""
    return _SERVICE / name, _SERVICE.parent / name


def seeds() -> Path | None:
    """The folder of the seeds; None where it is not installed."""
    return next((place for place in places("seeds") if place.is_dir()), None)
