"""The user's own order of preference."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.shapes import Candidates, Chance, Live
from routed_llm.requests import Ask

__all__ = ["InOrder"]


class InOrder:
    """Candidates as they stand."""

    name = "in_order"

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
    ) -> tuple[Sequence[Deployment], float, str]:
        """The order given."""
        return candidates, 1.0, "first in order" if candidates[0].position == 0 else "first in order that is eligible"
