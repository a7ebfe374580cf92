"""The deadline of calls on one connection of the async form, by one timer that most calls never touch."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final, Protocol

__all__ = ["Deadline", "Waiting"]

_GRACE: Final = 256  # turns of the loop (of 64 KiB) in which an answer that lay there in time may still be taken in
_NEVER: Final = float("inf")


class Waiting(Protocol):
    """Who has the deadline."""

    def is_waiting(self) -> bool:
        """Whether a call waits at this moment."""
        ...

    def has_more(self) -> bool:
        """Whether bytes, or an end, lie at the socket that the loop has not taken in yet."""
        ...

    def time_out(self) -> None:
        """End the call."""
        ...


class Deadline:
    """Points of :func:`time.monotonic`. The timer is moved only when it would come too late; early, it looks again."""

    __slots__ = ("_armed", "_grace", "_loop", "_owner", "_timer", "_until")

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: Waiting) -> None:
        self._loop = loop
        self._owner = owner
        self._until = self._armed = _NEVER
        self._timer: asyncio.TimerHandle | None = None
        self._grace = _GRACE

    def set(self, until: float) -> None:
        """Somebody begins to wait; may time out at once."""
        self._until = until
        if until < self._armed:
            self._arm()

    def clear(self) -> None:
        """Nobody will wait again."""
        self._armed = _NEVER
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def is_past(self, until: float) -> bool:
        """Whether the time is over, for what lay here in time as well: no server can hold a call open by sending on."""
        if monotonic() < until:
            self._grace = _GRACE
            return False
        self._grace -= 1
        return self._grace < 0

    def _arm(self) -> None:
        self.clear()
        if self.is_past(self._until):
            self._owner.time_out()
            return
        self._armed = self._until
        self._timer = self._loop.call_at(self._loop.time() + self._until - monotonic(), self._ring)

    def _ring(self) -> None:
        self._timer, self._armed = None, _NEVER
        if not self._owner.is_waiting():
            return
        if monotonic() < self._until:
            self._arm()
        elif self._owner.has_more() and not self.is_past(self._until):
            # The program held the loop up: what came meanwhile is no fault of the server's.
            self._armed = self._until
            self._loop.call_soon(self._ring)
        else:
            self._owner.time_out()
