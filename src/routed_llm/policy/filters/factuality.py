"""A floor of factuality, for the whole policy or for one call (hint ``factuality``). Unknown is below every floor."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.values import share
from routed_llm.policy.vectors import NOBODY, known_of, outside
from routed_llm.requests import Ask

__all__ = ["MinFactuality"]


class MinFactuality:
    """The share of a model's claims that are true against a floor.

    Args:
        least: the floor, 0 to 1; None takes that of the hint ``factuality``.

    Raises:
        ConfigurationError: for a floor that is no number from 0 to 1.
    """

    name = "min_factuality"
    static = False

    def __init__(self, least: float | None = None) -> None:
        self.least = share("least", least)
        #: the hint without which there is nothing to do
        self.hint = "factuality" if least is None else None

    def depends(self, ask: Ask) -> Hashable:
        """All that a candidate's verdict depends on: the floor."""
        return ask.hints.factuality if self.least is None else self.least

    def reject(self, ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
        """Candidates whose factuality is lower or unknown."""
        least = ask.hints.factuality if self.least is None else self.least
        if least is None:
            return NOBODY
        return outside(
            candidates,
            known_of(candidates, "factualities", lambda d: d.factuality),
            lambda d, _: (
                f"its factuality is {'unknown' if d.factuality is None else f'{d.factuality:g}'}, not at least {least:g}"
            ),
            least=least,
        )
