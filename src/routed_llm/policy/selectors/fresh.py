"""Models that know what happened lately, or that look it up, first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.selectors.grouping import Grouping
from routed_llm.policy.shapes import Candidates, Live, Selector
from routed_llm.policy.values import share, weight
from routed_llm.requests import Ask

__all__ = ["Fresh"]

#: places: it is known to be enough, it searches, it may be enough, nothing speaks for it
ENOUGH, SEARCHES, TOO_LITTLE, UNKNOWN = range(4)


class Fresh(Grouping):
    """First the models whose knowledge reaches the day and whose factuality the floor, then those that search the web.

    Behind these the others, the latest knowledge first and unknown knowledge last; then :meth:`notice` says so. A day is the
    fact ``knowledge_after``; a call with the fact ``freshness`` alone needs the day of the call. Calls that need neither, where
    there is no floor, are left to ``then``.

    Args:
        factuality: floor of factuality, 0 to 1, for every call; unknown does not reach it.
        days: how old knowledge may be where a call needs fresh knowledge and names no day.
        then: the selector that orders models that are equally good for it.

    Raises:
        ConfigurationError: for numbers that cannot be meant.
    """

    name = "fresh"
    reads = ("knowledge_after", "freshness")

    def __init__(self, factuality: float | None = None, days: float = 0, then: Selector | None = None) -> None:
        super().__init__(then)
        self.factuality = share("factuality", factuality)
        self.days = weight("days", days)

    def places(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[tuple[int, int]] | None:
        """Of each whether it knows, searches, or neither."""
        after = self._after(ask)
        if after is None and self.factuality is None:
            return None
        return [self._place(deployment, after) for deployment in candidates]

    def because(self, ask: Ask, head: Deployment, place: tuple[int, int]) -> str:
        """What makes it good enough, or that nothing does."""
        after = self._after(ask)
        if place[0] == SEARCHES:
            return "it searches the web"
        if place[0] != ENOUGH:
            return f"nobody is known to {self._wish(after)}"
        if after is None:
            return f"its factuality is at least {self.factuality:g}"
        return f"its knowledge reaches {head.knowledge}"

    def notice(self, ask: Ask, deployment: Deployment) -> tuple[str, str] | None:
        """The notice ``not_fresh``, with a warning, for an answer by a model that is not known to know what the call needs."""
        after = self._after(ask)
        if (after is None and self.factuality is None) or self._place(deployment, after)[0] in (ENOUGH, SEARCHES):
            return None
        known = f"knows the world until {deployment.knowledge}" if deployment.knowledge else "has no known date of knowledge"
        return "not_fresh", f"{deployment.model} is not known to {self._wish(after)}; it {known}"

    def _place(self, deployment: Deployment, after: str | None) -> tuple[int, int]:
        known, floor = deployment.knowledge, self.factuality
        knows = after is None or (known is not None and known >= after)
        if knows and (floor is None or (deployment.factuality is not None and deployment.factuality >= floor)):
            return ENOUGH, 0
        if deployment.can("search"):
            return SEARCHES, 0
        return (UNKNOWN, 0) if known is None else (TOO_LITTLE, -int(known.replace("-", "")))

    def _wish(self, after: str | None) -> str:
        wishes = [] if after is None else [f"know the time after {after}"]
        if self.factuality is not None:
            wishes.append(f"have a factuality of {self.factuality:g}")
        return f"{' and '.join(wishes)}, or to search"

    def _after(self, ask: Ask) -> str | None:
        """The day after which knowledge is needed, as an ISO date; None where the call needs none."""
        day = ask.facts.get("knowledge_after")
        if isinstance(day, str):
            return day
        if not ask.facts.get("freshness"):
            return None
        return (datetime.fromtimestamp(ask.wall, UTC) - timedelta(days=self.days)).date().isoformat()
