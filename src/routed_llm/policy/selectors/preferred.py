"""Models by a user's profile: tone, length, language, liked and disliked models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.errors import ConfigurationError, UnknownHint
from routed_llm.hints import profile_of
from routed_llm.policy.scorers.taste import Taste, mismatch
from routed_llm.policy.selectors.grouping import Grouping
from routed_llm.policy.shapes import Candidates, Live, Selector
from routed_llm.requests import Ask

__all__ = ["Preferred", "profile_for", "profiles_from"]


class Preferred(Grouping):
    """Liked models first, in their order; then by how well manner and language fit the profile; disliked ones last.

    Args:
        profiles: user -> profile, as the hint ``profile`` takes it; what that hint says of a call wins, key by key.
        then: the selector that orders models that fit equally.

    Raises:
        ConfigurationError: for a profile with unknown keys or values of a wrong kind.
    """

    name = "preferred"

    def __init__(self, profiles: Mapping[str, Mapping[str, Any]] | None = None, then: Selector | None = None) -> None:
        super().__init__(then)
        self.profiles = profiles_from(profiles)
        #: checked against the router's models when the router is made
        self.names = tuple(dict.fromkeys(
            name for profile in self.profiles.values() for key in ("liked", "disliked") for name in profile.get(key, ())
        ))  # fmt: skip

    def places(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[tuple[bool, int, int]] | None:
        """Disliked or not, place among the liked ones, and how little manner and language fit."""
        profile = profile_for(ask, self.profiles)
        if not profile:
            return None
        liked, disliked = profile.get("liked", ()), profile.get("disliked", ())
        places = []
        for deployment in candidates:
            wanted = next((n for n, name in enumerate(liked) if deployment.answers_to(name)), len(liked))
            unwanted = any(deployment.answers_to(name) for name in disliked)
            places.append((unwanted, wanted, mismatch(profile, deployment)))
        return places

    def because(self, ask: Ask, head: Deployment, place: tuple[bool, int, int]) -> str:
        """What of the profile speaks for the head."""
        profile = profile_for(ask, self.profiles)
        if place[0]:
            return "disliked, but nobody else may serve the call"
        if place[1] < len(profile.get("liked", ())):
            return "liked by the user"
        fitting = [name for name in Taste.KEYS if name in profile and not mismatch({name: profile[name]}, head)]
        return f"fits the user's {' and '.join(fitting)}" if fitting else "nobody is known to fit the user's profile"


def profiles_from(profiles: Mapping[str, Mapping[str, Any]] | None) -> dict[str, dict[str, Any]]:
    """Profiles by user, checked.

    Raises:
        ConfigurationError: with the path of the offending key.
    """
    if profiles is not None and not isinstance(profiles, Mapping):
        raise ConfigurationError(f"must be a table of users, not {profiles!r}.", path="profiles")
    found = {}
    for user, profile in (profiles or {}).items():
        try:
            found[str(user)] = profile_of("profile", profile)
        except UnknownHint as error:
            raise ConfigurationError(str(error), path=f"profiles.{user}") from None
    return found


def profile_for(ask: Ask, profiles: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """What is known of the tastes of the call's user; empty where nothing is."""
    said = ask.hints.profile
    known = profiles.get(ask.hints.user or "") if profiles else None
    return {**known, **said} if known and said else said or known or {}
