"""Taking turns, and drawing by weight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["RoundRobin", "WeightedDraw"]


class RoundRobin:
    """Each candidate in turn; the next ones in turn are the fallbacks."""

    name = "round_robin"

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Random
    ) -> tuple[Sequence[Deployment], float, str]:
        """Rotated by one more each call."""
        turn = live.next_round() % len(candidates)
        return [*candidates[turn:], *candidates[:turn]], 1.0, f"turn {turn + 1} of {len(candidates)}"


class WeightedDraw:
    """A draw by the models' weights, without replacement, so that fallbacks follow the weights too.

    Keys log(u) / w, sorted, give exactly that order (Efraimidis and Spirakis, 2006, weighted random sampling).
    A weight of zero is tried only when all others have failed.
    """

    name = "weighted"

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Random
    ) -> tuple[Sequence[Deployment], float, str]:
        """Drawn anew for each call."""
        total = sum(d.weight for d in candidates)
        keyed = [
            (math.log(1.0 - rng.random()) / d.weight if d.weight > 0 else -math.inf, -d.position, d) for d in candidates
        ]
        keyed.sort(key=lambda item: item[:2], reverse=True)
        head = keyed[0][2]
        share = head.weight / total if total > 0 else 1.0
        return [item[2] for item in keyed], share, f"drawn with weight {head.weight:g} of {total:g}"
