"""Many callers from threads and event loops before deployments at their limit: nobody is lost, and nothing leaks."""

import asyncio
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from counting_server import CountingServer, router_of
from langchain_core.messages import HumanMessage

from routed_llm import RoutedChatModel
from routed_llm.errors import AllDeploymentsDown


def in_loops(model, names, loops, cancelled):
    """Ask for each name in one of several event loops, each in a thread; cancels some. Gives the answers by name."""
    answers = {}

    async def one(name):
        answers[name] = (await model.ainvoke([HumanMessage(name)])).text

    async def all_of(part):
        tasks = {name: asyncio.create_task(one(name)) for name in part}
        rng = random.Random(part[0])
        for name in part:
            if name in cancelled:
                await asyncio.sleep(rng.random() * 0.01)
                tasks[name].cancel()
        results = await asyncio.gather(*tasks.values(), return_exceptions=True)
        for name, result in zip(part, results, strict=True):
            if name not in cancelled:
                assert result is None, result

    parts = [names[number::loops] for number in range(loops)]
    threads = [threading.Thread(target=lambda part=part: asyncio.run(all_of(part))) for part in parts]
    for thread in threads:
        thread.start()
    return threads, answers


@pytest.mark.parametrize("models", [1, 2])
def test_two_hundred_callers_of_whom_a_third_is_cancelled(models):
    with CountingServer(takes=0.01) as server:
        names = ["a", "b"][:models]
        router = router_of([server.model(name, limits={"concurrent": 4}) for name in names])
        model = RoutedChatModel(router=router)
        sync, tasks = [f"s{n}" for n in range(60)], [f"t{n}" for n in range(140)]
        cancelled = set(tasks[::2][:67])
        threads, answers = in_loops(model, tasks, 4, cancelled)
        with ThreadPoolExecutor(60) as pool:
            told = dict(zip(sync, pool.map(lambda name: model.invoke([HumanMessage(name)]).text, sync), strict=True))
        for thread in threads:
            thread.join(30)
        assert all(server.most_at_once(name, cancelled) <= 4 for name in names)
        assert {name: text[3:] for name, text in told.items()} == {name: name for name in sync}  # nothing is mixed up
        assert all(answers[name][3:] == name for name in tasks if name not in cancelled)
        assert len(router.records(1_000)) >= 200 - len(cancelled)
        assert all(record.outcome in ("answered", "abandoned") for record in router.records(1_000))
        assert len(router._core.queue) == 0
        assert [router.live.limiter.running(name) for name in names] == [0] * models
        assert [router.live.of(name).in_flight for name in names] == [0] * models
        model.invoke("once more")


def test_who_is_gone_with_its_event_loop_holds_nothing():
    with CountingServer(takes=0.3) as server:
        router = router_of([server.model("a", limits={"concurrent": 1})])
        model = RoutedChatModel(router=router)
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(model.invoke, "first")
            time.sleep(0.05)
            loop = asyncio.new_event_loop()
            task = loop.create_task(model.ainvoke("stands in line"))
            loop.run_until_complete(asyncio.sleep(0.05))
            assert len(router._core.queue) == 1
            loop.close()  # as a program does that does not care
            other.result()
        assert model.invoke("next").text == "a: next"
        task._log_destroy_pending = False
        del task


def test_many_in_line_cost_little_and_leave_nothing_behind():
    with CountingServer() as server:
        router = router_of([server.model("a", limits={"requests_per_minute": 1, "concurrent": 1})])
        model = RoutedChatModel(router=router)
        model.invoke("the only one in this minute")

        async def all_of():
            calls = [model.ainvoke("hello", config={"metadata": {"n": n}}, routing={"deadline": 70}) for n in range(1_000)]
            tasks = [asyncio.create_task(call) for call in calls]
            begun = time.process_time()
            while len(router._core.queue) < 1_000:
                await asyncio.sleep(0.05)
            stood = time.process_time() - begun
            begun = time.process_time()
            await asyncio.sleep(0.5)  # waiting costs nothing
            waited = time.process_time() - begun
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return stood, waited

        stood, waited = asyncio.run(all_of())
        assert waited < 0.2
        assert stood < 10
        assert len(router._core.queue) == 0
        assert not router._core.queue._wanting
        with pytest.raises(AllDeploymentsDown):
            model.invoke("still the same minute")
