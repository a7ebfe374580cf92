"""Rates of a whole pool at one moment, worked out once for all calls of the same time of day and length of prompt."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import nan
from typing import Any, NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Rates
from routed_llm.catalog.usd import DAY
from routed_llm.policy.later import Pool
from routed_llm.policy.shapes import Candidates
from routed_llm.policy.vectors import home_of
from routed_llm.requests import Ask

__all__ = ["MILLION", "Contenders", "RateTable", "all_within", "expected_cost", "never_changing", "plain_costs", "table_for"]

MILLION = 1_000_000
_INFINITE = float("inf")
#: contenders from which on an envelope is faster than a look at each, and how near a break of it is too near for floats
_FEW, _NEAR = 3, 1 - 1e-9


def expected_cost(deployment: Deployment, ask: Ask) -> int | None:
    """What the call is expected to cost at a deployment, in nano-dollars; None where a price is unknown.

    By the length of prompt and answer that the call is taken to have at every deployment, and the time of day.
    """
    price = deployment.price
    if price is None:
        return None
    if price.hours:
        price = price.at(ask.wall % DAY)
    return price.estimate(ask.input_tokens, ask.output_tokens)


class Contenders:
    """Who can be the cheapest: by flat rates ``(index, input, output, request)``, and those of which a rate is unknown.

    Rates are nano-dollars per million tokens, ``request`` a million times nano-dollars: what is compared need not be rounded.
    """

    __slots__ = ("_edges", "_exact_below", "_flat", "_floats", "_hull", "_others")

    def __init__(self, flat: Sequence[tuple[int, int, int, int]], others: Sequence[tuple[int, Rates]]) -> None:
        self._flat = flat
        self._others = others
        highest = max((max(rates[1:]) for rates in flat), default=0)
        # floats are several times faster, and as exact as integers while no sum of three products passes 2 ** 53
        self._exact_below = 2**51 // highest if 0 < highest < 2**51 else 0
        self._floats = [(index, float(a), float(b), float(r)) for index, a, b, r in flat]
        self._hull, self._edges = _hull(flat) if not others else ((), ())

    def lowest(self, input_tokens: int, output_tokens: int) -> int | None:
        """Index of the cheapest candidate, the first of equals; None where no price is known."""
        if output_tokens and self._edges:
            place = bisect_right(self._edges, input_tokens / output_tokens)
            if not place & 1:  # at odd places a break is so near that floats could be wrong
                return self._hull[place >> 1]
        best, lowest = _INFINITE, None
        if input_tokens < self._exact_below > output_tokens:
            tokens, answer = float(input_tokens), float(output_tokens)
            for index, a, b, request in self._floats:
                cost = tokens * a + answer * b + request
                if cost < best:
                    best, lowest = cost, index
        else:
            for index, input_rate, output_rate, request in self._flat:
                exact = input_tokens * input_rate + output_tokens * output_rate + request
                if exact < best:
                    best, lowest = exact, index
        for index, rates in self._others:
            estimate = rates.estimate(input_tokens, output_tokens)
            if estimate is not None and estimate * MILLION < best:
                best, lowest = estimate * MILLION, index
        return lowest


class RateTable:
    """Rates of each candidate of a pool, in nano-dollars a token (``request`` a call, ``image`` an image); unknown is NaN.

    ``audio`` is what a token of audio costs more than another of the prompt.
    Lists, or arrays of numpy for large pools.
    """

    __slots__ = (
        "audio", "cache", "contenders", "dearest", "highest", "image", "input", "large", "media", "output", "prepaid",
        "request",
    )  # fmt: skip

    def __init__(self, rates: Sequence[Rates | None], pool: Pool) -> None:
        self.contenders = _contenders(rates, pool)
        #: whether any of them has a price for images or audio
        self.media = any(each is not None and (each.image or each.audio_input is not None) for each in rates)
        self.large = large = pool.large
        #: index and tokens a minute of those with a capacity that is paid for; None where nobody has one
        self.prepaid = pool.noted("prepaid", _prepaid)
        self.input = _column([None if r is None else r.input for r in rates], large)
        self.output = _column([None if r is None else r.output for r in rates], large)
        self.cache = _column([None if r is None else r.input if r.cache_read is None else r.cache_read for r in rates], large)
        #: None where no call has a price of its own
        self.request = None
        if any(each is not None and each.request for each in rates):
            self.request = _column([None if r is None else (r.request or 0) * MILLION for r in rates], large)
        #: rates of those that can be the dearest, and the highest of each kind, which bound all costs; None with unknown ones
        self.dearest, self.highest = _dearest(rates)
        self.image = _column([None if r is None else (r.image or 0) * MILLION for r in rates], large)
        self.audio = _column([None if r is None else _more_for_audio(r) for r in rates], large)

    def of(self, candidates: Candidates, indexes: Any) -> tuple[Any, Any, Any]:
        """Rates of input, output and request of some candidates: of the whole pool where ``indexes`` is None."""
        if indexes is None:
            return self.input, self.output, self.request
        taken: Any = candidates.taken  # type: ignore[attr-defined]  # a part
        return taken(self.input), taken(self.output), None if self.request is None else taken(self.request)


def _more_for_audio(rates: Rates) -> int:
    return 0 if rates.audio_input is None or rates.input is None else rates.audio_input - rates.input


_Three = tuple[float, float, float]


def _dearest(rates: Sequence[Rates | None]) -> tuple[Sequence[_Three], _Three | None]:
    """Rates of input, output and request that no other ones cover, and the highest of each kind."""
    found: list[tuple[int, int, int, int]] = []
    for each in rates:
        if each is None or each.input is None or each.output is None:
            return (), None
        mine = (0, each.input, each.output, each.request or 0)
        if not any(_covers(mine, other) for other in found):
            found = [other for other in found if not _covers(other, mine)]
            found.append(mine)
    if not found:
        return (), None
    dearest = [(a / MILLION, b / MILLION, float(request)) for _, a, b, request in found]
    a, b, request = map(max, zip(*dearest, strict=True))
    return dearest, (a, b, request)


def _prepaid(pool: Pool) -> list[tuple[int, float]] | None:
    """Index and tokens a minute of those with a capacity that is paid for; None where nobody has one."""
    return [(index, d.prepaid["tokens_per_minute"]) for index, d in enumerate(pool) if "tokens_per_minute" in d.prepaid] or None


def _column(values: Sequence[int | None], large: bool) -> Any:
    column = [nan if value is None else value / MILLION for value in values]
    if not large:
        return column
    import numpy as np

    return np.array(column)


class _Breaks(NamedTuple):
    """Lengths of prompts above which some price changes, and times of day at which one does."""

    lengths: list[int]
    times: list[int]


def table_for(pool: Pool, ask: Ask) -> RateTable:
    """The rates that count for a call."""
    only: RateTable | None = pool.notes.get("rates")  # of a pool whose prices never change
    if only is not None:
        return only
    breaks = pool.noted("breaks of prices", _breaks)
    if not breaks.lengths and not breaks.times:
        return pool.noted("rates", lambda pool: _table(pool, 0, 0))
    step = bisect_left(breaks.lengths, ask.input_tokens)
    hour = bisect_right(breaks.times, ask.wall % DAY)
    # between two breaks nothing changes
    tokens = breaks.lengths[step - 1] + 1 if step else 0
    seconds = breaks.times[hour - 1] if hour else 0
    return pool.noted(("rates", step, hour), lambda pool: _table(pool, tokens, seconds))


def all_within(limit: float, ask: Ask, candidates: Candidates) -> bool:
    """Whether none of the candidates is expected to cost more than so many nano-dollars; not where a price is unknown."""
    table = table_for(home_of(candidates)[0], ask)
    if table.highest is None:
        return False
    tokens, answer = ask.input_tokens, ask.output_tokens
    a, b, request = table.highest
    if tokens * a + answer * b + request <= limit:
        return True
    return max([tokens * x + answer * y + z for x, y, z in table.dearest]) <= limit


def plain_costs(ask: Ask, candidates: Candidates) -> Any:
    """Nano-dollars that the call is expected to cost, by the lengths that the ask says; an unknown price gives NaN.

    A list, or an array of numpy for large pools.
    """
    pool, indexes = home_of(candidates)
    a, b, r = table_for(pool, ask).of(candidates, indexes)
    tokens, answer = float(ask.input_tokens), float(ask.output_tokens)
    costs: Any
    if pool.large:
        costs = tokens * a + answer * b if answer else tokens * a
        return costs if r is None else costs + r
    costs = [tokens * x + answer * y for x, y in zip(a, b, strict=True)] if answer else [tokens * x for x in a]
    return costs if r is None else [cost + z for cost, z in zip(costs, r, strict=True)]


def never_changing(pool: Pool) -> bool:
    """Whether the rates are the same for all lengths of prompts and times of day."""
    breaks = pool.noted("breaks of prices", _breaks)
    return not breaks.lengths and not breaks.times


def _breaks(pool: Pool) -> _Breaks:
    prices = [d.price for d in pool if d.price is not None]
    every = [*prices, *(window.price for price in prices for window in price.hours)]
    lengths = {tier.above for price in every for tier in price.tiers}
    times = {time for price in prices for window in price.hours for time in (window.begin, window.end)}
    return _Breaks(sorted(lengths), sorted(times))


def _table(pool: Pool, tokens: int, seconds: int) -> RateTable:
    prices = [None if d.price is None else d.price.at(seconds) for d in pool]
    return RateTable([None if price is None else price.rates_for(tokens) for price in prices], pool)


def _contenders(rates: Sequence[Rates | None], pool: Pool) -> Contenders:
    """The candidates that can be the cheapest for some length of prompt and answer, in the user's order.

    One cannot when another's rates are all at most as high; of equal ones the first stays. Prices of which a part is unknown
    are not compared this way: they stay.
    """
    flat: list[tuple[int, int, int, int]] = []
    others: list[tuple[int, Rates]] = []
    for index in sorted(range(len(pool)), key=lambda i: pool[i].position):
        each = rates[index]
        if each is None:
            continue
        if each.input is None or each.output is None:
            others.append((index, each))
            continue
        mine = (index, each.input, each.output, (each.request or 0) * MILLION)
        if not any(_covers(other, mine) for other in flat):
            flat = [other for other in flat if not _covers(mine, other)]
            flat.append(mine)
    return Contenders(flat, others)


def _hull(flat: Sequence[tuple[int, int, int, int]]) -> tuple[Sequence[int], Sequence[float]]:
    """Who is the cheapest, by rising ratio of the prompt's tokens to the answer's, and between which ratios that changes.

    Costs by the token of answer are lines over this ratio, and their lower envelope says who is the cheapest. Around each break
    there are two edges, between which it is left open. Prices for requests are no part of such lines: where there is one, or
    where there are few lines, nothing is gained.
    """
    if len(flat) < _FEW or any(request for *_, request in flat):
        return (), ()
    lines = sorted(((a, b, index) for index, a, b, _ in flat), key=lambda line: (-line[0], line[1]))
    hull: list[tuple[int, int, int]] = []
    for a, b, index in lines:
        while hull and b <= hull[-1][1]:
            hull.pop()  # neither rate is lower than the new one's
        while len(hull) > 1 and _passes(hull[-2], hull[-1], (a, b)):
            hull.pop()
        hull.append((a, b, index))
    cheapest, edges = [hull[0][2]], list[float]()
    for (d, c, _), (a, b, index) in itertools.pairwise(hull):
        ratio = (b - c) / (d - a)
        if edges and ratio * _NEAR <= edges[-1]:  # hardly anything between two breaks
            edges[-1], cheapest[-1] = ratio / _NEAR, index
        else:
            edges += (ratio * _NEAR, ratio / _NEAR)
            cheapest.append(index)
    return cheapest, edges


def _passes(first: tuple[int, int, int], second: tuple[int, int, int], third: tuple[int, int]) -> bool:
    """Whether the third line is below the second before that one is below the first."""
    to_second = (second[1] - first[1]) * (first[0] - third[0])
    return (third[1] - first[1]) * (first[0] - second[0]) <= to_second


def _covers(low: tuple[int, int, int, int], high: tuple[int, int, int, int]) -> bool:
    return low[1] <= high[1] and low[2] <= high[2] and low[3] <= high[3]
