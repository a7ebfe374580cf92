"""Connections of the sync form: idle ones by origin, and all that are open, so that nothing is left behind."""

from __future__ import annotations

import os
import weakref
from collections.abc import Set
from threading import Lock
from time import monotonic

from routed_llm.providers.transport import IDLE_SECONDS
from routed_llm.providers.transport_wire import Key, Wire

__all__ = ["Pool"]


class Pool:
    """Idle wires, the last used on top; for any number of threads, new after a fork."""

    #: to which wires are kept; None is to all
    _origins: Set[Key] | None

    def __init__(self) -> None:
        self._renew()
        _POOLS.add(self)

    def take(self, key: Key, now: float) -> Wire | None:
        """An idle wire that is still good; None where there is none. The stale ones met on the way are closed."""
        while True:
            with self._lock:
                wires = self._idle.get(key)
                if not wires:
                    return None
                wire = wires.pop()
            if now - wire.idle_since < IDLE_SECONDS and wire.alive():
                return wire
            wire.close()

    def give(self, wire: Wire) -> None:
        """Put a wire back that can serve another call."""
        wire.idle_since = now = monotonic()
        with self._lock:
            closed = self._closed or (self._origins is not None and wire.key not in self._origins)
            if not closed:
                self._idle.setdefault(wire.key, []).append(wire)
            stale = self._expired(now)
        if closed:
            wire.close()
        for old in stale:
            old.close()

    def watch(self, wire: Wire) -> None:
        """A connection was opened: the pool's end is its end."""
        with self._lock:
            self._open.add(wire)
            closed = self._closed
        if closed:
            wire.shut()

    def keep_only(self, origins: Set[Key] | None) -> None:
        """From now on keep connections to these origins alone; those to others are closed, what is in use after its call."""
        with self._lock:
            self._origins = origins
            gone = [] if origins is None else [self._idle.pop(key) for key in list(self._idle) if key not in origins]
        for wires in gone:
            for wire in wires:
                wire.close()

    def close(self) -> None:
        """Close what is idle and cut what is in use: its reader gets a fault and closes it."""
        with self._lock:
            self._closed = True
            idle = {wire for wires in self._idle.values() for wire in wires}
            in_use = set(self._open) - idle
            self._idle.clear()
            self._open.clear()
        for wire in idle:
            wire.close()
        for wire in in_use:
            wire.shut()

    def _expired(self, now: float) -> list[Wire]:
        """Take out what has idled too long, of every origin. The oldest lie at the bottom, so this looks at few."""
        stale = []
        for wires in self._idle.values():
            while wires and now - wires[0].idle_since >= IDLE_SECONDS:
                stale.append(wires.pop(0))
        return stale

    def _renew(self) -> None:
        self._lock = Lock()
        self._closed = False
        self._origins = None
        self._idle: dict[Key, list[Wire]] = {}
        self._open: weakref.WeakSet[Wire] = weakref.WeakSet()

    def after_fork(self) -> None:
        """In the child: closing our copies of the parent's sockets sends nothing; the lock may be held for ever."""
        inherited, closed, origins = list(self._open), self._closed, self._origins
        self._renew()
        self._closed, self._origins = closed, origins
        for wire in inherited:
            wire.close_copy()


_POOLS: weakref.WeakSet[Pool] = weakref.WeakSet()


def _renew_all() -> None:
    for pool in list(_POOLS):
        pool.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
