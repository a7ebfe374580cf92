"""Callers who leave: cancelled, interrupted, or tired of a stream. Nobody else is asked, and what was used is booked."""

import asyncio
import signal

import pytest
from rows_kit import MODES, QUESTION, SECOND, in_flight, only, pool, providers, until

from routed_llm.testing.faults import Healthy

#: of a whole answer nothing comes in that time, of a stream a piece each half second
SLOW = Healthy("one two three four five six seven", delay=3.0)
DRIPPING = Healthy("one two three four five six seven", gap=0.5)


def interrupt(number, frame):
    raise KeyboardInterrupt


def leave_sync(model, mode, provider):
    """An interrupt in the middle of a whole answer; a stream is closed after its first piece. Gives when, by the provider."""
    if mode == "stream":
        stream = model.stream(QUESTION)
        next(stream)
        left = provider.seconds()
        stream.close()
        return left
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            model.invoke(QUESTION)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return provider.seconds()


async def leave_async(model, mode, provider):
    """The task is cancelled once the provider works at it."""
    stream = model.astream(QUESTION)
    if mode == "astream":
        await anext(stream)
    task = asyncio.ensure_future(anext(stream) if mode == "astream" else model.ainvoke(QUESTION))
    while not len(provider.journal):
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    left = provider.seconds()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(provider.journal.wait_until, "left", 1, 3)
    assert [each for each in asyncio.all_tasks() if each is not asyncio.current_task()] == []
    return left


@pytest.mark.parametrize("mode", MODES)
def test_the_provider_is_left_at_once_and_nobody_else_is_asked(mode):
    with providers(DRIPPING if mode.endswith("stream") else SLOW, SECOND) as (first, second):
        model = pool(first, second, timeout=10)
        left = asyncio.run(leave_async(model, mode, first)) if mode.startswith("a") else leave_sync(model, mode, first)
        assert first.journal.wait_until("left", 1, 3)
        [arrival] = first.journal.requests
        assert arrival.at + arrival.left_after <= left + 0.5
        record = only(model)
        assert (record.outcome, len(second.journal), len(record.attempts)) == ("abandoned", 0, 1)
        attempt = record.attempts[0]
        assert attempt.usage.estimated
        assert attempt.cost_nanousd > 0
        assert until(lambda: in_flight(model) == 0)
        assert not model.router.live.cooling
        model.close()
