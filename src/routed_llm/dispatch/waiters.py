"""Waiting for somebody's word: a thread blocks, a task suspends, and anybody wakes them, from any thread or event loop.

The garbage collector may close a forgotten stream at any point of any thread, which frees a place and so wakes somebody.
Therefore :meth:`~routed_llm.driver.Waiter.wake` takes no lock that its own thread could hold already.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

__all__ = ["AsyncWaiter", "SyncWaiter"]


class SyncWaiter:
    """Blocks its thread. See :class:`~routed_llm.driver.Waiter`."""

    __slots__ = ("_now", "_words")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        # the one primitive of the standard library whose ``put`` may interrupt itself
        self._words: SimpleQueue[None] = SimpleQueue()

    async def wait(self, until: float) -> bool:
        """Block until somebody wakes it, or until a time; tells whether somebody did."""
        seconds = until - self._now()
        try:
            if seconds <= 0:
                self._words.get_nowait()
            else:
                self._words.get(timeout=min(seconds, threading.TIMEOUT_MAX))
        except Empty:
            return False
        return True

    def wake(self) -> bool:
        """Wake it."""
        self._words.put(None)
        return True


class AsyncWaiter:
    """Suspends its task; made in the event loop that waits. See :class:`~routed_llm.driver.Waiter`."""

    __slots__ = ("_loop", "_now", "_word")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._word: asyncio.Future[None] = self._loop.create_future()

    async def wait(self, until: float) -> bool:
        """Suspend until somebody wakes it, or until a time; tells whether somebody did."""
        seconds = until - self._now()
        if not self._word.done():
            if seconds <= 0:
                return False
            await asyncio.wait((self._word,), timeout=seconds if seconds < threading.TIMEOUT_MAX else None)
        if not self._word.done():
            return False
        self._word = self._loop.create_future()
        return True

    def wake(self) -> bool:
        """Wake it; False when its event loop is gone, so that nobody will ever go on from there."""
        try:
            self._loop.call_soon_threadsafe(self._tell)
        except RuntimeError:
            return False
        return True

    def _tell(self) -> None:
        if not self._word.done():
            self._word.set_result(None)
