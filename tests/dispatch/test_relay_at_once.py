"""Calls at one time with one medium: it is described once, and whoever waits for that depends on nobody else's fate."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from relay_pools import pool, seen, with_media

from routed_llm import RoutedChatModel, Router
from routed_llm.errors import CallFailed, DeadlineExceeded

TEXT = {"model": "text"}
CALLS = 8


def model_of(server, **settings):
    return RoutedChatModel(router=Router(pool(server), relay=True, quiet_fallbacks=True, **settings))


def in_threads(model, image, **kwargs):
    def one(_):
        try:
            return model.invoke(image, **TEXT, **kwargs)
        except CallFailed as error:
            return error

    with ThreadPoolExecutor(CALLS) as threads:
        return list(threads.map(one, range(CALLS)))


def in_tasks(model, image, **kwargs):
    async def all_of_them():
        return await asyncio.gather(*(model.ainvoke(image, **TEXT, **kwargs) for _ in range(CALLS)), return_exceptions=True)

    return asyncio.run(all_of_them())


def in_loops(model, image, **kwargs):
    """Each call in an event loop of its own."""

    def one(_):
        try:
            return asyncio.run(model.ainvoke(image, **TEXT, **kwargs))
        except CallFailed as error:
            return error

    with ThreadPoolExecutor(CALLS) as threads:
        return list(threads.map(one, range(CALLS)))


WAYS = pytest.mark.parametrize("at_once", [in_threads, in_tasks, in_loops])


@WAYS
def test_it_is_described_and_paid_once(slow_server, at_once):
    model = model_of(slow_server)
    answers = at_once(model, with_media("image"))
    assert [answer.content for answer in answers] == ["42"] * CALLS
    assert sorted(seen(slow_server)) == ["medium"] + ["small"] * CALLS
    told = [answer.response_metadata["routing"] for answer in answers]
    assert sorted(each["relay"][0]["remembered"] for each in told) == [False] + [True] * (CALLS - 1)
    assert sum(each["cost_nanousd"] for each in told) == slow_server.sandbox.ledger.total_nanousd


@WAYS
def test_where_nobody_can_describe_it_every_call_says_so(slow_server, at_once):
    for name in ("medium", "large"):
        slow_server.sandbox.fail(model=f"sandbox-{name}", status=500)
    model = model_of(slow_server)
    assert all(isinstance(each, CallFailed) for each in at_once(model, with_media("image")))
    assert "small" not in seen(slow_server)
    assert model.router._core.describing == {}


async def test_where_the_one_that_asked_is_left_another_one_asks(slow_server):
    model = model_of(slow_server)
    first = asyncio.create_task(model.ainvoke(with_media("image"), **TEXT))
    while not slow_server.sandbox.requests:
        await asyncio.sleep(0.005)
    others = [asyncio.create_task(model.ainvoke(with_media("image"), **TEXT)) for _ in range(CALLS)]
    await asyncio.sleep(0)
    first.cancel()
    assert [(await other).content for other in others] == ["42"] * CALLS
    assert seen(slow_server).count("medium") <= 2
    assert model.router._core.describing == {}


async def test_who_waits_has_its_own_deadline(slow_server):
    slow_server.sandbox.speed = 1.0
    model = model_of(slow_server)
    first = asyncio.create_task(model.ainvoke(with_media("image"), **TEXT))
    while not slow_server.sandbox.requests:
        await asyncio.sleep(0.005)
    with pytest.raises(DeadlineExceeded):
        await model.ainvoke(with_media("image"), **TEXT, routing={"deadline": 0.05})
    assert seen(slow_server).count("medium") == 1
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


def test_who_may_not_have_what_was_said_asks_itself(slow_server):
    model = model_of(slow_server)
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(model.invoke, with_media("image"), **TEXT)
        two = threads.submit(model.invoke, with_media("image"), **TEXT, routing={"exclude": "eye"})
        assert one.result().content == two.result().content == "42"
    assert two.result().response_metadata["routing"]["relay"][0]["model"] == "second"
