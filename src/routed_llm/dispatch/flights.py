"""Work that several calls want at one time and one of them does: the others wait for what comes of it."""

from __future__ import annotations

import os
from typing import TypeAlias

from routed_llm.driver import Driver, Waiter

__all__ = ["Flight", "Flights", "name_of"]

#: what is under way, by :func:`name_of`; shared by all calls of a router
Flights: TypeAlias = "dict[tuple[int, str, str], Flight]"


def name_of(work: str, driver: Driver) -> tuple[int, str, str]:
    """The name of some work among :data:`Flights`.

    Sync and async calls never wait for each other: a thread that blocks may be the very one whose event loop has to carry the
    other. Nor does a forked process wait for its parent.
    """
    return os.getpid(), driver.mode, work


class Flight:
    """Some work that one call does.

    It takes no lock, because the garbage collector may close a forgotten call, which ends its work, at any point of any thread.
    ``failed`` tells that it is no use for others to do it one after the other: they fail as well, and each would wait for all
    before it.
    """

    __slots__ = ("_over", "_waiters", "failed")

    def __init__(self) -> None:
        self._waiters: list[Waiter] = []
        self._over = self.failed = False

    async def wait(self, driver: Driver, until: float) -> None:
        """Wait until it is over, however it ends, or until a monotonic time."""
        waiter = driver.waiter()
        self._waiters.append(waiter)
        if not self._over:  # else it ended in between, and nobody wakes us
            await waiter.wait(until)

    def end(self) -> None:
        """It is over: wake all that wait."""
        self._over = True
        for waiter in self._waiters:
            waiter.wake()
