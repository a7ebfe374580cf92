"""Strategies that hold together: ``["private", "sticky", "cheapest"]``.

Rules, filters and features of all hold; scorers are weighed together; a selector that refines an order (with ``then``)
refines that of the strategies behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from routed_llm.errors import ConfigurationError
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.selectors.best import Best
from routed_llm.policy.selectors.in_order import InOrder

__all__ = ["combined"]


def combined(policies: Sequence[AnyPolicy], path: str = "strategy") -> AnyPolicy:
    """One policy of several; a branch among them is combined part by part.

    Raises:
        ConfigurationError: for an empty list, and for two strategies of which each wants to pick in its own way.
    """
    if not policies:
        raise ConfigurationError("is an empty list: name at least one strategy.", path=path)
    for number, policy in enumerate(policies):
        if not isinstance(policy, Policy):
            before, after = policies[:number], policies[number + 1 :]
            return policy.with_parts([combined([*before, part, *after], path) for part in policy.parts])
    leaves = [policy for policy in policies if isinstance(policy, Policy)]
    if len(leaves) == 1:
        return leaves[0]
    scorers = [pair for policy in leaves for pair in policy.scorers]
    return Policy(
        "+".join(policy.name for policy in leaves),
        rules=[rule for policy in leaves for rule in policy.rules],
        filters=[each for policy in leaves for each in policy.filters],
        scorers=dict(scorers),
        selector=_selector(leaves, path),
        features=[each for policy in leaves for each in policy.features],
    )


def _selector(policies: Sequence[Policy], path: str) -> Any:
    """The last one's way to pick, refined by those before it."""
    refining: list[Any] = []
    picking: list[Policy] = []
    for policy in policies:
        selector: Any = policy.chosen_selector
        while selector is not None and hasattr(selector, "then"):
            refining.append(selector)
            selector = selector.then
        if selector is not None and not isinstance(selector, InOrder):
            picking.append(policy)
    if len(picking) > 1 and not all(getattr(_base(policy), "by_total", False) for policy in picking):
        names = " and ".join(repr(policy.name) for policy in picking)
        told = "leave one out, or say when each decides: When(condition, ...), or Split(...) for shares of the calls."
        raise ConfigurationError(f"{names} each pick in their own way: {told}", path=path)
    if len(picking) == 1:
        chain = _base(picking[0])
    else:
        chain = Best(f"{' and '.join(policy.name for policy in picking)} weighed together, first") if picking else None
    for selector in reversed(refining):
        selector = copy(selector)
        selector.then = chain
        chain = selector
    return chain


def _base(policy: Policy) -> Any:
    selector: Any = policy.chosen_selector
    while hasattr(selector, "then"):
        selector = selector.then
    return selector
