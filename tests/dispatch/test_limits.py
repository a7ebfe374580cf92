"""Limits of requests, tokens and calls at once over HTTP: kept, waited for in order, and told."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from counting_server import CountingServer, Hands, router_of
from four_modes import MODES, QUESTION, ask
from langchain_core import exceptions as core
from llama_index.core.base.llms.types import ChatMessage

from routed_llm import RoutedChatModel, RoutedLLM
from routed_llm.errors import AllDeploymentsDown, DeadlineExceeded, NoEligibleModel, RoutedError
from routed_llm.state.limiter import Place


@pytest.fixture
def server():
    with CountingServer() as served:
        yield served


def routing_of(answer):
    return answer.response_metadata["routing"]


def fill(router, number, seconds_ago, tokens=0):
    """As if a deployment had been asked some seconds ago; gives the deployment."""
    deployment = router.catalog.deployments[number]
    now = router._sync.now() - seconds_ago
    while isinstance(place := router.live.limiter.take(deployment, tokens, now), Place):
        router.live.limiter.settle(place, 1, None)
    return deployment


@pytest.mark.parametrize("mode", MODES)
def test_a_deployment_at_its_limit_is_passed_over(server, mode):
    router = router_of([server.model("a", limits={"requests_per_minute": 3}), server.model("b")])
    model = RoutedChatModel(router=router)
    answers = [ask(model, mode) for _ in range(8)]
    assert server.models == ["a"] * 3 + ["b"] * 5
    assert [len(record.attempts) for record in router.records()] == [1] * 8  # neither an attempt nor a failure
    assert not router.live.cooling
    assert router.live.of("a").errors == 0
    over = router.records()[-1].decision.passed_over
    assert over["a"].startswith("is at its limit of 3 requests a minute, for another ")
    assert answers[-1].text.startswith("b")


def test_the_other_door_keeps_the_same_limits(server):
    router = router_of([server.model("a", limits={"requests_per_minute": 2}), server.model("b")])
    llm, model = RoutedLLM(router=router), RoutedChatModel(router=router)
    for _ in range(2):
        llm.chat([ChatMessage("hello")])
        ask(model, "invoke")
    assert server.models == ["a", "a", "b", "b"]


def test_in_no_minute_more_than_the_limit(server):
    hands = Hands()
    router = router_of([server.model("a", limits={"requests_per_minute": 10}), server.model("b")], hands)
    model, times = RoutedChatModel(router=router), []
    for _ in range(150):
        hands.ahead += 1.0
        now = hands()
        if ask(model, "invoke").text.startswith("a"):
            times.append(now)
    assert max(sum(begin <= t < begin + 60 for t in times) for begin in times) == 10
    assert len(times) >= 25  # 2.5 minutes


@pytest.mark.parametrize("mode", MODES)
def test_without_a_deadline_a_window_is_told_at_once(server, mode):
    hands = Hands()
    router = router_of([server.model("a", limits={"requests_per_minute": 2})], hands)
    model = RoutedChatModel(router=router)
    ask(model, mode)
    ask(model, mode)
    begun = time.monotonic()
    with pytest.raises(AllDeploymentsDown, match="a is at its limit of 2 requests a minute") as caught:
        ask(model, mode)
    assert time.monotonic() - begun < 0.05
    assert isinstance(caught.value, core.ModelRateLimitError)
    assert 58 < caught.value.retry_after <= 61
    assert "routing={'deadline': seconds} waits for that" in str(caught.value)
    assert router.records(1)[0].outcome == "failed"
    hands.ahead += caught.value.retry_after
    assert ask(model, mode).text.startswith("a")


@pytest.mark.parametrize("mode", MODES)
def test_with_a_deadline_that_reaches_so_far_the_window_is_waited_for(server, mode):
    router = router_of([server.model("a", limits={"requests_per_minute": 2})])
    model = RoutedChatModel(router=router)
    fill(router, 0, 59.7)  # it opens in 0.3 to 0.8 s
    with pytest.raises(AllDeploymentsDown):
        ask(model, mode)
    assert ask(model, mode, routing={"deadline": 5}).text.startswith("a")
    assert router.records(1)[0].seconds < 1.3


def test_a_deadline_that_does_not_reach_so_far_is_told_at_once(server):
    router = router_of([server.model("a", limits={"requests_per_minute": 2})])
    fill(router, 0, 30.0)
    begun = time.monotonic()
    with pytest.raises(AllDeploymentsDown):
        ask(RoutedChatModel(router=router), "invoke", routing={"deadline": 5})
    assert time.monotonic() - begun < 0.1


def test_tokens_are_reserved_and_then_settled(server):
    router = router_of([server.model("a", limits={"tokens_per_minute": 400}), server.model("b")])
    model = RoutedChatModel(router=router)
    for _ in range(3):  # expected: about 306; really 15
        assert ask(model, "invoke").text.startswith("a")
    assert fill(router, 0, 0.0, tokens=350)
    assert ask(model, "invoke").text.startswith("b" if 350 + 4 * 15 > 400 else "a")
    over = router.records(1)[0].decision.passed_over
    assert over["a"].startswith("is at its limit of 400 tokens a minute")


@pytest.mark.parametrize("mode", MODES)
def test_a_call_larger_than_the_whole_window_is_refused_and_never_waits(server, mode):
    router = router_of([server.model("a", limits={"tokens_per_minute": 200})])
    with pytest.raises(NoEligibleModel, match="takes 200 tokens a minute, and this call needs about 3") as caught:
        ask(RoutedChatModel(router=router), mode, routing={"deadline": 60})
    assert list(caught.value.rejected) == ["a"]
    assert ask(RoutedChatModel(router=router), mode, max_tokens=50).text.startswith("a")


ROOM = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "300ms"}


@pytest.mark.parametrize("mode", MODES)
def test_nothing_left_in_the_headers_of_an_answer_drains_traffic_away(server, mode):
    server.headers["a"] = ROOM
    router = router_of([server.model("a"), server.model("b")])
    model = RoutedChatModel(router=router)
    for _ in range(3):
        ask(model, mode)
    assert server.models == ["a", "b", "b"]
    time.sleep(0.31)
    ask(model, mode)
    assert server.models[-1] == "a"


def test_who_says_that_nothing_is_left_is_asked_when_nobody_else_is_there(server):
    server.headers["a"] = ROOM
    router = router_of([server.model("a")])
    model = RoutedChatModel(router=router)
    assert [ask(model, "invoke").text[0] for _ in range(3)] == ["a"] * 3
    begun = time.monotonic()
    ask(model, "invoke", routing={"deadline": 5})  # there is time to wait for what it said
    assert 0.15 < time.monotonic() - begun < 1


def test_room_again_takes_the_word_back(server):
    server.headers["a"] = {**ROOM, "x-ratelimit-reset-requests": "60s"}
    router = router_of([server.model("a"), server.model("b")])
    model = RoutedChatModel(router=router)
    ask(model, "invoke")
    server.headers["a"] = {"x-ratelimit-remaining-requests": "7"}
    model.invoke("hello", model="a")  # nobody else may answer
    ask(model, "invoke")
    assert server.models == ["a", "a", "a"]


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_a_stream_holds_its_place_until_it_ends(server, mode):
    router = router_of([server.model("a", limits={"concurrent": 1}), server.model("b")])
    model = RoutedChatModel(router=router)
    opened = router.open(model._request(QUESTION, None, {}, stream=True))
    assert ask(model, mode).text.startswith("b")
    opened.close()
    assert ask(model, mode).text.startswith("a")
    opened = router.open(model._request(QUESTION, None, {}, stream=True))
    del opened  # never read
    assert ask(model, mode).text.startswith("a")
    assert router.live.limiter.running("a") == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_failure_gives_its_place_back_and_those_at_their_limit_come_again(server, mode):
    server.takes, server.failing = 0.1, {"b"}
    router = router_of([server.model("a", limits={"concurrent": 1}), server.model("b", limits={"concurrent": 1})])
    model = RoutedChatModel(router=router)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(ask, model, "invoke")
        time.sleep(0.04)
        answer = ask(model, mode)  # a is busy, b fails, then a is free
        other.result()
    assert answer.text.startswith("a")
    assert server.most == {"a": 1, "b": 1}
    assert [router.live.limiter.running(each) for each in "ab"] == [0, 0]


def test_a_place_is_waited_for_no_longer_than_the_call_may_take(server):
    server.takes = 0.6
    router = router_of([server.model("a", limits={"concurrent": 1})])
    model = RoutedChatModel(router=router)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(ask, model, "invoke")
        time.sleep(0.05)
        begun = time.monotonic()
        with pytest.raises(DeadlineExceeded, match="stood in line: a is at its limit of 1 calls at once"):
            ask(model, "invoke", routing={"deadline": 0.2})
        assert 0.15 < time.monotonic() - begun < 0.4
        other.result()
    assert len(server.asked) == 1


def test_higher_priorities_go_first(server):
    server.takes = 0.3
    router = router_of([server.model("a", limits={"concurrent": 1})])
    model = RoutedChatModel(router=router)

    def one(priority):
        ask(model, "invoke", [("human", priority)], routing={"priority": priority})

    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(one, "normal")]
        while not server.now:
            time.sleep(0.005)
        for priority in ("low", "normal", "low", "high", "critical", "high"):
            calls.append(pool.submit(one, priority))
            time.sleep(0.02)
        for call in calls:
            call.result()
    assert server.prompts == ["normal", "critical", "high", "high", "normal", "low", "low"]


def test_repeats_do_not_make_an_outage_worse(server):
    server.failing = {"a"}
    router = router_of([server.model("a")])
    model = RoutedChatModel(router=router)
    requests, begun = 300, time.monotonic()

    def one(_):
        router.live.forget("a")  # it is not left alone, so that every call may ask, and would repeat
        with pytest.raises(RoutedError):
            ask(model, "invoke")

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(one, range(requests)))
    assert len(server.asked) <= 1.2 * requests + 3 * (time.monotonic() - begun) + 4
    assert len(router.records(1_000)) == requests
