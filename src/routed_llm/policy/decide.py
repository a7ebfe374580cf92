"""Deciding: plain code over sets. It never waits and never sees text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.snapshot import Catalog
from routed_llm.decisions import Decision
from routed_llm.policy.chance import Draws
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.filters.budgets import over_budget
from routed_llm.policy.filters.terms import CHANGING_TERMS
from routed_llm.policy.later import LaterValues, Part, Pool, Reasons
from routed_llm.policy.leaves import Leaf, Ruling, leaves, ruling_of
from routed_llm.policy.ranked import ranked
from routed_llm.policy.scorers.cost import expected_cost
from routed_llm.policy.seen import Present, Seen
from routed_llm.policy.shapes import Chance, Live
from routed_llm.policy.vectors import Values, left_of
from routed_llm.policy.weigh import weigh
from routed_llm.requests import Ask

__all__ = ["decide"]

#: tokens that fit the window of every chat model in use; only a longer prompt makes an unknown window doubtful
EVERY_WINDOW = 4_096
NOBODY: Mapping[str, float] = MappingProxyType({})


def decide(
    ask: Ask, catalog: Catalog, policy: AnyPolicy, live: Present, rng: Chance, *, max_price_ratio: float | None = None
) -> Decision:
    """Choose among the catalog's deployments for one call.

    Branches and rules first: they say which policy decides, and under which demands. Then static filters (cached), live
    filters, scores, cool-downs, selector, and the models to prefer; in this order. A rejected deployment appears nowhere in
    the order, so that no fallback can reach it. Those that are cooling down are scored with the others, so that an outage
    does not move the scale on which the rest is compared. ``max_price_ratio`` bounds everybody's expected cost as a multiple
    of that of whoever is the first choice, or would be if nobody were cooling down.

    ``rng`` gives the seed from which everything that is drawn for this decision follows.
    """
    seen = Seen(live, rng)
    ruling: Ruling | None = None
    if type(policy) is Policy and not (policy.rules and (ruling := ruling_of(policy, ask)).holding):
        decision = _choose(policy, ask, None, catalog, seen, max_price_ratio)
    else:
        for leaf in leaves(policy, Leaf(policy, ask), seen, ruling):  # the last one stands where nobody is found
            assert isinstance(leaf.policy, Policy)  # leaves are no branches
            decision = _choose(leaf.policy, leaf.ask, leaf, catalog, seen, max_price_ratio)
            if decision.order or decision.cooling:
                break
        decision.strategy = policy.name
        decision.asked = ask
    decision.seen, decision.policy = seen, policy
    if seen.seed is not None:
        decision.seed = seen.seed
    if max_price_ratio is not None:
        decision.max_price_ratio = max_price_ratio
    return decision


def _choose(
    policy: Policy, ask: Ask, leaf: Leaf | None, catalog: Catalog, live: Seen, max_price_ratio: float | None
) -> Decision:
    """What one policy chooses; ``leaf`` tells how one got there."""
    last = policy.last
    if last is not None and last[1] is ask.requires and last[0] is catalog:  # as for most calls, which have no hints
        eligible = last[2]
    else:
        eligible = policy.eligible(ask, catalog, live)
    plain = ask.max_tokens is None and not ask.hints.given
    terms = () if ask.wall < catalog.terms_from else CHANGING_TERMS
    if keyed := (policy.plain_keyed if plain else policy.keyed_filters) + terms:
        eligible = eligible.narrowed(keyed, ask, live)
    candidates: Sequence[Deployment] = eligible.candidates
    rejected = eligible.rejected
    filters = policy.plain_filters if plain else policy.live_filters
    if plain and ask.longest <= eligible.window:  # nearly every prompt
        filters = policy.fitting_filters
    for each in filters:
        if verdicts := each.reject(ask, candidates, live):
            candidates, rejected = left_of(candidates, verdicts), Reasons.of(rejected, verdicts)
    if live.watching and (verdicts := over_budget(ask, candidates, live)):
        candidates, rejected = left_of(candidates, verdicts), Reasons.of(rejected, verdicts)
    values: Sequence[Sequence[float | None]] = ()
    totals: Sequence[float | None] = ()
    if not candidates:
        pass
    elif policy.single is not None:
        totals = policy.single.values(ask, candidates, live)
        values = (totals,)
    elif policy.scorers:
        values, totals = weigh(policy.weighing, ask, candidates, live)
    cooling, ready, ready_totals = NOBODY, candidates, totals
    if live.cooling and (cooling := _cooling(candidates, live.cooling, ask.now)):
        ready, ready_totals = _without(candidates, totals, cooling, policy, ask, live)
    unsure = eligible.unsure if ask.longest <= EVERY_WINDOW else eligible.unsure.union(_windowless(candidates))
    order: Sequence[Deployment] = ()
    propensity, reason = 0.0, "all that may serve it are left alone" if cooling else "nobody is eligible"
    if ready and (unsure or ask.prefer):
        order, propensity, reason = ranked(policy.selector, ask, ready, ready_totals, unsure, live, live)
    elif ready:
        order, propensity, reason = policy.selector.order(ask, ready, ready_totals, live, live)
    if max_price_ratio is not None and candidates:
        first = order[0] if not cooling else _first_of_all(ask, policy, candidates, totals, live, unsure)
        if too_dear := _too_dear(ask, candidates, first, max_price_ratio):
            rejected, order = {**rejected, **too_dear}, [d for d in order if d.id not in too_dear]
            cooling = {key: until for key, until in cooling.items() if key not in too_dear}
    reason = f"{policy.name}: {reason}" if leaf is None else leaf.reason(reason)
    if leaf is not None:
        propensity *= leaf.probability
    decision = Decision(ask, policy.name, candidates, order, rejected, cooling, (), reason, propensity, catalog)
    if values:
        decision.scorers, decision.values = policy.scorers, values
    if leaf is not None and leaf.effects:
        decision.effects = leaf.effects
    if policy.noticing:
        decision.noticing = policy.noticing
    return decision


def _cooling(candidates: Sequence[Deployment], cooling: Mapping[str, float], now: float) -> dict[str, float]:
    """Candidates that are left alone, with the time until when."""
    still = {key: until for key, until in cooling.items() if until > now}
    if not still:
        return still
    if isinstance(candidates, Pool):
        index = candidates.index_of
        return {key: until for key, until in still.items() if key in index}
    ids = {d.id for d in candidates}
    return {key: until for key, until in still.items() if key in ids}


def _without(
    candidates: Sequence[Deployment],
    totals: Sequence[float | None],
    cooling: Mapping[str, float],
    policy: Policy,
    ask: Ask,
    live: Seen,
) -> tuple[Sequence[Deployment], Sequence[float | None]]:
    """The candidates that may be tried now, with their totals on the scale of all."""
    if isinstance(candidates, (Pool, Part)):
        ready: Sequence[Deployment] = candidates.without(frozenset(cooling))
    else:
        ready = [d for d in candidates if d.id not in cooling]
    if not totals or not ready:
        return ready, ()
    if len(policy.scorers) == 1 and isinstance(totals, LaterValues):
        # a single scorer has no scale, and its lowest is found at once
        return ready, weigh(policy.weighing, ask, ready, live)[1]
    if isinstance(totals, Values):
        return ready, totals.kept([d.id not in cooling for d in candidates])
    return ready, [t for t, d in zip(totals, candidates, strict=True) if d.id not in cooling]


def _windowless(candidates: Sequence[Deployment]) -> frozenset[str]:
    """Those whose window is unknown."""
    pool = candidates.pool if isinstance(candidates, Part) else candidates
    if isinstance(pool, Pool):
        return pool.noted("no window", lambda pool: frozenset(d.id for d in pool if d.context is None))
    return frozenset(d.id for d in pool if d.context is None)


def _first_of_all(
    ask: Ask,
    policy: Policy,
    candidates: Sequence[Deployment],
    totals: Sequence[float | None],
    live: Live,
    unsure: frozenset[str],
) -> Deployment:
    """Who would be the head if nobody were cooling down; where turns or draws decide, one that could be."""
    return ranked(policy.selector, ask, candidates, totals, unsure, _Still(live), Draws(0))[0][0]


class _Still:
    """A look at the live state that uses up no turn."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def __getattr__(self, name: str) -> Any:
        return getattr(self._live, name)

    def next_round(self, of: int = 0) -> int:
        """Always the first."""
        return 0


def _too_dear(ask: Ask, candidates: Sequence[Deployment], first: Deployment, ratio: float) -> dict[str, str]:
    """Those that cost more than ``ratio`` times the first choice; where its price is unknown there is nothing to compare."""
    base = expected_cost(first, ask)
    if base is None:
        return {}
    rejected = {}
    for deployment in candidates:
        cost = expected_cost(deployment, ask)
        if cost is None or cost > base * ratio:
            if cost is None:
                times = "has no comparable price"
            else:
                times = f"costs {cost / base:.2g} x the first choice" if base else "costs money, the first choice is free"
            rejected[deployment.id] = f"{times}, max_price_ratio is {ratio:g}"
    return rejected
