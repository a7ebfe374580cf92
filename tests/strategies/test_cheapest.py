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
ESSAY = "Write a very long essay of 3000 words about rivers."
LONG = "Please read this carefully. " * 400  # 2,800 tokens


@pytest.fixture(scope="module")
def pool():
    with Pool(POOL) as pool:
        yield pool


def the_answer_decides(strategy, pool, way):
    assert asked(way, pool, strategy, ESSAY).model == "terse"


def the_prompt_decides(strategy, pool, way):
    assert asked(way, pool, strategy, LONG).model == "wordy"


def an_unknown_price_never_wins(strategy, pool, way):
    assert asked(way, pool, strategy).model != "unknown"


@pytest.mark.parametrize("way", WAYS)
def test_this_very_call_decides_and_an_unknown_price_never_wins(pool, way):
    for promise in (the_answer_decides, the_prompt_decides, an_unknown_price_never_wins):
        promise("cheapest", pool, way)
        fails_when_ordered(promise, pool, way)


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
        "paid": {"price": {"input": 9, "output": 9}, "prepaid": {"tokens_per_minute": 90}},
    }
    with Pool(about) as pool:
        router = router_of(way, pool, "cheapest")
        # should a minute end between two calls, the capacity is free once more: then there are more calls until it is used up
        heads = [through(way, router).model]
        while heads[-1] == "paid" and len(heads) < 40:
            heads.append(through(way, router).model)
        assert heads[:3] == ["paid"] * 3
        assert heads[-1] == "cheap", heads
        paid = router.live.of("paid")
        assert 0 < paid.columns["minute_tokens"][paid.slot] <= 90
        paid.columns["minute_tokens"][paid.slot] = 0.0  # as the next minute does
        assert through(way, router).model == "paid"
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
    with Pool(about) as pool:  # without learning both are taken to write as much
        router = router_of(way, pool, {"strategy": "cheapest", "learn": False})
        for name, tokens in (("chatty", 900), ("brief", 40)):
            learn(router, name, prompt=100, expected=100, answer=tokens)
        assert through(way, router).model == "chatty"


@pytest.mark.parametrize("way", WAYS)
def test_one_short_answer_does_not_make_a_dear_model_the_cheapest(way):
    about = {"usual": {"price": {"input": 1, "output": 1}}, "dear": {"price": {"input": 1, "output": 2}}}
    with Pool(about) as pool:
        router = router_of(way, pool, "cheapest")
        learn(router, "usual", prompt=100, expected=100, answer=300, calls=20)
        learn(router, "dear", prompt=100, expected=100, answer=1, calls=1)
        assert through(way, router, ESSAY).model == "usual"
        learn(router, "dear", prompt=100, expected=100, answer=1, calls=30)
        assert through(way, router, ESSAY).model == "dear", "many short ones do"


@pytest.mark.parametrize("way", WAYS)
def test_the_wording_says_how_long_the_answer_is(way):
    about = {
        "short_texts": {"price": {"input": 1, "output": 9}},
        "long_texts": {"price": {"input": 1, "output": 5, "request": 0.004}},
    }
    with Pool(about) as pool:
        assert asked(way, pool, "cheapest").model == "short_texts"
        assert asked(way, pool, "cheapest", ESSAY).model == "long_texts"
        assert asked(way, pool, {"strategy": "cheapest", "learn": False}, ESSAY).model == "short_texts"


@pytest.mark.parametrize("way", WAYS)
def test_prices_of_long_prompts_count_above_their_tier(way):
    tier = [{"above": 1000, "input": 9}]
    about = {
        "tiered": {"price": {"input": 1, "output": 1, "tiers": tier}},
        "flat": {"price": {"input": 2, "output": 2}},
    }
    with Pool(about) as pool:
        assert asked(way, pool, "cheapest").model == "tiered"
        assert asked(way, pool, "cheapest", LONG[:3600]).model == "tiered"
        assert asked(way, pool, "cheapest", LONG).model == "flat"


def learn(router, name, *, prompt, expected, answer, calls=5):
    from routed_llm.results import Usage

    state = router.live.of(name)
    for _ in range(calls):
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
        assert through(way, router, LONG, session="two", tenant="other").model == "plain"


def test_arguments_are_checked():
    with pytest.raises(ConfigurationError, match="learn"):
        policy_of({"strategy": "cheapest", "learn": "yes"})
    with pytest.raises(ConfigurationError, match="learn"):
        policy_of({"strategy": "cheapest", "learns": True})
