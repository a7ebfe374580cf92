"""Blocking objects in async code: a bounded pool of threads, and waiting with a limit.

A thread cannot be interrupted: when the time is up the caller goes on at once and the thread ends when its work does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from routed_llm.driver import Source
from routed_llm.errors import ProviderError
from routed_llm.results import Event

__all__ = ["ThreadedSource", "Threads", "within"]

T = TypeVar("T")


async def within(until: float, awaitable: Awaitable[T], phase: str = "answer") -> T:
    """Wait for something until a time of the monotonic clock.

    Raises:
        ProviderError: of the kind ``timeout`` when the time is up; what was waited for is cancelled.
    """
    limit = asyncio.timeout(max(0.0, until - time.monotonic()))
    try:
        async with limit:
            return await awaitable
    except TimeoutError:
        if not limit.expired():
            raise
    raise ProviderError("timeout", "no answer within the time limit", phase=phase)


class Threads:
    """Up to ``size`` threads, started when they are first needed; renewed in a forked process."""

    __slots__ = ("_made_in", "_pool", "_size")

    def __init__(self, size: int = 64) -> None:
        self._size = size
        self._pool: ThreadPoolExecutor | None = None
        self._made_in = 0

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Run something in a thread, with the caller's context variables."""
        if self._pool is None or self._made_in != os.getpid():
            self._pool = ThreadPoolExecutor(self._size, thread_name_prefix="routed-llm-object")
            self._made_in = os.getpid()
        return self._pool.submit(copy_context().run, function, *args)

    async def run(self, until: float, function: Callable[..., T], *args: Any) -> T:
        """Run something in a thread and wait for it; see :func:`within`.

        Raises:
            ProviderError: of the kind ``timeout``; with the phase ``pool`` where no thread was free in all that time.
        """
        begun = self.submit(function, *args)
        try:
            return await within(until, asyncio.wrap_future(begun))
        except ProviderError as error:
            if not begun.cancelled():  # only what no thread has begun can be
                raise
            late = error.kind
        raise ProviderError(late, "all threads for such objects were busy within the time limit", phase="pool", sent=False)


class ThreadedSource:
    """A blocking stream for async callers: each read happens in a thread of the pool."""

    __slots__ = ("_busy", "_closed", "_lock", "_source", "_threads")

    def __init__(self, source: Source, threads: Threads) -> None:
        self._source = source
        self._threads = threads
        self._lock = threading.Lock()
        self._busy = False
        self._closed = False

    def _read(self, until: float) -> Sequence[Event] | None:
        with self._lock:
            if self._closed:
                return None
            self._busy = True
        try:
            return self._source.read(until)
        finally:
            with self._lock:
                self._busy = False
                close = self._closed
            if close:  # the caller left while this read was under way
                self._source.close()

    async def read(self, until: float) -> Sequence[Event] | None:
        """The next events; see :class:`~routed_llm.driver.AsyncSource`."""
        return await self._threads.run(until, self._read, until)

    async def close(self) -> None:
        """Close the stream, after the read that is under way if there is one; never waits for that."""
        with self._lock:
            first, self._closed = not self._closed, True
            idle = not self._busy
        if first and idle:
            with contextlib.suppress(RuntimeError):  # the interpreter is shutting down
                await asyncio.wait({asyncio.wrap_future(self._threads.submit(self._source.close))}, timeout=1.0)
