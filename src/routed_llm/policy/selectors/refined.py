"""The order that a selector refines: that of its ``then``, else by totals where there are any, else as it stands."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.later import HeadFirst
from routed_llm.policy.selectors.best import Best
from routed_llm.policy.selectors.in_order import InOrder
from routed_llm.policy.shapes import Candidates, Chance, Live, Selector
from routed_llm.requests import Ask

__all__ = ["Ordered", "order_behind", "selector_behind", "with_head"]

#: what a selector gives: order, probability of its head, reason
Ordered = tuple[Sequence[Deployment], float, str]

_IN_ORDER, _LOWEST = InOrder(), Best("lowest total")


def selector_behind(then: Selector | None, totals: Sequence[float | None]) -> Selector:
    """Who orders: ``then``, else the lowest total, and without scores the order as it is."""
    return then or (_LOWEST if len(totals) else _IN_ORDER)


def order_behind(
    then: Selector | None, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
) -> Ordered:
    """What the selector behind says."""
    return selector_behind(then, totals).order(ask, candidates, totals, live, rng)


def with_head(head: Deployment, order: Sequence[Deployment]) -> Sequence[Deployment]:
    """The same order with another head."""
    return order if order[0] is head else HeadFirst(head, len(order), lambda: order)
