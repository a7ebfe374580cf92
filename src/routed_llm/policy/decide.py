"""Deciding: plain code over sets. It never waits and never sees text."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Decision
from routed_llm.policy.compose import Policy
from routed_llm.policy.scorers.cost import expected_cost
from routed_llm.policy.shapes import Live
from routed_llm.requests import Ask

__all__ = ["decide"]

#: tokens that fit the window of every chat model in use; only a longer prompt makes an unknown window doubtful
EVERY_WINDOW = 4_096


def decide(
    ask: Ask, catalog: Catalog, policy: Policy, live: Live, rng: Random, *, max_price_ratio: float | None = None
) -> Decision:
    """Choose among the catalog's deployments for one call.

    Static filters (cached), live filters, scores, cool-downs, selector, the hint ``prefer``; in this order. A rejected
    deployment appears nowhere in the order, so that no fallback can reach it. Those that are cooling down are scored
    with the others, so that an outage does not move the scale on which the rest is compared. ``max_price_ratio`` bounds
    everybody's expected cost as a multiple of that of whoever is the first choice, or would be if nobody were cooling down.
    """
    eligible = policy.eligible(ask, catalog, live)
    candidates: Sequence[Deployment] = eligible.candidates
    rejected = eligible.rejected
    for each in policy.live_filters:
        verdicts = each.reject(ask, candidates, live)
        if verdicts:
            rejected = {**rejected, **verdicts}
            candidates = [d for d in candidates if d.id not in verdicts]
    scores, totals = policy.score(ask, candidates, live)
    cooling, ready, ready_totals = {}, candidates, totals
    if live.cooling:
        cooling = {d.id: until for d in candidates if (until := live.cooling.get(d.id, 0.0)) > ask.now}
        if cooling:
            ready = [d for d in candidates if d.id not in cooling]
            ready_totals = [t for t, d in zip(totals, candidates, strict=True) if d.id not in cooling] if totals else ()
    unsure = eligible.unsure
    if ask.longest > EVERY_WINDOW:
        unsure = unsure.union(d.id for d in candidates if d.context is None)
    order: Sequence[Deployment] = ()
    propensity, reason = 0.0, "nobody is eligible"
    if ready:
        order, propensity, reason = policy.selector.order(ask, ready, ready_totals, live, rng)
        if unsure or ask.hints.prefer:
            order, reason = _rank(order, reason, unsure, ask.hints.prefer)
    if max_price_ratio is not None and candidates:
        first = order[0] if not cooling else _first_of_all(ask, policy, candidates, totals, live, unsure)
        if too_dear := _too_dear(ask, candidates, first, max_price_ratio):
            rejected = {**rejected, **too_dear}
            order = [d for d in order if d.id not in too_dear]
            cooling = {key: until for key, until in cooling.items() if key not in too_dear}
    return Decision(
        ask, policy.name, candidates, order, rejected, cooling, scores, f"{policy.name}: {reason}", propensity, catalog.version
    )


def _first_of_all(
    ask: Ask,
    policy: Policy,
    candidates: Sequence[Deployment],
    totals: Sequence[float | None],
    live: Live,
    unsure: frozenset[str],
) -> Deployment:
    """Who would be the head if nobody were cooling down; where turns or draws decide, one that could be."""
    order, _, reason = policy.selector.order(ask, candidates, totals, _Still(live), Random(0))
    return _rank(order, reason, unsure, ask.hints.prefer)[0][0]


def _rank(
    order: Sequence[Deployment], reason: str, unsure: frozenset[str], prefer: Sequence[str]
) -> tuple[Sequence[Deployment], str]:
    """Known abilities and windows before unknown ones, then the caller's preference above all; otherwise the order stays."""
    head = order[0]
    ranked = sorted(order, key=lambda d: d.id in unsure) if unsure else list(order)
    if ranked[0] is not head:
        reason = "first whose abilities and window are known"
    if prefer:
        last = len(prefer)
        place = {d.id: next((i for i, name in enumerate(prefer) if d.answers_to(name)), last) for d in ranked}
        ranked.sort(key=lambda d: place[d.id])
        if place[ranked[0].id] < last:
            reason = f"preferred by the hint {prefer[place[ranked[0].id]]!r}"
    return ranked, reason


class _Still:
    """A look at the live state that uses up no turn."""

    def __init__(self, live: Live) -> None:
        self.cooling, self.of = live.cooling, live.of

    def next_round(self) -> int:
        """Always the first."""
        return 0


def _too_dear(ask: Ask, candidates: Sequence[Deployment], first: Deployment, ratio: float) -> dict[str, str]:
    """Those that cost more than ``ratio`` times the first choice; where its price is unknown there is nothing to compare."""
    base = expected_cost(first, ask)
    if base is None:
        return {}
    rejected = {}
    for deployment in candidates:
        cost = expected_cost(deployment, ask)
        if cost is None or cost > base * ratio:
            times = f"costs {cost / base:.2g} x the first choice" if cost is not None and base else "has no comparable price"
            rejected[deployment.id] = f"{times}, max_price_ratio is {ratio:g}"
    return rejected
