"""Connections of the async form by event loop. They end with their loop, the transport or the interpreter, quietly."""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncGenerator, Callable, Set
from time import monotonic

from routed_llm.providers.transport import IDLE_SECONDS
from routed_llm.providers.transport_connection import Connection, Key, shared_room

__all__ = ["LoopConnections", "Sessions"]


class LoopConnections:
    """The connections of one event loop: all that are open, and the idle ones by origin, the last used on top."""

    def __init__(self, loop: asyncio.AbstractEventLoop, origins: Set[Key] | None = None) -> None:
        self.loop = loop
        #: to which connections are kept; None is to all
        self.origins = origins
        self.closed = False
        self.room = shared_room(loop)
        self._open: set[Connection] = set()
        self._idle: dict[Key, list[Connection]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._keeper = self._until_the_loop_ends()
        with contextlib.suppress(StopIteration):
            self._keeper.__anext__().send(None)

    def take(self, key: Key) -> Connection | None:
        """An idle connection that is still good; None where there is none. The stale ones met on the way are closed."""
        idle = self._idle.get(key)
        while idle:
            connection = idle.pop()
            if not connection.closed:
                # what lies unread at an idle connection is a close, or an answer that nobody asked for
                fresh = monotonic() - connection.idle_since < IDLE_SECONDS
                if fresh and not connection.has_more():
                    return connection
                connection.close()
        return None

    def give(self, connection: Connection) -> None:
        """End the connection's call, and keep it where it can serve another one."""
        if not connection.rest() or self.closed or (self.origins is not None and connection.key not in self.origins):
            connection.close()
            return
        connection.idle_since = monotonic()
        idle = self._idle.get(connection.key)
        if idle is None:
            idle = self._idle[connection.key] = []
        idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self.loop.call_later(IDLE_SECONDS, self._sweep)

    def watch(self, connection: Connection) -> None:
        """From now on the connection is closed with the others."""
        if self.closed:
            connection.close()
        else:
            self._open.add(connection)

    def gone(self, connection: Connection) -> None:
        """It is closed."""
        self._open.discard(connection)

    async def close(self) -> None:
        """Close all; to be called in their loop."""
        await self._keeper.aclose()

    def keep_only(self, origins: Set[Key] | None) -> None:
        """See :meth:`routed_llm.providers.transport.Transport.keep_only`; from anywhere."""
        self.origins = origins
        self._do(self._let_go)

    def end(self) -> None:
        """Close all from anywhere, as far as that can be done without waiting."""
        self._do(self._end_now)

    def _do(self, job: Callable[[], None]) -> None:
        """A job of the loop: in it where it runs, else here."""
        if self.loop.is_running() and not self.loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it was closed in between
                self.loop.call_soon_threadsafe(job)
                return
        job()

    def _let_go(self) -> None:
        origins = self.origins
        if origins is not None:
            for key in [key for key in self._idle if key not in origins]:
                for connection in self._idle.pop(key):
                    connection.close()

    def forget(self) -> None:
        """After a fork: sockets and selector belong to the parent, so nothing is told to them."""
        self.closed = True
        for connection in self._open:
            connection.disown()
        self._open.clear()
        self._idle.clear()

    def _end_now(self) -> None:
        self.closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        self._idle.clear()
        while self._open:
            self._open.pop().close()

    def _sweep(self) -> None:
        """Close what idled too long: also a program that makes no more calls lets its servers go."""
        self._sweeper = None
        oldest = monotonic() - IDLE_SECONDS
        for key, idle in list(self._idle.items()):
            for connection in idle:
                if connection.idle_since <= oldest:
                    connection.close()
            idle[:] = [connection for connection in idle if not connection.closed]
            if not idle:
                del self._idle[key]
        if self._idle:
            self._sweeper = self.loop.call_later(IDLE_SECONDS, self._sweep)

    async def _until_the_loop_ends(self) -> AsyncGenerator[None]:
        """Waits, as an async generator, for the loop to shut its generators down, as ``asyncio.run`` does."""
        try:
            yield
        finally:
            self._end_now()
            await asyncio.sleep(0)  # the loop closes sockets in its next turn


class Sessions:
    """The connections of every loop that uses one transport."""

    def __init__(self) -> None:
        self._by_loop: dict[asyncio.AbstractEventLoop, LoopConnections] = {}
        self._origins: Set[Key] | None = None
        _ALL.add(self)

    def here(self) -> LoopConnections:
        """Those of the running loop."""
        loop = asyncio.get_running_loop()
        connections = self._by_loop.get(loop)
        if connections is None or connections.closed:
            self._drop_those_of_closed_loops()
            self._by_loop[loop] = connections = LoopConnections(loop, self._origins)
        return connections

    def keep_only(self, origins: Set[Key] | None) -> None:
        """Keep connections to these origins alone, in every loop."""
        self._origins = origins
        for connections in list(self._by_loop.values()):
            connections.keep_only(origins)

    async def close(self) -> None:
        """Close those of the running loop, waiting for it."""
        connections = self._by_loop.pop(asyncio.get_running_loop(), None)
        if connections is not None:
            await connections.close()

    def end(self) -> None:
        """Close all, without waiting."""
        while self._by_loop:
            self._by_loop.popitem()[1].end()

    def after_fork(self) -> None:
        """In the child: drop all."""
        while self._by_loop:
            self._by_loop.popitem()[1].forget()

    def _drop_those_of_closed_loops(self) -> None:
        for loop in [loop for loop in list(self._by_loop) if loop.is_closed()]:
            connections = self._by_loop.pop(loop, None)
            if connections is not None:
                connections.end()


_ALL: weakref.WeakSet[Sessions] = weakref.WeakSet()


def _forget_all() -> None:
    for sessions in list(_ALL):
        sessions.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
