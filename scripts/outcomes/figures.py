"""Figures of a choice between models: how far it lies above mixes of fixed models, and how well a signal ranks gains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["above_line", "area", "bootstrap", "hull", "hull_height"]

Floats = npt.NDArray[np.float64]
#: bootstrap samples, and the seed that draws them
SAMPLES, SEED = 400, 7


def above_line(quality: Floats, cost: Floats, ends: Sequence[tuple[Floats, Floats]], weights: Floats) -> Floats:
    """Mean quality minus that of the straight line between two fixed models at the same mean cost.

    The line is what one gets by sending random shares of the prompts to two models; beyond the dear one's cost it is level.

    Args:
        quality: of the chosen models, one a prompt.
        cost: the same for the cost.
        ends: quality and cost of the cheap and of the dear model.
        weights: one row for each sample, a column for each prompt.

    Returns:
        one number for each row of weights.
    """
    shares = weights / weights.sum(1, keepdims=True)
    (cheap_quality, cheap_cost), (dear_quality, dear_cost) = [(shares @ q, shares @ c) for q, c in ends]
    place = np.minimum(1.0, (shares @ cost - cheap_cost) / (dear_cost - cheap_cost))
    height: Floats = shares @ quality - (cheap_quality + place * (dear_quality - cheap_quality))
    return height


def bootstrap(rows: int, samples: int = SAMPLES) -> Floats:
    """Weights of bootstrap samples over so many rows; the first row weighs all alike."""
    drawn = np.random.default_rng(SEED).multinomial(rows, np.full(rows, 1 / rows), size=samples)
    return np.vstack([np.ones(rows), drawn])


def area(score: Floats, gain: Floats, cost: Floats) -> float:
    """How well a score ranks prompts by what a strong model gains; 0.5 is chance.

    Area under the share of the whole gain that is reached, over the share of the whole extra cost that is paid, the prompts
    with the highest score first. With equal costs it is the APGR of RouteLLM (arXiv 2406.18665, section 3).
    """
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    ends = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)  # equal scores count as one step
    paid = np.concatenate([[0.0], np.cumsum(cost[order])[ends] / cost.sum()])
    reached = np.concatenate([[0.0], np.cumsum(gain[order])[ends] / gain.sum()])
    return float(np.sum((reached[1:] + reached[:-1]) / 2 * np.diff(paid)))


def hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The rising part of the upper convex hull of points (cost, quality), by cost: the best mixes of fixed models."""
    found: list[tuple[float, float]] = []
    for cost, quality in sorted(points, key=lambda p: (p[0], -p[1])):
        if found and quality <= found[-1][1]:
            continue
        while len(found) >= 2 and _slope(found[-2], found[-1]) <= _slope(found[-2], (cost, quality)):
            found.pop()
        found.append((cost, quality))
    return found


def _slope(a: tuple[float, float], b: tuple[float, float]) -> float:
    return (b[1] - a[1]) / (b[0] - a[0])


def hull_height(vertices: Sequence[tuple[float, float]], cost: float) -> float:
    """Quality of the hull at a cost; beyond its ends, that of the end."""
    return float(np.interp(cost, [c for c, _ in vertices], [q for _, q in vertices]))
