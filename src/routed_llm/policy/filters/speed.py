"""How long a call may take: the hint ``max_seconds``, and the same as a constraint of a policy."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Any

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.values import positive
from routed_llm.policy.vectors import NOBODY, is_large, outside
from routed_llm.requests import Ask

__all__ = ["MaxSeconds"]

#: seconds after a percentile's time for which one that has calls under way is not tried: their answers may renew it
_BUSY = 240.0


class MaxSeconds:
    """The 95th percentile of what was measured lately against a limit: of first contents for streams, else of whole answers.

    A percentile that is not known, or taken of fewer than 20 calls, rejects nothing. One that is older than a minute does not
    reject a deployment without calls under way, and after five minutes nobody: so whoever was slow is tried again, by one call
    after the other, and is back after the first quick answer.

    Args:
        seconds: the limit; None takes the hint ``max_seconds``, and without it there is no limit. Where both are there, the
            shorter counts.

    Raises:
        ConfigurationError: for what is no number above zero.
    """

    name = "max_seconds"
    static = False

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = positive("seconds", seconds)

    @property
    def hint(self) -> str | None:
        """The hint without which there is nothing to do."""
        return "max_seconds" if self.seconds is None else None

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates that are known to be slower."""
        limit, hint = self.seconds, ask.hints.max_seconds
        if limit is None or (hint is not None and hint < limit):
            limit = hint
        if limit is None:
            return NOBODY
        what = "first content" if ask.stream else "answer"
        name = "p95_first" if ask.stream else "p95"
        times = live.column(name, candidates)

        def why(_: Any, index: int) -> str:
            return f"5 of 100 calls wait more than {times[index]:.3g} s for the {what}, {limit:g} s are allowed"

        slow = outside(candidates, times, why, most=limit, unknown=False)
        if not slow:
            return slow
        times = _lately(
            times, live.column(f"{name}_until", candidates), live.column("in_flight", candidates), ask.now, candidates
        )
        return outside(candidates, times, why, most=limit, unknown=False)


def _lately(times: Any, until: Any, flying: Any, now: float, candidates: Candidates) -> Any:
    """The times, without those that do not count any more."""
    if is_large(candidates):
        import numpy as np

        return np.where((now > until) & ((flying == 0) | (now > until + _BUSY)), nan, times)
    return [
        nan if now > last and (not calls or now > last + _BUSY) else seconds
        for seconds, last, calls in zip(times, until, flying, strict=True)
    ]
