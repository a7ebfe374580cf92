"""Who is left alone after failures is not asked by features either, and what features find of it holds for calls."""

import asyncio

import pytest
from own_pools import ALIAS, MEDIUM, SMALL, entries_of

from routed_llm import Policy, RoutedChatModel, Router
from routed_llm.errors import CallFailed
from routed_llm.policy.features.asked import AskModel
from routed_llm.policy.scorers.by_fact import ByFact
from routed_llm.policy.selectors.best import Best
from routed_llm.testing import MovableClock, Sandbox, SandboxServer

MODES = {"invoke": lambda model, text: model.invoke(text), "ainvoke": lambda model, text: asyncio.run(model.ainvoke(text))}


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as running:
        yield running


def router_of(server, seconds=20.0, clock=None):
    entries = entries_of(server)
    policy = Policy("mine", scorers={ByFact("task", {"chat": ALIAS[MEDIUM]}): 1.0}, selector=Best("named for it"))
    feature = AskModel(ALIAS[SMALL], facts=["task"], seconds=seconds)
    return Router([entries[MEDIUM], entries[SMALL]], policy, features=[feature], quiet_fallbacks=True, clock=clock)


def asked(server):
    return sum(arrival.body["model"] == SMALL for arrival in server.sandbox.requests)


@pytest.mark.parametrize("ask", MODES.values(), ids=MODES)
def test_what_fails_for_a_feature_is_left_alone_by_all(server, ask):
    clock = MovableClock()
    router = router_of(server, clock=clock)
    model = RoutedChatModel(router=router)
    server.sandbox.fail(model=SMALL, status=429, retry_after=30)
    ask(model, "What is 2 plus 3?")
    small = router.health().of(ALIAS[SMALL])
    assert (small.state, small.in_flight, asked(server)) == ("benched", 0, 1)
    server.sandbox.heal()
    ask(model, "What is 3 plus 4?")
    assert asked(server) == 1
    decision = router.records()[-1].decision
    assert decision.unasked == ((ALIAS[SMALL], "is left alone after failures"),)
    assert ALIAS[SMALL] in decision.cooling
    clock.move(31)
    ask(model, "What is 4 plus 5?")
    small = router.health().of(ALIAS[SMALL])
    assert (small.takes_calls or small.state == "probing", small.in_flight, asked(server)) == (True, 0, 2)


def test_what_fails_for_calls_is_not_asked_by_features(server):
    router = router_of(server)
    model = RoutedChatModel(router=router)
    model.invoke("What is 2 plus 3?")
    before = asked(server)
    server.sandbox.fail(model=SMALL, status=401)
    with pytest.raises(CallFailed):
        model.invoke("What is 2 plus 3?", model=ALIAS[SMALL])  # what it is is remembered
    assert asked(server) == before + 1
    server.sandbox.heal()
    model.invoke("What is 3 plus 4?")
    assert asked(server) == before + 1
    assert not router.records()[-1].own_calls


def test_who_is_late_for_a_feature_alone_serves_calls():
    with SandboxServer(Sandbox(speed=1)) as slow:
        router = router_of(slow, seconds=0.001)
        model = RoutedChatModel(router=router)
        model.invoke("What is 2 plus 3?")
        small = router.health().of(ALIAS[SMALL])
        assert (small.state, small.in_flight) == ("ready", 0)
        model.invoke("What is 3 plus 4?")
        first, second = router.records()
        assert len(first.own_calls) == 1
        if second.decision.ask.now - first.decision.ask.now < 5:  # the feature asks it no more for a while
            assert not second.own_calls
