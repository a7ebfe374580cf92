"""Strategies that refine another one: ``fresh(then="cheapest")``."""

from __future__ import annotations

from routed_llm.errors import ConfigurationError
from routed_llm.policy.combine import combined
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.data import Strategy, policy_from

__all__ = ["followed"]


def followed(policy: Policy, then: Strategy | None) -> AnyPolicy:
    """The policy, with another strategy that orders what it leaves open; None leaves that to the scores or the user's order.

    Raises:
        ConfigurationError: for a strategy that is unknown, or that cannot be combined; with ``then`` in the path.
    """
    if then is None:
        return policy
    try:
        return combined([policy, policy_from(then, "then")], "then")
    except ConfigurationError as error:
        raise error if error.path and error.path.startswith("then") else error.below("then") from None
