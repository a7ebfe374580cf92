"""Hedging over real HTTP, in all four modes: who was asked, who hung up when, what was booked."""

import asyncio
import signal
import time

import pytest
from four_modes import MODES, QUESTION, ask
from hedge_server import LateServer

from routed_llm import Hedge, RoutedChatModel, RoutedLLM

#: seconds of an ordinary answer
USUAL = 0.02


def first_is_late(seconds=1.0):
    return LateServer(lambda model, number: seconds if model == "first" else USUAL)


def pair(server, **settings):
    models = [server.model("first"), server.model("second")]
    return RoutedChatModel(models, quiet_fallbacks=True, **{"hedge": Hedge(after=0.05), **settings})


def saving(model, calls=20):
    """As if so many calls had been made before: they pay for one that is made twice."""
    for _ in range(calls):
        model.router._core.hedges.call(0.05)
    return model


def in_flight(model):
    return sum(model.router.live.of(each.id).in_flight for each in model.router.catalog.deployments)


def routing(answer):
    return answer.response_metadata["routing"]


def until(holds, seconds=1.0):
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.002)
    return holds()


@pytest.mark.parametrize("mode", MODES)
def test_of_calls_of_which_each_20th_takes_2_seconds_nearly_all_are_fast(mode):
    calls, warm_up = 160, 40
    with LateServer(
        lambda model, number: 2.0 if model == "first" and number > warm_up and number % 20 == 0 else USUAL
    ) as server:
        model, seconds = pair(server, hedge=True), []

        async def one_by_one():  # in one event loop, as programs do
            for _ in range(calls + warm_up):
                started = time.monotonic()
                if mode == "ainvoke":
                    await model.ainvoke(QUESTION)
                else:
                    assert [chunk async for chunk in model.astream(QUESTION)]
                seconds.append(time.monotonic() - started)

        if mode.startswith("a"):
            asyncio.run(one_by_one())
        else:
            for _ in range(calls + warm_up):
                started = time.monotonic()
                ask(model, mode)
                seconds.append(time.monotonic() - started)
    slow = sorted(seconds[warm_up:])
    assert slow[int(calls * 0.99) - 1] <= 0.15
    assert len(server.seen()) <= 1.05 * (calls + warm_up)
    assert len(server.seen("second")) >= 6
    assert in_flight(model) == 0


@pytest.mark.parametrize("mode", MODES)
def test_the_loser_hangs_up_at_once_and_is_booked(mode):
    with first_is_late() as server:
        model = saving(pair(server))
        started = time.monotonic()
        answer = ask(model, mode)
        ended = time.monotonic()
        assert answer.text == "I am second"
        assert ended - started < 0.5
        [lost] = server.seen("first")
        assert until(lambda: lost.left is not None)
        assert lost.left - started < 0.05 + USUAL + 0.1
        assert lost.left < ended + 0.05
        assert not lost.answered
        [record] = model.router.ring.last()
    told = routing(answer)
    assert told["hedged"]
    assert "custom:first was late after 0.0" in told["reason"]
    loser, winner = told["attempts"]
    assert (loser["deployment"], loser["lost"], loser["estimated"]) == ("custom:first", True, True)
    assert (winner["deployment"], winner["hedged"]) == ("custom:second", True)
    assert loser["cost_nanousd"] > 0
    assert told["cost_nanousd"] == loser["cost_nanousd"] + record.attempts[-1].cost_nanousd
    assert told["cost_estimated"]
    assert record.as_dict()["hedged"]
    assert record.outcome == "answered"
    assert record.answered_by.id == "custom:second"
    assert in_flight(model) == 0
    assert not model.router.live.cooling
    assert model.router.live.of("custom:first").errors == 0


@pytest.mark.parametrize("mode", MODES)
def test_the_first_may_still_win(mode):
    with LateServer(lambda model, number: 0.12 if model == "first" else 1.0) as server:
        model = saving(pair(server))
        answer = ask(model, mode)
        assert answer.text == "I am first"
        [lost] = server.seen("second")
        assert until(lambda: lost.left is not None)
    told = routing(answer)
    assert told["model"] == "custom:first"
    assert [(a["deployment"], a.get("lost"), a.get("hedged")) for a in told["attempts"]] == [
        ("custom:second", True, True),
        ("custom:first", None, None),
    ]
    assert in_flight(model) == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failing", ["first", "second"])
def test_an_error_of_one_does_not_end_the_race(mode, failing):
    with LateServer() as server:
        model = saving(pair(server))
        server.late = lambda model, number: 500 if model == failing else 0.2
        if failing == "first":  # an error that comes late, while the second runs

            async def failing_late(body, reader, writer, answer=server._answer):
                if body["model"] == "first":
                    await asyncio.sleep(0.1)
                await answer(body, reader, writer)

            server._answer = failing_late
        answer = ask(model, mode)
    other = "second" if failing == "first" else "first"
    assert answer.text == f"I am {other}"
    told = routing(answer)
    assert [(a["deployment"], a.get("error")) for a in told["attempts"]] == [
        (f"custom:{failing}", "server_error"),
        (f"custom:{other}", None),
    ]
    assert told["hedged"]
    assert in_flight(model) == 0
    assert len(server.seen()) == 2


def test_when_both_fail_the_next_one_is_asked():
    with LateServer(lambda model, number: 0.0 if model == "third" else 500) as server:

        async def failing_late(body, reader, writer, answer=server._answer):
            await asyncio.sleep(0.1 if body["model"] == "first" else 0.0)
            await answer(body, reader, writer)

        server._answer = failing_late
        models = [server.model(name) for name in ("first", "second", "third")]
        model = saving(RoutedChatModel(models, hedge=Hedge(after=0.05), quiet_fallbacks=True))
        answer = ask(model, "invoke")
    assert answer.text == "I am third"
    assert sorted(each.model for each in server.seen()) == ["first", "second", "third"]
    assert in_flight(model) == 0


@pytest.mark.parametrize("mode", ["ainvoke", "astream"])
def test_a_cancelled_call_ends_both(mode):
    async def cancelled(model, server):
        calling = model.ainvoke(QUESTION) if mode == "ainvoke" else anext(model.astream(QUESTION))
        task = asyncio.ensure_future(calling)
        while len(server.seen()) < 2:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        at = time.monotonic()
        while not all(each.left for each in server.seen()) and time.monotonic() < at + 1:
            await asyncio.sleep(0.002)
        return at

    with LateServer(lambda model, number: 2.0) as server:
        model = saving(pair(server))
        at = asyncio.run(cancelled(model, server))
        assert all(each.left and each.left < at + 0.05 for each in server.seen())
    [record] = model.router.ring.last()
    assert record.outcome == "abandoned"
    assert len(record.attempts) == 2
    assert in_flight(model) == 0
    assert not any(attempt.lost for attempt in record.attempts)


@pytest.mark.parametrize("mode", ["invoke", "stream"])
def test_an_interrupted_call_ends_both(mode):
    def interrupt(number, frame):
        raise KeyboardInterrupt

    with LateServer(lambda model, number: 2.0) as server:
        model = saving(pair(server))
        before = signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        try:
            with pytest.raises(KeyboardInterrupt):
                ask(model, mode)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        at = time.monotonic()
        assert until(lambda: all(each.left for each in server.seen()))
        assert all(each.left < at + 0.05 for each in server.seen())
    [record] = model.router.ring.last()
    assert record.outcome == "abandoned"
    assert len(record.attempts) == 2
    assert until(lambda: in_flight(model) == 0)


@pytest.mark.parametrize("mode", MODES)
def test_who_is_left_alone_is_passed_over(mode):
    with first_is_late() as server:
        models = [server.model(name) for name in ("first", "second", "third")]
        model = RoutedChatModel(models, hedge=Hedge(after=0.05), quiet_fallbacks=True)
        saving(model).router.live.cool("custom:second", time.monotonic() + 60, firm=True)
        assert ask(model, mode).text == "I am third"
    assert not server.seen("second")


def test_llama_index_hedges_too():
    with first_is_late() as server:
        llm = RoutedLLM([server.model("first"), server.model("second")], hedge=Hedge(after=0.05), quiet_fallbacks=True)
        saving(llm)
        assert llm.complete("Hello").text == "I am second"
        saving(llm)
        assert [part.text for part in llm.stream_complete("Hello")][-1] == "I am second"
        saving(llm)
        assert asyncio.run(llm.acomplete("Hello")).text == "I am second"
