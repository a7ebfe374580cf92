"""The lowest total score."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.later import HeadFirst, LaterValues
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Best"]

_LAST = float("inf")


class Best:
    """Candidates by total score, the lowest first; unknown totals last; ties in the user's order.

    ``because`` names in a few words what makes the head the best, and ``fact`` a fact of the call to tell with it.
    """

    name = "best"

    def __init__(self, because: str, fact: str | None = None) -> None:
        self.because = because
        self.fact = fact

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Random
    ) -> tuple[Sequence[Deployment], float, str]:
        """Sorted by total."""
        count = len(candidates)
        lowest = totals.lowest if isinstance(totals, LaterValues) else _lowest(totals)
        if lowest is None:
            return _sorted(candidates, totals), 1.0, "nothing is known to compare, first in order"
        reason = f"{self.because} of {count}"
        if self.fact is not None and self.fact in ask.facts:
            reason = f"{ask.facts[self.fact]} call, {reason}"
        return HeadFirst(candidates[lowest], count, lambda: _sorted(candidates, totals)), 1.0, reason


def _lowest(totals: Sequence[float | None]) -> int | None:
    known = [total for total in totals if total is not None]
    return totals.index(min(known)) if known else None


def _sorted(candidates: Candidates, totals: Sequence[float | None]) -> list[Deployment]:
    keyed = [(_LAST if t is None else t, d.position, d) for t, d in zip(totals, candidates, strict=True)]
    keyed.sort(key=lambda item: item[:2])
    return [item[2] for item in keyed]
