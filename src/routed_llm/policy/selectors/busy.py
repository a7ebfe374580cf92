"""The one with the fewest calls under way for what it bears."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.later import HeadFirst, Pool
from routed_llm.policy.selectors.turns import Over, check_over
from routed_llm.policy.shapes import Candidates, Chance, Live
from routed_llm.requests import Ask

__all__ = ["LeastBusy"]


class _Capacities(NamedTuple):
    """What each candidate bears, and the number of its model; ``told`` where all have told their ``limits.concurrent``."""

    each: Sequence[float]
    models: Sequence[int]
    told: bool


class LeastBusy:
    """Candidates by calls under way per capacity, the lowest first; equals are drawn by capacity.

    The capacity is ``limits.concurrent`` where that is known of all candidates, else ``weight``. A weight of zero is tried
    only when all others have failed.

    Args:
        over: ``deployments`` takes the least busy of all; ``models`` first the model whose deployments together are the least
            busy, and then the least busy of these.

    Raises:
        ConfigurationError: for another word.
    """

    name = "least_busy"

    def __init__(self, over: Over = "deployments") -> None:
        check_over(over)
        self.over = over

    def order(
        self, ask: Ask, candidates: Candidates, totals: Sequence[float | None], live: Live, rng: Chance
    ) -> tuple[Sequence[Deployment], float, str]:
        """By calls under way."""
        noted = candidates.noted("capacities", _capacities) if isinstance(candidates, Pool) else _capacities(candidates)
        flying = live.column("in_flight", candidates)
        loads: list[Any] = [f / c if c else float("inf") for f, c in zip(flying, noted.each, strict=True)]
        if self.over == "models":
            loads = list(zip(_of_models(flying, noted), loads, strict=True))
        lowest = min(loads)
        equals = [index for index, load in enumerate(loads) if load == lowest]
        head, share = equals[0], 1.0
        if len(equals) > 1 and (total := sum(noted.each[index] for index in equals)):
            point = rng.random() * total
            for index in equals:
                head, point = index, point - noted.each[index]
                if point < 0:
                    break
            share = noted.each[head] / total
        chosen = candidates[head]
        what = f"of {noted.each[head]:g} at once" if noted.told else f"for weight {noted.each[head]:g}"
        reason = f"{flying[head]:.0f} calls under way {what}, the fewest of {len(candidates)}"
        return HeadFirst(chosen, len(candidates), lambda: _by_load(candidates, loads)), share, reason


def _capacities(candidates: Candidates) -> _Capacities:
    told = [d.limits.get("concurrent") for d in candidates]
    known = None not in told
    each = [float(limit or 0) if known else d.weight for limit, d in zip(told, candidates, strict=True)]
    return _Capacities(each, _numbers_of_models(candidates), known)


def _numbers_of_models(candidates: Candidates) -> list[int]:
    """The number of each candidate's model."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(d.model, len(numbers)) for d in candidates]


def _of_models(flying: Sequence[float], noted: _Capacities) -> list[float]:
    """The load of each candidate's model."""
    count = max(noted.models) + 1
    calls, capacity = [0.0] * count, [0.0] * count
    for number, f, c in zip(noted.models, flying, noted.each, strict=True):
        calls[number] += f
        capacity[number] += c
    loads = [f / c if c else float("inf") for f, c in zip(calls, capacity, strict=True)]
    return [loads[number] for number in noted.models]


def _by_load(candidates: Candidates, loads: Sequence[Any]) -> list[Deployment]:
    keyed = [(load, d.position, d) for load, d in zip(loads, candidates, strict=True)]
    keyed.sort(key=lambda item: item[:2])
    return [item[2] for item in keyed]
