"""The caller's own words about models: ``model=`` pins, the hint ``exclude`` rules out."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Named"]


class Named:
    """``model=`` and the hint ``exclude``."""

    name = "named"
    static = True

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates that are not the pinned model, or are excluded."""
        pinned, exclude = ask.requires.model, ask.requires.exclude
        rejected = {}
        for deployment in candidates:
            if pinned is not None and pinned not in deployment.names:
                rejected[deployment.id] = f"is not {pinned!r}, to which the call is pinned"
            elif exclude:
                by = next((name for name in exclude if deployment.answers_to(name)), None)
                if by is not None:
                    rejected[deployment.id] = f"excluded by the hint {by!r}"
        return rejected
