"""``fastest``: the shortest expected wait, no herd, now and then a stale one, and propensities that are true."""

import heapq
from collections import Counter
from random import Random

import pytest
from kit import Pool, fails_when_ordered
from three_ways import WAYS, asked, router_of, through

from routed_llm import Model, RoutedChatModel, Router
from routed_llm.errors import ConfigurationError, NoEligibleModel
from routed_llm.hints import NO_HINTS
from routed_llm.policy.decide import decide
from routed_llm.policy.strategies import policy_of
from routed_llm.requests import Ask, Requirements
from routed_llm.results import Usage
from routed_llm.state.memory import LiveState

SLOW_FIRST = {"slow": {}, "quick": {}}


@pytest.fixture(scope="module")
def pool():
    with Pool(SLOW_FIRST, waits={"slow": 0.15, "quick": 0.0}) as pool:
        yield pool


def measured_speed_decides(strategy, pool, way):
    router = router_of(way, pool, strategy)
    for _ in range(4):
        through(way, router)
    heads = Counter(through(way, router).model for _ in range(6))
    assert heads["quick"] == 6


@pytest.mark.parametrize("way", WAYS)
def test_measured_speed_decides(pool, way):
    measured_speed_decides("fastest", pool, way)
    fails_when_ordered(measured_speed_decides, pool, way)


@pytest.mark.parametrize("way", WAYS)
def test_before_anything_is_measured_the_prior_counts(way):
    about = {
        "slow": {"latency": {"first_content": 3.0, "tokens_per_second": 20}},
        "quick": {"latency": {"first_content": 0.2, "tokens_per_second": 200}},
    }
    with Pool(about) as pool:
        assert asked(way, pool, "fastest").model == "quick"


def test_streams_go_by_their_first_content(pool):
    model = RoutedChatModel(router=pool.router("fastest"))
    for _ in range(3):
        assert list(model.stream("hello"))
    assert model.router.live.of("quick").first_content < model.router.live.of("slow").first_content
    decision = model.router.records()[-1].decision
    assert decision.chosen.id == "quick"
    assert decision.scores[0].unit == "s"


@pytest.mark.parametrize("way", WAYS)
def test_max_seconds_rejects_who_is_known_to_be_slower(pool, way):
    router = router_of(way, pool, "ordered")
    assert through(way, router, max_seconds=0.05).model == "slow"  # nothing is known yet
    remember(router.live, "slow", 0.6, calls=25)
    assert through(way, router, max_seconds=0.5).model == "quick"
    assert through(way, router, max_seconds=5).model == "slow"
    remember(router.live, "quick", 0.7, calls=25)
    with pytest.raises(NoEligibleModel, match=r"5 of 100 calls wait more than 0\.6 s"):
        through(way, router, max_seconds=0.5)


def remember(live, name, seconds, calls=1, now=None, first=None):
    state = live.of(name)
    for _ in range(calls):
        live.started(state)
        live.succeeded(name, state, seconds, first, now, Usage(10, 10) if first else None, 10)


# deciding alone: many calls, no wire -----------------------------------------------------------------------------------


def pool_of(size, **about):
    place = {"api_key": "any", "base_url": "http://127.0.0.1:9/v1"}
    models = [Model(f"openai:m{n}", name=f"m{n}", **place, **about) for n in range(size)]
    return Router(models, "fastest").catalog


def choose(catalog, live, rng, now=10.0, strategy="fastest"):
    policy = policy_of(strategy) if isinstance(strategy, (str, dict)) else strategy
    ask = Ask(Requirements(mode="sync"), NO_HINTS, 100, 300, {}, now, False)
    return decide(ask, catalog, policy, live, rng)


@pytest.mark.parametrize("size", [5, 60])
def test_the_propensity_is_the_true_probability_of_the_head(size):
    catalog, live, policy, rng = pool_of(size), LiveState(), policy_of("fastest"), Random(11)
    for number, deployment in enumerate(catalog.deployments):
        # two equal ones in front, others within the band or beyond it, and two of which nothing was heard for long
        seconds = 1.0 if number < 2 else 1.0 + 0.06 * number
        remember(live, deployment.id, seconds, now=-1_000.0 if number >= size - 2 else 9.0)
    calls = 6_000
    seen, told = Counter(), {}
    for _ in range(calls):
        decision = choose(catalog, live, rng, strategy=policy)
        seen[decision.chosen.id] += 1
        assert told.setdefault(decision.chosen.id, decision.propensity) == decision.propensity
    assert sum(told.values()) == pytest.approx(1.0)
    for name, share in told.items():
        spread = 4 * (share * (1 - share) / calls) ** 0.5
        assert seen[name] / calls == pytest.approx(share, abs=spread)
    assert seen["m0"] / calls == pytest.approx(seen["m1"] / calls, abs=0.04)


def test_stale_ones_are_tried_again_a_little():
    catalog, live, rng, policy = pool_of(4), LiveState(), Random(5), policy_of("fastest")
    for name, seconds, at in (("m0", 0.5, 999.0), ("m1", 2.0, 990.0), ("m2", 3.0, 100.0), ("m3", 4.0, 50.0)):
        remember(live, name, seconds, now=at)
    heads = Counter(choose(catalog, live, rng, now=1_000.0, strategy=policy).chosen.id for _ in range(5_000))
    assert heads["m1"] == 0  # slow, but heard of
    assert 0.004 < heads["m2"] / 5_000 < 0.016
    assert 0.012 < (heads["m2"] + heads["m3"]) / 5_000 < 0.028
    # while one of them is under way, it is not tried once more
    live.started(live.of("m2"))
    heads = Counter(choose(catalog, live, rng, now=1_000.0, strategy=policy).chosen.id for _ in range(2_000))
    assert heads["m2"] == 0
    never = policy_of({"strategy": "fastest", "explore": 0})
    assert {choose(catalog, live, rng, now=1_000.0, strategy=never).chosen.id for _ in range(300)} == {"m0"}


def simulated(catalog, times, calls, at_once, rng, strategy="fastest"):
    """Who was asked, when ``at_once`` callers each make one call after the other: a clock of its own, and no sleep."""
    live, policy, now, asked = LiveState(), policy_of(strategy), 0.0, []
    for deployment in catalog.deployments:
        remember(live, deployment.id, times[deployment.id](), now=0.0)
    under_way = []

    def begin():
        decision = choose(catalog, live, rng, now=now, strategy=policy)
        name = decision.chosen.id
        live.started(live.of(name))
        asked.append(name)
        seconds = times[name]() * (1 + live.of(name).in_flight / 64)
        heapq.heappush(under_way, (now + seconds, len(asked), name, seconds))

    for _ in range(at_once):
        begin()
    while under_way:
        now, _, name, seconds = heapq.heappop(under_way)
        live.succeeded(name, live.of(name), seconds, None, now)
        if len(asked) < calls:
            begin()
    return asked


def test_a_hundred_callers_do_not_all_run_to_the_newly_fastest():
    catalog, rng = pool_of(10), Random(3)
    times = {d.id: (lambda: rng.uniform(0.9, 1.1)) for d in catalog.deployments}
    times["m7"] = lambda: rng.uniform(0.15, 0.2)  # was fast once, and is
    asked = simulated(catalog, times, 2_000, 100, rng)
    at_first = Counter(asked[:100])
    assert at_first["m7"] <= 50  # it answered once: nobody knows what it bears
    assert len(at_first) >= 8
    later = Counter(asked[1_000:])
    assert later.most_common(1)[0][0] == "m7"  # it has shown by then that it bears more
    assert later["m7"] / 1_000 > at_first["m7"] / 100


def test_many_calls_spread_over_those_that_are_alike():
    catalog, rng = pool_of(8), Random(4)
    times = {d.id: (lambda: rng.uniform(0.95, 1.05)) for d in catalog.deployments}
    shares = Counter(simulated(catalog, times, 1_600, 100, rng))
    assert len(shares) == 8
    assert max(shares.values()) < 2 * min(shares.values())


def test_failures_and_the_rate_limit_make_one_wait_longer():
    catalog, live, rng = pool_of(2), LiveState(), Random(1)
    remember(live, "m0", 1.0, now=9.0)
    remember(live, "m1", 1.3, now=9.0)
    assert choose(catalog, live, rng).chosen.id == "m0"
    for _ in range(3):
        live.started(live.of("m0"))
        live.failed(live.of("m0"), counts=True)
    assert choose(catalog, live, rng).chosen.id == "m1"
    live.told_room("m1", 0, 50_000, 30.0)  # no request until 30 s, and it is 10 s now
    assert choose(catalog, live, rng).chosen.id == "m0"
    assert choose(catalog, live, rng, now=31.0).chosen.id == "m1"


@pytest.mark.parametrize(("argument", "value"), [("tolerance", -1), ("explore", 0.5), ("stale", 0), ("tolerance", "wide")])
def test_arguments_are_checked(argument, value):
    with pytest.raises(ConfigurationError, match=argument):
        policy_of({"strategy": "fastest", argument: value})
