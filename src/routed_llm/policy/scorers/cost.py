"""Expected cost of this call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Price
from routed_llm.policy.later import LaterValues, Pool
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask

__all__ = ["ExpectedCost", "expected_cost"]

MILLION = 1_000_000


def expected_cost(deployment: Deployment, ask: Ask) -> int | None:
    """What the call is expected to cost at a deployment, in nano-dollars; None where a price is unknown."""
    price = deployment.price
    return None if price is None else price.estimate(ask.input_tokens, ask.output_tokens)


class ExpectedCost:
    """Nano-dollars that the call is expected to cost; an unknown price is never the cheapest."""

    name = "cost"
    unit = "nano-USD"
    lower_is_better = True

    def values(self, ask: Ask, candidates: Candidates, live: Live) -> Sequence[float | None]:
        """Expected cost of each candidate."""
        if isinstance(candidates, Pool):
            lowest = _lowest(ask, candidates.noted("may be the cheapest", _contenders))
            if lowest is not None:
                return LaterValues(lowest, len(candidates), lambda: [expected_cost(d, ask) for d in candidates])
        return [expected_cost(d, ask) for d in candidates]


class _Contenders(NamedTuple):
    """Who can be the cheapest: by flat rates ``(index, input, output, request)``, and those that must be asked."""

    flat: Sequence[tuple[int, int, int, int]]
    others: Sequence[tuple[int, Price]]


def _lowest(ask: Ask, contenders: _Contenders) -> int | None:
    """Index of the cheapest candidate, the first of equals; None where no price is known."""
    best, lowest = None, None
    input_tokens, output_tokens = ask.input_tokens, ask.output_tokens
    # in nano-dollars per million: what is compared need not be rounded
    for index, input_rate, output_rate, request in contenders.flat:
        cost = input_tokens * input_rate + output_tokens * output_rate + request
        if best is None or cost < best:
            best, lowest = cost, index
    for index, price in contenders.others:
        estimate = price.estimate(input_tokens, output_tokens)
        if estimate is not None and (best is None or estimate * MILLION < best):
            best, lowest = estimate * MILLION, index
    return lowest


def _contenders(pool: Pool) -> _Contenders:
    """The candidates that can be the cheapest for some length of prompt and answer, in the user's order.

    One cannot when another's rates are all at most as high; of equal ones the first stays. Prices with tiers, or of which a
    part is unknown, are not compared this way: they stay.
    """
    flat: list[tuple[int, int, int, int]] = []
    others: list[tuple[int, Price]] = []
    for index in sorted(range(len(pool)), key=lambda i: pool[i].position):
        price = pool[index].price
        if price is None:
            continue
        rates = price.rates
        if price.tiers or rates.input is None or rates.output is None:
            others.append((index, price))
            continue
        mine = (index, rates.input, rates.output, (rates.request or 0) * MILLION)
        if not any(_covers(other, mine) for other in flat):
            flat = [other for other in flat if not _covers(mine, other)]
            flat.append(mine)
    return _Contenders(flat, others)


def _covers(low: tuple[int, int, int, int], high: tuple[int, int, int, int]) -> bool:
    return low[1] <= high[1] and low[2] <= high[2] and low[3] <= high[3]
