"""Taking turns, and drawing by weight."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Sequence
from random import Random

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.later import HeadFirst, Pool
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
        count = len(candidates)
        turn = live.next_round() % count
        order = HeadFirst(candidates[turn], count, lambda: [*candidates[turn:], *candidates[:turn]])
        return order, 1.0, f"turn {turn + 1} of {count}"


class WeightedDraw:
    """A draw by the models' weights, without replacement, so that fallbacks follow the weights too.

    The head is drawn among all, and the rest when it is needed: keys log(u) / w, sorted, give exactly such an order
    (Efraimidis and Spirakis, 2006, weighted random sampling), also of those that are left without the head. A weight of
    zero is tried only when all others have failed.
    """

    name = "weighted"

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Random
    ) -> tuple[Sequence[Deployment], float, str]:
        """Drawn anew for each call."""
        sums = candidates.noted("sums of weights", _sums) if isinstance(candidates, Pool) else _sums(candidates)
        total = sums[-1]
        draw, seed = rng.random(), rng.getrandbits(64)
        head = candidates[bisect_right(sums, draw * total, hi=len(sums) - 1)] if total > 0 else candidates[0]
        share = head.weight / total if total > 0 else 1.0
        order = HeadFirst(head, len(candidates), lambda: _drawn(candidates, seed))
        return order, share, f"drawn with weight {head.weight:g} of {total:g}"


def _sums(candidates: Candidates) -> list[float]:
    return list(itertools.accumulate(d.weight for d in candidates))


def _drawn(candidates: Candidates, seed: int) -> list[Deployment]:
    rng = Random(seed)  # spreads load, guards nothing
    keyed = [(math.log(1.0 - rng.random()) / d.weight if d.weight > 0 else -math.inf, -d.position, d) for d in candidates]
    keyed.sort(key=lambda item: item[:2], reverse=True)
    return [item[2] for item in keyed]
