"""``budget``: the nearer a budget's end, the cheaper the choice."""

from __future__ import annotations

from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.data import Strategy
from routed_llm.policy.following import followed
from routed_llm.policy.selectors.frugal import Frugal

__all__ = ["budget"]


def budget(then: Strategy | None = None, begin: float = 0.5, slack: float = 0.1) -> AnyPolicy:
    """Degrades before anything is denied: as a budget runs ahead of its pace, only cheaper models are let in.

    The budgets themselves are the router's (``Router(budgets=[...])``, ``[budgets.<name>]`` in files) and those of
    ``with router.budget(...)``. They hold for every strategy: a model whose expected cost does not fit what is left is never
    asked. This strategy makes them last.

    Args:
        then: the strategy that chooses among the models that may be afforded; by default the order of the pool.
        begin: the used share, 0 to 1, from which a budget without a window saves.
        slack: how far, 0 to 1, the used share may be ahead of the share of the window that is over.

    Raises:
        ConfigurationError: for shares that are none, and for an unknown strategy.
    """
    return followed(Policy("budget", selector=Frugal(begin=begin, slack=slack)), then)
