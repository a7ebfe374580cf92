"""Many callers at once on one router, from threads, tasks and several event loops; a third of them walk away."""

import asyncio
import gc
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from echoing import Echo

from routed_llm import Model, RoutedChatModel

FREE = {"input": 0, "output": 0}


@pytest.fixture
def echo():
    with Echo() as served:
        yield served


def door(*echoes):
    return RoutedChatModel(
        {f"m{number}": Model("echo", base_url=each.base_url, price=FREE) for number, each in enumerate(echoes)}, "round_robin"
    )


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def in_flight(model):
    return sum(each.in_flight for each in model.router.health())


def in_thread(model, number):
    """A caller in sync code: whole answers, streams, and streams that are left in their middle."""
    text = f"thread {number} says {number * 7919}"
    if number % 3 == 0:
        stream = model.stream(text)
        first = next(stream).text
        stream.close()
        return text.startswith(first)
    if number % 3 == 1:
        return model.invoke(text).text == text
    return "".join(chunk.text for chunk in model.stream(text)) == text


async def in_task(model, number):
    """A caller in async code."""
    text = f"task {number} says {number * 104729}"
    if number % 2:
        return (await model.ainvoke(text)).text == text
    return "".join([chunk.text async for chunk in model.astream(text)]) == text


async def tasks(model, count):
    """Callers of one loop; every third is cancelled, at whatever point it is."""
    callers = [asyncio.create_task(in_task(model, number)) for number in range(count)]
    for number, caller in enumerate(callers):
        if number % 3 == 0:
            asyncio.get_running_loop().call_later(0.0005 * number, caller.cancel)
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    return outcomes, left


def test_200_callers_from_threads_and_tasks_a_third_of_which_leave(echo):
    with Echo() as other:
        model = door(echo, other)
        with ThreadPoolExecutor(101) as pool:
            loop = pool.submit(lambda: asyncio.run(tasks(model, 100)))
            threads = list(pool.map(lambda number: in_thread(model, number), range(100)))
            outcomes, left = loop.result()
        assert threads == [True] * 100
        for number, outcome in enumerate(outcomes):
            assert outcome is True or (number % 3 == 0 and isinstance(outcome, asyncio.CancelledError)), (number, outcome)
        assert not left
        assert in_flight(model) == 0
        records = model.router.records(1_000)
        assert len(records) == 200  # one for each caller, whichever way it ended
        assert sum(len(record.attempts) for record in records if record.outcome != "abandoned") <= len(echo.asked + other.asked)
        model.close()
        assert until(lambda: not echo.open and not other.open)


def test_four_event_loops_in_four_threads_on_one_router(echo):
    model = door(echo)
    for _ in range(2):  # the second round meets connections of loops that are gone
        with ThreadPoolExecutor(4) as pool:
            found = [pool.submit(lambda: asyncio.run(tasks(model, 30))) for _ in range(4)]
            for each in found:
                outcomes, left = each.result()
                assert sum(outcome is True for outcome in outcomes) >= 20
                assert not left
        assert in_flight(model) == 0
    assert until(lambda: not echo.open)  # each loop closed its own


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_goes_on_with_connections_of_its_own(echo):
    model = door(echo)
    assert model.invoke("before").text == "before"
    child = os.fork()
    if not child:
        try:
            same = model.invoke("child").text == "child" and asyncio.run(in_task(model, 2))
            os._exit(0 if same and in_flight(model) == 0 else 1)
        finally:
            os._exit(2)
    assert model.invoke("parent").text == "parent"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_pickled_router_answers_in_a_worker_of_its_own(echo, monkeypatch):
    monkeypatch.setenv("ECHO_KEY", "k")
    model = RoutedChatModel([Model("echo", base_url=echo.base_url, api_key="env:ECHO_KEY", price=FREE)])
    again = pickle.loads(pickle.dumps(model))
    assert again.router is not model.router
    assert again.invoke("pickled").text == "pickled"


def test_a_notebook_runs_sync_calls_inside_a_running_loop(echo):
    async def cell():
        model = door(echo)
        assert model.invoke("sync inside a loop").text == "sync inside a loop"
        assert await in_task(model, 1)

    asyncio.run(cell())


def test_threads_and_descriptors_do_not_pile_up(echo):
    model = door(echo)
    model.invoke("warm")
    before, threads = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0, threading.active_count()
    for _ in range(5):
        asyncio.run(tasks(model, 20))
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda number: in_thread(model, number), range(20)))
    model.close()
    gc.collect()
    until(lambda: not echo.open)
    if before:
        assert until(lambda: len(os.listdir("/proc/self/fd")) <= before)
    assert until(lambda: threading.active_count() <= threads)
