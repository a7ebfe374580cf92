"""``sticky``: a conversation stays with its model."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.data import Strategy
from routed_llm.policy.following import followed
from routed_llm.policy.selectors.sticky import LEAVE_FOR, Sticky

__all__ = ["sticky"]


def sticky(
    then: Strategy | None = None, minutes: float = 60.0, leave_for: Sequence[str] = LEAVE_FOR, calls: int = 3
) -> AnyPolicy:
    """Keeps a conversation with its model, and never changes it within a tool loop.

    When it leaves, and what it weighs then: :class:`~routed_llm.policy.selectors.sticky.Sticky`. A conversation is named by
    the hint ``session``, by LangGraph's ``thread_id``, or else by how its transcript begins.

    Args:
        then: the strategy that chooses the first model, and another when the conversation leaves; by default the pool's order.
        minutes: silence after which a conversation is free to go anywhere.
        leave_for: facts whose change may be a reason to leave; an empty list never leaves between turns.
        calls: how many further calls a gain is reckoned for.

    Raises:
        ConfigurationError: for values that cannot be meant, and for an unknown strategy.
    """
    return followed(Policy("sticky", selector=Sticky(minutes=minutes, leave_for=leave_for, calls=calls)), then)
