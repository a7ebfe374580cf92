"""How long a call may take: the hint ``max_seconds``, and the same as a constraint of a policy."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.values import positive
from routed_llm.policy.vectors import NOBODY, outside
from routed_llm.requests import Ask

__all__ = ["MaxSeconds"]


class MaxSeconds:
    """The 95th percentile of what was measured lately against a limit: of first contents for streams, else of whole answers.

    A percentile that is not known, or taken of fewer than 20 calls, rejects nothing.

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
        times = live.column("p95_first" if ask.stream else "p95", candidates)
        return outside(
            candidates,
            times,
            lambda _, index: f"5 of 100 calls wait more than {times[index]:.3g} s for the {what}, {limit:g} s are allowed",
            most=limit,
            unknown=False,
        )
