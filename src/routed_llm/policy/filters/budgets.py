"""What budgets leave: a deployment whose expected cost does not fit is rejected, for every strategy and every fallback.

It is no piece of a policy, because it looks only where there are budgets: deciding calls it then, and so does every attempt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.policy.later import Part, Pool
from routed_llm.policy.rates import MILLION, expected_cost, never_changing
from routed_llm.policy.shapes import Candidates, Live
from routed_llm.requests import Ask
from routed_llm.standing import Standing

__all__ = ["lacking", "over_budget"]

NOBODY: Mapping[str, str] = {}


def over_budget(ask: Ask, candidates: Candidates, live: Live) -> Mapping[str, str]:
    """Reason by id of each candidate that does not fit a budget of the call. An unknown price fits no budget of money."""
    standings = live.budgets(ask)
    if not standings:
        return NOBODY
    tokens, most = ask.input_tokens + ask.output_tokens, _at_most(ask, candidates)
    if most is not None:
        # mostly even the dearest fits all of them, and nobody need be looked at
        standings = [standing for standing in standings if standing.lacks(most, tokens) is not None]
        if not standings:
            return NOBODY
    always = min(standing.always_fits(tokens) for standing in standings)
    found = {}
    for deployment in candidates:
        cost = expected_cost(deployment, ask)
        if (cost is None or cost > always) and (short := lacking(standings, deployment, ask)) is not None:
            found[deployment.id] = short[1]
    return found


def lacking(standings: Sequence[Standing], deployment: Deployment, ask: Ask) -> tuple[Standing, str] | None:
    """The first budget that a call to a deployment does not fit, and why; None where it fits all of them."""
    cost, tokens = expected_cost(deployment, ask), ask.input_tokens + ask.output_tokens
    for standing in standings:
        if standing.counts(deployment) and (why := standing.lacks(cost, tokens)) is not None:
            return standing, why
    return None


def _at_most(ask: Ask, candidates: Candidates) -> int | None:
    """Nano-dollars that no candidate is expected to exceed; None where that is not known of all at once."""
    pool = candidates.pool if type(candidates) is Part else candidates
    if type(pool) is not Pool or not never_changing(pool):
        return None
    rates = pool.noted("dearest rates", _dearest)
    if rates is None:
        return None
    return (ask.input_tokens * rates[0] + ask.output_tokens * rates[1]) // MILLION + 1 + rates[2]


def _dearest(pool: Pool) -> tuple[int, int, int] | None:
    """The highest rates of a pool, each by itself; None where one is unknown."""
    rates = [None if d.price is None else d.price.rates for d in pool]
    every = [
        (r.input, r.output, r.request or 0) for r in rates if r is not None and r.input is not None and r.output is not None
    ]
    if not every or len(every) < len(pool):  # nobody passed the static filters, or a price is unknown
        return None
    inputs, outputs, requests = zip(*every, strict=True)
    return max(inputs), max(outputs), max(requests)
