"""``preference``: a user's taste."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.data import Strategy
from routed_llm.policy.following import followed
from routed_llm.policy.rules.unwanted import Unwanted
from routed_llm.policy.selectors.preferred import Preferred

__all__ = ["preference"]


def preference(profiles: Mapping[str, Mapping[str, Any]] | None = None, then: Strategy | None = None) -> AnyPolicy:
    """By a user's profile: liked models first, then those whose manner and languages fit, disliked ones last.

    A profile is a table with ``tone`` and ``length`` (words that are compared with the models' ``traits``), ``language`` (an
    ISO 639 code, compared with their ``languages``), ``liked`` and ``disliked`` (models, aliases, providers or tags), and
    ``exclude`` (the same, never tried). It comes with the hint ``profile``, or is found here by the hint ``user``.

    Args:
        profiles: user -> profile; what the hint says of a call wins, key by key.
        then: the strategy that orders models that fit equally.

    Raises:
        ConfigurationError: for a profile with unknown keys or values of a wrong kind.
    """
    rules, selector = [Unwanted(profiles)], Preferred(profiles)
    return followed(Policy("preference", rules=rules, selector=selector), then)
