"""The strategies that are compared on recorded outcomes, and their figures on one data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from choosing import Floats, Known, asks, chosen, known_of, paid
from figures import above_line, bootstrap, hull, hull_height
from recordings import FOLDS, Recorded

from routed_llm.policy.compose import AnyPolicy
from routed_llm.policy.data import policy_from

__all__ = ["ENTRIES", "Entry", "Found", "Panel", "panel"]


class Entry(NamedTuple):
    """One row of the table.

    ``told`` is what the router knows of the models from the other folds: ``price``, ``quality`` as well, or ``strengths`` by
    task as well.
    """

    name: str
    told: str
    policy: Callable[[Known], AnyPolicy]


class Found(NamedTuple):
    """One strategy on one data set.

    Mean quality, mean dollars a prompt, height above the line between the cheapest and the strongest model with its 95 %
    interval, the same above the line to the dearest, and above the hull of fixed models.
    """

    entry: Entry
    quality: float
    cost: float
    line: tuple[float, float, float]
    dear_line: tuple[float, float, float]
    hull: float


class Panel(NamedTuple):
    """One data set: its models' points (name, cost, quality), their hull, and the strategies."""

    recorded: Recorded
    models: list[tuple[str, float, float]]
    hull: list[tuple[float, float]]
    found: list[Found]


def floor(share: float) -> Callable[[Known], AnyPolicy]:
    """The cheapest model whose quality is at least a share of the best one's."""

    def policy(known: Known) -> AnyPolicy:
        assert known.quality is not None
        least = share * float(known.quality.max())
        return policy_from({"strategy": "balanced", "cost": 1, "speed": 0, "quality": 0, "min_quality": least})

    return policy


def balance(quality: float) -> Callable[[Known], AnyPolicy]:
    """Cost and quality weighed, the cost with 1."""
    return lambda known: policy_from({"strategy": "balanced", "cost": 1, "speed": 0, "quality": quality})


def named(strategy: str) -> Callable[[Known], AnyPolicy]:
    """A strategy by its name."""
    return lambda known: policy_from(strategy)


ENTRIES = (
    Entry("always the cheapest (`cheapest`)", "price", named("cheapest")),
    Entry("always the strongest (`best`)", "quality", named("best")),
    Entry("at random (`weighted`)", "price", named("weighted")),
    Entry("cheapest with 90 % of the best quality (`balanced`)", "quality", floor(0.9)),
    Entry("cheapest with 95 % of the best quality (`balanced`)", "quality", floor(0.95)),
    Entry("`balanced`, cost 1, quality 1", "quality", balance(1)),
    Entry("`balanced`, cost 1, quality 3", "quality", balance(3)),
    Entry("`balanced`, cost 1, quality 10", "quality", balance(10)),
    Entry("`task`", "strengths", named("task")),
    Entry("`auto`, prices known", "price", named("auto")),
    Entry("`auto`, prices and qualities known", "quality", named("auto")),
)


def panel(recorded: Recorded) -> Panel:
    """All strategies on one data set; whatever a router is told of the models is learned on the other folds."""
    cost, quality = recorded.cost.mean(0), recorded.quality.mean(0)
    points = [(name, float(cost[i]), float(quality[i])) for i, name in enumerate(recorded.models)]
    vertices = hull([(c, q) for _, c, q in points])
    weights = bootstrap(len(recorded.prompts))
    return Panel(recorded, points, vertices, [_found(recorded, entry, vertices, weights) for entry in ENTRIES])


def _found(recorded: Recorded, entry: Entry, vertices: list[tuple[float, float]], weights: Floats) -> Found:
    knowledge = _knowledge(recorded, entry.told)
    questions = asks(recorded, entry.policy(knowledge[0]))
    if entry.told == "strengths":
        knowledge = _knowledge(recorded, entry.told, [ask.facts["task"] for ask in questions])
    quality, cost = paid(recorded, chosen(recorded, entry.policy, knowledge, questions))
    low, dear = recorded.ends
    lines = [_line(recorded, quality, cost, (low, high), weights) for high in (int(recorded.quality.mean(0).argmax()), dear)]
    means = float(quality.mean()), float(cost.mean())
    return Found(entry, *means, lines[0], lines[1], means[0] - hull_height(vertices, means[1]))


def _knowledge(recorded: Recorded, told: str, tasks: list[str] | None = None) -> list[Known]:
    """What the other folds tell, for each fold."""
    found = [known_of(recorded, recorded.fold != fold, tasks) for fold in range(FOLDS)]
    return [Known(known.cost) for known in found] if told == "price" else found


def _line(
    recorded: Recorded, quality: Floats, cost: Floats, ends: tuple[int, int], weights: Floats
) -> tuple[float, float, float]:
    """Height above the line between two models, and its 95 % bootstrap interval over prompts."""
    low, high = [(recorded.quality[:, each], recorded.cost[:, each]) for each in ends]
    heights = above_line(quality, cost, (low, high), weights)
    least, most = np.percentile(heights[1:], [2.5, 97.5])
    return float(heights[0]), float(least), float(most)
