"""``least_busy``: the fewest calls under way."""

from routed_llm.policy.compose import Policy
from routed_llm.policy.selectors.busy import LeastBusy
from routed_llm.policy.selectors.turns import Over

__all__ = ["least_busy"]


def least_busy(over: Over = "deployments") -> Policy:
    """The deployment with the fewest calls under way for what it bears; equals are drawn by what they bear.

    Args:
        over: ``deployments``, or ``models``: first the model that is the least busy, then one of its deployments.

    Raises:
        ConfigurationError: for another word.
    """
    return Policy("least_busy", selector=LeastBusy(over))
