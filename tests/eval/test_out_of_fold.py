"""Rows that the engine was fitted on are read with parameters that never saw them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval import fold_parameters
from eval.datasets.examples import Example
from eval.folds import FOLDS, fold_of
from eval.subject import Subject
from service.engines.local.stance import FEATURES
from service.settings import Settings
from service.types import Curve

CLAIM = "Four bridges were opened in Northport in 2023."
PASSAGE = "The Ministry of Works opened four bridges in Northport in 2023, it said on 3 March 2024."


def example(group: str) -> Example:
    return Example(id=group, group=group, claim=CLAIM, passages=(PASSAGE,))


def test_there_are_parameters_for_every_fold() -> None:
    folds = fold_parameters.read()
    assert len(folds) == FOLDS
    assert all(len(fold.weights.mean) == len(FEATURES) for fold in folds)


def test_the_folds_weights_are_not_the_same() -> None:
    first, second, *_ = fold_parameters.read()
    assert not (first.weights.coefficients == second.weights.coefficients).all()


def test_new_weights_start_without_curves_and_new_curves_keep_them(tmp_path: Path) -> None:
    path = tmp_path / "folds.json"
    stored = json.loads(fold_parameters.FILE.read_text())["folds"]
    fold_parameters.write_weights([fold["weights"] for fold in stored], path)
    assert {fold.curves for fold in fold_parameters.read(path)} == {(Curve(1.0, 0.0),) * 3}
    kept = ("curves", "verdicts")
    fold_parameters.write_calibration([{key: fold[key] for key in kept} for fold in stored], path)
    assert json.loads(path.read_text())["folds"] == stored


async def test_a_row_is_read_with_its_own_folds_parameters(tmp_path: Path) -> None:
    names = {fold_of(f"fool-me-twice/{number}"): str(number) for number in range(50)}
    settings = Settings(_env_file=None, data_dir=tmp_path)
    async with Subject.open(settings, "fool-me-twice") as subject:
        assert subject.out_of_fold
        scores = {
            (await subject.judge(example(names[fold]))).evidence[0].scores for fold in range(FOLDS)
        }
    assert len(scores) == FOLDS


@pytest.mark.parametrize("dataset", ["averitec", "probes", "seeds"])
async def test_a_set_that_nothing_was_fitted_on_is_read_as_shipped(
    tmp_path: Path, dataset: str
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path)
    async with Subject.open(settings, dataset) as subject:
        assert not subject.out_of_fold
