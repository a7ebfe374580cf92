"""``ordered``: the user's own order of preference."""

from routed_llm.policy.compose import Policy

__all__ = ["ordered"]


def ordered() -> Policy:
    """The first of the list that may serve the call; the others are its fallbacks."""
    return Policy("ordered")
