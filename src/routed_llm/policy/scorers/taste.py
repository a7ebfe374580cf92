"""How little a model's manner and languages fit a user's profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Taste", "mismatch"]

#: points of what is known to fit, unknown, and known not to fit
FITS, UNKNOWN, FITS_NOT = 0, 1, 2


def mismatch(profile: Mapping[str, Any], deployment: Deployment) -> int:
    """Points of tone, length and language together: 0 fits in all that the profile says."""
    points = 0
    for name in ("tone", "length"):
        wanted = profile.get(name)
        if wanted is not None:
            trait = deployment.traits.get(name)
            points += UNKNOWN if trait is None else FITS if str(trait).lower() == str(wanted).lower() else FITS_NOT
    language = profile.get("language")
    if language is not None:
        known = deployment.languages
        points += UNKNOWN if not known else FITS if language.lower().partition("-")[0] in known else FITS_NOT
    return points


class Taste:
    """Points of mismatch with the hint ``profile``: 0 fits, 1 for what is unknown and 2 for what does not fit.

    To be weighed with others; the strategy ``preference`` puts the user's taste before everything else instead.
    """

    #: what a profile says of manner
    KEYS = ("tone", "length", "language")

    name = "taste"
    unit = "points"
    lower_is_better = True

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """Points of each candidate."""
        profile = ask.hints.profile
        return [float(mismatch(profile, d)) for d in candidates]
