"""From a reading to a stance: learned weights propose, explicit comparison disposes.

A multinomial logistic regression over a few features of the reading gives probabilities. Gates
that follow from what the verdicts mean then overrule it:

- A statement supports only when it states every number, date, model and name of the claim.
- It refutes only on a difference in the same place (tested by repair, or aligned and agreed by the
  weights), on a denial, or when the stance model is very sure over several windows.
- Everything else is neutral.

The weights and the claims they were fitted on: ``stance_weights.json`` beside this file, made by
``verinote eval fit``; its calibration, ``calibration.json``, by ``verinote eval calibrate``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from service.engines.local.assess import Reading, Repair
from service.facts.compare import Comparison, Item
from service.facts.lexicon import CAPITAL, POLITY
from service.types import Mismatch, MismatchKind, Stance

STANCES = (Stance.SUPPORTS, Stance.REFUTES, Stance.NEUTRAL)
FEATURES = (
    "support", "support_focus", "refute", "refute_focus", "similarity", "coverage",
    "word_coverage", "unstated", "unrivalled", "aligned", "repaired", "repair_gain", "opposite",
    "denied", "unsaid", "negated", "complete", "support_if_stated", "refute_times_coverage",
    "similarity_times_aligned",
)  # fmt: skip

_COMPLETE = 0.95
_RIVAL = 0.35
_ALIGNED = 0.5
_ALIGNED_NAME = 0.6
_REPAIRED = 0.6
_REPAIR_COVERAGE = 0.2
_AGREED = 0.5
_TURNED = 0.2
_TURNED_AGREED = 0.3
_SUPPORT = 0.5
_SURE = 0.9
_SURE_AGREED = 0.7

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """A fitted multinomial logistic regression over standardised features.

    Attributes:
        mean: ``(n_features,)``.
        scale: ``(n_features,)``.
        coefficients: ``(3, n_features)``, rows in the order of ``STANCES``.
        intercepts: ``(3,)``.
    """

    mean: Probabilities
    scale: Probabilities
    coefficients: Probabilities
    intercepts: Probabilities

    def probabilities(self, features: Sequence[float]) -> Probabilities:
        """Return ``(3,)`` probabilities in the order of ``STANCES``."""
        standardised = (np.array(features) - self.mean) / self.scale
        logits = self.coefficients @ standardised + self.intercepts
        exponents = np.exp(logits - logits.max())
        result: Probabilities = exponents / exponents.sum()
        return result


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


def weigh(reading: Reading) -> Weighed:
    """Say what a statement means for the claim it was read for."""
    values = features(reading)
    proposed = weights().probabilities(values)
    stance, repair = _gated(reading, dict(zip(FEATURES, values, strict=True)), proposed)
    column = 0 if stance is not Stance.REFUTES else 1
    window = int(reading.scores[:, column].argmax()) if len(reading.scores) else 0
    return Weighed(
        stance, _calibrated(proposed), window, _mismatches(reading.comparison, stance, repair)
    )


def features(reading: Reading) -> list[float]:
    """The numbers that the weights see, in the order of ``FEATURES``."""
    comparison = reading.comparison
    support, refute = reading.scores[:, 0].max(), reading.scores[:, 1].max()
    unstated = unstated_facts(comparison)
    alignments = [max((r.strength for r in item.rivals), default=0.0) for item in unstated]
    unrivalled = sum(strength < _RIVAL for strength in alignments)
    aligned = max(alignments, default=0.0) if not unrivalled else 0.0
    repaired = max((repair.support for repair in _whole_repairs(reading, unstated)), default=0.0)
    opposite = max(
        (
            repair.support - support
            for repair in reading.repairs
            if all(item.kind is MismatchKind.WORDING for item, _ in repair.changes)
        ),
        default=0.0,
    )
    denied = max((t.supports - support for t in reading.denied if t.supports > 0.5), default=0.0)
    unsaid = max((t.supports - support for t in reading.unsaid if t.supports > 0.5), default=0.0)
    return [
        float(value)
        for value in (
            support,
            reading.scores[0, 0],
            refute,
            reading.scores[0, 1],
            reading.similarity,
            comparison.coverage,
            comparison.word_coverage,
            min(3, len(unstated)),
            min(2, unrivalled),
            aligned,
            repaired,
            max(0.0, repaired - support),
            max(0.0, opposite),
            max(0.0, denied),
            max(0.0, unsaid),
            bool(reading.unsaid),
            comparison.coverage >= _COMPLETE,
            support * (not unstated),
            refute * comparison.coverage,
            reading.similarity * aligned,
        )
    ]


def unstated_facts(comparison: Comparison) -> list[Item]:
    """The facts of a claim that must be stated for a statement to support it, and are not.

    A country's or a union's name alone is not among them: a statement of Japan's ministry need not
    say "Japan".
    """
    return [
        item
        for item in comparison.items
        if not item.same
        and item.kind is not MismatchKind.WORDING
        and not (item.kind is MismatchKind.NAME and _is_polity(item.text))
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
    if values["unrivalled"]:
        return Stance.NEUTRAL, None
    if unstated:
        only_names = all(item.kind is MismatchKind.NAME for item in unstated)
        aligned = values["aligned"] >= (_ALIGNED_NAME if only_names else _ALIGNED)
        carried = values["repaired"] >= _REPAIRED and values["word_coverage"] >= _REPAIR_COVERAGE
        if aligned and (carried or refute >= _AGREED):
            return Stance.REFUTES, _best(_whole_repairs(reading, unstated))
        return Stance.NEUTRAL, None
    if max(values["denied"], values["unsaid"], values["opposite"]) >= _TURNED:
        wording = [
            repair
            for repair in reading.repairs
            if all(item.kind is MismatchKind.WORDING for item, _ in repair.changes)
        ]
        if refute >= _TURNED_AGREED:
            return Stance.REFUTES, _best(wording) if values["opposite"] >= _TURNED else None
        return Stance.NEUTRAL, None
    if support >= _SUPPORT and (values["support"] >= _SUPPORT or values["complete"]):
        return Stance.SUPPORTS, None
    sure = min(values["refute"], values["refute_focus"]) >= _SURE and not values["complete"]
    if sure and refute >= _SURE_AGREED:
        return Stance.REFUTES, None
    return Stance.NEUTRAL, None


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
            if rival is not None:
                found.append(Mismatch(item.kind, item.text, rival.text))
    found += [
        Mismatch(MismatchKind.WORDING, a, b, decisive=False) for a, b in comparison.rewordings
    ]
    return tuple(found)


@cache
def weights() -> Weights:
    """The packaged weights."""
    stored = json.loads(_packaged("stance_weights.json"))
    if tuple(stored["features"]) != FEATURES:
        raise ValueError("stance_weights.json was fitted on other features: verinote eval fit")
    return Weights(
        np.array(stored["mean"]),
        np.array(stored["scale"]),
        np.array(stored["coefficients"]),
        np.array(stored["intercepts"]),
    )


@cache
def _curves() -> tuple[tuple[float, float], ...]:
    stored = json.loads(_packaged("calibration.json"))["curves"]
    return tuple((stored[stance]["slope"], stored[stance]["shift"]) for stance in STANCES)


def _calibrated(proposed: Probabilities) -> tuple[float, float, float]:
    """Platt's curve for each stance, then scaled to add up to 1."""
    kept = np.clip(proposed, 1e-4, 1 - 1e-4)
    odds = np.log(kept / (1 - kept))
    slopes, shifts = np.array(_curves()).T
    raised = 1 / (1 + np.exp(-(slopes * odds + shifts)))
    supports, refutes, neutral = (float(value) for value in raised / raised.sum())
    return supports, refutes, neutral


def _packaged(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
