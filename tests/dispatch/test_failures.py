"""Failures injected on the wire, in all four modes: who was called how often, and what the caller got."""

import asyncio
import time

import pytest
from four_modes import MODES, ask, asked
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
    server.sandbox.fail("sandbox-large", status=503)
    model = RoutedChatModel(pair, quiet_fallbacks=True)
    for _ in range(5):
        ask(model, mode)
    assert asked(server) == ["sandbox-large"] + ["sandbox-medium"] * 5


@pytest.mark.parametrize("mode", MODES)
def test_one_failure_benches_nobody_and_two_in_a_row_do(server, pair, mode):
    server.sandbox.fail("sandbox-large", status=500, times=1)
    model = RoutedChatModel(pair, quiet_fallbacks=True)
    for _ in range(3):
        ask(model, mode)
    assert asked(server) == ["sandbox-large", "sandbox-medium", "sandbox-large", "sandbox-large"]
    server.sandbox.requests.clear()
    server.sandbox.fail("sandbox-large", status=500)
    for _ in range(5):
        ask(model, mode)
    assert asked(server) == ["sandbox-large", "sandbox-medium"] * 2 + ["sandbox-medium"] * 3


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
