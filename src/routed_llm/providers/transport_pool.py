"""Connections of the sync form: idle ones by origin, and all that are open, so that nothing is left behind."""

from __future__ import annotations

import os
import weakref
from threading import Lock
from time import monotonic
from typing import TypeAlias

import httpcore

from routed_llm.providers.transport import IDLE_SECONDS
from routed_llm.providers.transport_wire import Wire

__all__ = ["Hold", "Key", "Line", "Pool"]

Key: TypeAlias = tuple[bool, str, int]
"""Which connections may stand for one another: TLS or not, host, port. (In a transport each has one proxy or none.)"""


class Line:
    """One connection: httpcore's state machine for HTTP/1.1 and the wire under it."""

    __slots__ = ("connection", "idle_since", "key", "wire")

    def __init__(self, key: Key, wire: Wire, connection: httpcore.HTTP11Connection) -> None:
        self.key = key
        self.wire = wire
        self.connection = connection
        self.idle_since = 0.0


class Hold:
    """One call's hold on a line, which any thread may end, but never once the line serves another call."""

    __slots__ = ("_free", "_gate", "ended", "line")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.ended = False
        self._free = False
        self._gate = Lock()

    def end(self) -> None:
        """Cut the connection under the call; a blocked read returns."""
        with self._gate:
            if not self._free and not self.ended:
                self.ended = True
                self.line.wire.shut()

    def let_go(self) -> bool:
        """The call is over; False where it was ended before."""
        with self._gate:
            self._free = True
            return not self.ended


class Pool:
    """Idle lines, the last used on top; for any number of threads, new after a fork."""

    def __init__(self) -> None:
        self._renew()
        _POOLS.add(self)

    def take(self, key: Key) -> Line | None:
        """An idle line that is still good; None where there is none. The stale ones met on the way are closed."""
        while True:
            with self._lock:
                lines = self._idle.get(key)
                if not lines:
                    return None
                line = lines.pop()
            if monotonic() - line.idle_since < IDLE_SECONDS and not line.wire.readable():
                return line
            line.wire.close()

    def give(self, line: Line) -> None:
        """Put a line back; one that cannot serve another call is closed."""
        if not line.connection.is_idle():
            line.wire.close()
            return
        line.idle_since = now = monotonic()
        with self._lock:
            closed = self._closed
            if not closed:
                self._idle.setdefault(line.key, []).append(line)
            stale = self._expired(now)
        if closed:
            line.wire.close()
        for old in stale:
            old.wire.close()

    def watch(self, wire: Wire) -> None:
        """A connection was opened: the pool's end is its end."""
        with self._lock:
            self._open.add(wire)
            closed = self._closed
        if closed:
            wire.shut()

    def close(self) -> None:
        """Close what is idle and cut what is in use: its reader gets a fault and closes it."""
        with self._lock:
            self._closed = True
            idle = {line.wire for lines in self._idle.values() for line in lines}
            in_use = set(self._open) - idle
            self._idle.clear()
            self._open.clear()
        for wire in idle:
            wire.close()
        for wire in in_use:
            wire.shut()

    def _expired(self, now: float) -> list[Line]:
        """Take out what has idled too long, of every origin. The oldest lie at the bottom, so this looks at few."""
        stale = []
        for lines in self._idle.values():
            while lines and now - lines[0].idle_since >= IDLE_SECONDS:
                stale.append(lines.pop(0))
        return stale

    def _renew(self) -> None:
        self._lock = Lock()
        self._closed = False
        self._idle: dict[Key, list[Line]] = {}
        self._open: weakref.WeakSet[Wire] = weakref.WeakSet()

    def after_fork(self) -> None:
        """In the child: closing our copies of the parent's sockets sends nothing; the lock may be held for ever."""
        inherited, closed = list(self._open), self._closed
        self._renew()
        self._closed = closed
        for wire in inherited:
            wire.close()


_POOLS: weakref.WeakSet[Pool] = weakref.WeakSet()


def _renew_all() -> None:
    for pool in list(_POOLS):
        pool.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
