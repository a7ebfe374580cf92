"""What a model would not get as it is: parameters where the call is strict about them, and what it cannot do without."""

from __future__ import annotations

from collections.abc import Mapping

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["Taking"]


class Taking:
    """The hint ``strict_params``, and the providers' own tools and files, against what each model takes.

    All that was found out when the call came.
    """

    name = "taking"
    static = True

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates that cannot be given a tool or a file, or would leave out or change a parameter; the reason names it."""
        requires = ask.requires
        if not (requires.untaken or requires.unserved):
            return {}
        told = {one: f"would lose a parameter: {lost}" for one, lost in requires.untaken}
        told |= {one: f"cannot be given {lost}" for one, lost in requires.unserved}
        return {d.id: told[d.id] for d in candidates if d.id in told}
