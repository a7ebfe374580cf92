"""The lowest total score, and among equals the lowest expected cost."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.later import HeadFirst
from routed_llm.policy.scorers.cost import expected_cost
from routed_llm.policy.selectors.best import Best
from routed_llm.policy.selectors.spreading import as_it_is, spread
from routed_llm.policy.shapes import Candidates, Chance, Live
from routed_llm.requests import Ask

__all__ = ["BestThenCost"]

_LAST = float("inf")


class BestThenCost(Best):
    """Candidates by total score, the lowest first; equals by expected cost, unknown costs last; then in the user's order.

    Where scores are asked for and not one is known, the user's order decides: the cheapest would mostly be the weakest.

    Args:
        because: what makes the head the best, in a few words.
        fact: a fact of the call to tell with it.
    """

    name = "best_then_cost"

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
    ) -> tuple[Sequence[Deployment], float, str]:
        """Sorted by total, then by cost; without totals by cost alone."""
        known = [total for total in totals if total is not None]
        best = min(known) if known else None
        equals = [d for d, total in zip(candidates, totals, strict=True) if total == best] if known else candidates
        if totals and not known:
            order, share, one = as_it_is(ask, candidates, live, rng)
            return order, share, "nothing is known to compare, first in order" + one
        head = equals[0] if len(equals) == 1 else min(equals, key=lambda d: _by_cost(d, ask))
        reason = f"{self.because} of {len(candidates)}" if known else _unscored(head, ask)
        if self.fact is not None and self.fact in ask.facts:
            reason = f"{ask.facts[self.fact]} call, {reason}"
        if known and len(equals) > 1 and _by_cost(head, ask)[0] < _LAST:
            reason = f"{reason}, the cheapest of {len(equals)} equals"
        share, one = 1.0, ""
        if any(d.model == head.model and d is not head for d in equals):
            at, share, one = spread(ask, equals, [_by_cost(d, ask)[0] for d in equals], equals.index(head), live, rng)
            head = equals[at]
        return HeadFirst(head, len(candidates), lambda: _sorted(candidates, totals, ask)), share, reason + one


def _unscored(head: Deployment, ask: Ask) -> str:
    return "lowest expected cost" if _by_cost(head, ask)[0] < _LAST else "first in order"


def _by_cost(deployment: Deployment, ask: Ask) -> tuple[float, int]:
    cost = expected_cost(deployment, ask)
    return (_LAST if cost is None else cost, deployment.position)


def _sorted(candidates: Candidates, totals: Sequence[float | None], ask: Ask) -> list[Deployment]:
    given: Sequence[float | None] = totals if len(totals) else [0.0] * len(candidates)
    keyed = [(_LAST if t is None else t, *_by_cost(d, ask), d) for t, d in zip(given, candidates, strict=True)]
    keyed.sort(key=lambda item: item[:3])
    return [item[3] for item in keyed]
