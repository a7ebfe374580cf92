"""Large pools are decided with arrays, small ones with lists: both say the same, to the last bit."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Hours, Price, Rates, Tier
from routed_llm.catalog.snapshot import Catalog
from routed_llm.hints import NO_HINTS, Hints
from routed_llm.policy.compose import Policy
from routed_llm.policy.decide import decide
from routed_llm.policy.filters.cost import MaxCost
from routed_llm.policy.filters.factuality import MinFactuality
from routed_llm.policy.filters.quality import MinQuality
from routed_llm.policy.filters.speed import MaxSeconds
from routed_llm.policy.later import Pool
from routed_llm.policy.rates import expected_cost, table_for
from routed_llm.policy.scorers.cost import ExpectedCost
from routed_llm.policy.scorers.latency import Latency
from routed_llm.policy.scorers.quality import Quality
from routed_llm.policy.selectors.nearby import Nearby
from routed_llm.requests import Ask, Requirements
from routed_llm.results import Usage
from routed_llm.state.memory import LiveState


class Nowhere:
    """An endpoint that is never called."""

    modes = frozenset({"sync", "async"})


def deployment(number, rng):
    maybe = [None, rng.uniform(0.2, 1)]
    price = Price.from_usd(input=rng.randint(0, 9), output=rng.randint(0, 30), image=rng.choice([0, 0.01]))
    if number % 7 == 0:
        price = Price(price.rates, (Tier(2_000, Rates(input=1, output=2)),), (Hours(0, 40_000, price),))
    return Deployment(
        f"m{number}",
        f"m{number}",
        "p",
        f"m{number}",
        Nowhere(),
        position=number,
        price=rng.choice([None, price, price, price]),
        quality=rng.choice(maybe),
        factuality=rng.choice(maybe),
        context=rng.choice([None, 1_000, 100_000]),
        max_output=rng.choice([None, 200, 9_000]),
        prepaid={"tokens_per_minute": 900} if number % 11 == 0 else {},
        latency={"first_content": 0.4, "tokens_per_second": 50} if number % 5 == 0 else {},
        limits={"concurrent": 3} if number % 4 == 0 else {},
    )


def lived(catalog, rng):
    live = LiveState()
    for each in catalog.deployments:
        state = live.of(each.id)
        for _ in range(rng.choice([0, 1, 25])):
            live.started(state)
            seconds = rng.uniform(0.1, 3)
            live.succeeded(each.id, state, seconds, rng.choice([None, seconds / 4]), 100.0, Usage(90, rng.randint(1, 900)), 100)
        if rng.random() < 0.3:
            live.started(state)
        if rng.random() < 0.2:
            live.started(state)
            live.failed(state, counts=True)
        if rng.random() < 0.1:
            live.told_room(each.id, 0, 10, 200.0)
    return live


def policies():
    return [
        Policy("cost", scorers={ExpectedCost(): 1.0}),
        Policy("plain", scorers={ExpectedCost(learn=False): 1.0}),
        Policy("speed", scorers={Latency(): 1.0}, selector=Nearby(tolerance=0.5)),
        Policy(
            "all",
            filters=[MaxCost(0.01), MaxSeconds(2.0), MinQuality(0.3), MinFactuality(0.3)],
            scorers={ExpectedCost(): 1.0, Latency(): 0.5, Quality(): 0.7},
        ),
    ]


def told(decision):
    data = decision.as_dict()
    for key in ("decision_id", "microseconds"):
        data.pop(key, None)
    values = [list(scores.values) for scores in decision.scores]
    return data, list(decision.order), list(decision.candidates), dict(decision.rejected), values


@given(
    seed=st.integers(0, 10_000),
    tokens=st.integers(0, 5_000),
    stream=st.booleans(),
    limit=st.sampled_from([None, 100, 5_000]),
    cooling=st.booleans(),
    hints=st.sampled_from([{}, {"max_cost": 0.02}, {"max_seconds": 1.0, "quality": 0.5}, {"session": "s", "task": "chat"}]),
)
@settings(max_examples=60, deadline=None)
def test_arrays_and_lists_decide_alike(seed, tokens, stream, limit, cooling, hints):
    rng = Random(seed)
    pool = [deployment(n, rng) for n in range(rng.choice([1, 3, 30]))]
    given_hints = Hints(hints) if hints else NO_HINTS
    requires = Requirements(frozenset({"images"} if seed % 3 == 0 else ()), "sync")
    ask = Ask(
        requires, given_hints, tokens, 300, given_hints.facts, 110.0, stream, limit, wall=1_767_225_600.0 + seed,
        session=given_hints.session,
    )  # fmt: skip
    decisions = []
    for large in (1_000_000, 1):
        catalog = Catalog(pool)
        live = lived(catalog, Random(seed))
        if cooling:
            live.cool("m0", 500.0, firm=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("routed_llm.policy.later.LARGE", large)
            decisions.append([told(decide(ask, catalog, policy, live, Random(seed))) for policy in policies()])
    assert decisions[0] == decisions[1]


@given(
    rates=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=14),
    input_tokens=st.integers(0, 60),
    output_tokens=st.integers(0, 60),
)
@settings(max_examples=400, deadline=None)
def test_the_cheapest_of_many_is_the_first_of_the_cheapest(rates, input_tokens, output_tokens):
    pool = Pool(
        [
            Deployment(f"m{i}", f"m{i}", "p", f"m{i}", Nowhere(), price=Price(Rates(a * 10**9, b * 10**9)), position=i)
            for i, (a, b) in enumerate(rates)
        ]
    )
    ask = Ask(Requirements(), NO_HINTS, input_tokens, output_tokens, {}, 0.0, False)
    found = table_for(pool, ask).contenders.lowest(input_tokens, output_tokens)
    costs = [input_tokens * a + output_tokens * b for a, b in rates]
    assert costs[found] == min(costs)
    assert expected_cost(pool[found], ask) == min(expected_cost(d, ask) for d in pool)


@given(
    rates=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=8),
    unknown=st.booleans(),
    tokens=st.integers(0, 40),
    answer=st.integers(0, 40),
    limit=st.integers(1, 400),
)
@settings(max_examples=300, deadline=None)
def test_who_is_dearer_than_the_limit_is_rejected_and_nobody_else(rates, unknown, tokens, answer, limit):
    prices = [Price(Rates(a * 10**6, b * 10**6, request=c)) for a, b, c in rates] + ([None] if unknown else [])
    pool = Pool([Deployment(f"m{i}", f"m{i}", "p", f"m{i}", Nowhere(), price=p, position=i) for i, p in enumerate(prices)])
    ask = Ask(Requirements(), NO_HINTS, tokens, answer, {}, 0.0, False)
    costs = {d.id: expected_cost(d, ask) for d in pool}
    rejected = MaxCost(limit / 10**9).reject(ask, pool, None)
    assert set(rejected) == {name for name, cost in costs.items() if cost is None or cost > limit}


def test_an_outage_of_many_calls_is_worked_out_once():
    rng = Random(1)
    catalog, live = Catalog([deployment(n, rng) for n in range(200)]), LiveState()
    live.cool("m3", 100.0, firm=True)
    policy = Policy("cost", scorers={ExpectedCost(): 1.0})
    ask = Ask(Requirements(mode="sync"), NO_HINTS, 100, 300, {}, 1.0, False)
    for _ in range(3):
        decision = decide(ask, catalog, policy, live, rng)
        assert decision.cooling == {"m3": 100.0}
        assert len(decision.candidates) == 200
        assert len(decision.order) == 199
    assert len(policy.eligible(ask, catalog, live).candidates._without) == 1
