"""Failures injected on the wire, in all four modes: who was called how often, and what the caller got."""

import asyncio
import logging
import time

import pytest
from langchain_core import exceptions as core
from langchain_core.messages import HumanMessage

from routed_llm import Model, RoutedChatModel
from routed_llm.errors import (
    AllDeploymentsDown,
    CallFailed,
    DeadlineExceeded,
    StreamBroken,
)
from routed_llm.providers.sandbox import DEFAULT_MODELS
from routed_llm.providers.sandbox_endpoint import sandbox_entries
from routed_llm.testing import Sandbox, SandboxServer

MODES = ["invoke", "ainvoke", "stream", "astream"]
QUESTION = [HumanMessage("What is 17 + 25?")]


@pytest.fixture
def server():
    with SandboxServer(Sandbox(speed=0)) as served:
        yield served


@pytest.fixture
def slow_server():
    with SandboxServer(Sandbox(speed=0.02)) as served:
        yield served


@pytest.fixture
def entries(server):
    return {entry.model: entry for entry in sandbox_entries(DEFAULT_MODELS, server.base_url)}


@pytest.fixture
def pair(entries):
    """Two deployments, large first."""
    return [entries["sandbox-large"], entries["sandbox-medium"]]


def ask(model, mode, messages=None, **kwargs):
    """One call in a mode; streams are added up."""
    messages = messages or QUESTION
    if mode == "invoke":
        return model.invoke(messages, **kwargs)
    if mode == "ainvoke":
        return asyncio.run(model.ainvoke(messages, **kwargs))
    if mode == "stream":
        return add_up(list(model.stream(messages, **kwargs)))

    async def collect():
        return [chunk async for chunk in model.astream(messages, **kwargs)]

    return add_up(asyncio.run(collect()))


def add_up(chunks):
    total = chunks[0]
    for chunk in chunks[1:]:
        total = total + chunk
    return total


def asked(server):
    """Models that the server was asked for, in order."""
    return [arrival.body["model"] for arrival in server.sandbox.requests]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ({"status": 500}, "server_error"),
        ({"status": 502}, "server_error"),
        ({"status": 503}, "overloaded"),
        ({"status": 529}, "overloaded"),
        ({"status": 429}, "rate_limit"),
        ({"status": 429, "code": "insufficient_quota"}, "quota"),
        ({"status": 401}, "auth"),
        ({"status": 403}, "permission"),
        ({"status": 404}, "not_found"),
        ({"mode": "refuse"}, "connection"),
        ({"mode": "reset"}, "connection"),
        ({"mode": "malformed"}, "malformed"),
        ({"mode": "empty"}, "empty"),
    ],
    ids=str,
)
def test_the_next_deployment_answers_at_once(server, pair, mode, failure, kind):
    streamed = mode.endswith("stream")
    if streamed and failure.get("mode") in ("reset", "malformed"):
        failure = {"mode": "refuse"}  # in a stream those strike after the first content: see the test of broken streams
        kind = "connection"
    server.sandbox.fail("sandbox-large", **failure)
    model = RoutedChatModel(pair, quiet_fallbacks=True)
    started = time.monotonic()
    answer = ask(model, mode)
    assert time.monotonic() - started < 1.0
    assert answer.text == "42"
    assert answer.response_metadata["model_name"] == "sandbox-medium"
    routing = answer.response_metadata["routing"]
    assert [a.get("error") for a in routing["attempts"]] == [kind, None]
    assert "failed" in routing["reason"]
    assert asked(server) == ["sandbox-large", "sandbox-medium"]


@pytest.mark.parametrize("mode", MODES)
def test_a_failed_deployment_is_left_alone(server, pair, mode):
    server.sandbox.fail("sandbox-large", status=500)
    model = RoutedChatModel(pair, quiet_fallbacks=True)
    for _ in range(5):
        ask(model, mode)
    assert asked(server) == ["sandbox-large"] + ["sandbox-medium"] * 5


def test_it_is_tried_again_when_its_time_is_over_and_stays_when_it_answers(server, pair):
    server.sandbox.fail("sandbox-large", status=429, times=1, retry_after=1)
    model = RoutedChatModel(pair, quiet_fallbacks=True)
    assert ask(model, "invoke").response_metadata["model_name"] == "sandbox-medium"
    assert ask(model, "invoke").response_metadata["model_name"] == "sandbox-medium"
    time.sleep(1.05)  # as the provider told: no jitter on top
    assert ask(model, "invoke").response_metadata["model_name"] == "sandbox-large"


@pytest.mark.parametrize("mode", MODES)
def test_a_request_at_fault_is_told_at_once(server, pair, mode):
    model = RoutedChatModel(pair)
    with pytest.raises(CallFailed) as caught:
        ask(model, mode, temperature="warm")
    assert isinstance(caught.value, core.ModelInvalidRequestError)
    assert caught.value.kind == "bad_request"
    assert asked(server) == ["sandbox-large"]
    assert ask(model, mode).text == "42"  # and nobody is blamed


@pytest.mark.parametrize("mode", MODES)
def test_only_a_larger_window_is_tried_after_an_overflow(server, entries, mode):
    # the estimate lets both through; the server counts for itself and refuses
    small = Model("sandbox-small", name="small", base_url=server.base_url, context=16_000)
    also_small = Model("sandbox-small", name="also-small", base_url=server.base_url, context=16_000)
    model = RoutedChatModel([small, also_small, entries["sandbox-large"]], quiet_fallbacks=True)
    long = [HumanMessage("What is 17 + 25? " + "x" * 63_900)]
    answer = ask(model, mode, long, max_tokens=200)
    assert asked(server) == ["sandbox-small", "sandbox-large"]
    assert answer.response_metadata["routing"]["attempts"][0]["error"] == "context_length"
    alone = RoutedChatModel([small])
    with pytest.raises(core.ContextOverflowError):
        ask(alone, mode, long, max_tokens=200)


@pytest.mark.parametrize("mode", MODES)
def test_a_model_that_hangs_costs_its_timeout_and_no_more(server, pair, mode):
    server.sandbox.fail("sandbox-large", mode="hang")
    model = RoutedChatModel(pair, timeout=0.4, quiet_fallbacks=True)
    started = time.monotonic()
    assert ask(model, mode).text == "42"
    assert 0.35 < time.monotonic() - started < 1.2
    assert asked(server) == ["sandbox-large", "sandbox-medium"]


@pytest.mark.parametrize("mode", ["stream", "astream"])
@pytest.mark.parametrize("how", ["cut_stream", "error_in_stream", "reset"])
def test_a_stream_that_breaks_after_content_tells_so_with_what_had_come(slow_server, mode, how):
    server = slow_server  # so that the first pieces are out before it breaks
    pair = [e for e in sandbox_entries(DEFAULT_MODELS, server.base_url) if e.model in ("sandbox-large", "sandbox-medium")]
    server.sandbox.fail("sandbox-large", mode=how)
    model = RoutedChatModel(pair[::-1], quiet_fallbacks=True)
    shown = []

    def collect():
        for chunk in model.stream([HumanMessage("Tell me about the history of numbers.")]):
            shown.append(chunk.text)

    async def acollect():
        async for chunk in model.astream([HumanMessage("Tell me about the history of numbers.")]):
            shown.append(chunk.text)

    with pytest.raises(StreamBroken) as caught:
        collect() if mode == "stream" else asyncio.run(acollect())
    assert isinstance(caught.value, core.ModelError)
    assert caught.value.partial.text == "".join(shown)
    assert "".join(shown)
    assert asked(server) == ["sandbox-large"]  # nobody goes on silently
    record = model.router.records(1)[0]
    assert record.outcome == "broken"


@pytest.mark.parametrize("mode", MODES)
def test_all_attempts_are_in_the_one_error_at_the_end(server, pair, mode):
    server.sandbox.fail(status=500)
    model = RoutedChatModel(pair, quiet_fallbacks=True)
    with pytest.raises(CallFailed) as caught:
        ask(model, mode)
    error = caught.value
    assert isinstance(error, core.ModelAPIError)
    assert error.is_retryable
    assert [a.model for a in error.attempts][:2] == ["sandbox:sandbox-large", "sandbox:sandbox-medium"]
    assert len(error.attempts) <= 5
    assert "sandbox:sandbox-large: server_error (HTTP 500)" in str(error)
    assert error.status_code == 500


@pytest.mark.parametrize("mode", MODES)
def test_everything_down_is_told_at_once_with_the_earliest_time(server, pair, mode):
    server.sandbox.fail(status=429, retry_after=30)
    model = RoutedChatModel(pair, quiet_fallbacks=True)
    with pytest.raises(CallFailed):
        ask(model, mode)
    before = len(server.sandbox.requests)
    started = time.monotonic()
    with pytest.raises(AllDeploymentsDown) as caught:
        ask(model, mode)
    assert time.monotonic() - started < 0.3
    assert 25 < caught.value.retry_after <= 30
    assert len(server.sandbox.requests) == before  # no call inside the time that the provider told


@pytest.mark.parametrize("mode", MODES)
def test_a_deadline_of_the_caller_waits_for_the_recovery(server, pair, mode):
    server.sandbox.fail(status=500)
    model = RoutedChatModel(pair, quiet_fallbacks=True)
    with pytest.raises(CallFailed):
        ask(model, mode)
    server.sandbox.heal()
    started = time.monotonic()
    assert ask(model, mode, routing={"deadline": 6}).text == "42"
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("mode", MODES)
def test_a_deadline_is_kept(server, pair, mode):
    server.sandbox.fail(mode="hang")
    model = RoutedChatModel(pair, quiet_fallbacks=True)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded) as caught:
        ask(model, mode, routing={"deadline": 0.5})
    assert 0.4 < time.monotonic() - started < 0.9
    assert isinstance(caught.value, core.ModelTimeoutError)


def test_a_caller_in_a_hurry_benches_nobody(server, pair):
    with SandboxServer(Sandbox(speed=0.05)) as slow:
        pool = [e for e in sandbox_entries(DEFAULT_MODELS, slow.base_url) if e.model in ("sandbox-large", "sandbox-medium")]
        model = RoutedChatModel(pool, quiet_fallbacks=True)
        with pytest.raises(CallFailed):
            ask(model, "invoke", routing={"deadline": 0.05})
        assert not model.router.live.cooling
        assert ask(model, "invoke").text == "42"


@pytest.mark.parametrize("mode", MODES)
def test_when_everybody_says_nothing_nothing_is_the_answer(server, pair, mode):
    server.sandbox.fail(mode="empty")
    model = RoutedChatModel(pair, quiet_fallbacks=True)
    answer = ask(model, mode)
    assert answer.text == ""
    assert asked(server) == ["sandbox-large", "sandbox-medium"]
    assert model.router.records(1)[0].cost_nanousd == sum(e.cost_nanousd for e in server.sandbox.ledger)


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_answer_is_better_than_none(server, pair, mode):
    server.sandbox.fail("sandbox-large", mode="empty")
    server.sandbox.fail("sandbox-medium", status=500)
    answer = ask(RoutedChatModel(pair, quiet_fallbacks=True, max_retries=0), mode)
    assert answer.text == ""
    assert answer.response_metadata["model_name"] == "sandbox-large"


def test_an_empty_stream_as_the_last_resort_is_counted_once(server, pair):
    server.sandbox.fail("sandbox-large", mode="empty", times=1)
    server.sandbox.fail("sandbox-medium", status=500)
    model = RoutedChatModel(pair, quiet_fallbacks=True, max_retries=0)
    live = model.router.live
    live.started(live.of("sandbox:sandbox-large"))  # another call is under way
    assert ask(model, "stream").text == ""
    assert live.of("sandbox:sandbox-large").in_flight == 1


def test_a_deadline_that_ends_a_stream_benches_nobody(slow_server):
    pool = [e for e in sandbox_entries(DEFAULT_MODELS, slow_server.base_url) if e.model == "sandbox-small"]
    model = RoutedChatModel(pool)
    with pytest.raises(StreamBroken):
        list(model.stream([HumanMessage("Tell me about the history of numbers.")], routing={"deadline": 0.3}))
    assert not model.router.live.cooling


def test_a_stream_that_is_never_read_leaves_nothing_open(server, pair):
    model = RoutedChatModel(pair)
    opened = model.router.open(model._request(QUESTION, None, {}, stream=True))
    assert model.router.live.of("sandbox:sandbox-large").in_flight == 1
    del opened
    assert model.router.live.of("sandbox:sandbox-large").in_flight == 0
    assert model.router.records(1)[0].outcome == "abandoned"


def test_an_endless_outage_does_not_overflow(server, pair):
    from routed_llm.dispatch.cooldown import LONGEST, cool_down
    from routed_llm.errors import ProviderError

    router = RoutedChatModel(pair).router
    deployment = router.catalog.deployments[0]
    seconds = cool_down(router._core, deployment, ProviderError("server_error", "down"), 5_000, 0.0)
    assert LONGEST <= seconds <= 1.25 * LONGEST


def test_a_complaint_about_a_token_limit_is_not_taken_for_a_wrong_key(server, pair):
    model = RoutedChatModel(pair)
    with pytest.raises(core.ModelInvalidRequestError):
        ask(model, "invoke", max_tokens=0)
    assert ask(model, "invoke").text == "42"


def test_a_cancelled_wait_for_recovery_is_recorded_once(server, pair):
    server.sandbox.fail(status=500)
    model = RoutedChatModel(pair, quiet_fallbacks=True)

    async def cancel():
        task = asyncio.create_task(model.ainvoke(QUESTION, routing={"deadline": 20}))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert [r.outcome for r in model.router.records(5)] == ["abandoned"]
    assert all(model.router.live.of(d.id).in_flight == 0 for d in model.router.catalog.deployments)


def test_the_price_ratio_holds_while_the_first_choice_cools_down(server, entries):
    server.sandbox.fail("sandbox-small", status=500)
    model = RoutedChatModel([entries["sandbox-small"], entries["sandbox-large"]], max_price_ratio=2, quiet_fallbacks=True)
    for _ in range(2):
        with pytest.raises(CallFailed):
            ask(model, "invoke")
    assert set(asked(server)) == {"sandbox-small"}


def test_a_fallback_writes_one_line_with_model_cause_price_ratio_and_when(server, pair, caplog):
    server.sandbox.fail("sandbox-large", status=500)
    with caplog.at_level(logging.WARNING, "routed_llm"):
        ask(RoutedChatModel(pair), "invoke")
    assert len(caplog.records) == 1
    line = caplog.records[0].getMessage()
    for part in (
        "sandbox:sandbox-large failed",
        "server_error, HTTP 500",
        "sandbox:sandbox-medium",
        "0.2 x its price",
        "tried again in 1.",
    ):
        assert part in line
    caplog.clear()
    ask(RoutedChatModel(pair, quiet_fallbacks=True), "invoke")
    assert not caplog.records


@pytest.mark.parametrize("mode", MODES)
def test_fallbacks_do_not_become_dear_in_silence(server, entries, mode):
    server.sandbox.fail("sandbox-small", status=500)
    pool = [entries["sandbox-small"], entries["sandbox-large"], entries["sandbox-medium"]]
    model = RoutedChatModel(pool, max_price_ratio=6, quiet_fallbacks=True)
    assert ask(model, mode).response_metadata["model_name"] == "sandbox-medium"
    strict = RoutedChatModel(pool, max_price_ratio=2, quiet_fallbacks=True)
    with pytest.raises(CallFailed, match="max_price_ratio is 2"):
        ask(strict, mode)


def test_keys_take_turns_and_a_refused_one_is_set_aside(monkeypatch):
    with SandboxServer(Sandbox(speed=0, api_key="good")) as served:
        monkeypatch.setenv("BAD_KEY", "bad")
        entry = Model("sandbox-large", name="m", base_url=served.base_url, api_key=["env:BAD_KEY", lambda: "good"])
        model = RoutedChatModel([entry])
        for _ in range(4):
            assert ask(model, "invoke").text == "42"
        assert len(served.sandbox.requests) == 5  # the bad key was tried once


@pytest.mark.parametrize("mode", ["stream", "astream"])
def test_a_consumer_that_walks_away_leaves_nothing_open(server, pair, mode):
    model = RoutedChatModel(pair)
    question = [HumanMessage("Tell me about the history of numbers.")]

    async def leave():
        async for _ in model.astream(question):
            break

    if mode == "stream":
        for _ in model.stream(question):
            break
    else:
        asyncio.run(leave())
    record = model.router.records(1)[0]
    assert record.outcome == "abandoned"
    assert model.router.live.of("sandbox:sandbox-large").in_flight == 0


def test_a_cancelled_call_is_neither_a_success_nor_a_failure(server, pair):
    server.sandbox.fail("sandbox-large", mode="hang")
    model = RoutedChatModel(pair)

    async def cancel():
        task = asyncio.create_task(model.ainvoke(QUESTION))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert asked(server) == ["sandbox-large"]
    assert model.router.records(1)[0].outcome == "abandoned"
    assert not model.router.live.cooling
