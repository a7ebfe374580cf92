"""A prompt longer than a model's window is never sent to it."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Window"]


class Window:
    """The prompt's estimated length in tokens against each known window; an unknown window rejects nothing."""

    name = "window"
    static = False

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates whose window is too small."""
        tokens = ask.input_tokens
        return {
            d.id: f"its window of {d.context:,} tokens is smaller than the prompt of about {tokens:,}"
            for d in candidates
            if d.context is not None and d.context < tokens
        }
