"""``round_robin``: each in turn."""

from routed_llm.policy.compose import Policy
from routed_llm.policy.selectors.turns import Over, RoundRobin

__all__ = ["round_robin"]


def round_robin(over: Over = "deployments") -> Policy:
    """Each deployment in turn; the next ones are the fallbacks.

    Args:
        over: ``deployments``, or ``models``: each model in turn, and within it each of its deployments.

    Raises:
        ConfigurationError: for another word.
    """
    return Policy("round_robin", selector=RoundRobin(over))
