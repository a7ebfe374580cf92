"""``local_first``: models on this machine or on the premises for what they can do, the cloud for the rest."""

from __future__ import annotations

from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.data import Strategy
from routed_llm.policy.following import followed
from routed_llm.policy.selectors.local_first import Difficulty, LocalFirst

__all__ = ["local_first"]


def local_first(up_to: Difficulty = "middle", min_quality: float | None = None, then: Strategy | None = None) -> AnyPolicy:
    """Local models first, for calls that they can serve and that are not too hard for them; the cloud otherwise.

    Local are models with ``place`` ``device`` (on loopback that is so by itself) or ``on_premises``. When they fail or are
    cooling down, the cloud takes over; and they stay the cloud's fallbacks. To keep data from leaving, use ``private``.

    Args:
        up_to: the hardest calls that local models are to serve.
        min_quality: quality for the call's task, domain or language that a local model must be known to have, 0 to 1.
        then: the strategy that orders local models, and those of the cloud.

    Raises:
        ConfigurationError: for values that cannot be meant.
    """
    return followed(Policy("local_first", selector=LocalFirst(up_to, min_quality)), then)
