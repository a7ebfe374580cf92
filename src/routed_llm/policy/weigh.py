"""Scores: what scorers give, brought to one scale and weighed."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from routed_llm.policy.later import Part, Pool
from routed_llm.policy.shapes import Candidates, Live, Scorer
from routed_llm.policy.vectors import Values, as_vector, home_of, is_large, part_of
from routed_llm.requests import Ask

__all__ = ["Weighed", "weigh"]

Given = Sequence["float | None"]
#: values of each scorer, and the totals (lower is better)
Weighed = tuple[Sequence[Given], Given]

#: values that are kept of a pool
_KEPT = 64


def weigh(scorers: Sequence[tuple[Scorer, float]], ask: Ask, candidates: Candidates, live: Live) -> Weighed:
    """What each scorer gives for the candidates, and the weighted totals.

    Values are brought to 0..1 by min-max over the known ones, 0 the best, before they are weighed; what is known of nobody
    decides nothing, and who has an unknown value has an unknown total. A single scorer's values are taken as they are.
    """
    if len(scorers) == 1:
        scorer = scorers[0][0]
        values = scorer.values(ask, candidates, live)
        return (values,), values if scorer.lower_is_better else _negative(values)
    large = is_large(candidates)
    told: list[Given] = []
    sums: Any = None
    for scorer, weight in scorers:
        values, scaled = _scaled(scorer, weight, ask, candidates, live, large)
        told.append(values)
        if sums is not None:
            scaled = sums + scaled if large else list(map(operator.add, sums, scaled))
        sums = scaled
    if large:
        return told, Values(sums)
    # NaN is no number that could be compared; a sum of all totals finds it without a look at each
    total = sum(sums)
    return told, sums if total == total else [None if v != v else v for v in sums]


def _scaled(scorer: Scorer, weight: float, ask: Ask, candidates: Candidates, live: Live, large: bool) -> tuple[Given, Any]:
    """A scorer's values as they are and weighed. They are kept with the pool where they depend on nothing but a key."""
    depends = getattr(scorer, "depends", None)
    if depends is None or type(candidates) not in (Pool, Part):
        values = scorer.values(ask, candidates, live)
        return values, _weighed(values, scorer.lower_is_better, weight, large)
    pool, indexes = home_of(candidates)
    kept: dict[Any, Any] = pool.noted("scaled", lambda pool: {})
    where = (id(scorer), weight, depends(ask))
    found = kept.get(where)
    if found is None:
        values = scorer.values(ask, pool, live)
        if large:
            values = Values(as_vector(values))
        if len(kept) >= _KEPT:
            kept.clear()
        # the scorer is kept, too: as long as it is, no other one can have its id
        found = kept[where] = (values, _weighed(values, scorer.lower_is_better, weight, large), scorer)
    if indexes is None:
        return found[0], found[1]
    values = part_of(found[0], candidates)
    return values, _weighed(values, scorer.lower_is_better, weight, large)


def _weighed(values: Given, lower_is_better: bool, weight: float, large: bool) -> Any:
    """Values on the scale from 0 to ``weight``, 0 the best; an unknown one is NaN."""
    if large:
        return _weighed_vector(as_vector(values), lower_is_better, weight)
    known = values if None not in values else [v for v in values if v is not None]
    if not known:
        return [0.0] * len(values)
    low, high = min(known), max(known)  # type: ignore[type-var]  # unknown ones are out
    factor = weight / ((high - low) or 1.0)  # type: ignore[operator]
    if known is values:
        return [(v - low) * factor for v in known] if lower_is_better else [(high - v) * factor for v in known]  # type: ignore[operator]
    nan = float("nan")
    if lower_is_better:
        return [nan if v is None else (v - low) * factor for v in values]  # type: ignore[operator]
    return [nan if v is None else (high - v) * factor for v in values]  # type: ignore[operator]


def _weighed_vector(values: Any, lower_is_better: bool, weight: float) -> Any:
    import numpy as np

    low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))  # they pass over NaN
    if low != low:
        return np.zeros(len(values))
    factor = weight / ((high - low) or 1.0)
    return (values - low) * factor if lower_is_better else (high - values) * factor


def _negative(values: Given) -> Given:
    if type(values) is Values:
        return Values(-values.array)
    return [None if v is None else -v for v in values]
