"""Several deployments of one model share its calls, by weight and load; the order of the models stays."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from counting_server import CountingServer, router_of
from four_modes import MODES, ask
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from routed_llm import Model, RoutedChatModel
from routed_llm.policy.chance import Draws
from routed_llm.policy.later import Pool
from routed_llm.policy.selectors.spreading import spread


@pytest.fixture
def server():
    with CountingServer() as served:
        yield served


def several(server, name="m", **about):
    """A model with deployments of which each is asked for by another name; ``about``: name -> what is told of it."""
    parts = [server.model(served, **{"name": None, **told}) for served, told in about.items()]
    return Model(name=name, deployments=parts)


@pytest.mark.parametrize("strategy", ["ordered", "cheapest", "best"])
def test_calls_are_shared_by_weight(server, strategy):
    models = [several(server, a={"weight": 3.0}, b={"weight": 1.0}), server.model("other")]
    router = router_of(models, strategy=strategy, seed=7)
    model = RoutedChatModel(router=router)
    for _ in range(200):
        ask(model, "invoke")
    shares = Counter(server.models)
    assert 0.65 < shares["a"] / 200 < 0.85
    assert shares["other"] == 0
    decision = router.records(1)[0].decision
    assert decision.reason.endswith(", one of its 2 deployments")
    assert decision.propensity in (0.75, 0.25)
    assert [d.model for d in decision.order] == ["m", "m", "other"]


@pytest.mark.parametrize("mode", ["invoke", "ainvoke"])
def test_calls_under_way_count(server, mode):
    server.takes = 0.02
    router = router_of([several(server, a={}, b={}, c={}, d={})], seed=3)
    model = RoutedChatModel(router=router)
    if mode == "invoke":
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda _: ask(model, "invoke"), range(160)))
    else:

        async def all_of():
            await asyncio.gather(*[model.ainvoke([HumanMessage("hello")]) for _ in range(16)])

        for _ in range(10):
            asyncio.run(all_of())
    assert set(server.most) == {"a", "b", "c", "d"}
    assert max(server.most.values()) <= 8  # of 16, of which each bears 4
    assert min(Counter(server.models).values()) >= 20


@pytest.mark.parametrize("mode", MODES)
def test_who_is_down_or_at_its_limit_leaves_its_share_to_the_others_of_the_model(server, mode):
    server.failing = {"a"}
    models = [several(server, a={}, b={"limits": {"requests_per_minute": 5}}, c={}), server.model("other")]
    model = RoutedChatModel(router=router_of(models, seed=1))
    for _ in range(30):
        assert ask(model, mode).text[0] in "bc"
    shares = Counter(server.models)
    assert shares["b"] == 5
    assert shares["other"] == 0


def test_a_weight_of_zero_is_a_spare(server):
    model = RoutedChatModel(router=router_of([several(server, a={"weight": 0.0}, b={})]))
    for _ in range(5):
        ask(model, "invoke")
    server.failing = {"b"}
    ask(model, "invoke")
    assert server.models == ["b"] * 6 + ["a"]


def test_a_shared_call_is_decided_again_bit_for_bit(server):
    router = router_of([several(server, a={}, b={}, c={}), server.model("other")])
    model = RoutedChatModel(router=router)
    for _ in range(20):
        ask(model, "invoke")
    for record in router.records():
        assert router.replay(record.decision.stored()).same


ASK = SimpleNamespace(requires=SimpleNamespace(needs=frozenset()))


class Live:
    def __init__(self, flying):
        self.flying = flying

    def column(self, name, candidates):
        return self.flying


@settings(max_examples=60, deadline=None)
@given(
    each=st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.integers(0, 4)), min_size=2, max_size=5),
    pooled=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_the_told_probability_is_the_frequency(each, pooled, seed):
    candidates = [SimpleNamespace(id=str(n), model="m", weight=w, limits={}) for n, (w, _) in enumerate(each)]
    candidates = Pool(candidates) if pooled else candidates
    rng, live, taken, told = Draws(seed), Live([f for _, f in each]), Counter(), {}
    for _ in range(3_000):
        at, share, _ = spread(ASK, candidates, (), 0, live, rng)
        taken[at] += 1
        told[at] = share
    assert abs(sum(told.values()) - 1) < 0.02
    for at, share in told.items():
        assert abs(taken[at] / 3_000 - share) < 0.05
