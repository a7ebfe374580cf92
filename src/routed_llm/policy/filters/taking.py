"""Parameters that a model would not get as they are; asked only where the call is strict about them."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Taking"]


class Taking:
    """The hint ``strict_params`` against what each model takes; that was found out when the call came."""

    name = "taking"
    static = True

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates that would leave out or change a parameter, with the parameter in the reason."""
        if not ask.requires.untaken:
            return {}
        told = dict(ask.requires.untaken)
        return {d.id: f"would lose a parameter: {told[d.id]}" for d in candidates if d.id in told}
