"""``cheapest``: the lowest expected cost of this very call, by all that is known of prices and by what was measured."""

import pytest
from kit import Pool, fails_when_ordered
from three_ways import WAYS, asked, router_of, through

from routed_llm.errors import ConfigurationError
from routed_llm.policy.strategies import policy_of

POOL = {
    "unknown": {},
    "dear": {"price": {"input": 10, "output": 40}},
    "wordy": {"price": {"input": 0.1, "output": 9}},
    "terse": {"price": {"input": 3, "output": 0.5}},
}
LONG = "Please read this carefully. " * 400  # 2,800 tokens


@pytest.fixture(scope="module")
def pool():
    with Pool(POOL) as pool:
        yield pool


def this_very_call_decides(strategy, pool, way):
    assert asked(way, pool, strategy).model == "terse"  # the answer costs most
    assert asked(way, pool, strategy, LONG).model == "wordy"  # the prompt costs most
    assert "unknown" not in asked(way, pool, strategy).model


@pytest.mark.parametrize("way", WAYS)
def test_this_very_call_decides_and_an_unknown_price_never_wins(pool, way):
    this_very_call_decides("cheapest", pool, way)
    fails_when_ordered(this_very_call_decides, pool, way)


# two windows that hold the whole day between them, so that the test passes at any hour
NIGHT = [{"from": "00:00", "to": "12:00", "input": 0.9, "output": 0.9}]
DAY = [{"from": "12:00", "to": "00:00", "input": 0.9, "output": 0.9}]
PARTS = {
    "flat": {"price": {"input": 1, "output": 1}},
    "by_request": {"price": {"input": 0.1, "output": 0.1, "request": 0.01}},
    "by_night": {"price": {"input": 2, "output": 2, "hours": [*NIGHT, *DAY]}},
}


@pytest.mark.parametrize("way", WAYS)
def test_prices_for_requests_and_times_of_day_count(way):
    with Pool(PARTS) as pool:
        answered = asked(way, pool, "cheapest")
        assert answered.model == "by_night", answered.reason


@pytest.mark.parametrize("way", WAYS)
def test_capacity_that_is_paid_for_costs_nothing_until_it_is_used_up(way):
    about = {
        "cheap": {"price": {"input": 0.1, "output": 0.1}},
        "paid": {"price": {"input": 9, "output": 9}, "prepaid": {"tokens_per_minute": 330}},
    }
    with Pool(about) as pool:
        router = router_of(way, pool, "cheapest")
        heads = [through(way, router).model for _ in range(12)]
        assert heads[0] == "paid"
        used = router.live.of("paid").columns["minute_tokens"][router.live.of("paid").slot]
        assert used <= 330 or "cheap" in heads
        # a call of 3,000 tokens does not fit
        assert through(way, router, LONG).model == "cheap"


@pytest.mark.parametrize("way", WAYS)
def test_what_was_measured_corrects_the_estimate(way):
    about = {
        "chatty": {"price": {"input": 1, "output": 1}},
        "brief": {"price": {"input": 1, "output": 1.2}},
    }
    with Pool(about) as pool:
        router = router_of(way, pool, "cheapest")
        assert through(way, router).model == "chatty"
        for name, tokens in (("chatty", 900), ("brief", 40)):
            learn(router, name, prompt=100, expected=100, answer=tokens)
        assert through(way, router).model == "brief"
        # a short answer is said: now both write as much
        assert router_of(way, pool, {"strategy": "cheapest", "learn": False}).policy.version != router.policy.version


def learn(router, name, *, prompt, expected, answer):
    from routed_llm.results import Usage

    state = router.live.of(name)
    for _ in range(5):
        router.live.started(state)
        router.live.succeeded(name, state, 0.1, None, None, Usage(prompt, answer), expected)


@pytest.mark.parametrize("way", WAYS)
def test_who_counts_more_tokens_in_a_prompt_costs_more(way):
    about = {"counts_double": {"price": {"input": 1, "output": 1}}, "counts_right": {"price": {"input": 1.5, "output": 1}}}
    with Pool(about) as pool:
        router = router_of(way, pool, "cheapest")
        assert through(way, router, LONG).model == "counts_double"
        learn(router, "counts_double", prompt=200, expected=100, answer=300)
        learn(router, "counts_right", prompt=100, expected=100, answer=300)
        assert through(way, router, LONG).model == "counts_right"


@pytest.mark.parametrize("way", WAYS)
def test_the_one_with_the_conversation_in_its_cache_is_cheaper(way):
    about = {
        "plain": {"price": {"input": 1.0, "output": 1}},
        "caches": {"price": {"input": 1.2, "output": 1, "cache_read": 0.1}},
    }
    with Pool(about) as pool:
        router = router_of(way, pool, "cheapest")
        # the first turn goes to the one with the lower price; after that one answered for it, the other's cache wins
        assert through(way, router, LONG, session="one").model == "plain"
        first = through(way, router, LONG, session="two", prefer=["caches"]).model
        assert first == "caches"
        assert through(way, router, LONG, session="two").model == "caches"
        assert through(way, router, LONG, session="three").model == "plain"


def test_arguments_are_checked():
    with pytest.raises(ConfigurationError, match="learn"):
        policy_of({"strategy": "cheapest", "learn": "yes"})
    with pytest.raises(ConfigurationError, match="learn"):
        policy_of({"strategy": "cheapest", "learns": True})
