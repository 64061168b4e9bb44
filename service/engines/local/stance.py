"""From a reading to a stance: learned weights propose, explicit comparison disposes.

A multinomial logistic regression over a few features of the reading gives probabilities. Gates
that follow from what the verdicts mean then overrule it:

- A statement supports only when it states every number, date and model of the claim, nothing else
  stands in the place of one of its names, no denial or opposite turns it, and it does not say only
  that what the claim tells may be.
- It refutes where something else stands in the place of a fact and repair or the weights agree,
  unless by the weights it is about another matter; on a denial or an opposite; or where the weights
  are sure.
- It says nothing of a claim of which it has too little, unless the stance model is very sure.
- Everything else is neutral.

The weights and the claims they were fitted on: ``stance_weights.json`` beside this file, made by
``verinote eval fit``; its calibration, ``calibration.json``, by ``verinote eval calibrate``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from service.engines.local.assess import ANCHORS, MATTER, OUTRIGHT, Reading, Repair, Turned
from service.facts.compare import Comparison, Item
from service.facts.lexicon import CAPITAL, POLITY
from service.models.stance import STANCES
from service.types import Curve, Mismatch, MismatchKind, Reliability, Stance

SIGNS: dict[str, tuple[int, int]] = {
    # the stance model's scores over the windows, as they are and as log-odds
    "support": (1, -1), "support_focus": (1, -1), "refute": (-1, 1), "refute_focus": (-1, 1),
    "support_odds": (1, -1), "refute_odds": (-1, 1), "support_focus_odds": (1, -1),
    "refute_focus_odds": (-1, 1), "support_nearest_odds": (1, -1), "refute_nearest_odds": (-1, 1),
    "support_mean": (1, 0), "refute_mean": (0, 1), "neutral_least": (-1, -1), "lean": (1, -1),
    # how much of the claim the statement holds
    "similarity": (1, 1), "coverage": (1, 1), "word_coverage": (1, 1), "complete": (1, -1),
    "missing": (-1, -1), "predicate_stated": (1, 1), "very_similar": (1, 1),
    # words of opposite meaning, and denials on the matter
    "opposed": (-1, 1), "predicate_opposed": (-1, 1), "denies": (-1, 1),
    # the claim's facts: stated, unstated, with or without a rival in their place
    "stated": (1, 1), "unstated": (-1, 1), "unstated_numbers": (-1, 1), "unstated_dates": (-1, 1),
    "unstated_names": (-1, 1), "unstated_models": (-1, 1), "unrivalled": (-1, -1),
    "aligned": (-1, 1), "similarity_times_aligned": (-1, 1),
    # what repair and turned denials show
    "repaired": (-1, 1), "repaired_odds": (-1, 1), "repair_gain": (-1, 1), "opposite": (-1, 1),
    "denied": (-1, 1), "unsaid": (-1, 1), "negated": (-1, 1), "denied_support": (-1, 1),
    "unsaid_support": (-1, 1), "unsaid_refute": (1, -1), "support_if_stated": (1, -1),
    "refute_times_coverage": (-1, 1), "differs": (-1, 1),
    # against the claim's other statements
    "similarity_behind": (1, 1), "coverage_behind": (1, 1), "found_first": (1, 1),
}  # fmt: skip
"""The features, and which way each may push support and refutation (0: not at all).

The fit keeps to these signs, so that a feature cannot stand in for how the tuning claims happen to
be written: a claim with more words missing is never more supported for it.
"""
FEATURES = tuple(SIGNS)

_COMPLETE = 0.95
_RIVAL = 0.35
_ALIGNED = 0.5
_ALIGNED_NAME = 0.6
_REPAIRED = 0.6
BACKED = 0.05
"""What the weights must give refutation for a difference to count: with less, the statement is
about another matter, whose facts differ because it is another ("Balikatan" for "RIMPAC")."""
_EXPLICIT = 0.9
_EXPLICIT_COVERAGE = 0.75
_LIKELY = 0.5
_TURNED = 0.2
_LIKELY_TURNED = 0.4
_SURE = 0.55
_SURE_SCORE = 0.5
_READ = 0.6
_STATED = 0.5
_SAID_SCORE = 0.5
_VERY_SIMILAR = 0.75
_LEAST = 1e-3

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """A fitted multinomial logistic regression over standardised features.

    Attributes:
        mean: ``(n_features,)``.
        scale: ``(n_features,)``.
        coefficients: ``(3, n_features)``, rows in the order of ``STANCES``; neutral's are 0.
        intercepts: ``(3,)``.
        differs: share of the tuning claims' statements that refute among those where something
            else stands in the place of the claim's facts (the feature ``differs``) and the weights
            give refutation ``BACKED``.
    """

    mean: Probabilities
    scale: Probabilities
    coefficients: Probabilities
    intercepts: Probabilities
    differs: float

    def probabilities(self, features: Sequence[float]) -> Probabilities:
        """Return ``(3,)`` probabilities in the order of ``STANCES``."""
        standardised = (np.array(features) - self.mean) / self.scale
        logits = self.coefficients @ standardised + self.intercepts
        exponents = np.exp(logits - logits.max())
        result: Probabilities = exponents / exponents.sum()
        return result

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Weights:
        """The weights that a file holds.

        Raises:
            ValueError: they were fitted on other features.
        """
        if tuple(stored["features"]) != FEATURES:
            raise ValueError("the weights were fitted on other features: verinote eval fit")
        return cls(
            np.array(stored["mean"]),
            np.array(stored["scale"]),
            np.array(stored["coefficients"]),
            np.array(stored["intercepts"]),
            float(stored["differs"]),
        )


@dataclass(frozen=True, slots=True)
class Fitted:
    """What the engine's stance was fitted to.

    Attributes:
        curves: a curve for each stance, in the order of ``STANCES``.
        reliability: how often its verdicts are right.
    """

    weights: Weights
    curves: tuple[Curve, ...]
    reliability: Reliability

    @classmethod
    def of(cls, weights: Mapping[str, Any], calibration: Mapping[str, Any]) -> Fitted:
        """The parameters that ``stance_weights.json`` and ``calibration.json`` hold."""
        return cls(
            Weights.of(weights),
            tuple(Curve(**calibration["curves"][stance]) for stance in STANCES),
            Reliability(**{name: Curve(**one) for name, one in calibration["verdicts"].items()}),
        )

    def calibrated(self, proposed: Probabilities) -> tuple[float, float, float]:
        """Each stance's curve, then scaled to add up to 1."""
        raised = [
            curve.of(float(score)) for curve, score in zip(self.curves, proposed, strict=True)
        ]
        supports, refutes, neutral = (value / sum(raised) for value in raised)
        return supports, refutes, neutral


@dataclass(frozen=True, slots=True)
class Weighed:
    """A reading's stance.

    Attributes:
        probabilities: calibrated, in the order of ``STANCES``.
        window: index into the reading's windows of the words that carry the stance.
        mismatches: differences between claim and statement, decisive or only worth showing.
    """

    stance: Stance
    probabilities: tuple[float, float, float]
    window: int
    mismatches: tuple[Mismatch, ...]


def weigh(readings: Sequence[Reading], fitted: Fitted) -> list[Weighed]:
    """Say what each statement means for the claim that they were all read for.

    Args:
        readings: all of one claim's.
        fitted: the parameters.
    """
    found = []
    for reading, values in zip(readings, features(readings), strict=True):
        proposed = fitted.weights.probabilities(values)
        named = dict(zip(FEATURES, values, strict=True))
        stance, repair = _gated(reading, named, proposed)
        if stance is Stance.REFUTES and named["differs"]:
            proposed = _at_least(proposed, 1, fitted.weights.differs)
        mismatches = _mismatches(reading.comparison, stance, repair)
        window = _carrying(reading, stance, mismatches)
        found.append(Weighed(stance, fitted.calibrated(proposed), window, mismatches))
    return found


def _carrying(reading: Reading, stance: Stance, mismatches: Sequence[Mismatch]) -> int:
    """The window to quote: of those where all that differs stands, the one that says it most."""
    telling = [mismatch.statement for mismatch in mismatches if mismatch.decisive]
    texts = [reading.text_of(window) for window in reading.windows]
    holding = [i for i, text in enumerate(texts) if all(words in text for words in telling)]
    column = 1 if stance is Stance.REFUTES else 0
    return max(holding or range(len(texts)), key=lambda index: reading.scores[index, column])


def _at_least(proposed: Probabilities, column: int, least: float) -> Probabilities:
    """The probabilities with one raised to ``least``, the others lowered alike."""
    if proposed[column] >= least:
        return proposed
    raised: Probabilities = proposed * (1 - least) / (1 - proposed[column])
    raised[column] = least
    return raised


def features(readings: Sequence[Reading]) -> list[list[float]]:
    """What the weights see: for each of a claim's readings, ``len(FEATURES)`` numbers."""
    nearest = max((reading.similarity for reading in readings), default=0.0)
    fullest = max((reading.comparison.coverage for reading in readings), default=0.0)
    rows = []
    for place, reading in enumerate(readings):
        values = _own_features(reading) | {
            "similarity_behind": reading.similarity - nearest,
            "coverage_behind": reading.comparison.coverage - fullest,
            "found_first": place == 0,
        }
        rows.append([float(values[name]) for name in FEATURES])
    return rows


def _own_features(reading: Reading) -> dict[str, float]:
    comparison, scores = reading.comparison, reading.scores
    support, refute = float(scores[:, 0].max()), float(scores[:, 1].max())
    focus, near = scores[0], scores[min(1, len(scores) - 1)]
    unstated = unstated_facts(comparison)
    alignments = [max((r.strength for r in item.rivals), default=0.0) for item in unstated]
    unrivalled = sum(strength < _RIVAL for strength in alignments)
    aligned = max(alignments, default=0.0) if not unrivalled else 0.0
    repaired = max((repair.support for repair in _whole_repairs(reading, unstated)), default=0.0)
    opposite = max((repair.support - support for repair in _rewordings(reading)), default=0.0)
    kinds = [item.kind for item in unstated]

    def highest(turned: Sequence[Turned], column: str) -> float:
        return max((getattr(one, column) for one in turned), default=0.0)

    values = {
        "support": support,
        "support_focus": focus[0],
        "refute": refute,
        "refute_focus": focus[1],
        "support_odds": _odds(support),
        "refute_odds": _odds(refute),
        "support_focus_odds": _odds(focus[0]),
        "refute_focus_odds": _odds(focus[1]),
        "support_nearest_odds": _odds(near[0]),
        "refute_nearest_odds": _odds(near[1]),
        "support_mean": scores[:, 0].mean(),
        "refute_mean": scores[:, 1].mean(),
        "neutral_least": scores[:, 2].min(),
        "lean": _odds(focus[0]) - _odds(focus[1]),
        "similarity": reading.similarity,
        "coverage": comparison.coverage,
        "word_coverage": comparison.word_coverage,
        "complete": comparison.coverage >= _COMPLETE,
        "missing": 1 - comparison.word_coverage,
        "predicate_stated": comparison.predicate_stated,
        "very_similar": reading.similarity > _VERY_SIMILAR,
        "opposed": any(item.kind is MismatchKind.WORDING for item in comparison.items),
        "predicate_opposed": comparison.predicate_opposed,
        "denies": bool(reading.denied) and not reading.unsaid,
        "stated": sum(item.same for item in comparison.items),
        "unstated": min(3, len(unstated)),
        "unstated_numbers": kinds.count(MismatchKind.NUMBER),
        "unstated_dates": kinds.count(MismatchKind.DATE),
        "unstated_names": kinds.count(MismatchKind.NAME),
        "unstated_models": kinds.count(MismatchKind.TYPE),
        "unrivalled": min(2, unrivalled),
        "aligned": aligned,
        "similarity_times_aligned": reading.similarity * aligned,
        "repaired": repaired,
        "repaired_odds": _odds(repaired),
        "repair_gain": max(0.0, repaired - support),
        "opposite": opposite if opposite >= _TURNED else 0.0,
        "denied": _gain(reading.denied, support),
        "unsaid": _gain(reading.unsaid, support),
        "negated": bool(reading.unsaid),
        "denied_support": highest(reading.denied, "supports"),
        "unsaid_support": highest(reading.unsaid, "supports"),
        "unsaid_refute": highest(reading.unsaid, "refutes"),
        "support_if_stated": support * (not unstated),
        "refute_times_coverage": refute * comparison.coverage,
    }
    comparable = bool(unstated) and not unrivalled and comparison.anchors >= ANCHORS
    return values | {"differs": comparable and _differs(unstated, values)}


def _odds(probability: float) -> float:
    kept = min(max(float(probability), _LEAST), 1 - _LEAST)
    return math.log(kept / (1 - kept))


def _rewordings(reading: Reading) -> list[Repair]:
    """The repairs that only put in words of opposite meaning."""
    return [
        repair
        for repair in reading.repairs
        if all(item.kind is MismatchKind.WORDING for item, _ in repair.changes)
    ]


def _gain(turned: Sequence[Turned], support: float) -> float:
    """How much better the claim is supported with a denial taken out, where that is telling."""
    gain = max((one.supports - support for one in turned if one.supports > 0.5), default=0.0)
    return gain if gain >= _TURNED else 0.0


def unstated_facts(comparison: Comparison) -> list[Item]:
    """The facts of a claim that must be stated for a statement to support it, and are not.

    A country's or a union's name is not among them unless the statement has another name in its
    place: a statement of Japan's ministry need not say "Japan".
    """
    return [
        item
        for item in comparison.items
        if not item.same
        and item.kind is not MismatchKind.WORDING
        and not (item.kind is MismatchKind.NAME and _is_polity(item.text) and not _replaced(item))
    ]


def _is_polity(text: str) -> bool:
    return text.lower() in POLITY or text.lower() in CAPITAL


def _whole_repairs(reading: Reading, unstated: list[Item]) -> list[Repair]:
    """The repairs after which no fact of the claim is left unstated."""
    return [
        repair
        for repair in reading.repairs
        if unstated
        and set(unstated) <= {item for item, _ in repair.changes}
        and repair.strength >= _RIVAL
    ]


def _gated(
    reading: Reading, values: dict[str, float], proposed: Probabilities
) -> tuple[Stance, Repair | None]:
    support, refute, _ = proposed
    unstated = unstated_facts(reading.comparison)
    opposite = _opposite(reading, values)
    turned = opposite is not None or max(values["denied"], values["unsaid"]) >= _TURNED
    if turned and values["denied_support"] >= OUTRIGHT:
        return Stance.REFUTES, None
    if reading.comparison.matching < MATTER and max(values["support"], values["refute"]) < _READ:
        return Stance.NEUTRAL, None
    replaced = any(_replaced(item) for item in unstated)
    differs = values["differs"] and refute >= BACKED
    if differs or (replaced and refute >= _LIKELY and refute > support):
        return Stance.REFUTES, _best(_whole_repairs(reading, unstated))
    if turned and refute >= _LIKELY_TURNED and refute > support:
        return Stance.REFUTES, opposite
    sure = min(values["refute_focus"], values["refute"]) >= _SURE_SCORE
    if refute >= _SURE and refute > support and sure:
        return Stance.REFUTES, None
    all_stated = all(item.kind is MismatchKind.NAME for item in unstated)
    if support >= _LIKELY and support > refute and all_stated and not replaced and not turned:
        is_said = _is_said(values) and not reading.comparison.only_possible
        return (Stance.SUPPORTS if is_said else Stance.NEUTRAL), None
    return Stance.NEUTRAL, None


def _opposite(reading: Reading, values: dict[str, float]) -> Repair | None:
    """The claim with the statement's word of opposite meaning, where the statement carries it."""
    best = _best(_rewordings(reading))
    carried = best is not None and best.support > 0.5 and values["opposite"] >= _TURNED
    return best if carried else None


def _is_said(values: dict[str, float]) -> bool:
    """Whether enough of the claim is stated, or the stance model is sure enough, to support it."""
    stated = values["predicate_stated"] and values["word_coverage"] >= _STATED
    return bool(values["complete"] or stated or values["support"] >= _SAID_SCORE)


def _replaced(item: Item) -> bool:
    """Whether something else stands in a fact's place."""
    least = _ALIGNED_NAME if item.kind is MismatchKind.NAME else _ALIGNED
    return any(rival.strength >= least for rival in item.rivals)


def _differs(unstated: list[Item], values: dict[str, float]) -> bool:
    """Whether what the statement has in the place of the claim's facts contradicts by itself.

    Either the repaired claim is carried by the statement, or a number, date or model stands in
    just the same place of a sentence that has nearly all of the claim's other words.
    """
    only_names = all(item.kind is MismatchKind.NAME for item in unstated)
    carried = values["repaired"] >= _REPAIRED and values["aligned"] >= (
        _ALIGNED_NAME if only_names else _ALIGNED
    )
    explicit = (
        values["aligned"] >= _EXPLICIT
        and values["word_coverage"] >= _EXPLICIT_COVERAGE
        and not only_names
    )
    return carried or explicit


def _best(repairs: list[Repair]) -> Repair | None:
    return max(repairs, key=lambda repair: repair.support, default=None)


def _mismatches(
    comparison: Comparison, stance: Stance, repair: Repair | None
) -> tuple[Mismatch, ...]:
    if stance is Stance.NEUTRAL:
        return ()
    found = []
    if stance is Stance.REFUTES:
        changes = dict(repair.changes) if repair is not None else {}
        for item in unstated_facts(comparison) if repair is None else changes:
            rival = changes.get(item) or next(iter(item.rivals), None)
            if rival is not None and rival.strength >= _ALIGNED:
                found.append(Mismatch(item.kind, item.text, rival.text))
    found += [
        Mismatch(MismatchKind.WORDING, a, b, decisive=False) for a, b in comparison.rewordings
    ]
    return tuple(found)


@cache
def packaged() -> Fitted:
    """The parameters in the package."""
    weights = json.loads(_packaged("stance_weights.json"))
    return Fitted.of(weights, json.loads(_packaged("calibration.json")))


def _packaged(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
