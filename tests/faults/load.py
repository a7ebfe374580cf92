"""Load on a pool of two faulty providers: calls begun at a pace or so many at once, from threads or from tasks."""

import asyncio
import threading
import time
from typing import NamedTuple

from routed_llm import RoutedChatModel
from routed_llm.testing.faults import FaultyProvider, Healthy

__all__ = ["Call", "Pool", "in_time", "percentile"]

QUESTION = [("human", "What is 17 + 25?")]


class Call(NamedTuple):
    """One call: seconds since the start when it began, how long it took, and its error or None."""

    at: float
    took: float
    error: Exception | None


class Pool:
    """Two providers, ``first`` and ``second``, whose healthy answers take 20 ms, behind one router."""

    def __init__(self, mode, **settings):
        self.mode = mode
        self.first = FaultyProvider(answer=Healthy(delay=0.02))
        self.second = FaultyProvider(answer=Healthy(delay=0.02))
        self.settings = settings

    def __enter__(self):
        self.first.__enter__()
        self.second.__enter__()
        self.model = RoutedChatModel(
            {"first": self.first.model(), "second": self.second.model()}, quiet_fallbacks=True, **self.settings
        )
        return self

    def __exit__(self, *problem):
        self.model.close()
        self.second.__exit__(*problem)
        self.first.__exit__(*problem)

    @property
    def asked(self):
        """How often both were asked."""
        return len(self.first.journal) + len(self.second.journal)

    def warm_up(self, calls=3):
        """A few calls to both, so that connections are there and imports done; nothing of it stays in the journals."""
        for name in ("first", "second") * calls:
            if self.mode == "sync":
                self.model.invoke(QUESTION, model=name)
            else:
                asyncio.run(self.model.ainvoke(QUESTION, model=name))
        self.first.journal.clear()
        self.second.journal.clear()

    def paced(self, calls, per_second, **kwargs):
        """Calls that begin at a pace, whatever became of those before."""
        if self.mode == "async":
            return asyncio.run(self._apaced(calls, per_second, kwargs))
        begun, done, threads = time.monotonic(), [], []
        for number in range(calls):
            time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
            thread = threading.Thread(target=lambda: done.append(self._one(begun, kwargs)))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
        return sorted(done)

    async def _apaced(self, calls, per_second, kwargs):
        begun, tasks = time.monotonic(), []
        for number in range(calls):
            await asyncio.sleep(max(0.0, begun + number / per_second - time.monotonic()))
            tasks.append(asyncio.create_task(self._aone(begun, kwargs)))
        return sorted(await asyncio.gather(*tasks))

    def crowded(self, calls, at_once, **kwargs):
        """Calls of which so many are under way all the time."""
        if self.mode == "async":
            return asyncio.run(self._acrowded(calls, at_once, kwargs))
        begun, done, left = time.monotonic(), [], iter(range(calls))
        lock = threading.Lock()

        def work():
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                done.append(self._one(begun, kwargs))

        threads = [threading.Thread(target=work) for _ in range(at_once)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(done)

    async def _acrowded(self, calls, at_once, kwargs):
        begun, done, left = time.monotonic(), [], iter(range(calls))

        async def work():
            for _ in left:
                done.append(await self._aone(begun, kwargs))

        await asyncio.gather(*(work() for _ in range(at_once)))
        return sorted(done)

    def _one(self, begun, kwargs):
        started, error = time.monotonic(), None
        try:
            assert self.model.invoke(QUESTION, **kwargs).text
        except Exception as problem:
            error = problem
        return Call(started - begun, time.monotonic() - started, error)

    async def _aone(self, begun, kwargs):
        started, error = time.monotonic(), None
        try:
            assert (await self.model.ainvoke(QUESTION, **kwargs)).text
        except Exception as problem:
            error = problem
        return Call(started - begun, time.monotonic() - started, error)


def in_time(scenario, limit, tries=3):
    """The calls of a scenario of which 99 of 100 took at most so many seconds, on a machine that others use as well."""
    calls = scenario()
    while percentile(calls) > limit and (tries := tries - 1):
        calls = scenario()
    return calls


def percentile(calls, share=0.99):
    """The time that so many of the calls took at most (nearest rank)."""
    times = sorted(call.took for call in calls)
    return times[max(0, -(-int(share * 1000) * len(times) // 1000) - 1)]
