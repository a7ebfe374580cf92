"""The user's own order of preference."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.selectors.spreading import as_it_is
from routed_llm.policy.shapes import Candidates, Chance, Live
from routed_llm.requests import Ask

__all__ = ["InOrder"]


class InOrder:
    """Candidates as they stand; the deployments of the first one's model share its calls."""

    name = "in_order"

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
    ) -> tuple[Sequence[Deployment], float, str]:
        """The order given."""
        reason = "first in order" if candidates[0].position == 0 else "first in order that is eligible"
        order, share, one = as_it_is(ask, candidates, live, rng)
        return order, share, reason + one if one else reason
