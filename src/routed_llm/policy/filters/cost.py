"""What a call may cost at most, by a policy or by the hint ``max_cost``. An unknown price is below no limit."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.catalog.deployments import Deployment
from routed_llm.money import NANO
from routed_llm.policy.rates import all_within, plain_costs
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.values import positive
from routed_llm.policy.vectors import NOBODY, outside
from routed_llm.requests import Ask

__all__ = ["MaxCost"]


class MaxCost:
    """The expected cost of the call against a limit in US dollars.

    Args:
        usd: the limit; None takes that of the hint ``max_cost``.

    Raises:
        ConfigurationError: for a limit that is no number above zero.
    """

    name = "max_cost"
    static = False

    def __init__(self, usd: float | None = None) -> None:
        self.usd = positive("usd", usd)
        #: the hint without which there is nothing to do
        self.hint = "max_cost" if usd is None else None

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates that are expected to cost more, or whose price is unknown; all, where what was spent is."""
        limit = ask.hints.max_cost if self.usd is None else self.usd
        if limit is None:
            return NOBODY
        if ask.spent is None:
            told = f"what describing the media costs is unknown and the call may cost at most ${limit:g}"
            return {candidate.id: told for candidate in candidates}
        allowed, limit = limit, limit - ask.spent / NANO
        if all_within(limit * NANO, ask, candidates):
            return NOBODY
        costs = plain_costs(ask, candidates)
        left = f"what is left of the ${allowed:g} allowed" if ask.spent else f"the ${allowed:g} allowed"

        def why(deployment: Deployment, index: int) -> str:
            cost = costs[index]
            if cost != cost:
                return f"its price is unknown and the call may cost at most ${allowed:g}"
            return f"would cost about ${cost / NANO:.6f}, more than {left}"

        return outside(candidates, costs, why, most=limit * NANO + 0.5)  # whole nano-dollars, rounded
