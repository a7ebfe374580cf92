"""What a provider tells of the requests that it still takes is kept to, by all calls at once, until its reset."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from counting_server import CountingServer, Hands, router_of
from four_modes import MODES, ask

from routed_llm import RoutedChatModel
from routed_llm.errors import AllDeploymentsDown, CallFailed
from routed_llm.state.limiter import MANY, Full, Limiter
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
    server.headers["a"] = room(0)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: ask(model, mode), range(20)))
    assert 2 <= server.models.count("a") <= 5
    told = model.router.records()[-1].decision.passed_over["a"]
    assert told.startswith("told that its limit is used up, for another ")
    hands.ahead += 61
    ask(model, mode)
    assert server.models[-1] == "a"


def test_few_that_are_always_left_stay_so(server):
    server.headers["a"] = room(3)
    model = RoutedChatModel(router=router_of([server.model("a"), server.model("b")], Hands()))
    for _ in range(10):
        ask(model, "invoke")
    assert server.models == ["a"] * 10


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_answers_that_overtake_one_another(server, order):
    a = router_of([server.model("a")], Hands()).catalog.deployments[0]
    limiter = Limiter()
    limiter.told_left("a", 4, 60.0)
    places = [limiter.take(a, 0, 1.0) for _ in range(4)]
    assert isinstance(limiter.take(a, 0, 1.0), Full)
    for number in order:
        limiter.told_left("a", 3 - number, 60.0, places[number])
        limiter.settle(places[number], 1, None)
        assert isinstance(limiter.take(a, 0, 1.0), Full)


def test_more_room_than_was_told_is_used(server):
    server.headers["a"] = room(0)
    model = RoutedChatModel(router=router_of([server.model("a"), server.model("b")], Hands()))
    for _ in range(2):
        ask(model, "invoke")
    server.headers["a"] = room(9)
    model.invoke("hello", model="a")  # nobody else may answer
    ask(model, "invoke")
    assert server.models == ["a", "b", "a", "a"]


def tokens_left(left, reset="60s"):
    return {"x-ratelimit-remaining-tokens": str(left), "x-ratelimit-reset-tokens": reset}


@pytest.mark.parametrize("mode", MODES)
def test_a_call_that_is_larger_than_what_is_left_goes_elsewhere(server, mode):
    hands, server.headers["a"] = Hands(), tokens_left(600)
    model = RoutedChatModel(router=router_of([server.model("a"), server.model("b")], hands))
    long = "many words " * 1_000
    ask(model, mode)
    ask(model, mode, long)
    told = model.router.records()[-1].decision.passed_over["a"]
    assert told.startswith("told that it takes fewer tokens than the about ")
    ask(model, mode)
    hands.ahead += 61
    ask(model, mode, long)
    assert server.models == ["a", "b", "a", "a"]


def test_with_nobody_else_to_ask_a_large_call_is_sent_all_the_same(server):
    server.headers["a"] = tokens_left(600)
    model = RoutedChatModel(router=router_of([server.model("a")], Hands()))
    for _ in range(2):
        ask(model, "invoke", "many words " * 1_000)
    assert server.models == ["a", "a"]


def test_tokens_that_are_left_are_counted_down_by_calls_under_way(server):
    a = router_of([server.model("a")], Hands()).catalog.deployments[0]
    limiter = Limiter()
    limiter.told_left("a", MANY, 60.0, tokens=100)
    first, second = (limiter.take(a, 40, 1.0) for _ in range(2))
    assert limiter.take(a, 40, 1.0) == Full("short", 60.0)
    limiter.settle(first, 1, 10)  # 30 less than were expected
    third = limiter.take(a, 40, 1.0)
    assert isinstance(limiter.take(a, 40, 1.0), Full)
    limiter.told_left("a", MANY, 60.0, first, tokens=130)  # it knew of none that began after it: two times 40
    fourth = limiter.take(a, 50, 1.0)
    assert limiter.take(a, 1, 1.0) == Full("short", 60.0)
    for place in (second, third, fourth):
        limiter.settle(place, 0, 0)  # none was sent: of the first two, the provider's next word will tell
    assert limiter.take(a, 51, 1.0) == Full("short", 60.0)
    assert not isinstance(limiter.take(a, 50, 1.0), Full)
    assert not isinstance(limiter.take(a, 1_000, 61.0), Full)


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
