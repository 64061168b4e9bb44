"""Plots as SVG elements: coloured by the page's own style, so they are right in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.metrics import reliability
from eval.tasks.task import Answer, Question

SIDE = 240
"""Width and height of a plot's square, in SVG units."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a plot, from 0 to 1 both ways, with what it stands for in words."""

    x: float
    y: float
    told: str

    @property
    def left(self) -> float:
        """From the left, in SVG units."""
        return round(self.x * SIDE, 1)

    @property
    def top(self) -> float:
        """From the top, in SVG units."""
        return round((1 - self.y) * SIDE, 1)


def sure(question: Question) -> list[Answer]:
    """The answers that come with a confidence."""
    return [answer for answer in question.answers if answer.confidence is not None]


def reliability_points(answers: Sequence[Answer]) -> list[Point]:
    """How often answers are right, a point for each tenth of confidence that has any."""
    table = reliability(
        np.array([answer.confidence for answer in answers], dtype=np.float64),
        np.array([answer.said == answer.gold for answer in answers], dtype=np.float64),
    ).sum(axis=0)
    return [
        Point(
            float(confidence / rows),
            float(right / rows),
            f"confidence {confidence / rows:.2f}: {right:.0f} of {rows:.0f} right",
        )
        for rows, confidence, right in table
        if rows
    ]


def risk_coverage(question: Question) -> list[Point]:
    """The share of wrong answers (risk) among the surest, for every share of rows (coverage).

    A point for each confidence at which an answer could be taken or left (El-Yaniv & Wiener 2010).
    An abstention is never taken, so the curve ends at the share of rows that get an answer.
    """
    taken = sorted(
        (answer for answer in sure(question) if answer.said != question.abstention),
        key=lambda answer: -(answer.confidence or 0.0),
    )
    points: list[Point] = []
    wrong = 0
    for count, answer in enumerate(taken, start=1):
        wrong += answer.said != answer.gold
        if count < len(taken) and taken[count].confidence == answer.confidence:
            continue  # as sure as the next: one cannot be taken without the other
        coverage, risk = count / len(question.answers), wrong / count
        told = f"confidence from {answer.confidence:.2f}: {wrong} of {count} wrong"
        points.append(Point(coverage, risk, told))
    return points
