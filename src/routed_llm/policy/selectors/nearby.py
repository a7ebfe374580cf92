"""One of those near the best, so that not everybody runs to the same one; and now and then one of whom nothing new is known."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.errors import ConfigurationError
from routed_llm.policy.later import HeadFirst
from routed_llm.policy.selectors.best import by_total
from routed_llm.policy.selectors.spreading import as_it_is
from routed_llm.policy.shapes import Candidates, Chance, Live
from routed_llm.policy.vectors import Values, is_large, lowest_of
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
        band = _near(totals, self.tolerance)
        if band is None:
            order, share, one = as_it_is(ask, by_total(candidates, totals) if totals else candidates, live, rng)
            return order, share, "nothing is known to compare, first in order" + one
        indexes, waits, weights, known = band
        silent = self._silent(ask, candidates, totals, live, known) if self.explore else ()
        explored = self.explore if len(silent) else 0.0
        if explored and rng.random() < explored:
            head = int(silent[int(rng.random() * len(silent))])
            place = indexes.index(head) if head in indexes else None
            reason = f"tried again: nothing was heard of it for {self.stale:g} s"
        else:
            place, near = _draw(waits, weights, rng), len(indexes)
            head = indexes[place]
            reason = f"{self.because} of {count}" if near == 1 else f"{self.because} of {count}, drawn among {near} near it"
        share = _share(waits, weights, place) if place is not None else 0.0
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


#: of those near the best their indexes, totals and weights (none where all are equal), and whether every total is known
_Band = tuple[Sequence[int], Sequence[float], Sequence[float], bool]


def _near(totals: Sequence[float | None], tolerance: float) -> _Band | None:
    """Those near the best; None where nothing is known."""
    if type(totals) is Values:
        return _near_of_many(totals, tolerance)
    numbers: Any = totals
    try:
        rising = sorted(numbers)
    except TypeError:  # None cannot be compared
        rising = sorted([t for t in numbers if t is not None])
    if not rising or rising[0] is None:  # nobody else could be compared with the only one
        return None
    best, known = rising[0], len(rising) == len(numbers)
    width = abs(best) * tolerance
    count = bisect_right(rising, best + width)
    if count == 1:
        return [numbers.index(best)], (best,), (), known
    limit = rising[count - 1]
    indexes = [i for i, t in enumerate(numbers) if t is not None and t <= limit]
    near = [numbers[i] for i in indexes]
    return indexes, near, [1.0 - (t - best) / width for t in near] if limit > best else (), known


def _near_of_many(totals: Values, tolerance: float) -> _Band | None:
    """The same of a large pool."""
    lowest = lowest_of(totals)
    if lowest is None:
        return None
    best = float(totals.array[lowest])
    width = abs(best) * tolerance
    found = (totals.array <= best + width).nonzero()[0]
    near = totals.array[found].tolist()
    return found.tolist(), near, [1.0 - (t - best) / width for t in near] if max(near) > best else (), False


def _draw(totals: Sequence[float], weights: Sequence[float], rng: Chance) -> int:
    """Place in the band of the better of two drawn by weight; of equals the first drawn."""
    if not weights:
        count = len(totals)
        return int(rng.random() * count) if count > 1 else 0
    sums = list(accumulate(weights))
    last, total, bits = len(sums) - 1, sums[-1], rng.getrandbits(64)
    first = bisect_right(sums, (bits >> 32) / _HALF * total, hi=last)
    second = bisect_right(sums, (bits & _LOW) / _HALF * total, hi=last)
    return second if totals[second] < totals[first] else first


def _share(totals: Sequence[float], weights: Sequence[float], place: int) -> float:
    """Probability with which :func:`_draw` gives a place.

    It is the better of two when it is drawn first and the other is not better, or second and the other is worse.
    """
    if not weights:
        return 1.0 / len(totals)
    total, mine = sum(weights), totals[place]
    beaten = 0.0
    for weight, wait in zip(weights, totals, strict=True):
        if wait > mine:
            beaten += weight + weight
        elif wait == mine:
            beaten += weight
    return weights[place] * beaten / (total * total)


#: a draw of 64 bits is two of 32
_HALF, _LOW = float(1 << 32), (1 << 32) - 1
