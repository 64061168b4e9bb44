"""Parameters of the embedded engine that never saw the row they are used on.

The shipped weights and calibration are fitted on public sets that the page of figures reports, too.
So every fold of their rows (``eval.folds``) has parameters fitted without it, and a run over one
of these sets reads each row with its own fold's: what is reported is out of fold, gates, verdicts
and all. ``verinote eval fit`` writes their weights, ``verinote eval calibrate`` the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from service.engines.local.stance import Fitted
from service.models.stance import STANCES

SETS = ("climate-fever", "healthver", "fool-me-twice", "wice-claims")
"""The sets that something is fitted on. AVeriTeC never is: its licence allows evaluation only."""
FILE = Path(__file__).with_name("fold_parameters.json")
_SAME = {"slope": 1.0, "shift": 0.0}
_UNCALIBRATED = {
    "curves": {stance.value: _SAME for stance in STANCES},
    "verdicts": {"decided": _SAME, "undecided": _SAME},
}


def read(path: Path = FILE) -> tuple[Fitted, ...]:
    """The parameters of every fold, by its number.

    Raises:
        ValueError: the weights were fitted on other features than the engine's.
    """
    stored = json.loads(path.read_text(encoding="utf-8"))
    return tuple(Fitted.of(fold["weights"], fold) for fold in stored["folds"])


def write_weights(weights: Sequence[Mapping[str, Any]], path: Path = FILE) -> None:
    """Write new weights a fold; the curves start again from none."""
    _write([{"weights": dict(fold)} | _UNCALIBRATED for fold in weights], path)


def write_calibration(calibrations: Sequence[Mapping[str, Any]], path: Path = FILE) -> None:
    """Write new ``curves`` and ``verdicts`` a fold; the weights stay."""
    stored = json.loads(path.read_text(encoding="utf-8"))["folds"]
    _write([fold | dict(new) for fold, new in zip(stored, calibrations, strict=True)], path)


def _write(folds: Sequence[Mapping[str, Any]], path: Path) -> None:
    # A line a fold: nobody reads these numbers, and a change of them is one line each.
    lines = ",\n".join(json.dumps(fold) for fold in folds)
    path.write_text(f'{{"folds": [\n{lines}\n]}}\n', encoding="utf-8")
