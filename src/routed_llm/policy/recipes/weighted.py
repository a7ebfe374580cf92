"""``weighted``: drawn by weight."""

from routed_llm.policy.compose import Policy
from routed_llm.policy.selectors.turns import Over, WeightedDraw

__all__ = ["weighted"]


def weighted(over: Over = "deployments") -> Policy:
    """Drawn by ``Model(weight=...)`` for each call; fallbacks are drawn in the same way.

    Args:
        over: ``deployments`` draws among all of them; ``models`` draws a model first, and then one of its deployments.

    Raises:
        ConfigurationError: for another word.
    """
    return Policy("weighted", selector=WeightedDraw(over))
