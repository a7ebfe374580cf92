"""How far a model's level lies from the level that a call's difficulty wants."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from routed_llm.policy.later import Pool
from routed_llm.policy.scorers.quality import kind_of, qualities
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.policy.vectors import Values, as_vector, is_large
from routed_llm.requests import Ask

__all__ = ["LADDER", "TRADE", "LevelGap", "levels"]

#: by price alone: wanted level of easy, middle and hard calls
WANTED = {"easy": 0.0, "middle": 0.5, "hard": 1.0}
#: models up to which a pool is taken as a ladder that somebody put together. Of more, the price tells no good middle one:
#: on recorded outcomes the model nearest to the middle lies 1 to 4 hundredths of quality below the straight line between
#: the ends in random pools of three, and 7 to 15 in random pools of nine of the models of mmlu_pro and llmrouter
LADDER = 4


class Trade(NamedTuple):
    """What a difficulty pays.

    ``price`` shares of the pool's range of quality for its range of (log) prices; ``between`` is what a model in the middle
    of these prices gets on top, and those at the ends do not.
    """

    price: float
    between: float


#: by known quality. Easy calls take the cheapest, unless a step up in price buys twice its share of quality; hard ones the
#: best, unless a tenth of the range of quality saves the whole range of prices. Set by hand
TRADE = {"easy": Trade(2.0, 0.0), "middle": Trade(1.0, 0.25), "hard": Trade(0.1, 0.0)}

Gaps = Sequence["float | None"]


def levels(candidates: Candidates) -> list[float | None]:
    """Level of each candidate within its pool: 0 the cheapest, 1 the dearest, on the logarithm of the price.

    Where the quality is not known, prices stand for strength: they are known for nearly every model and, within a user's own
    pool, mostly follow it. Where no price is known at all, the list is taken as ordered from light to strong. A single
    unknown price gives an unknown level.
    """
    return candidates.noted("levels", _levels) if type(candidates) is Pool else _levels(candidates)


def _levels(candidates: Candidates) -> list[float | None]:
    prices = _prices(candidates)
    known = [math.log(max(p, 1)) for p in prices if p is not None]
    if not any(prices):
        last = max(1, len(candidates) - 1)
        return [i / last for i in range(len(candidates))]
    low, span = min(known), (max(known) - min(known)) or 1.0
    return [None if p is None else (math.log(max(p, 1)) - low) / span for p in prices]


def _prices(candidates: Candidates) -> list[int | None]:
    return [None if d.price is None else d.price.estimate(3_000, 1_000) for d in candidates]


def _is_ladder(candidates: Candidates) -> bool:
    """Whether its middle can be told by the price: few models, or an order of the user's own."""
    return len({d.model for d in candidates}) <= LADDER or all(d.price is None for d in candidates)


def _by_price(candidates: Candidates) -> dict[str, Gaps]:
    found = levels(candidates)
    wanted = WANTED if _is_ladder(candidates) else {**WANTED, "middle": 0.0}
    return {each: [None if level is None else abs(level - at) for level in found] for each, at in wanted.items()}


def _by_quality(candidates: Candidates, known: Sequence[float | None]) -> dict[str, Gaps] | None:
    """Gaps by what is known of quality and price; None where both are known of less than two."""
    prices = _prices(candidates)
    pairs = [None if p is None or q is None else (math.log(max(p, 1)), q) for p, q in zip(prices, known, strict=True)]
    both = [pair for pair in pairs if pair is not None]
    if len(both) < 2:
        return None
    # from the cheapest (the best of equals) to the best (the cheapest of equals); who is dearer than that never wins
    low, best = min(both, key=lambda pair: (pair[0], -pair[1])), min(both, key=lambda pair: (-pair[1], pair[0]))
    price_span, quality_span = best[0] - low[0] or 1.0, best[1] - low[1] or 1.0
    places = [p and ((p[0] - low[0]) / price_span, (p[1] - low[1]) / quality_span) for p in pairs]
    return {each: _short_of_best(places, trade) for each, trade in TRADE.items()}


def _short_of_best(places: Sequence[tuple[float, float] | None], trade: Trade) -> Gaps:
    """How much less than the best each is worth, at most 1."""
    worth = [
        None if p is None else p[1] - trade.price * p[0] + trade.between * max(0.0, 1.0 - abs(2.0 * p[0] - 1.0)) for p in places
    ]
    most = max(each for each in worth if each is not None)
    return [None if each is None else min(1.0, most - each) for each in worth]


class LevelGap:
    """How far a model is from what the fact ``difficulty`` wants, 0 to 1: cheap for easy calls, strong for hard ones.

    Where quality and price of two candidates or more are known, quality tells who is strong (for the call's task, domain and
    language where these are known anyway), and who has no known quality comes last. A model that a cheaper one equals is never
    chosen. Otherwise the price alone tells, see :func:`levels`; of more than :data:`LADDER` models it tells no middle one, and
    middle calls go to the cheapest.
    """

    name = "level_gap"
    reads = ("difficulty",)
    unit = ""
    lower_is_better = True

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """Gap of each candidate; a difficulty that is unknown is a middle one."""
        kept: dict[tuple[str, ...], Mapping[str, Gaps]] = candidates.noted("gaps", _nothing) if type(candidates) is Pool else {}
        kind = kind_of(ask)
        gaps: Mapping[str, Gaps] | None = kept.get(kind)
        if gaps is None:
            if len(kept) >= _KEPT:
                kept.clear()
            gaps = _by_quality(candidates, list(qualities(ask, candidates))) or _by_price(candidates)
            if is_large(candidates):
                gaps = {each: Values(as_vector(values)) for each, values in gaps.items()}
            kept[kind] = gaps
        return gaps.get(ask.facts.get("difficulty", "middle")) or gaps["middle"]


#: kinds of calls whose gaps a pool keeps: the words may be the callers' own
_KEPT = 256


def _nothing(pool: Pool) -> dict[tuple[str, ...], Mapping[str, Gaps]]:
    return {}
