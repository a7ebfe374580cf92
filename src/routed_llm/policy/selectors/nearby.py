"""One of those near the best, so that not everybody runs to the same one; and now and then one of whom nothing new is known."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.errors import ConfigurationError
from routed_llm.policy.later import HeadFirst
from routed_llm.policy.selectors.best import by_total, lowest_index
from routed_llm.policy.shapes import Candidates, Chance, Live
from routed_llm.policy.vectors import Values, is_large
from routed_llm.requests import Ask

__all__ = ["Nearby"]

#: a larger share of calls than this is no small price for news
MOST_EXPLORED = 0.02


class Nearby:
    """The better of two random choices among those whose total is near the lowest; the rest by total.

    Both choices are drawn by nearness: the lowest total has weight 1, and the weight falls in a straight line to 0 at the end
    of the band. Two choices spread load nearly as well as a look at all queues (Mitzenmacher, 2001, The power of two choices
    in randomized load balancing), and callers that see the same numbers at the same time do not all go to the same one.
    With a share ``explore`` of the calls, one of those of whom nothing was heard for long is tried, if there are any. The
    propensity is the exact probability of the head, of both ways together.

    Args:
        tolerance: width of the band, as a share of the lowest total; 0 takes the lowest, and draws among equal ones.
        explore: share of calls for those of whom nothing was heard, at most 0.02; 0 never tries them.
        stale: seconds without news after which one is tried again.
        because: what makes the head the best, in a few words.

    Raises:
        ConfigurationError: for a number out of its range.
    """

    name = "nearby"
    #: strategies whose selectors pick by total hold together: their scores are weighed
    by_total = True

    def __init__(
        self,
        tolerance: float = 0.2,
        explore: float = MOST_EXPLORED,
        stale: float = 300.0,
        because: str = "shortest expected wait",
    ) -> None:
        for name, value, low, high in (("tolerance", tolerance, 0, 10), ("explore", explore, 0, MOST_EXPLORED)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise ConfigurationError(f"must be a number from {low} to {high}, not {value!r}.", path=name)
        if isinstance(stale, bool) or not isinstance(stale, (int, float)) or not 0 < stale < float("inf"):
            raise ConfigurationError(f"must be a number of seconds above zero, not {stale!r}.", path="stale")
        self.tolerance, self.explore, self.stale, self.because = tolerance, explore, stale, because

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
    ) -> tuple[Sequence[Deployment], float, str]:
        """One of the band, or one without news, and then the others by total."""
        count = len(candidates)
        known = type(totals) is not Values and None not in totals
        lowest = totals.index(min(totals)) if known and totals else lowest_index(totals)  # type: ignore[type-var]
        if lowest is None:
            return (by_total(candidates, totals) if totals else candidates), 1.0, "nothing is known to compare, first in order"
        band = _Band(totals, totals[lowest], self.tolerance, known)  # type: ignore[arg-type]  # the lowest is known
        silent = self._silent(ask, candidates, totals, live, known) if self.explore else ()
        explored = self.explore if len(silent) else 0.0
        if explored and rng.random() < explored:
            head = int(silent[int(rng.random() * len(silent))])
            reason = f"tried again: nothing was heard of it for {self.stale:g} s"
        else:
            head = band.draw(rng)
            near = len(band.indexes)
            reason = f"{self.because} of {count}" if near == 1 else f"{self.because} of {count}, drawn among {near} near it"
        share = band.share(head)
        if explored:
            share = (1 - explored) * share + (explored / len(silent) if head in silent else 0.0)
        return HeadFirst(candidates[head], count, by_total, candidates, totals), share, reason

    def _silent(self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, known: bool) -> Any:
        """Indexes of those that answered long ago, or of which nothing is known, and that have no call under way."""
        heard, since = live.column("at", candidates), ask.now - self.stale
        if is_large(candidates):
            import numpy as np

            silent = heard < since
            if type(totals) is Values:
                silent = silent | np.isnan(totals.array)
            return np.flatnonzero(silent & (live.column("in_flight", candidates) == 0)) if silent.any() else ()
        if known and min(heard) >= since:
            return ()
        flying = live.column("in_flight", candidates)
        return [i for i, t in enumerate(totals) if (t is None or heard[i] < since) and not flying[i]]


class _Band:
    """Those near the best: their indexes, totals and weights."""

    __slots__ = ("_equal", "indexes", "totals", "weights")

    def __init__(self, totals: Sequence[float | None], best: float, tolerance: float, known: bool) -> None:
        width = abs(best) * tolerance
        limit = best + width
        self.indexes: Sequence[int]
        self.totals: Sequence[float]
        if type(totals) is Values:
            found = (totals.array <= limit).nonzero()[0]
            self.indexes, self.totals = found.tolist(), totals.array[found].tolist()
        else:
            if known:
                self.indexes = [i for i, t in enumerate(totals) if t <= limit]  # type: ignore[operator]  # none is unknown
            else:
                self.indexes = [i for i, t in enumerate(totals) if t is not None and t <= limit]
            self.totals = [totals[i] for i in self.indexes]  # type: ignore[misc]  # those are known
        self._equal = len(self.totals) == 1 or max(self.totals) == best
        self.weights: list[float] = [] if self._equal else [1.0 - (t - best) / width for t in self.totals]

    def draw(self, rng: Chance) -> int:
        """Index of the better of two drawn by weight; of equals the first drawn."""
        indexes = self.indexes
        if self._equal:
            return indexes[int(rng.random() * len(indexes))] if len(indexes) > 1 else indexes[0]
        sums = list(accumulate(self.weights))
        last, total, bits = len(sums) - 1, sums[-1], rng.getrandbits(64)
        first = bisect_right(sums, (bits >> 32) / _HALF * total, hi=last)
        second = bisect_right(sums, (bits & _LOW) / _HALF * total, hi=last)
        return indexes[second if self.totals[second] < self.totals[first] else first]

    def share(self, index: int) -> float:
        """Probability with which :meth:`draw` gives an index; 0 for one outside.

        It is the better of two when it is drawn first and the other is not better, or second and the other is worse.
        """
        if index not in self.indexes:
            return 0.0
        if self._equal:
            return 1.0 / len(self.indexes)
        place = self.indexes.index(index)
        total, mine = sum(self.weights), self.totals[place]
        beaten = 0.0
        for weight, wait in zip(self.weights, self.totals, strict=True):
            if wait > mine:
                beaten += weight + weight
            elif wait == mine:
                beaten += weight
        return self.weights[place] * beaten / (total * total)


#: a draw of 64 bits is two of 32
_HALF, _LOW = float(1 << 32), (1 << 32) - 1
