"""Fits the weights that turn a reading into a stance (``service/engines/local/stance.py``).

The claims were written for this: ``eval/claims/tuning.jsonl`` and ``probes.jsonl`` about the
statements of ``seeds/``, and ``pairs.jsonl``, claims with one passage each. ``heldout.jsonl`` is
never read here.
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
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from service.engines.local.assess import Reading, read
from service.engines.local.stance import FEATURES, STANCES, features
from service.models import Encoder, StanceModel
from service.settings import Settings
from service.statements.corpus import Corpus
from service.types import Claim, Kind, Passage, Span, Stance, StatementRef, Verdict

CLAIMS = Path(__file__).parent / "claims"
TUNING = ("tuning.jsonl", "probes.jsonl")
PAIRS = "pairs.jsonl"
PASSAGES = 8
OTHER_WEIGHT = 0.5
"""What a statement counts that the claim is not about: there are several for every claim."""
REGULARISATION = 0.3

_OF_VERDICT = {
    Verdict.SUPPORTED: Stance.SUPPORTS,
    Verdict.REFUTED: Stance.REFUTES,
    Verdict.NOT_ENOUGH_EVIDENCE: Stance.NEUTRAL,
}


@dataclass(frozen=True, slots=True)
class Row:
    """The features of one statement read for one claim, what people say of it, and its weight."""

    values: list[float]
    stance: Stance
    weight: float


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
        for values in features(_read_pair(row, scorer, encoder)):
            yield Row(values, Stance(row["stance"]), 1.0)


def fit(found: list[Row]) -> dict[str, object]:
    """Fit the weights; the result is what ``stance_weights.json`` holds."""
    values = np.array([row.values for row in found])
    scaler = StandardScaler().fit(values)
    model = LogisticRegression(C=REGULARISATION, max_iter=5000)
    model.fit(
        scaler.transform(values),
        [STANCES.index(row.stance) for row in found],
        sample_weight=[row.weight for row in found],
    )
    return {
        "features": list(FEATURES),
        "rows": len(found),
        "mean": _rounded(scaler.mean_),
        "scale": _rounded(scaler.scale_),
        "coefficients": [_rounded(row) for row in model.coef_],
        "intercepts": _rounded(model.intercept_),
    }


def _read_pair(row: dict[str, str], scorer: StanceModel, encoder: Encoder) -> list[Reading]:
    text = row["passage"]
    statement = StatementRef(row["id"], 1, "", Kind.ORIGINAL, None, None, None, None)
    passage = Passage(row["id"], statement, 0, len(text), text)
    return read(_claim(row["claim"], None), [passage], scorer, encoder)


def _claim(text: str, as_of: date | None) -> Claim:
    return Claim(id=text, text=text, source=Span(0, len(text), text), claim_date=as_of)


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _rounded(values: npt.NDArray[np.float64]) -> list[float]:
    return [round(float(value), 6) for value in values]
