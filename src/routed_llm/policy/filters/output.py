"""A model that cannot write an answer as long as the caller allows is never tried: it would refuse the call."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Output"]


class Output:
    """The call's ``max_tokens`` against each known limit; an unknown limit rejects nothing."""

    name = "output"
    static = False

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates whose answers are shorter at most."""
        wanted = ask.max_tokens
        if wanted is None:
            return {}
        return {
            d.id: f"writes at most {d.max_output:,} tokens, max_tokens is {wanted:,}"
            for d in candidates
            if d.max_output is not None and d.max_output < wanted
        }
