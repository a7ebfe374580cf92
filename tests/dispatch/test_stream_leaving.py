"""A stream does not outlive its reader: whoever stops reading, whichever way, leaves the provider, and the books are closed."""

import asyncio
import time

import pytest
from langchain_core.messages import HumanMessage
from telling import BREAK, HOLD, Teller, model, pair, said

from routed_llm import RoutedChatModel, RoutedLLM

LEAVING = [said("c0"), said("c1"), HOLD]


def left(teller):
    """Seconds after which the provider saw the connection close."""
    until = time.monotonic() + 3
    while not teller.left and time.monotonic() < until:
        time.sleep(0.01)
    return teller.left[0]


def check_left(llm, teller, texts=("c0", "c0c1")):
    assert left(teller) is not None
    (record,) = llm.router.records()
    assert record.outcome == "abandoned"
    attempt = record.attempts[0]
    assert attempt.usage.estimated
    assert attempt.usage.output_tokens > 0
    assert attempt.cost_nanousd > 0
    assert llm.router.live.of("first").in_flight == 0


@pytest.fixture
def leaving():
    teller = Teller(LEAVING)
    yield teller
    teller.close()


@pytest.mark.parametrize("how", ["close", "del"])
def test_a_consumer_leaves(leaving, how):
    llm = RoutedChatModel([model(leaving, "first")], quiet_fallbacks=True)
    stream = llm.stream("hi")
    next(stream)
    begun = time.monotonic()
    if how == "close":
        stream.close()
    else:
        del stream
    check_left(llm, leaving)
    assert time.monotonic() - begun < 0.5


@pytest.mark.parametrize("how", ["aclose", "cancel"])
def test_a_consumer_leaves_in_async_code(leaving, how):
    llm = RoutedChatModel([model(leaving, "first")], quiet_fallbacks=True)
    begun = []

    async def run():
        stream = llm.astream("hi")
        await anext(stream)
        if how == "aclose":
            begun.append(time.monotonic())
            await stream.aclose()
        else:

            async def rest():
                async for _ in stream:
                    pass

            task = asyncio.create_task(rest())
            await asyncio.sleep(0.1)
            begun.append(time.monotonic())
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.to_thread(check_left, llm, leaving)
        assert time.monotonic() - begun[0] < 0.5

    asyncio.run(run())


def test_a_stream_that_is_never_read(leaving):
    llm = RoutedLLM([model(leaving, "first")], quiet_fallbacks=True)
    begun = time.monotonic()
    pieces = llm.stream_complete("hi")  # LlamaIndex opens a stream when it is asked for
    del pieces
    check_left(llm, leaving)
    assert time.monotonic() - begun < 0.5


def test_an_async_stream_that_is_never_read(leaving):
    llm = RoutedChatModel([model(leaving, "first")], quiet_fallbacks=True)

    async def run():
        stream = await llm.router.aopen(llm._request([HumanMessage("hi")], None, {}, True))
        begun = time.monotonic()
        del stream
        await asyncio.to_thread(check_left, llm, leaving)
        assert time.monotonic() - begun < 0.5

    asyncio.run(run())


def test_another_thread_closes_a_stream_that_waits(leaving):
    llm = RoutedChatModel([model(leaving, "first")], quiet_fallbacks=True)
    stream = llm.router.open(llm._request([HumanMessage("hi")], None, {}, True))
    begun = time.monotonic()
    stream.close()
    stream.close()
    check_left(llm, leaving)
    assert time.monotonic() - begun < 0.5


def test_leaving_while_a_stream_starts_anew():
    """Cancelled while the second is asked: both attempts are booked, no third is asked, and one record tells it."""
    with pair([[said("c0"), BREAK]], [[HOLD]]) as (tellers, entries):
        llm = RoutedChatModel(entries, quiet_fallbacks=True, on_stream_break="restart")

        async def run():
            async def read():
                return [each async for each in llm.astream("hi")]

            task = asyncio.create_task(read())
            await asyncio.sleep(0.3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(left, tellers[1])

        asyncio.run(run())
        (record,) = llm.router.records()
        assert record.outcome == "abandoned"
        assert [a.deployment.id for a in record.attempts] == ["first", "second"]
        assert record.attempts[0].cost_nanousd > 0
        assert [llm.router.live.of(name).in_flight for name in ("first", "second")] == [0, 0]
