"""The lowest total score."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.later import HeadFirst, LaterValues, Pool
from routed_llm.policy.selectors.spreading import SEVERAL, as_it_is, spread
from routed_llm.policy.shapes import Candidates, Chance, Live
from routed_llm.policy.vectors import Values, lowest_of
from routed_llm.requests import Ask

__all__ = ["Best", "by_total", "lowest_index"]

_LAST = float("inf")


class Best:
    """Candidates by total score, the lowest first; unknown totals last; ties in the user's order.

    Deployments of one model whose totals are equal share its calls. ``because`` names in a few words what makes the head the
    best, and ``fact`` a fact of the call to tell with it.
    """

    name = "best"
    #: strategies whose selectors pick by total hold together: their scores are weighed
    by_total = True

    def __init__(self, because: str, fact: str | None = None) -> None:
        self.because = because
        self.fact = fact
        self.reads = (fact,) if fact is not None else ()
        self._told = (0, "")

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
    ) -> tuple[Sequence[Deployment], float, str]:
        """Sorted by total."""
        count = len(candidates)
        at = totals.lowest if type(totals) is LaterValues else lowest_index(totals)
        if at is None:
            order = by_total(candidates, totals) if len(totals) else candidates
            order, share, one = as_it_is(ask, order, live, rng)
            return order, share, "nothing is known to compare, first in order" + one
        told, reason = self._told
        if told != count:
            reason = f"{self.because} of {count}"
            self._told = (count, reason)
        if self.fact is not None and self.fact in ask.facts:
            reason = f"{ask.facts[self.fact]} call, {reason}"
        if type(candidates) is Pool and not candidates.notes.get(SEVERAL, True):  # nearly every pool
            return HeadFirst(candidates[at], count, by_total, candidates, totals), 1.0, reason
        at, share, one = spread(ask, candidates, totals, at, live, rng)
        return HeadFirst(candidates[at], count, by_total, candidates, totals), share, reason + one


def lowest_index(totals: Sequence[float | None]) -> int | None:
    """Index of the lowest known total, the first of equals; None where nothing is known."""
    if type(totals) is Values:
        return lowest_of(totals)
    if not totals:
        return None
    try:
        lowest = min(totals)  # type: ignore[type-var]  # checked by trying: a look for None costs more than the search
    except TypeError:
        lowest = min(total for total in totals if total is not None) if any(t is not None for t in totals) else None
    return None if lowest is None else totals.index(lowest)


def by_total(candidates: Candidates, totals: Sequence[float | None]) -> list[Deployment]:
    """Candidates by total, the lowest first; unknown ones last; ties in the user's order."""
    keyed = [(_LAST if t is None else t, d.position, d) for t, d in zip(totals, candidates, strict=True)]
    keyed.sort(key=lambda item: item[:2])
    return [item[2] for item in keyed]
