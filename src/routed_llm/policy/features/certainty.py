"""How sure a classifier of few examples may be, and when it should say that a text is of none of its classes.

Both are learned from the classifier's own examples, each looked at as if it had been left out: no further texts are needed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Certainty", "Verdict"]

Floats = npt.NDArray[np.float32]

#: the value below which a text has too little in common with a class, where there are no examples to tell
_LEAST = 0.05
_STEPS = 25
#: keeps the fitted curve finite where all examples, or none, are right
_PULL = 1e-2


class Verdict(NamedTuple):
    """The number of a class, and the estimated probability that it is the right one."""

    label: int
    confidence: float


class Certainty:
    """Learns at construction.

    Args:
        left_out: values of all classes for each example, without that example.
        labels: the number of each example's class.
        unknown: share of texts of the classes that may be taken for texts of none. The best value below which a text is of
            no class is this quantile of the examples' best values; with 0, every text is of some class.

    The confidence is a logistic curve over the distance of the best value from the second (Platt 1999, with his smoothed
    targets), fitted to which examples are right.
    """

    def __init__(self, left_out: Floats, labels: npt.NDArray[np.intp], unknown: float) -> None:
        self.floor = _LEAST if unknown > 0 else -math.inf
        self._slope, self._offset = 1.0, 0.0
        if not labels.size:
            return
        if unknown > 0:
            # a text that has nothing in common with any example is never of a class
            self.floor = max(float(np.quantile(left_out.max(axis=1), unknown)), 1e-6)
        best = left_out.argmax(axis=1)
        self._slope, self._offset = _logistic(_margins(left_out), best == labels)

    def verdict(self, scores: Floats) -> Verdict | None:
        """What values of all classes mean; None where the text is of no class."""
        label = int(scores.argmax())
        if scores[label] < self.floor:
            return None
        exponent = self._slope * _margin(scores, label) + self._offset
        return Verdict(label, round(1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, exponent)))), 3))


def _margin(scores: Floats, label: int) -> float:
    """Distance of the best value, at ``label``, from the second; of a single class its value."""
    best = float(scores[label])
    if scores.size == 1:
        return best
    others = scores.copy()
    others[label] = -np.inf
    return best - float(others.max())


def _margins(scores: Floats) -> Floats:
    """The same for each row."""
    if scores.shape[1] == 1:
        return scores[:, 0]
    two = np.partition(scores, -2, axis=1)[:, -2:]
    found: Floats = two[:, 1] - two[:, 0]
    return found


def _logistic(values: Floats, right: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset by Newton's method; the slope is never negative."""
    count = int(right.sum())
    targets = np.where(right, (count + 1.0) / (count + 2.0), 1.0 / (right.size - count + 2.0))
    inputs = np.stack((values.astype(np.float64), np.ones(values.size)))
    weights = np.zeros(2)
    for _ in range(_STEPS):
        chances = 1.0 / (1.0 + np.exp(-np.clip(weights @ inputs, -50.0, 50.0)))
        slopes = inputs @ (chances - targets) + _PULL * weights
        curves = (inputs * (chances * (1.0 - chances))) @ inputs.T + _PULL * np.eye(2)
        weights -= np.linalg.solve(curves, slopes)
    return max(float(weights[0]), 0.0), float(weights[1])
