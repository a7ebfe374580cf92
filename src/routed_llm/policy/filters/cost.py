"""The hint ``max_cost``: what a call may cost at most. An unknown price is not below any limit."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.scorers.cost import expected_cost
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["MaxCost"]

NANO = 1_000_000_000


class MaxCost:
    """The expected cost of the call against the caller's limit in US dollars."""

    name = "max_cost"
    static = False

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates that are expected to cost more, or whose price is unknown."""
        limit = ask.hints.max_cost
        if limit is None:
            return {}
        rejected = {}
        for deployment in candidates:
            cost = expected_cost(deployment, ask)
            if cost is None:
                rejected[deployment.id] = f"its price is unknown and the call may cost at most ${limit:g}"
            elif cost > limit * NANO:
                rejected[deployment.id] = f"would cost about ${cost / NANO:.6f}, more than the ${limit:g} allowed"
        return rejected
