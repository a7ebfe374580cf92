"""What a provider tells of the requests that it still takes is kept to, by all calls at once, until its reset."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from counting_server import CountingServer, Hands, router_of
from four_modes import MODES, ask

from routed_llm import RoutedChatModel
from routed_llm.errors import AllDeploymentsDown, CallFailed
from routed_llm.testing.faults import FaultyProvider


def room(left, reset="60s"):
    return {"x-ratelimit-remaining-requests": str(left), "x-ratelimit-reset-requests": reset}


@pytest.fixture
def server():
    with CountingServer() as served:
        yield served


@pytest.mark.parametrize("mode", MODES)
def test_no_more_are_sent_than_are_left(server, mode):
    hands, server.headers["a"] = Hands(), room(4)
    model = RoutedChatModel(router=router_of([server.model("a"), server.model("b")], hands))
    ask(model, mode)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: ask(model, mode), range(20)))
    assert (server.models.count("a"), server.models.count("b")) == (5, 16)
    told = model.router.records()[-1].decision.passed_over["a"]
    assert told.startswith("told that its limit is used up, for another ")
    hands.ahead += 61
    ask(model, mode)
    assert server.models[-1] == "a"


def test_more_room_than_was_told_is_used(server):
    server.headers["a"] = room(1)
    model = RoutedChatModel(router=router_of([server.model("a"), server.model("b")], Hands()))
    for _ in range(3):
        ask(model, "invoke")
    assert server.models == ["a", "a", "b"]
    server.headers["a"] = room(9)
    model.invoke("hello", model="a")  # nobody else may answer
    for _ in range(11):
        ask(model, "invoke")
    assert server.models[3:] == ["a"] * 10 + ["b"] * 2


def test_what_was_never_sent_takes_nothing(server):
    server.headers["a"] = room(2)
    model = RoutedChatModel(router=router_of([server.model("a"), server.model("b")], Hands()))
    ask(model, "invoke")
    limiter, (a, _) = model.router.live.limiter, model.router.catalog.deployments
    now = model.router._sync.now()
    limiter.settle(limiter.take(a, 0, now), 0, 0)
    for _ in range(3):
        ask(model, "invoke")
    assert server.models == ["a", "a", "a", "b"]


def test_a_wait_that_no_deadline_reaches_is_not_advised():
    with FaultyProvider("fine") as provider:
        provider.always("insufficient_quota_429")  # left alone for ten minutes
        model = RoutedChatModel([provider.model("a")], quiet_fallbacks=True)
        with pytest.raises(CallFailed, match="quota"):
            model.invoke("x")
        with pytest.raises(AllDeploymentsDown) as caught:
            model.invoke("x")
    assert caught.value.retry_after > 120
    assert "deadline" not in str(caught.value)
