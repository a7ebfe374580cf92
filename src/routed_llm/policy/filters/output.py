"""A model that cannot write an answer as long as the caller allows is never tried: it would refuse the call."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.vectors import NOBODY, known_of, outside
from routed_llm.requests import Ask

__all__ = ["Output"]


class Output:
    """The call's ``max_tokens`` against each known limit; an unknown limit rejects nothing."""

    name = "output"
    static = False
    #: without which there is nothing to do
    hint = "max_tokens"

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates whose answers are shorter at most."""
        wanted = ask.max_tokens
        if wanted is None:
            return NOBODY
        return outside(
            candidates,
            known_of(candidates, "longest answers", lambda d: d.max_output),
            lambda d, _: f"writes at most {d.max_output:,} tokens, max_tokens is {wanted:,}",
            least=wanted,
            unknown=False,
        )
