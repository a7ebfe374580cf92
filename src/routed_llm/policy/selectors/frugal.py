"""The nearer a budget's end, the cheaper the choice."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.errors import ConfigurationError
from routed_llm.money import dollars
from routed_llm.policy.later import HeadFirst
from routed_llm.policy.scorers.cost import expected_cost
from routed_llm.policy.selectors.refined import Ordered, order_behind
from routed_llm.policy.shapes import Candidates, Chance, Live, Selector
from routed_llm.requests import Ask
from routed_llm.standing import Standing

__all__ = ["Frugal"]


class Frugal:
    """Leaves the order as it is while the call's budgets are on pace, and lets in only cheaper models as they run ahead of it.

    The pressure of a budget is 0 while its used share is at most its pace, and grows to 1 as the rest is used. The pace of a
    budget with a window is the share of the window that is over, plus ``slack``; that of one for good is ``begin``. With the
    highest pressure p of the call's budgets a call may be expected to cost dearest x (cheapest / dearest) ^ p: the dearest
    candidate's cost at p = 0, the cheapest one's at 1, and evenly on the scale of ratios in between. The cheapest candidate
    always may; those above come last, the cheaper first.

    Budgets that only count calls, or only those of some models, exert no pressure: they rule out what they count.

    Args:
        then: the selector whose order is kept among those that may; see :func:`~routed_llm.policy.combine.combined`.
        begin: the used share, 0 to 1, from which a budget without a window saves.
        slack: how far, 0 to 1, the used share may be ahead of the window's.

    Raises:
        ConfigurationError: for shares that are none.
    """

    name = "frugal"

    def __init__(self, then: Selector | None = None, begin: float = 0.5, slack: float = 0.1) -> None:
        for key, value in (("begin", begin), ("slack", slack)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
                raise ConfigurationError(f"must be a share from 0 to below 1, not {value!r}.", path=key)
        self.then = then
        self.begin = begin
        self.slack = slack

    def order(self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance) -> Ordered:
        """The order behind, over those that may be afforded."""
        pressure, tightest = 0.0, None
        for standing in live.budgets(ask):
            if (found := self._pressure(standing, ask.wall)) > pressure:
                pressure, tightest = found, standing
        costs = [expected_cost(d, ask) for d in candidates] if tightest is not None else []
        known = [cost for cost in costs if cost is not None]
        if tightest is None or not known:
            return order_behind(self.then, ask, candidates, totals, live, rng)
        most = _allowance(min(known), max(known), pressure)
        may = [i for i, cost in enumerate(costs) if cost is not None and cost <= most]
        allowed = [candidates[i] for i in may]
        order, share, reason = order_behind(self.then, ask, allowed, [totals[i] for i in may] if len(totals) else (), live, rng)
        why = f"{tightest} is {tightest.used():.0%} used, so at most {dollars(most)} a call, {reason}"
        return HeadFirst(order[0], len(candidates), lambda: [*order, *_dear(candidates, costs, set(may))]), share, why

    def _pressure(self, standing: Standing, wall: float) -> float:
        """How much a budget asks to save, 0 to 1."""
        if standing.models or (standing.limits[0] is None and standing.limits[1] is None):
            return 0.0
        elapsed = standing.elapsed(wall)
        pace = self.begin if elapsed is None else min(1.0, elapsed + self.slack)
        used = standing.used()
        return (used - pace) / (1.0 - pace) if used > pace else 0.0


def _allowance(cheapest: int, dearest: int, pressure: float) -> int:
    """Nano-dollars that a call may be expected to cost; what is free has no ratio, so a nano-dollar stands for it."""
    low, high = max(1, cheapest), max(1, dearest)
    ratio: float = (low / high) ** pressure
    return max(cheapest, round(high * ratio))


def _dear(candidates: Candidates, costs: Sequence[int | None], may: set[int]) -> list[Deployment]:
    """Those that may not, the cheaper first, unknown prices last."""
    rest = [(float("inf") if costs[i] is None else costs[i], d.position, d) for i, d in enumerate(candidates) if i not in may]
    return [item[2] for item in sorted(rest, key=lambda item: item[:2])]
