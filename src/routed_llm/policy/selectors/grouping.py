"""What selectors share that refine another's order: candidates fall into groups, and the other orders each group."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.later import HeadFirst
from routed_llm.policy.selectors.refined import selector_behind
from routed_llm.policy.shapes import Candidates, Chance, Live, Selector
from routed_llm.requests import Ask

__all__ = ["Grouping"]


class Grouping(ABC):
    """Puts candidates into groups, the lowest place first; ``then`` orders each group.

    Each group is ordered by itself, so that the probability of the head is that among its group: the true one, also where
    ``then`` draws or takes turns.

    Args:
        then: the selector that orders each group; None takes the lowest total, and without scores the order as it is.
    """

    name: str

    def __init__(self, then: Selector | None = None) -> None:
        self.then = then

    @abstractmethod
    def places(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[Any] | None:
        """Of each candidate the place of its group, in any values that can be sorted; None where the call has no wish."""

    @abstractmethod
    def because(self, ask: Ask, head: Deployment, place: Any) -> str:
        """Why the group of the head is the first, in a few words."""

    def behind(self, totals: Sequence[float | None]) -> Selector:
        """Who orders a group."""
        return selector_behind(self.then, totals)

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
    ) -> tuple[Sequence[Deployment], float, str]:
        """Group after group."""
        then = self.behind(totals)
        places = self.places(ask, candidates, live)
        if places is None:
            return then.order(ask, candidates, totals, live, rng)
        groups: dict[Any, list[int]] = {}
        for index, place in enumerate(places):
            groups.setdefault(place, []).append(index)
        first = min(groups)
        if len(groups) == 1:
            order, probability, reason = then.order(ask, candidates, totals, live, rng)
            return order, probability, _told(self.because(ask, order[0], first), reason, len(candidates))
        known = list(totals)
        parts: list[Sequence[Deployment]] = []
        probability, reason = 1.0, ""
        for place, group in sorted(groups.items()):
            part: Sequence[Deployment] = [candidates[i] for i in group]
            if len(group) > 1:  # one alone needs no order
                part, chance, why = then.order(ask, part, [known[i] for i in group] if known else (), live, rng)
                if place == first:
                    probability, reason = chance, why
            parts.append(part)
        head = parts[0][0]
        because = _told(self.because(ask, head, first), reason, len(parts[0]))
        return HeadFirst(head, len(candidates), lambda: [d for part in parts for d in part]), probability, because


def _told(because: str, reason: str, count: int) -> str:
    """Why the group is the first, and where there was a choice, why its head is."""
    return f"{because}, {reason}" if count > 1 else because
