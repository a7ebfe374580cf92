"""Whom the caller or a rule prefers before others, and known abilities and windows before unknown ones, for every selector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.later import HeadFirst
from routed_llm.policy.selectors.refined import Ordered
from routed_llm.policy.shapes import Candidates, Chance, Live, Selector
from routed_llm.policy.vectors import at_places
from routed_llm.requests import Ask

__all__ = ["ranked"]


def ranked(
    selector: Selector,
    ask: Ask,
    candidates: Candidates,
    totals: Sequence[float | None],
    unsure: Set[str],
    live: Live,
    rng: Chance,
) -> Ordered:
    """The candidates in groups, each ordered by the selector: so the probability of the head is that among its group.

    Args:
        selector: of the policy.
        ask: tells whom to prefer, which counts before all else.
        candidates: at least one.
        totals: of the candidates; empty where nothing is scored.
        unsure: ids of those of whom it is not known that they can serve the call.
        live: numbers of the present.
        rng: for what is drawn.
    """
    if not ask.prefer and getattr(selector, "by_total", False):
        order, share, reason = selector.order(ask, candidates, totals, live, rng)
        head = order[0]
        if share == 1.0 and head.id not in unsure:  # it is the head of its group, too, and nobody needs the rest now
            return HeadFirst(head, len(order), lambda: sorted(order, key=lambda d: d.id in unsure)), share, reason
    groups = _groups(ask, candidates, unsure)
    first = min(groups)
    parts: list[Sequence[Deployment]] = []
    share, reason = 1.0, ""
    for place, indexes in sorted(groups.items()):
        part, values = (candidates, totals) if len(groups) == 1 else at_places(candidates, totals, indexes)
        if len(groups) == 1 or len(indexes) > 1:  # one alone needs no order
            part, chance, why = selector.order(ask, part, values, live, rng)
            if place == first:
                share, reason = chance, why
        parts.append(part)
    because = ", ".join(filter(None, (_because(ask, first, groups), reason)))
    return HeadFirst(parts[0][0], len(candidates), lambda: [d for part in parts for d in part]), share, because


#: index among those to prefer, behind the last for all others; and whether it is unknown if it can
_Place = tuple[int, bool]


def _groups(ask: Ask, candidates: Candidates, unsure: Set[str]) -> dict[_Place, list[int]]:
    """Indexes of the candidates of each group, the lowest place first to be tried."""
    prefer, last = ask.prefer, len(ask.prefer)
    groups: dict[_Place, list[int]] = {}
    for index, each in enumerate(candidates):
        wanted = next((n for n, name in enumerate(prefer) if each.answers_to(name)), last)
        groups.setdefault((wanted, each.id in unsure), []).append(index)
    return groups


def _because(ask: Ask, first: _Place, groups: Mapping[_Place, Sequence[int]]) -> str:
    """Why the first group is the first; empty where it is the only one and nobody is preferred."""
    wanted, unknown = first
    if wanted < len(ask.prefer):
        name = ask.prefer[wanted]
        return f"preferred by the hint {name!r}" if name in ask.hints.prefer else f"{name!r} is preferred"
    if unknown or (wanted, True) not in groups:
        return ""
    count = len(groups[first])
    who = "the only one" if count == 1 else f"among {count}"
    return f"{who} whose abilities and window are known"
