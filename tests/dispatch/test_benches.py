"""Who is left alone after which fault, for how long, and who is asked meanwhile: over real HTTP."""

import asyncio
import threading
import time
from email.utils import formatdate

import pytest
from four_modes import MODES, QUESTION, ask
from langchain_core import exceptions as core

from routed_llm import RoutedChatModel
from routed_llm.dialects.errors import retry_after
from routed_llm.errors import AllDeploymentsDown, CallFailed, ContextOverflow, DeadlineExceeded, InvalidCall
from routed_llm.testing.faults import FaultyProvider, Healthy, http_error

FOREVER = float("inf")


@pytest.fixture
def first():
    with FaultyProvider() as provider:
        yield provider


@pytest.fixture
def second():
    with FaultyProvider() as provider:
        yield provider


def pool(first, second, **settings):
    models = {"first": first.model(), "second": second.model()}
    return RoutedChatModel(models, quiet_fallbacks=True, timeout=1, **settings)


def left_alone(model, name):
    """Seconds for which a model is left alone; 0 where it is not."""
    return max(0.0, model.router.live.cooling.get(name, 0.0) - time.monotonic())


# how long --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "low", "high"),
    [
        ("connection_refused", 0.7, 1.2),
        ("dns_failure", 0.5, 1.2),
        ("unavailable_503", 0.7, 1.2),
        ("overloaded_529", 0.7, 1.2),
        (http_error(429), 0.7, 1.2),
        (http_error(429, headers={"retry-after": "7"}), 6.8, 7.0),
        (http_error(429, headers={"retry-after-ms": "2500"}), 2.3, 2.5),
        (http_error(429, headers={"retry-after": "86400"}), 59.8, 60.0),
        (http_error(429, headers={"retry-after": "soon"}), 0.7, 1.2),
        (http_error(500, headers={"retry-after": "3"}), 2.8, 3.0),
        (http_error(403), 599, 600),
        (http_error(402), 599, 600),
        (http_error(429, "insufficient_quota"), 599, 600),
        (http_error(401), FOREVER, FOREVER),
        (http_error(404, "model_not_found"), FOREVER, FOREVER),
        ("untrusted_certificate", 599, 600),
        ("internal_error_500", 0, 0),
        (http_error(408), 0, 0),
        (http_error(409), 0, 0),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_one_failure_leaves_it_alone_for_so_long(first, second, fault, low, high):
    first.always(fault)
    model = pool(first, second)
    assert ask(model, "invoke").response_metadata["routing"]["model"] == "second"
    assert low <= left_alone(model, "first") <= high
    health = model.router.health().of("first")
    assert health.why or not high


@pytest.mark.parametrize(
    "fault", ["internal_error_500", "bad_gateway_502", "gateway_timeout_504", "malformed_json", "reset_before_headers"]
)
@pytest.mark.parametrize("mode", ["invoke", "astream"])
def test_two_in_a_row_leave_it_alone(first, second, fault, mode):
    first.always(fault)
    model = pool(first, second)
    ask(model, mode)
    assert not left_alone(model, "first")
    ask(model, mode)
    assert 0.5 < left_alone(model, "first") <= 1.2
    ask(model, mode)
    assert len(first.journal) == 2


@pytest.mark.parametrize(
    "fault",
    ["context_overflow_400", "content_filter_400", http_error(400), http_error(422)],
    ids=lambda fault: getattr(fault, "name", fault),
)
def test_a_request_at_fault_leaves_nobody_alone(first, second, fault):
    first.always(fault)
    second.always(fault)
    model = pool(first, second)
    for _ in range(3):
        with pytest.raises(CallFailed):
            ask(model, "invoke")
    assert not model.router.live.cooling


def test_a_key_that_is_refused_is_refused_for_all_of_its_models(first):
    first.always(http_error(401))
    model = RoutedChatModel({"a": first.model("a"), "b": first.model("b")}, quiet_fallbacks=True)
    with pytest.raises(CallFailed):
        ask(model, "invoke")
    with pytest.raises(AllDeploymentsDown, match="None comes back by itself"):
        ask(model, "invoke")
    assert all(each.state == "benched" for each in model.router.health())


@pytest.mark.parametrize("told", ["86400", "2", "0.25"])
def test_times_are_read_in_every_form(told):
    assert retry_after({"retry-after": told}) == float(told)
    assert retry_after({"retry-after-ms": told}) == float(told) / 1000


@pytest.mark.parametrize("told", ["", "soon", "-3", "0", "nan", "inf", "Fri, 99 Foo 2026 99:99:99 GMT"])
def test_garbage_is_ignored(told):
    assert retry_after({"retry-after": told}) is None


@pytest.mark.parametrize("skew", [0, -3600, 3600])
def test_a_date_counts_from_the_servers_own_clock(skew):
    now = time.time() + skew
    headers = {"retry-after": formatdate(now + 20, usegmt=True), "date": formatdate(now, usegmt=True)}
    assert retry_after(headers) == 20
    if not skew:
        del headers["date"]
        assert 18 <= retry_after(headers) <= 20


# when nobody is left ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_all_down_names_each_with_why_and_until_when(first, second, mode):
    first.always(http_error(429, headers={"retry-after": "30"}))
    second.always(http_error(429, headers={"retry-after": "20"}))
    model = pool(first, second)
    with pytest.raises(CallFailed):
        ask(model, mode)
    begun = time.monotonic()
    with pytest.raises(AllDeploymentsDown) as caught:
        ask(model, mode)
    assert time.monotonic() - begun < 0.3
    error = caught.value
    assert isinstance(error, core.ModelRateLimitError)
    assert 19 < error.retry_after <= 20
    for word in ("first after rate_limit, HTTP 429, for another ", "second after rate_limit, HTTP 429, for another "):
        assert word in str(error)
    assert len(first.journal) == len(second.journal) == 1
    with pytest.raises(AllDeploymentsDown):
        ask(model, mode, routing={"deadline": 5})  # which does not reach so far
    assert time.monotonic() - begun < 1


def test_one_that_is_only_slow_is_used_when_the_other_fails(first, second):
    model = pool(first, second)
    live = model.router.live
    breaker = live.of("first").breaker
    breaker.hold(time.monotonic(), time.monotonic() + 60, "its answers came late", firm=False, soft=True)
    live._changed(live.of("first"))
    assert ask(model, "invoke").response_metadata["routing"]["model"] == "second"
    second.always("unavailable_503")
    assert ask(model, "invoke").response_metadata["routing"]["model"] == "first"
    assert ask(model, "ainvoke").response_metadata["routing"]["model"] == "first"


@pytest.mark.parametrize("mode", MODES)
def test_an_overflow_of_every_window_has_its_class(first, second, mode):
    first.always("context_overflow_400")
    second.always("context_overflow_400")
    model = pool(first, second)
    with pytest.raises(ContextOverflow) as caught:
        ask(model, mode)
    assert isinstance(caught.value, core.ContextOverflowError)
    assert len(second.journal) == 1  # its window is unknown, so it may be larger
    assert not model.router.live.cooling


@pytest.mark.parametrize("deadline", [0, -1, float("nan")])
def test_a_deadline_that_is_none_is_refused_before_anything_is_sent(first, second, deadline):
    with pytest.raises(InvalidCall):
        ask(pool(first, second), "invoke", routing={"deadline": deadline})
    assert len(first.journal) == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_deadline_that_is_over_sends_nothing(first, second, mode):
    with pytest.raises(DeadlineExceeded):
        ask(pool(first, second), mode, routing={"deadline": 1e-9})
    assert len(first.journal) == len(second.journal) == 0


# probes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_one_probe_for_all_callers(second, mode):
    with FaultyProvider(Healthy(delay=0.3)) as first:
        model = pool(first, second)
        model.router.live.cool("first", time.monotonic() + 0.05, firm=False)
        time.sleep(0.06)
        if mode == "async":

            async def all_of():
                await asyncio.gather(*(model.ainvoke(QUESTION) for _ in range(12)))

            asyncio.run(all_of())
        else:
            threads = [threading.Thread(target=model.invoke, args=(QUESTION,)) for _ in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(first.journal) == 1
        assert len(second.journal) == 11


def test_a_blocked_event_loop_benches_nobody(second):
    with FaultyProvider(Healthy(delay=0.05)) as first:
        model = pool(first, second)

        async def busy():
            for _ in range(8):
                await model.ainvoke(QUESTION)
            for _ in range(3):
                calls = [asyncio.ensure_future(model.ainvoke(QUESTION)) for _ in range(6)]
                await asyncio.sleep(0.02)
                time.sleep(0.7)  # the program holds up its own loop
                await asyncio.gather(*calls)

        asyncio.run(busy())
        assert not model.router.live.cooling
        assert len(second.journal) == 0
