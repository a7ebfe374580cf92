"""One of those near the best, so that not everybody runs to the same one; and now and then one of whom nothing new is known."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.errors import ConfigurationError
from routed_llm.policy.later import HeadFirst
from routed_llm.policy.selectors.best import by_total
from routed_llm.policy.selectors.spreading import as_it_is
from routed_llm.policy.shapes import Candidates, Chance, Live
from routed_llm.policy.vectors import Values, has_unknown, lowest_of
from routed_llm.requests import Ask

__all__ = ["Nearby"]

#: a larger share of calls than this is no small price for news
MOST_EXPLORED = 0.02
#: reasons that are kept
_KEPT = 256


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
        #: by number of candidates and of those near the best, as far as they were told
        self._told: dict[tuple[int, int], str] = {}

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
    ) -> tuple[Sequence[Deployment], float, str]:
        """One of the band, or one without news, and then the others by total."""
        count = len(candidates)
        near, known = _near(totals, self.tolerance)
        if not near:
            order, share, one = as_it_is(ask, by_total(candidates, totals) if totals else candidates, live, rng)
            return order, share, "nothing is known to compare, first in order" + one
        sums = _sums(near, self.tolerance)
        silent = self._silent(ask, candidates, totals, live, known) if self.explore else ()
        explored = self.explore if silent else 0.0
        if explored and rng.random() < explored:
            head = silent[int(rng.random() * len(silent))]
            wait = totals[head]
            first = None if wait is None or wait > near[-1] else bisect_left(near, wait)
            reason = f"tried again: nothing was heard of it for {self.stale:g} s"
        else:
            place = _draw(near, sums, rng)
            first = bisect_left(near, near[place])
            head = _index(totals, near[place], place - first)
            reason = self._told.get((count, len(near))) or self._tell(count, len(near))
        share = 0.0 if first is None else _share(near, sums, first)
        if explored:
            share = (1 - explored) * share + (explored / len(silent) if head in silent else 0.0)
        return HeadFirst(candidates[head], count, by_total, candidates, totals), share, reason

    def _tell(self, count: int, near: int) -> str:
        """What makes the head the head."""
        reason = f"{self.because} of {count}" if near == 1 else f"{self.because} of {count}, drawn among {near} near it"
        if len(self._told) >= _KEPT:
            self._told.clear()
        self._told[count, near] = reason
        return reason

    def _silent(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, known: bool
    ) -> Sequence[int]:
        """Indexes of those that answered long ago, or of which nothing is known, and that have no call under way."""
        heard, since = live.column("at", candidates), ask.now - self.stale
        array = totals.array if type(totals) is Values else None
        if known and (min(heard) if array is None else heard[heard.argmin()]) >= since:
            return ()
        flying = live.column("in_flight", candidates)
        if array is not None:
            found: list[int] = (((heard < since) | (array != array)) & (flying == 0)).nonzero()[0].tolist()
            return found
        return [i for i, t in enumerate(totals) if (t is None or heard[i] < since) and not flying[i]]


def _near(totals: Sequence[float | None], tolerance: float) -> tuple[list[float], bool]:
    """The totals near the lowest, rising, none where nothing is known; and whether every total is known."""
    if type(totals) is Values:
        return _near_of_many(totals, tolerance)
    numbers: Any = totals
    try:
        rising, known = sorted(numbers), True
    except TypeError:  # None cannot be compared
        rising, known = sorted([t for t in numbers if t is not None]), False
    if not rising or rising[0] is None:  # nobody else could be compared with the only one
        return [], False
    best = rising[0]
    return rising[: bisect_right(rising, best + abs(best) * tolerance)], known


def _near_of_many(totals: Values, tolerance: float) -> tuple[list[float], bool]:
    """The same of a large pool."""
    lowest, numbers = lowest_of(totals), totals.array
    if lowest is None:
        return [], False
    best = float(numbers[lowest])
    return sorted(numbers[numbers <= best + abs(best) * tolerance].tolist()), not has_unknown(numbers)


def _sums(near: Sequence[float], tolerance: float) -> Sequence[float]:
    """Running sums of the weights of totals near the lowest; none where all are equal."""
    best = near[0]
    if near[-1] == best:
        return ()
    width = abs(best) * tolerance
    return list(accumulate([1.0 - (total - best) / width for total in near]))


def _draw(near: Sequence[float], sums: Sequence[float], rng: Chance) -> int:
    """Place of the better of two drawn by weight; of equals the first drawn."""
    if not sums:
        return int(rng.random() * len(near)) if len(near) > 1 else 0
    last, unit, bits = len(sums) - 1, sums[-1] / _HALF, rng.getrandbits(64)
    first = bisect_right(sums, (bits >> 32) * unit, 0, last)
    second = bisect_right(sums, (bits & _LOW) * unit, 0, last)
    return second if near[second] < near[first] else first


def _index(totals: Sequence[float | None], total: float, skipped: int) -> int:
    """Index of a total among all, behind so many that are equal to it."""
    if type(totals) is Values:
        return int((totals.array == total).nonzero()[0][skipped])
    index = totals.index(total)
    while skipped:
        index, skipped = totals.index(total, index + 1), skipped - 1
    return index


def _share(near: Sequence[float], sums: Sequence[float], first: int) -> float:
    """Probability with which :func:`_draw` gives a place, the first of equal ones.

    It is the better of two when it is drawn first and the other is not better, or second and the other is worse.
    """
    if not sums:
        return 1.0 / len(near)
    behind = bisect_right(near, near[first], first)
    before, through, whole = sums[first - 1] if first else 0.0, sums[behind - 1], sums[-1]
    # those that are equal have equal weights
    return (through - before) / (behind - first) * (whole - through + whole - before) / (whole * whole)


#: a draw of 64 bits is two of 32
_HALF, _LOW = float(1 << 32), (1 << 32) - 1
