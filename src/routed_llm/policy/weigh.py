"""Scores: what scorers give, brought to one scale and weighed."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Sequence
from math import nan
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
        depends = getattr(scorer, "depends", None)
        if depends is not None and type(candidates) in (Pool, Part):
            values, whole = _kept_of(scorer, weight, depends(ask), ask, candidates, live)
            if whole is not None:  # they are weighed already
                sums = whole if sums is None else sums + whole if large else list(map(operator.add, sums, whole))
                told.append(values)
                continue
        else:
            values = scorer.values(ask, candidates, live)
        told.append(values)
        add = _add_vector if large else _add
        sums = add(sums, values, scorer.lower_is_better, weight)
    if large:
        return told, Values(sums)
    # NaN is no number that could be compared; a sum of all totals finds it without a look at each
    total = sum(sums)
    return told, sums if total == total else [None if v != v else v for v in sums]


def _kept_of(scorer: Scorer, weight: float, key: Hashable, ask: Ask, candidates: Candidates, live: Live) -> tuple[Given, Any]:
    """A scorer's values that depend on nothing but a key, kept with the pool; and weighed, where it is the whole pool."""
    pool, indexes = home_of(candidates)
    kept: dict[Any, Any] = pool.noted("scaled", _empty)
    where = (id(scorer), weight, key)
    found = kept.get(where)
    if found is None:
        values, large = scorer.values(ask, pool, live), is_large(pool)
        if large:
            values = Values(as_vector(values))
        if len(kept) >= _KEPT:
            kept.clear()
        weighed = (_add_vector if large else _add)(None, values, scorer.lower_is_better, weight)
        # the scorer is kept, too: as long as it is, no other one can have its id
        found = kept[where] = (values, weighed, scorer)
    return (found[0], found[1]) if indexes is None else (part_of(found[0], candidates), None)


def _empty(pool: Pool) -> dict[Any, Any]:
    return {}


def _add(sums: Any, values: Given, lower_is_better: bool, weight: float) -> Any:
    """Sums and values on the scale from 0 to ``weight``, 0 the best; an unknown one is NaN."""
    numbers: Any = values
    try:
        low, high = min(numbers), max(numbers)
        known = low is not None
    except TypeError:  # None cannot be compared
        known = False
    if not known:
        some = [v for v in values if v is not None]
        if not some:  # what is known of nobody decides nothing
            return [0.0] * len(values) if sums is None else sums
        low, high = min(some), max(some)
        numbers = [nan if v is None else v for v in values]
    factor = weight / ((high - low) or 1.0)
    if sums is None:
        return [(v - low) * factor for v in numbers] if lower_is_better else [(high - v) * factor for v in numbers]
    if lower_is_better:
        return [total + (v - low) * factor for total, v in zip(sums, numbers, strict=True)]
    return [total + (high - v) * factor for total, v in zip(sums, numbers, strict=True)]


def _add_vector(sums: Any, values: Given, lower_is_better: bool, weight: float) -> Any:
    """The same for arrays."""
    column = as_vector(values)
    low, high = column[column.argmin()], column[column.argmax()]
    if low != low:  # a NaN counts as the lowest, and as the highest
        import numpy as np

        low, high = np.fmin.reduce(column), np.fmax.reduce(column)  # they pass over NaN
        if low != low:
            return np.zeros(len(column)) if sums is None else sums
    factor = weight / (float(high - low) or 1.0)
    scaled = column - low if lower_is_better else high - column
    scaled *= factor
    if sums is not None:
        scaled += sums
    return scaled


def _negative(values: Given) -> Given:
    if type(values) is Values:
        return Values(-values.array)
    return [None if v is None else -v for v in values]
