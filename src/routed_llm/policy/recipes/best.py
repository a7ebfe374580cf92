"""``best``: the highest predicted quality."""

from __future__ import annotations

from routed_llm.policy.compose import Policy
from routed_llm.policy.filters.cost import MaxCost
from routed_llm.policy.scorers.quality import Quality
from routed_llm.policy.selectors.best_then_cost import BestThenCost
from routed_llm.policy.values import bounded

__all__ = ["best"]


def best(max_cost: float | None = None) -> Policy:
    """The model with the highest quality for this call's task, domain and language; the cheapest of equals.

    The number is the most specific strength that is told of the model (programming language, task, group of tasks, domain,
    language), else its general quality: ``Model(quality=..., strengths={...})``; the catalog that comes with the package has
    none yet. An unknown quality is never the best, an unknown price is below no limit.

    Args:
        max_cost: US dollars that a call may be expected to cost at most: "the best below $x".

    Raises:
        ConfigurationError: for a limit that is no number above zero.
    """
    filters = bounded("max_cost", MaxCost, max_cost)
    return Policy("best", filters=filters, scorers={Quality(): 1.0}, selector=BestThenCost("highest quality", fact="task"))
