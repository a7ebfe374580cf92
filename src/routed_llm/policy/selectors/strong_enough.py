"""Models that are known to be good enough for the call's kind, and among them the cheapest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.errors import ConfigurationError
from routed_llm.policy.scorers.quality import KIND, kind_words, qualities
from routed_llm.policy.selectors.best_then_cost import BestThenCost
from routed_llm.policy.selectors.grouping import Grouping
from routed_llm.policy.shapes import Candidates, Live, Selector
from routed_llm.policy.values import share
from routed_llm.requests import Ask

__all__ = ["SHARES", "StrongEnough"]

#: what share of the best known strength among the candidates is enough, by difficulty. A choice of ours, no measurement: a
#: hard call goes to the strongest, and what an easy one loses by four fifths of its strength is little
SHARES: Mapping[str, float] = {"easy": 0.8, "middle": 0.9, "hard": 1.0}
_CHEAPEST = BestThenCost("best")


class StrongEnough(Grouping):
    """First those whose strength for the call is known to reach a bar, then the others by their strength, unknown ones last.

    Args:
        bar: the strength that is enough, 0 to 1; None takes a share of the best known one among the candidates.
        shares: that share by difficulty; by default :data:`SHARES`. A call of unknown difficulty is a middle one.
        then: the selector that orders those that reach the bar; None takes the lowest expected cost.

    Raises:
        ConfigurationError: for numbers that are not from 0 to 1, and an unknown difficulty.
    """

    name = "strong_enough"
    reads = (*KIND, "difficulty")

    def __init__(
        self, bar: float | None = None, shares: Mapping[str, float] | None = None, then: Selector | None = None
    ) -> None:
        super().__init__(then)
        self.bar = share("bar", bar)
        self.shares = None if shares is None else dict(shares)
        for difficulty, value in (shares or {}).items():
            if difficulty not in SHARES:
                raise ConfigurationError(f"is no difficulty: {', '.join(SHARES)}.", path=f"shares.{difficulty}")
            share(f"shares.{difficulty}", value)
        self._shares = {**SHARES, **(shares or {})}

    def behind(self, totals: Sequence[float | None]) -> Selector:
        """Who orders those that reach the bar."""
        return self.then or (super().behind(totals) if len(totals) else _CHEAPEST)

    def places(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[tuple[int, float]] | None:
        """0 where the bar is reached; else behind these, by strength."""
        strengths = qualities(ask, candidates)
        bar = self._bar(ask, strengths)
        if bar is None:
            return None
        return [(2, 0.0) if s is None else (0, 0.0) if s >= bar else (1, -s) for s in strengths]

    def because(self, ask: Ask, head: Deployment, place: tuple[int, float]) -> str:
        """How strong is strong enough."""
        words = kind_words(ask)
        what = f"strength for {words}" if words else "quality"
        if place[0] == 0:
            return f"its {what} is enough"
        return f"the best known {what}, below the bar" if place[0] == 1 else f"no {what} is known"

    def _bar(self, ask: Ask, strengths: Sequence[float | None]) -> float | None:
        if self.bar is not None:
            return self.bar
        best = max((s for s in strengths if s is not None), default=None)
        wanted = self._shares.get(ask.facts.get("difficulty", "middle"), self._shares["middle"])
        return None if best is None else best * wanted
