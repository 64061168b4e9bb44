"""Confidence that means what it says: fitted by cross-fitting, on people's labels.

First the stance of a passage, then the verdict on a claim. Each stance's raw score is mapped by a
logistic curve of its log-odds (Platt 1999; supports and refutes share one), and the three are
scaled to add up to 1: smooth, so that no two scores become equal. Sets count alike, however many
rows they have. What is reported comes from folds that the curve was not fitted on; what is shipped
is fitted on all rows. How sure the evidence makes a verdict is mapped likewise, by one curve for
what evidence decides and one for what nothing decides.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from eval.catalogue import DATASETS
from eval.datasets.examples import Example
from eval.datasets.reading import BadRow
from eval.fold_parameters import SETS
from eval.folds import FOLDS, fold_of
from eval.measures import Measure, Row, calibration
from eval.subject import claim_of, passages_of
from service.claims.evidence import gather
from service.claims.verdict import decide
from service.engines.local.assess import Embedder, Reading, read
from service.engines.local.engine import opinions_of
from service.engines.local.stance import Fitted, Weights, features
from service.models.stance import Scorer
from service.types import Assessment, Curve, Stance, Verdict

Array = npt.NDArray[np.float64]

STANCES = tuple(stance.value for stance in Stance)
_LEAST = 1e-4
_JOINED = 5
_OPENING = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A passage that people labelled for a claim."""

    dataset: str
    group: str
    stance: str


@dataclass(frozen=True, slots=True)
class Decided:
    """A verdict that the rules gave on an example's own passages.

    Attributes:
        decided: evidence decides it; else it is not_enough_evidence.
        confidence: how sure the evidence makes it, uncalibrated.
        right: people say the same.
    """

    dataset: str
    group: str
    decided: bool
    confidence: float
    right: bool


def labelled(
    data: Path, bad: list[BadRow], sets: Sequence[str] = SETS
) -> Iterator[tuple[str, Example]]:
    """Stream the examples with a stance for each passage, and the set that each is from.

    From WiCE, a supported claim with its sentences supports, and a claim that nothing in its
    article supports is neutral with the article's opening.

    Raises:
        InputError: a set's file is missing.
    """
    for name in sets:
        for example in DATASETS[name].examples(data, bad):
            if name != "wice-claims":
                yield name, example
            elif example.kind == "supported" and example.gold:
                sentences = [example.passages[place] for place in sorted(example.gold)[:_JOINED]]
                yield name, _with_one(example, " ".join(sentences), Stance.SUPPORTS)
            elif example.kind == "not_supported":
                opening = " ".join(example.passages[1 : 1 + _OPENING])
                yield name, _with_one(example, opening, Stance.NEUTRAL)


def _with_one(example: Example, passage: str, stance: Stance) -> Example:
    return replace(example, passages=(passage,), stances=(stance,))


def group_of(name: str, example: Example) -> str:
    """What the rows of one claim share, in every set; decides their fold."""
    return f"{name}/{example.group}"


def pairs_of(name: str, example: Example) -> list[Pair]:
    """The example's labelled pairs, in the order of its passages."""
    return [Pair(name, group_of(name, example), stance.value) for stance in example.stances]


def read_example(example: Example, scorer: Scorer, embedder: Embedder) -> list[Reading]:
    """What the embedded engine reads in an example's passages. Blocking: 50 ms a passage."""
    return read(claim_of(example.claim), passages_of(example), scorer, embedder)


def proposals(example: Example, readings: Sequence[Reading], weights: Weights) -> Array:
    """What the weights say of each passage before calibration: ``(n, 3)``.

    A passage without a sentence is surely neutral.
    """
    proposed = {
        reading.statement_id: weights.probabilities(values)
        for reading, values in zip(readings, features(readings), strict=True)
    }
    neutral = np.array([0.0, 0.0, 1.0])
    return np.stack(
        [proposed.get(passage.statement.statement_id, neutral) for passage in passages_of(example)]
    )


_OF_STANCE = {
    Stance.SUPPORTS: Verdict.SUPPORTED,
    Stance.REFUTES: Verdict.REFUTED,
    Stance.NEUTRAL: Verdict.NOT_ENOUGH_EVIDENCE,
}
ALWAYS_DECIDED = "fool-me-twice"
"""Each of its claims comes with what decides it, so that its undecided ones say nothing of how
often "not enough evidence" is right."""


def decided(
    name: str, example: Example, readings: Sequence[Reading], fitted: Fitted
) -> Decided | None:
    """The rules' verdict on an example; None where it says nothing of how often they are right."""
    passages = passages_of(example)
    opinions = opinions_of(readings, passages, fitted)
    ruling = decide(gather(passages, Assessment(opinions)), example.as_of)
    truth = example.verdict or _OF_STANCE[example.stances[0]]
    speaks = ruling.verdict is not Verdict.NOT_ENOUGH_EVIDENCE
    if name == ALWAYS_DECIDED and not speaks:
        return None
    if ruling.confidence is None:
        raise ValueError(f"{name}: this engine gives no probabilities to calibrate")
    right = ruling.verdict is truth
    return Decided(name, group_of(name, example), speaks, ruling.confidence, right)


SAME = {"decided": Curve(1.0, 0.0), "undecided": Curve(1.0, 0.0)}
"""Curves that change nothing."""


def fit_verdicts(found: Sequence[Decided]) -> dict[str, Curve]:
    """Fit the two curves of a ``Reliability``; every set has the same weight in each."""
    return {
        "decided": _curve_of([one for one in found if one.decided]),
        "undecided": _curve_of([one for one in found if not one.decided]),
    }


def _curve_of(found: Sequence[Decided]) -> Curve:
    right = [one.right for one in found]
    if len(set(right)) < 2:
        return Curve(1.0, 0.0)
    sizes = Counter(one.dataset for one in found)
    model = LogisticRegression(C=1e3)
    model.fit(
        log_odds(np.array([[one.confidence] for one in found])),
        right,
        sample_weight=[len(found) / (len(sizes) * sizes[one.dataset]) for one in found],
    )
    return Curve(float(model.coef_[0, 0]), float(model.intercept_[0]))


def cross_fitted_verdicts(
    found: Sequence[Decided],
) -> tuple[list[dict[str, Curve]], list[Decided]]:
    """Curves for every fold without its rows, and the rows with the confidence they give."""
    of_folds = [
        fit_verdicts([one for one in found if fold_of(one.group) != fold]) for fold in range(FOLDS)
    ]
    after = []
    for one in found:
        curves = of_folds[fold_of(one.group)]
        curve = curves["decided" if one.decided else "undecided"]
        after.append(replace(one, confidence=curve.of(one.confidence)))
    return of_folds, after


def verdict_errors(found: Sequence[Decided]) -> dict[str, Measure]:
    """Expected calibration error of the verdicts, by set."""
    return {
        name: calibration(
            [one.confidence for one in found if one.dataset == name],
            [one.right for one in found if one.dataset == name],
            [one.group for one in found if one.dataset == name],
        )
        for name in dict.fromkeys(one.dataset for one in found)
    }


def fit(scores: Array, stances: Sequence[str], sets: Sequence[str]) -> dict[str, Curve]:
    """Fit a curve for supports and refutes together, and one for neutral.

    One curve for both sides, so that calibration never turns one into the other: which of them is
    commoner differs from set to set, and is nothing that a claim can be held to.

    Args:
        scores: ``(n, 3)`` raw scores in the order of ``STANCES``, 0 to 1.
        stances: ``(n,)`` people's labels.
        sets: ``(n,)``: the set of each row; every set has the same weight in all.
    """
    odds = log_odds(scores)
    truth, names = np.array(stances), np.array(sets)
    weights = np.zeros(len(names))
    for name in set(sets):
        weights[names == name] = len(names) / (names == name).sum()
    curves: dict[str, Curve] = {}
    for columns in ([0, 1], [2]):
        model = LogisticRegression(C=1e3)
        model.fit(
            np.concatenate([odds[:, [column]] for column in columns]),
            np.concatenate([truth == STANCES[column] for column in columns]),
            sample_weight=np.tile(weights, len(columns)),
        )
        curve = Curve(float(model.coef_[0, 0]), float(model.intercept_[0]))
        curves |= {STANCES[column]: curve for column in columns}
    return curves


def apply(curves: Mapping[str, Curve], scores: Array) -> Array:
    """Map raw scores ``(n, 3)`` to probabilities ``(n, 3)`` that add up to 1."""
    odds = log_odds(scores)
    raised = np.stack(
        [
            1 / (1 + np.exp(-(curves[stance].slope * odds[:, column] + curves[stance].shift)))
            for column, stance in enumerate(STANCES)
        ],
        axis=1,
    )
    probabilities: Array = raised / raised.sum(axis=1, keepdims=True)
    return probabilities


def log_odds(scores: Array) -> Array:
    """``log(p / (1 - p))``, with p kept 0.0001 from 0 and 1."""
    kept = np.clip(scores, _LEAST, 1 - _LEAST)
    odds: Array = np.log(kept / (1 - kept))
    return odds


def fold_curves(
    scores: Array, stances: Sequence[str], sets: Sequence[str], groups: Sequence[str]
) -> list[dict[str, Curve]]:
    """Fit curves for every fold, without its rows."""
    fold = np.array([fold_of(group) for group in groups])
    return [
        fit(scores[rows], [stances[int(row)] for row in rows], [sets[int(row)] for row in rows])
        for rows in (np.flatnonzero(fold != number) for number in range(FOLDS))
    ]


def cross_fitted(
    scores: Array, groups: Sequence[str], curves: Sequence[Mapping[str, Curve]]
) -> Array:
    """Calibrated probabilities ``(n, 3)``, each by the curves of its own fold."""
    fold = np.array([fold_of(group) for group in groups])
    result = np.zeros_like(scores)
    for number, fitted in enumerate(curves):
        result[fold == number] = apply(fitted, scores[fold == number])
    return result


def errors(
    scores: Array, stances: Sequence[str], sets: Sequence[str], groups: Sequence[str]
) -> dict[str, Measure]:
    """Expected calibration error of the likeliest stance, by set."""
    likeliest = scores.argmax(axis=1)
    found = {}
    for name in dict.fromkeys(sets):
        rows = [row for row, owner in enumerate(sets) if owner == name]
        found[name] = calibration(
            [float(scores[row, likeliest[row]]) for row in rows],
            [STANCES[likeliest[row]] == stances[row] for row in rows],
            [groups[row] for row in rows],
        )
    return found


@dataclass(frozen=True, slots=True)
class Calibration:
    """Curves fitted on all rows, and what cross-fitting says they are worth.

    Attributes:
        curves: by stance or kind of verdict, fitted on all rows: what is shipped.
        of_folds: the same for every fold, without its rows.
        rows: how many rows of each set they were fitted on.
        before: expected calibration error by set, uncalibrated.
        after: the same out of fold.
    """

    curves: dict[str, Curve]
    of_folds: list[dict[str, Curve]]
    rows: dict[str, int]
    before: dict[str, Measure]
    after: dict[str, Measure]

    def errors_as_json(self) -> Row:
        """Rows and errors by set."""
        return {
            name: {
                "rows": self.rows[name],
                "before": self.before[name].as_json(),
                "after": self.after[name].as_json(),
            }
            for name in self.rows
        }


def write(stances: Calibration, verdicts: Calibration, path: Path) -> None:
    """Write what the engine reads its curves from, with what they are worth."""
    told_ = {
        "made_by": "verinote eval calibrate",
        "curves": told(stances.curves),
        "verdicts": told(verdicts.curves),
        "expected_calibration_error": {
            "stance": stances.errors_as_json(),
            "verdict": verdicts.errors_as_json(),
        },
    }
    path.write_text(json.dumps(told_, indent=1) + "\n", encoding="utf-8")


def told(curves: Mapping[str, Curve]) -> Row:
    """Curves as JSON values."""
    return {name: asdict(curve) for name, curve in curves.items()}


def calibrated(pairs: Sequence[Pair], scores: Array) -> Calibration:
    """Fit and cross-fit the stances' curves for the scores ``(n, 3)`` of the pairs."""
    stances = [pair.stance for pair in pairs]
    sets = [pair.dataset for pair in pairs]
    groups = [pair.group for pair in pairs]
    of_folds = fold_curves(scores, stances, sets, groups)
    after = cross_fitted(scores, groups, of_folds)
    return Calibration(
        curves=fit(scores, stances, sets),
        of_folds=of_folds,
        rows={name: sets.count(name) for name in dict.fromkeys(sets)},
        before=errors(scores, stances, sets, groups),
        after=errors(after, stances, sets, groups),
    )


def calibrated_verdicts(found: Sequence[Decided]) -> Calibration:
    """Fit and cross-fit the verdicts' curves."""
    of_folds, after = cross_fitted_verdicts(found)
    return Calibration(
        curves=fit_verdicts(found),
        of_folds=of_folds,
        rows=dict(Counter(one.dataset for one in found)),
        before=verdict_errors(found),
        after=verdict_errors(after),
    )
