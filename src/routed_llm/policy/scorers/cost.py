"""Expected cost of this call."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["ExpectedCost", "expected_cost"]


def expected_cost(deployment: Deployment, ask: Ask) -> int | None:
    """What the call is expected to cost at a deployment, in nano-dollars; None where a price is unknown."""
    price = deployment.price
    return None if price is None else price.estimate(ask.input_tokens, ask.output_tokens)


class ExpectedCost:
    """Nano-dollars that the call is expected to cost; an unknown price is never the cheapest."""

    name = "cost"
    unit = "nano-USD"
    lower_is_better = True

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """Expected cost of each candidate."""
        return [expected_cost(d, ask) for d in candidates]
