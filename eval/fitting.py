"""Fits the weights that turn a reading into a stance (``service/engines/local/stance.py``).

The claims were written for this (``eval/claims/README.md``): five files about the statements of
``seeds/``, and ``pairs.jsonl``, claims with one passage each; and the pairs of ``eval/training``
that the stance model was not trained on. ``heldout.jsonl`` is never read here.

The stance model's own scores are worth less on other texts than the few claims above tell, so the
development halves of two openly licensed sets, Fool-Me-Twice (Apache-2.0) and WiCE (ODC-BY), are
fitted on as well, at a lower weight. Climate-FEVER, HealthVer and AVeriTeC never are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.preprocessing import StandardScaler

from eval.calibration import group_of, labelled
from eval.folds import FOLDS, fold_of
from eval.subject import claim_of, passages_of
from eval.training.pairs import read_pairs
from service.engines.local.assess import Reading, read
from service.engines.local.stance import BACKED, FEATURES, SIGNS, features
from service.models import Encoder, StanceModel
from service.models.stance import STANCES
from service.settings import Settings
from service.statements.corpus import Corpus
from service.types import Claim, Kind, Passage, Span, Stance, StatementRef, Verdict

CLAIMS = Path(__file__).parent / "claims"
TUNING = ("tuning.jsonl", "clauses.jsonl", "probes.jsonl", "reworded.jsonl", "opposites.jsonl")
PAIRS = "pairs.jsonl"
PASSAGES = 8
OTHER_WEIGHT = 0.5
"""What a statement counts that the claim is not about: there are several for every claim."""
DEVELOPMENT_WEIGHT = 0.1
"""What a pair counts that was written for the stance model and kept from its training; they are
many, and harder than what people submit."""
PUBLIC = ("fool-me-twice", "wice-claims")
PUBLIC_WEIGHT = 0.5
RIDGE = 3.0
_BOUNDS = {1: (0.0, None), -1: (None, 0.0), 0: (0.0, 0.0)}

Array = npt.NDArray[np.float64]

_OF_VERDICT = {
    Verdict.SUPPORTED: Stance.SUPPORTS,
    Verdict.REFUTED: Stance.REFUTES,
    Verdict.NOT_ENOUGH_EVIDENCE: Stance.NEUTRAL,
}


@dataclass(frozen=True, slots=True)
class Row:
    """The features of one statement read for one claim, what people say of it, and its weight.

    Attributes:
        group: what must not be split between folds; empty for rows that no figure is reported on.
    """

    values: list[float]
    stance: Stance
    weight: float
    group: str = ""


def rows(statements: Path) -> Iterator[Row]:
    """Read every tuning claim against what the search finds in ``statements``, and every pair."""
    encoder, scorer = Encoder(), StanceModel()
    with TemporaryDirectory() as folder:
        corpus = Corpus.open(Settings(data_dir=Path(folder)), encoder)
        corpus.add([statements])
        for name in TUNING:
            for row in _lines(CLAIMS / name):
                claim = _claim(row["claim"], date.fromisoformat(row["as_of"]))
                passages = [hit.passage for hit in corpus.search(claim.text, PASSAGES)]
                readings = read(claim, passages, scorer, encoder)
                for reading, values in zip(readings, features(readings), strict=True):
                    gold = reading.statement_id == row["statement"]
                    stance = _OF_VERDICT[Verdict(row["verdict"])] if gold else Stance.NEUTRAL
                    yield Row(values, stance, 1.0 if gold else OTHER_WEIGHT)
        corpus.close()
    for row in _lines(CLAIMS / PAIRS):
        for values in features(_read_pair(row["passage"], row["claim"], scorer, encoder)):
            yield Row(values, Stance(row["stance"]), 1.0)
    _, development = read_pairs()
    for pair in development:
        for values in features(_read_pair(pair.passage, pair.claim, scorer, encoder)):
            yield Row(values, pair.stance, DEVELOPMENT_WEIGHT)


def public_rows(data: Path) -> Iterator[Row]:
    """Read the labelled passages of the public sets that may be fitted on.

    Raises:
        InputError: a set's file is missing.
    """
    encoder, scorer = Encoder(), StanceModel()
    for name, example in labelled(data, [], PUBLIC):
        passages = passages_of(example)
        readings = read(claim_of(example.claim), passages, scorer, encoder)
        values = dict(
            zip((reading.statement_id for reading in readings), features(readings), strict=True)
        )
        for passage, stance in zip(passages, example.stances, strict=True):
            if passage.statement.statement_id in values:
                yield Row(
                    values[passage.statement.statement_id],
                    stance,
                    PUBLIC_WEIGHT,
                    group_of(name, example),
                )


def fit(found: list[Row]) -> dict[str, object]:
    """Fit the weights; the result is what ``stance_weights.json`` holds.

    A multinomial logistic regression with neutral as the reference, ridge penalty, and every
    coefficient kept to its sign in ``SIGNS`` (L-BFGS-B).
    """
    scaler = StandardScaler().fit(np.array([row.values for row in found]))
    values = scaler.transform(np.array([row.values for row in found]))
    truth = np.array([STANCES.index(row.stance) for row in found])
    weights = np.array([row.weight for row in found])
    width = len(FEATURES)

    def proposed(speaking: Array) -> Array:
        logits = np.hstack([values @ speaking[:, :width].T + speaking[:, width], _zeros(truth)])
        logits -= logits.max(axis=1, keepdims=True)
        shares: Array = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return shares

    def loss(flat: Array) -> tuple[float, Array]:
        speaking = flat.reshape(2, width + 1)
        shares = proposed(speaking)
        lost = -(weights * np.log(shares[np.arange(len(truth)), truth])).sum()
        error = shares[:, :2] - (truth[:, None] == np.arange(2))
        slopes = (weights[:, None] * error).T @ np.hstack([values, _zeros(truth) + 1])
        slopes[:, :width] += RIDGE * speaking[:, :width]
        return lost + RIDGE / 2 * (speaking[:, :width] ** 2).sum(), slopes.ravel()

    bounds = [
        bound
        for side in range(2)
        for bound in [*(_BOUNDS[SIGNS[name][side]] for name in FEATURES), (None, None)]
    ]
    best = minimize(loss, np.zeros(2 * (width + 1)), jac=True, bounds=bounds, method="L-BFGS-B")
    speaking = best.x.reshape(2, width + 1)
    return {
        "features": list(FEATURES),
        "rows": len(found),
        "mean": _rounded(scaler.mean_),
        "scale": _rounded(scaler.scale_),
        "coefficients": [*(_rounded(row) for row in speaking[:, :width]), [0.0] * width],
        "intercepts": [*_rounded(speaking[:, width]), 0.0],
        "differs": _share_refuting(found, proposed(speaking)),
    }


def fold_fits(found: list[Row]) -> list[dict[str, object]]:
    """Fit again for every fold, without its rows: what ``fold_parameters.json`` holds."""
    return [
        fit([row for row in found if not row.group or fold_of(row.group) != fold])
        for fold in range(FOLDS)
    ]


def _share_refuting(found: list[Row], proposed: Array) -> float:
    """Of the rows where something else stands in the place of the claim's facts, on its matter."""
    column = FEATURES.index("differs")
    differing = [
        row.stance is Stance.REFUTES
        for row, shares in zip(found, proposed, strict=True)
        if row.values[column] and shares[1] >= BACKED
    ]
    return round(sum(differing) / len(differing), 4) if differing else 0.0


def _zeros(truth: npt.NDArray[np.int64]) -> Array:
    return np.zeros((len(truth), 1))


def _read_pair(text: str, claim: str, scorer: StanceModel, encoder: Encoder) -> list[Reading]:
    statement = StatementRef("pair", 1, "", Kind.ORIGINAL, None, None, None, None)
    passage = Passage("pair", statement, 0, len(text), text)
    return read(_claim(claim, None), [passage], scorer, encoder)


def _claim(text: str, as_of: date | None) -> Claim:
    return Claim(id=text, text=text, source=Span(0, len(text), text), claim_date=as_of)


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _rounded(values: npt.NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) for value in values]
