"""A prompt longer than a model's window is never sent to it."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.later import Pool
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.vectors import NOBODY, known_of, outside
from routed_llm.requests import Ask

__all__ = ["Window"]


def _smallest(pool: Pool) -> float:
    return min((d.context for d in pool if d.context is not None), default=float("inf"))


class Window:
    """The prompt's estimated length in tokens against each known window; an unknown window rejects nothing."""

    name = "window"
    static = False

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates whose window is too small."""
        tokens = ask.longest
        # nearly every prompt fits the smallest window of all, and that is the same for every call
        if type(candidates) is Pool and tokens <= candidates.noted("smallest window", _smallest):
            return NOBODY
        windows = known_of(candidates, "windows", lambda d: d.context)
        return outside(
            candidates,
            windows,
            lambda d, _: f"its window of {d.context:,} tokens is smaller than the prompt of about {tokens:,}",
            least=tokens,
            unknown=False,
        )
