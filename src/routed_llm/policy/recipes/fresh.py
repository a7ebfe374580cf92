"""``fresh``: knowledge after a date, or a floor of factuality."""

from __future__ import annotations

from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.data import Strategy
from routed_llm.policy.following import followed
from routed_llm.policy.selectors.fresh import Fresh

__all__ = ["fresh"]


def fresh(factuality: float | None = None, days: float = 0, then: Strategy | None = None) -> AnyPolicy:
    """Models whose knowledge reaches what the call needs; else one that searches; else it says so.

    What a call needs is found in its words (``today``, ``the latest``, a date), or said by the hint ``knowledge_after``. Calls
    that need nothing of the kind are left to ``then``. Where nobody is known to be good enough, the model with the latest
    knowledge answers; the reason says so, and the answer's routing facts have a notice.

    Args:
        factuality: floor of factuality, 0 to 1, that every call needs; unknown does not reach it. (The hint ``factuality``
            rejects models instead.)
        days: how old knowledge may be where a call needs fresh knowledge and names no day.
        then: the strategy that orders models that are equally good for it.

    Raises:
        ConfigurationError: for numbers that cannot be meant.
    """
    return followed(Policy("fresh", selector=Fresh(factuality, days)), then)
