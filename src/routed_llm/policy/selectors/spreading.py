"""Several deployments of one model share its calls: where they are equally good, one is taken by weight and load.

The better of two random choices (Mitzenmacher, 2001, "The power of two choices in randomized load balancing"): two are drawn by
weight, and the one with fewer calls under way for what it bears is taken. With nothing under way, the weights decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from routed_llm.policy.later import HeadFirst, Part, Pool
from routed_llm.policy.shapes import Candidates, Chance, Live
from routed_llm.requests import Ask

__all__ = ["SEVERAL", "as_it_is", "spread"]

#: the note of a pool that tells which models have several deployments; empty in most pools
SEVERAL = "models of several deployments"


def spread(
    ask: Ask, candidates: Candidates, totals: Sequence[float | None], at: int, live: Live, rng: Chance
) -> tuple[int, float, str]:
    """Which of the deployments of a model to take; draws nothing where there is one alone.

    Args:
        ask: the call. Embeddings are not shared: vectors of one index are best made at one place, as long as it works.
        candidates: all of them.
        totals: of the candidates; only equals share calls. Empty where there are none.
        at: index of the first of those that are to share.
        live: tells the calls under way.
        rng: of the decision.

    Returns:
        Its index, the probability with which it was taken, and in a few words that there was a choice.
    """
    pool = candidates if type(candidates) is Pool else candidates.pool if type(candidates) is Part else None
    if (pool is not None and not pool.noted(SEVERAL, _several)) or "embeddings" in ask.requires.needs:
        return at, 1.0, ""
    model = candidates[at].model
    equals = _indexes(pool, model) if pool is candidates else [i for i, d in enumerate(candidates) if d.model == model]
    if len(equals) > 1 and len(totals):
        total = totals[at]
        equals = [index for index in equals if totals[index] == total]
    weighted = [index for index in equals if candidates[index].weight > 0] or equals
    if len(equals) < 2:
        return at, 1.0, ""
    place, share = 0, 1.0
    if len(weighted) > 1:
        place, share = _drawn([candidates[index].weight or 1.0 for index in weighted], _loads(candidates, weighted, live), rng)
    return weighted[place], share, f", one of its {len(equals)} deployments"


def as_it_is(ask: Ask, candidates: Candidates, live: Live, rng: Chance) -> tuple[Candidates, float, str]:
    """The order as it is, but that the deployments of the first one's model share its calls; the rest as of :func:`spread`."""
    if type(candidates) is Pool and not candidates.notes.get(SEVERAL, True):  # nearly every pool
        return candidates, 1.0, ""
    at, share, one = spread(ask, candidates, (), 0, live, rng)
    return (HeadFirst(candidates[at], len(candidates), lambda: candidates) if one else candidates), share, one


def _several(pool: Pool) -> Mapping[str, Sequence[int]]:
    """Indexes of the deployments of each model that has more than one."""
    found: dict[str, list[int]] = {}
    for index, deployment in enumerate(pool):
        found.setdefault(deployment.model, []).append(index)
    return {model: indexes for model, indexes in found.items() if len(indexes) > 1}


def _indexes(pool: Pool | None, model: str) -> Sequence[int]:
    return pool.noted(SEVERAL, _several).get(model, ()) if pool is not None else ()


def _loads(candidates: Candidates, indexes: Sequence[int], live: Live) -> list[float]:
    """Calls under way for what each bears: its ``limits.concurrent`` where all tell theirs, else its weight."""
    flying = live.column("in_flight", candidates)
    limits = [candidates[index].limits.get("concurrent") for index in indexes]
    if None in limits:
        return [float(flying[index]) / (candidates[index].weight or 1.0) for index in indexes]
    return [float(flying[index]) / (limit or 1) for index, limit in zip(indexes, limits, strict=True)]


def _drawn(weights: Sequence[float], loads: Sequence[float], rng: Chance) -> tuple[int, float]:
    """The place of the less loaded of two that are drawn by weight, of equals the first drawn, with its probability."""
    total = sum(weights)
    first = _at(weights, rng.random() * total)
    if len(weights) == 2:
        second = 1 - first
    else:
        second = _at([0.0 if place == first else w for place, w in enumerate(weights)], rng.random() * (total - weights[first]))
    taken = first if loads[first] <= loads[second] else second
    mine, share = weights[taken], 0.0
    for place, weight in enumerate(weights):
        if place != taken:
            if loads[taken] <= loads[place]:  # drawn first
                share += mine / total * weight / (total - mine)
            if loads[taken] < loads[place]:  # drawn second
                share += weight / total * mine / (total - weight)
    return taken, min(1.0, share)


def _at(weights: Sequence[float], point: float) -> int:
    """Where a point falls among weights that lie side by side."""
    last = 0
    for place, weight in enumerate(weights):
        if weight > 0:
            last = place
            if point < weight:
                break
        point -= weight
    return last
