"""How long our own program kept an event loop from looking at its connections: then a late answer is not the provider's fault.

A timer of each loop comes every :data:`BEAT` seconds while calls are under way there; how late it comes is how long something
else ran. It ends by itself when no call began for two beats and none is under way, and costs nothing then.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from time import monotonic
from typing import Final

__all__ = ["Watch", "held_up", "watched"]

#: seconds between two looks, and how late one must be to be noted
BEAT: Final = 0.1
#: delays that are remembered
_MANY: Final = 64


class Watch:
    """The timer of one event loop."""

    __slots__ = ("_due", "_late", "_timer", "busy", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        #: calls under way
        self.busy = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        #: (from, to) of delays that were long
        self._late: deque[tuple[float, float]] = deque(maxlen=_MANY)

    def begin(self) -> None:
        """A call begins."""
        self.busy += 1
        if self._timer is None:
            self._arm()

    def _arm(self) -> None:
        self._due = monotonic() + BEAT
        self._timer = self.loop.call_later(BEAT, self._ring)

    def _ring(self) -> None:
        now = monotonic()
        if now - self._due > BEAT:
            self._late.append((self._due, now))
        self._timer = None
        if self.busy > 0:
            self._arm()

    def held_up(self, seconds: float) -> float:
        """Of the last so many seconds, those in which the loop did not look."""
        now = monotonic()
        since = now - seconds
        total = sum(max(0.0, end - max(begin, since)) for begin, end in self._late)
        if self._timer is not None and now - self._due > BEAT:  # it has not come yet
            total += now - max(self._due, since)
        return total


class _Watches(threading.local):
    watch: Watch | None = None


_here = _Watches()


def watched() -> Watch:
    """The watch of the running loop."""
    loop = asyncio.get_running_loop()
    watch = _here.watch
    if watch is None or watch.loop is not loop:
        watch = _here.watch = Watch(loop)
    return watch


def held_up(seconds: float) -> float:
    """Of the last so many seconds, those in which this thread's event loop did not look; 0 in sync code."""
    watch = _here.watch
    return watch.held_up(seconds) if watch is not None and watch.loop.is_running() else 0.0
