"""Orders and values that are worked out late say the same as if they had been worked out at once."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Price
from routed_llm.catalog.snapshot import Catalog
from routed_llm.hints import NO_HINTS
from routed_llm.policy.decide import decide
from routed_llm.policy.scorers.cost import expected_cost
from routed_llm.policy.strategies import policy_of
from routed_llm.requests import Ask, Requirements
from routed_llm.state.memory import LiveState


class Nowhere:
    """An endpoint that is never called."""

    modes = frozenset({"sync", "async"})


usd = st.one_of(st.none(), st.integers(0, 40).map(lambda n: n / 4))
prices = st.lists(st.one_of(st.none(), st.tuples(usd, usd, usd)), min_size=1, max_size=12)


def pool(rates, weights=()):
    return Catalog(
        Deployment(
            f"m{i}",
            f"m{i}",
            "p",
            f"m{i}",
            Nowhere(),
            price=None if rate is None else Price.from_usd(input=rate[0], output=rate[1], request=rate[2]),
            weight=weights[i] if weights else 1.0,
            position=i,
        )
        for i, rate in enumerate(rates)
    )


def asked(input_tokens=100, output_tokens=300):
    return Ask(Requirements(mode="sync"), NO_HINTS, input_tokens, output_tokens, {}, 1.0, False)


@given(rates=prices, input_tokens=st.integers(0, 5000), output_tokens=st.integers(0, 5000))
def test_the_cheapest_head_is_as_cheap_as_any(rates, input_tokens, output_tokens):
    catalog, ask = pool(rates), asked(input_tokens, output_tokens)
    decision = decide(ask, catalog, policy_of("cheapest"), LiveState(), Random(1))
    costs = [expected_cost(d, ask) for d in catalog.deployments]
    known = [cost for cost in costs if cost is not None]
    if known:
        assert expected_cost(decision.order[0], ask) == min(known)
    else:
        assert decision.order[0].id == "m0"
    assert sorted(d.id for d in decision.order) == sorted(d.id for d in catalog.deployments)
    told = [expected_cost(d, ask) for d in decision.order]
    assert told == sorted(known) + [None] * (len(costs) - len(known))
    assert list(decision.scores[0].values) == costs
    assert decision.as_dict()["chosen"] == decision.order[0].id


@pytest.mark.parametrize("strategy", ["ordered", "cheapest", "fastest", "round_robin", "weighted", "auto"])
def test_an_order_holds_every_candidate_once_and_stays_the_same(strategy):
    catalog = pool([(1, 2, None), (2, 1, None), None, (3, 3, 0)], weights=(1, 2, 0, 3))
    policy, live, rng = policy_of(strategy), LiveState(), Random(3)
    for _ in range(20):
        order = decide(asked(), catalog, policy, live, rng).order
        head, length = order[0], len(order)
        assert length == 4
        assert next(iter(order)) is head
        assert list(order) == list(order)
        assert {d.id for d in order} == set(catalog.by_id)
        assert [*order[1:]] == list(order)[1:]
        assert order[-1] is list(order)[-1]


def test_one_seed_gives_one_order():
    catalog = pool([None] * 6, weights=(1, 2, 3, 4, 5, 6))

    def orders():
        policy, live, rng = policy_of("weighted"), LiveState(), Random(11)
        return [[d.id for d in decide(asked(), catalog, policy, live, rng).order] for _ in range(30)]

    assert orders() == orders()
    assert len({order[0] for order in orders()}) > 3


def test_fallbacks_follow_the_weights_too():
    catalog = pool([None] * 3, weights=(1, 1, 8))
    policy, live, rng = policy_of("weighted"), LiveState(), Random(5)
    drawn = [[d.id for d in decide(asked(), catalog, policy, live, rng).order] for _ in range(3000)]
    after_m0 = [order[1] for order in drawn if order[0] == "m0"]
    assert after_m0.count("m2") / len(after_m0) == pytest.approx(8 / 9, abs=0.06)
    assert sum(order[0] == "m2" for order in drawn) / len(drawn) == pytest.approx(0.8, abs=0.03)
