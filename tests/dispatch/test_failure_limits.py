"""The edges of surviving: deadlines, empty answers, cancelled calls, warnings, prices, and streams that are left."""

import asyncio
import logging

import pytest
from four_modes import MODES, QUESTION, ask, asked
from langchain_core import exceptions as core
from langchain_core.messages import HumanMessage

from routed_llm import Model, RoutedChatModel
from routed_llm.errors import (
    CallFailed,
    StreamBroken,
)
from routed_llm.providers.sandbox import DEFAULT_MODELS
from routed_llm.providers.sandbox_endpoint import sandbox_entries
from routed_llm.testing import Sandbox, SandboxServer


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
    from routed_llm.events import Attempt
    from routed_llm.state.breaker import JITTER

    router = RoutedChatModel(pair).router
    deployment, now = router.catalog.deployments[0], 0.0
    for _ in range(2_000):
        now += 61
        seconds = cool_down(router._core, Attempt(deployment, now), ProviderError("server_error", "down"), now)
    assert (1 - JITTER) * LONGEST <= seconds <= (1 + JITTER) * LONGEST


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
    server.sandbox.fail("sandbox-large", status=503)
    with caplog.at_level(logging.WARNING, "routed_llm"):
        ask(RoutedChatModel(pair), "invoke")
    assert len(caplog.records) == 1
    line = caplog.records[0].getMessage()
    for part in (
        "sandbox:sandbox-large failed",
        "overloaded, HTTP 503",
        "sandbox:sandbox-medium",
        "0.2 x its price",
        "is tried again in ",
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
