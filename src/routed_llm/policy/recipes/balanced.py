"""``balanced``: cost, speed and quality weighed, within bounds."""

from __future__ import annotations

from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.policy.compose import Policy
from routed_llm.policy.filters.cost import MaxCost
from routed_llm.policy.filters.quality import MinQuality
from routed_llm.policy.filters.speed import MaxSeconds
from routed_llm.policy.scorers.cost import ExpectedCost
from routed_llm.policy.scorers.latency import Latency
from routed_llm.policy.scorers.quality import Quality
from routed_llm.policy.selectors.best import Best
from routed_llm.policy.values import bounded, weight

__all__ = ["balanced"]


def balanced(
    cost: float = 1.0,
    speed: float = 1.0,
    quality: float = 1.0,
    min_quality: float | None = None,
    max_seconds: float | None = None,
    max_cost: float | None = None,
) -> Policy:
    """The best of cost, speed and quality, weighed over those that may serve the call.

    Each is brought to 0..1 over these (0 the best of them) before it is weighed. With one weight alone the bounds say the
    rest: ``balanced(speed=0, quality=0, min_quality=0.8, max_seconds=5)`` is the cheapest that is good and fast enough. The
    hints ``quality``, ``max_seconds`` and ``max_cost`` set the same bounds for one call, with every strategy.

    Args:
        cost: weight of the expected cost of the call.
        speed: weight of the expected time.
        quality: weight of the quality for the call's task, domain and language.
        min_quality: only models whose quality for the call is known to be at least this, 0 to 1.
        max_seconds: only deployments whose 95th percentile is not known to lie above, in seconds.
        max_cost: US dollars that a call may be expected to cost at most; an unknown price is below no limit.

    Raises:
        ConfigurationError: for a negative weight, weights that are all zero, and bounds that cannot be meant.
    """
    weights = {"cost": weight("cost", cost), "speed": weight("speed", speed), "quality": weight("quality", quality)}
    if not any(weights.values()):
        raise ConfigurationError("all weights are zero: one of cost, speed and quality must be above.")
    pieces: dict[str, Any] = {"cost": ExpectedCost(), "speed": Latency(), "quality": Quality()}
    filters: list[Any] = [
        *bounded("min_quality", MinQuality, min_quality),
        *bounded("max_seconds", MaxSeconds, max_seconds),
        *bounded("max_cost", MaxCost, max_cost),
    ]
    used = [name for name, value in weights.items() if value]
    return Policy(
        "balanced",
        filters=filters,
        scorers={pieces[name]: weights[name] for name in used},
        selector=Best(f"best of {' and '.join(used)}"),
    )
