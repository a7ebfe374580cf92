"""``cheapest``: the lowest expected cost of this call."""

from routed_llm.policy.compose import Policy
from routed_llm.policy.scorers.cost import ExpectedCost
from routed_llm.policy.selectors.best import Best

__all__ = ["cheapest"]


def cheapest(learn: bool = True) -> Policy:
    """The deployment at which this very call is expected to cost least; an unknown price is never the cheapest.

    Tokens of the prompt and of the answer at the prices of the moment: tiers of long prompts, times of day, prices for
    requests, images and audio, capacity that is paid for already. See :class:`~routed_llm.policy.scorers.cost.ExpectedCost`.

    Args:
        learn: use how long an answer the wording asks for, and what was measured: how many tokens each deployment really
            counts in a prompt, how long its answers are, and which one has this conversation in its cache. Without it every
            deployment is taken to count and answer alike, whatever the wording.

    Raises:
        ConfigurationError: when ``learn`` is neither true nor false.
    """
    return Policy("cheapest", scorers={ExpectedCost(learn): 1.0}, selector=Best("lowest expected cost"))
