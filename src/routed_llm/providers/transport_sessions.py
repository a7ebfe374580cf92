"""aiohttp sessions by event loop. They end with their loop, the transport or the interpreter, and leave no warning."""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from collections.abc import AsyncGenerator, Awaitable
from contextvars import ContextVar
from typing import TYPE_CHECKING

import aiohttp

from routed_llm.providers.transport import IDLE_SECONDS

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace

__all__ = ["Sessions", "is_new_connection"]

is_new_connection: ContextVar[bool] = ContextVar("routed_llm_new_connection", default=False)
"""Set while a call makes a connection of its own; a call on a kept connection leaves it as it is."""

_MAX_LINE = 64 * 1024  # of a header; aiohttp's own limit of 8 kB is below what some gateways send


class _Connector(aiohttp.TCPConnector):
    """Tells whether a call got a new connection: only a kept one may be replaced without asking."""

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's own name
    ) -> ResponseHandler:
        is_new_connection.set(True)
        return await super()._create_connection(req, traces, timeout)


class LoopSessions:
    """The sessions of one event loop: ``kept`` keeps its connections, ``fresh()`` opens one for a single call."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connect_seconds: float) -> None:
        self._loop = loop
        self._connect_seconds = connect_seconds
        self._fresh: aiohttp.ClientSession | None = None
        self.kept = self._make(keep=True)
        self._keeper = self._until_the_loop_ends()
        with contextlib.suppress(StopIteration):
            self._keeper.__anext__().send(None)

    def fresh(self) -> aiohttp.ClientSession:
        """A session that uses each connection once."""
        if self._fresh is None:
            self._fresh = self._make(keep=False)
        return self._fresh

    async def close(self) -> None:
        """Close both; to be called in their loop."""
        await self._keeper.aclose()

    def end(self) -> None:
        """Close both from anywhere, as far as that can be done without waiting."""
        if self._loop.is_running() and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it was closed in between
                self._loop.call_soon_threadsafe(self._end_now)
                return
        self._end_now()

    def forget(self) -> None:
        """After a fork: sockets and selector belong to the parent, so nothing is told to them."""
        for session in self._both():
            connector = session.connector
            session.detach()
            if connector is not None:
                connector._conns.clear()  # closing by the public way would change the parent's selector

    def _both(self) -> list[aiohttp.ClientSession]:
        return [self.kept] if self._fresh is None else [self.kept, self._fresh]

    def _end_now(self) -> None:
        for session in self._both():
            connector = session.connector
            session.detach()
            if connector is not None:
                _drive(connector.close())

    def _make(self, keep: bool) -> aiohttp.ClientSession:
        connector = _Connector(
            limit=0,
            resolver=aiohttp.ThreadedResolver(loop=self._loop),
            **({"keepalive_timeout": IDLE_SECONDS} if keep else {"force_close": True}),
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("accept", "accept-encoding", "user-agent", "content-type"),
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_seconds),
            auto_decompress=False,
            trust_env=False,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
        )

    async def _until_the_loop_ends(self) -> AsyncGenerator[None]:
        """Waits, as an async generator, for the loop to shut its generators down, as ``asyncio.run`` does."""
        try:
            yield
        finally:
            for session in self._both():
                await session.close()


class Sessions:
    """The sessions of every loop that uses one transport."""

    def __init__(self, connect_seconds: float) -> None:
        self._connect_seconds = connect_seconds
        self._by_loop: dict[asyncio.AbstractEventLoop, LoopSessions] = {}
        _ALL.add(self)

    def here(self) -> LoopSessions:
        """Those of the running loop."""
        loop = asyncio.get_running_loop()
        sessions = self._by_loop.get(loop)
        if sessions is None or sessions.kept.closed:
            self._drop_those_of_closed_loops()
            self._by_loop[loop] = sessions = LoopSessions(loop, self._connect_seconds)
        return sessions

    async def close(self) -> None:
        """Close those of the running loop, waiting for it."""
        sessions = self._by_loop.pop(asyncio.get_running_loop(), None)
        if sessions is not None:
            await sessions.close()

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
            sessions = self._by_loop.pop(loop, None)
            if sessions is not None:
                sessions.end()


def _drive(awaitable: Awaitable[object]) -> None:
    """Run the part of closing that does not wait: it is all there is once the loop stands still."""
    steps = awaitable.__await__()
    with contextlib.suppress(StopIteration, RuntimeError):
        next(steps)


_ALL: weakref.WeakSet[Sessions] = weakref.WeakSet()


def _forget_all() -> None:
    for sessions in list(_ALL):
        sessions.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
