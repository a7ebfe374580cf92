"""Whom a call prefers, and known abilities before unknown ones: the told probability is that of the head that is tried."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_decide import ask, deployment

from routed_llm.catalog.snapshot import Catalog
from routed_llm.policy.decide import decide
from routed_llm.policy.strategies import policy_of
from routed_llm.state.memory import LiveState

CALLS = 3_000


def pool_of(weights, sees=()):
    """Deployments by weight; ``sees`` says of each whether it reads images, None where that is unknown."""
    can = [{} if each is None else {"abilities": {"images": each}} for each in sees] or [{}] * len(weights)
    tags = [("good",) if number % 2 else () for number in range(len(weights))]
    every = zip(weights, can, tags, strict=True)
    return [deployment(f"m{n}", n, weight=weight, tags=tag, **able) for n, (weight, able, tag) in enumerate(every)]


def made(strategy, pool, question, calls=CALLS, live=None):
    catalog, policy, live, rng = Catalog(pool), policy_of(strategy), live or LiveState(), Random(5)
    return [decide(question, catalog, policy, live, rng) for _ in range(calls)]


def told_is_true(decisions):
    """How often each is the head is what was told of it, within five standard deviations; all of it sums up to one."""
    heads = Counter(decision.order[0].id for decision in decisions)
    told = {decision.order[0].id: decision.propensity for decision in decisions}
    for name, share in told.items():
        spread = (share * (1 - share) / len(decisions)) ** 0.5
        assert abs(heads[name] / len(decisions) - share) <= 5 * spread + 1e-9, (name, share, heads)
    assert sum(told.values()) == pytest.approx(1, abs=0.01)


@given(
    weights=st.lists(st.sampled_from([1, 2, 5]), min_size=2, max_size=6),
    sees=st.lists(st.sampled_from([True, None]), min_size=6, max_size=6),
    prefer=st.sampled_from([(), ("good",), ("m0",), ("good", "m0")]),
)
@settings(max_examples=15, deadline=None)
def test_the_told_probability_is_how_often_it_happens(weights, sees, prefer):
    pool = pool_of(weights, sees[: len(weights)])
    decisions = made("weighted", pool, ask(needs={"images"}, prefer=prefer), 1_500)
    told_is_true(decisions)
    assert all(sorted(d.id for d in decision.order) == [d.id for d in pool] for decision in decisions[:20])


@pytest.mark.parametrize("size", [6, 40])
def test_it_is_that_of_the_fast_ones_among_those_that_are_preferred(size):
    live = LiveState()
    pool = pool_of([1] * size)
    for each, seconds in zip(pool, [1.0, 1.05, 1.02, 1.1] * size, strict=False):
        live.started(live.of(each.id))
        live.succeeded(each.id, live.of(each.id), seconds, None, 0.0)
    decisions = made("fastest", pool, ask(prefer=("m1", "good")), live=live)
    assert {d.order[0].id for d in decisions} == {"m1"}
    assert {d.propensity for d in decisions} == {1.0}
    decisions = made("fastest", pool, ask(prefer=("good",)), live=live)
    assert all(int(d.order[0].id[1:]) % 2 for d in decisions)
    told_is_true(decisions)


def test_turns_are_taken_evenly_among_those_that_are_known_to_be_able():
    pool = pool_of([1] * 4, [True, None, True, True])
    decisions = made("round_robin", pool, ask(needs={"images"}), 6)
    assert [d.order[0].id for d in decisions] == ["m0", "m2", "m3"] * 2
    assert all(d.order[-1].id == "m1" for d in decisions)
    assert decisions[0].reason == "round_robin: among 3 whose abilities and window are known, turn 1 of 3"


def test_the_caller_counts_before_what_is_known():
    pool = pool_of([1] * 4, [True, None, True, None])
    [decision] = made("ordered", pool, ask(needs={"images"}, prefer=("m3", "m2")), 1)
    assert [d.id for d in decision.order] == ["m3", "m2", "m0", "m1"]
    assert decision.reason == "ordered: preferred by the hint 'm3'"
    [decision] = made("ordered", pool, ask(needs={"images"}, prefer=("good",)), 1)
    assert [d.id for d in decision.order] == ["m1", "m3", "m0", "m2"]
    assert decision.reason.startswith("ordered: preferred by the hint 'good', first in order")


def test_the_only_one_that_is_known_to_be_able():
    [decision] = made("cheapest", pool_of([1, 1, 1], [None, None, True]), ask(needs={"images"}), 1)
    assert [d.id for d in decision.order] == ["m2", "m0", "m1"]
    assert decision.reason == "cheapest: the only one whose abilities and window are known"
    assert decision.propensity == 1.0


def test_parts_of_a_policy_take_turns_of_their_own():
    by_tier = {"when": {"tier": "gold"}, "then": "round_robin", "otherwise": "round_robin"}
    catalog, policy, live, rng = Catalog(pool_of([1] * 4)), policy_of(by_tier), LiveState(), Random(1)
    heads = {"gold": [], "free": []}
    for number in range(8):
        tier = "gold" if number % 2 else "free"
        heads[tier].append(decide(ask(tier=tier), catalog, policy, live, rng).order[0].id)
    assert heads["gold"] == heads["free"] == ["m0", "m1", "m2", "m3"]
