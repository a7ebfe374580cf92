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


def weigh(scorers: Sequence[tuple[Scorer, float, Any]], ask: Ask, candidates: Candidates, live: Live) -> Weighed:
    """What each scorer gives for the candidates, and the weighted totals; ``scorers`` are (scorer, weight, ``depends``).

    Values are brought to 0..1 by min-max over the known ones, 0 the best, before they are weighed; what is known of nobody
    decides nothing, and who has an unknown value has an unknown total. A single scorer's values are taken as they are.
    """
    if len(scorers) == 1:
        scorer = scorers[0][0]
        values = scorer.values(ask, candidates, live)
        return (values,), values if scorer.lower_is_better else _negative(values)
    large, shared = is_large(candidates), isinstance(candidates, (Pool, Part))
    scale, add_up = (_vector, _sum_of_vectors) if large else (_term, _sum)
    told: list[Given] = []
    kept: list[Any] = []
    fresh: list[Any] = []
    for scorer, weight, depends in scorers:
        if depends is not None and shared:
            values, whole = _kept_of(scorer, weight, depends(ask), ask, candidates, live)
        else:
            values, whole = scorer.values(ask, candidates, live), None
        told.append(values)
        if whole is not None:
            kept.append(whole)
        elif (term := scale(values, scorer.lower_is_better, weight)) is not None:
            fresh.append(term)
    return told, add_up(kept, fresh, len(candidates))


def _kept_of(scorer: Scorer, weight: float, key: Hashable, ask: Ask, candidates: Candidates, live: Live) -> tuple[Given, Any]:
    """A scorer's values that depend on nothing but a key, kept with the pool; and weighed, where it is the whole pool."""
    pool, indexes = (candidates, None) if type(candidates) is Pool else home_of(candidates)
    kept: dict[Any, Any] = pool.noted("scaled", _empty)
    where = (id(scorer), weight, key)
    found = kept.get(where)
    if found is None:
        values, large = scorer.values(ask, pool, live), is_large(pool)
        if large:
            values = Values(as_vector(values))
        if len(kept) >= _KEPT:
            kept.clear()
        term = (_vector if large else _term)(values, scorer.lower_is_better, weight)
        weighed = term if large or term is None else [(v - term[1]) * term[2] for v in term[0]]
        # the scorer is kept, too: as long as it is, no other one can have its id
        found = kept[where] = (values, weighed, scorer)
    return (found[0], found[1]) if indexes is None else (part_of(found[0], candidates), None)


def _empty(pool: Pool) -> dict[Any, Any]:
    return {}


#: values, the best of them, and the factor that brings the distance to it on the scale from 0 to the scorer's weight
_Term = tuple[Sequence[float], float, float]


def _term(values: Given, lower_is_better: bool, weight: float) -> _Term | None:
    """How values are weighed; an unknown one is NaN. None where nothing is known of anybody: that decides nothing."""
    numbers: Any = values
    try:
        rising = sorted(numbers)  # of few numbers, faster than min and max
    except TypeError:  # None cannot be compared
        rising = sorted([v for v in values if v is not None])
        numbers = [nan if v is None else v for v in values]
    if not rising or rising[0] is None:  # nobody else could be compared with the only one
        return None
    low, high = rising[0], rising[-1]
    factor = weight / ((high - low) or 1.0)
    return (numbers, low, factor) if lower_is_better else (numbers, high, -factor)


def _sum(kept: Sequence[Sequence[float]], fresh: Sequence[_Term], count: int) -> Given:
    """The sum of what is weighed already, and then of terms, one after the other; None where a part is unknown."""
    sums: Sequence[float] = kept[0] if kept else [0.0] * count
    for more in kept[1:]:
        sums = list(map(operator.add, sums, more))
    terms = iter(fresh)
    for numbers, best, factor in terms:
        following = next(terms, None)
        if following is None:
            sums = [total + (v - best) * factor for total, v in zip(sums, numbers, strict=True)]
        else:  # two in one go, which is faster
            others, least, per = following
            sums = [total + (v - best) * factor + (w - least) * per for total, v, w in zip(sums, numbers, others, strict=True)]
    # NaN is no number that could be compared; a sum of all totals finds it without a look at each
    total = sum(sums)
    return sums if total == total else [None if v != v else v for v in sums]


def _vector(values: Given, lower_is_better: bool, weight: float) -> Any:
    """Values of a large pool on the scale from 0 to the scorer's weight; None where nothing is known of anybody."""
    column = as_vector(values)
    low, high = column[column.argmin()], column[column.argmax()]
    if low != low:  # a NaN counts as the lowest, and as the highest
        import numpy as np

        low, high = np.fmin.reduce(column), np.fmax.reduce(column)  # they pass over NaN
        if low != low:
            return None
    factor = weight / (float(high - low) or 1.0)
    scaled = column - low if lower_is_better else high - column
    scaled *= factor
    return scaled


def _sum_of_vectors(kept: Sequence[Any], fresh: Sequence[Any], count: int) -> Values:
    """The same of a large pool."""
    if not kept and not fresh:
        import numpy as np

        return Values(np.zeros(count))
    first, *others = (*kept, *fresh)
    for each in others:
        first = first + each
    return Values(first)


def _negative(values: Given) -> Given:
    if type(values) is Values:
        return Values(-values.array)
    return [None if v is None else -v for v in values]
