"""What a user's profile excludes is never tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.policy.selectors.preferred import profile_for, profiles_from
from routed_llm.policy.shapes import Demands, Effects
from routed_llm.requests import Ask

__all__ = ["Unwanted"]


class Unwanted:
    """Denies the models, aliases, providers and tags under ``exclude`` of the call's profile.

    Args:
        profiles: user -> profile; the hint ``profile`` wins, key by key.

    Raises:
        ConfigurationError: for a profile that cannot be meant.
    """

    name = "profile"

    def __init__(self, profiles: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.profiles = profiles_from(profiles)
        #: checked against the router's models when the router is made: a mistyped name would exclude nobody
        self.names = tuple(dict.fromkeys(name for profile in self.profiles.values() for name in profile.get("exclude", ())))

    def apply(self, ask: Ask) -> Effects | None:
        """The demand, where the profile excludes anybody."""
        exclude = profile_for(ask, self.profiles).get("exclude", ())
        return Effects(Demands(deny=tuple(exclude))) if exclude else None
