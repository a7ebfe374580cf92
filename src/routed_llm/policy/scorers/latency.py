"""Expected waiting time, from what was measured lately."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Latency"]


class Latency:
    """Seconds to the end of an answer, or to the first content where the call is streamed: moving averages.

    A deployment that was never measured and has no call under way is worth one call to learn from: it counts as 0 s, so
    each is tried once before they are compared. With a call under way it is unknown.
    """

    name = "latency"
    unit = "s"
    lower_is_better = True

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """Expected seconds of each candidate."""
        values: list[float | None] = []
        of, stream = live.of, ask.stream
        for deployment in candidates:
            numbers = of(deployment.id)
            seconds = numbers.latency
            if stream and numbers.first_content is not None:
                seconds = numbers.first_content
            # a call under way has been counted, too
            values.append(0.0 if seconds is None and not numbers.calls else seconds)
        return values
