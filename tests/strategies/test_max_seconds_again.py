"""Whoever was too slow for ``max_seconds`` is tried again after a while: over HTTP, and in decisions alone."""

import time
from random import Random

import pytest

from routed_llm import Clock, Model, RoutedChatModel, Router
from routed_llm.errors import NoEligibleModel
from routed_llm.hints import NO_HINTS
from routed_llm.policy.decide import decide
from routed_llm.policy.strategies import policy_of
from routed_llm.requests import Ask, Requirements
from routed_llm.state.memory import LiveState
from routed_llm.testing.faults import FaultyProvider


class Time:
    """The computer's clock, and what a test adds to it."""

    def __init__(self):
        self.more = 0.0

    def __call__(self):
        return time.monotonic() + self.more


@pytest.mark.parametrize("stream", [False, True])
def test_a_pool_that_was_slow_comes_back(stream):
    now = Time()
    with FaultyProvider("fine") as provider:
        router = Router([provider.model("a")], {"strategy": "balanced", "max_seconds": 1.0}, clock=Clock(now))
        model = RoutedChatModel(router=router)

        def ask():
            return "".join(each.text for each in model.stream("hi")) if stream else model.invoke("hi").text

        measured(router.live, "a", 5.0, now(), first=5.0)
        with pytest.raises(NoEligibleModel, match="5 of 100 calls wait more"):
            ask()
        now.more += 61
        for _ in range(3):
            assert ask() == "fine"
        assert router.replay(router.records()[-3].decision).same  # what it saw says so


# deciding alone --------------------------------------------------------------------------------------------------------


def deciding(size, now, live, stream=False):
    place = {"api_key": "any", "base_url": "http://127.0.0.1:9/v1"}
    catalog = Router([Model(f"openai:m{n}", name=f"m{n}", **place) for n in range(size)]).catalog
    policy = policy_of([{"strategy": "balanced", "max_seconds": 1.0}])
    return decide(Ask(Requirements(mode="sync"), NO_HINTS, 100, 300, {}, now, stream), catalog, policy, live, Random(1))


def measured(live, name, seconds, now, calls=20, first=None):
    for _ in range(calls):
        live.started(live.of(name))
        live.succeeded(name, live.of(name), seconds, first, now)


@pytest.mark.parametrize("size", [3, 60])
def test_one_call_after_the_other_tries_it_again(size):
    live = LiveState()
    for number in range(size):
        measured(live, f"m{number}", 5.0 if number == 0 else 0.5, 10.0)

    def taken(now):
        return "m0" not in deciding(size, now, live).rejected

    assert not taken(11.0)
    assert not taken(69.0)
    assert taken(71.0)
    live.started(live.of("m0"))
    assert not taken(71.0)  # somebody tries it
    assert taken(311.0)  # and never came back
    live.left(live.of("m0"))
    measured(live, "m0", 5.0, 72.0, 1)
    assert not taken(73.0)
    assert taken(133.0)
    measured(live, "m0", 0.5, 134.0, 1)
    assert taken(135.0)


def test_one_slow_answer_after_a_silence_says_nothing_against_who_was_quick():
    live = LiveState()
    for name in ("m0", "m1", "m2"):
        measured(live, name, 0.5, 10.0)
    measured(live, "m0", 5.0, 100.0, 1)
    assert "m0" not in deciding(3, 101.0, live).rejected
    measured(live, "m0", 5.0, 101.0, 19)
    assert "m0" in deciding(3, 102.0, live).rejected
