"""How far a model's level lies from the level that a call's difficulty wants."""

from __future__ import annotations

import math
from collections.abc import Sequence

from routed_llm.policy.later import Pool
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["LevelGap", "levels"]

#: wanted level of easy, middle and hard calls
WANTED = {"easy": 0.0, "middle": 0.5, "hard": 1.0}


def levels(candidates: Candidates) -> list[float | None]:
    """Level of each candidate within its pool: 0 the cheapest, 1 the dearest, on the logarithm of the price.

    Prices stand for strength because they are known for nearly every model and, within a user's own pool, mostly follow
    it. Where no price is known at all, the list is taken as ordered from light to strong. A single unknown price gives an
    unknown level.
    """
    if type(candidates) is Pool:
        return candidates.noted("levels", _levels)
    return _levels(candidates)


def _levels(candidates: Candidates) -> list[float | None]:
    prices = [None if d.price is None else d.price.estimate(3_000, 1_000) for d in candidates]
    known = [math.log(p) for p in prices if p]
    if not known:
        last = max(1, len(candidates) - 1)
        return [i / last for i in range(len(candidates))]
    low, span = min(known), (max(known) - min(known)) or 1.0
    return [None if p is None else (math.log(p) - low) / span if p > 0 else 0.0 for p in prices]


class LevelGap:
    """Distance between a model's level and the level wanted by the fact ``difficulty``, 0 to 1."""

    name = "level_gap"
    reads = ("difficulty",)
    unit = ""
    lower_is_better = True

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """Gap of each candidate."""
        wanted = WANTED[ask.facts.get("difficulty", "middle")]
        return [None if level is None else abs(level - wanted) for level in levels(candidates)]
