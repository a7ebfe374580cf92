"""The async form of the transport: asyncio's own connections, kept for each event loop, which end with their loop.

A request leaves in one write and its answer is read where the bytes arrive, in the protocol's callback; the caller's task
is woken once for it. (An HTTP library's client takes two to four times the processor time, with timers and futures for every
step.)
"""

from __future__ import annotations

import ssl
import weakref
from collections.abc import Set
from threading import Lock
from time import monotonic

from routed_llm.driver import UNSENT
from routed_llm.providers.transport import Fault, Origin, Reply, Resent, Target, TransportOptions
from routed_llm.providers.transport_async_dial import reach
from routed_llm.providers.transport_async_stream import AsyncStream
from routed_llm.providers.transport_connection import Connection
from routed_llm.providers.transport_decode import check_length, unpacker_for
from routed_llm.providers.transport_options import Proxies, certificate_variables, ssl_context
from routed_llm.providers.transport_request import Route
from routed_llm.providers.transport_sessions import LoopConnections, Sessions

__all__ = ["AsyncioTransport"]


class AsyncioTransport:
    """See :class:`routed_llm.providers.transport.AsyncTransport`."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._proxies = Proxies.read(options)
        self._certificates = certificate_variables()
        self._token = object()
        self._sessions = Sessions()
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = Lock()
        self._end = weakref.finalize(self, self._sessions.end)

    async def post(self, target: Target, body: bytes, until: float, *, once: bool = False, resent: Resent = None) -> Reply:
        """Send ``body`` and give the whole answer; see the protocol."""
        stream = await self._open(target, body, until, self._options.max_answer_bytes, once, resent)
        whole = stream.at_once()
        return Reply(stream.status, stream.headers, await stream.rest(until) if whole is None else whole)

    async def get(self, target: Target, until: float) -> Reply:
        """Ask for the target and give the whole answer; see the protocol."""
        stream = await self._open(target, None, until, self._options.max_answer_bytes, False)
        return Reply(stream.status, stream.headers, await stream.rest(until))

    async def stream(
        self, target: Target, body: bytes, until: float, *, once: bool = False, resent: Resent = None
    ) -> AsyncStream:
        """Send ``body`` and give the answer once its headers are there; see the protocol."""
        return await self._open(target, body, until, self._options.max_stream_bytes, once, resent)

    def keep_only(self, origins: Set[Origin] | None) -> None:
        """Keep connections to these origins alone; see the protocol."""
        self._sessions.keep_only(origins)

    async def close(self) -> None:
        """Close the connections of this loop; other loops are told to close theirs."""
        await self._sessions.close()
        self._end()

    def end(self) -> None:
        """Close the connections of every loop, without waiting."""
        self._end()

    async def _open(
        self, target: Target, body: bytes | None, until: float, limit: int, once: bool, resent: Resent = None
    ) -> AsyncStream:
        if not self._end.alive:
            raise RuntimeError("the transport is closed")
        outcome = await self._ask(target.native(self._token, self._route), body, until, limit, once, resent)
        if isinstance(outcome, Fault):
            # A fresh one, whose traceback passes through no frame that holds a header.
            raise Fault(outcome.kind, outcome.phase, outcome.detail, outcome.sent)
        return outcome

    async def _ask(
        self, route: Route, body: bytes | None, until: float, limit: int, once: bool, resent: Resent
    ) -> AsyncStream | Fault:
        left = until - monotonic()
        if left <= 0:
            return Fault("timeout", "connect", "the time for the call was over before it began", False)
        connections = self._sessions.here()
        connection = None if once else connections.take(route.key)
        if connection is not None:
            problem = await connection.ask(route.head(body), body or b"", until)
            if problem is None:
                return _stream(connection, connections, limit)
            if not connection.unanswered:
                return problem
            # The server closed while the connection was idle, before it saw this request: once more, on a new one.
        limit_of_dial = min(self._options.connect_seconds, (until - monotonic()) / 2)
        try:
            made = await reach(route, connections, self._context, limit_of_dial)
        except BaseException as error:  # the caller went away while it was dialled
            setattr(error, UNSENT, connection is None)
            raise
        if isinstance(made, Fault):
            made.sent = made.sent or connection is not None  # by the connection that was dead
            return made
        if connection is not None and resent is not None:
            resent()
        problem = await made.ask(route.head(body), body or b"", until)
        return problem or _stream(made, connections, limit)

    def _route(self, target: Target) -> Route:
        return Route(target, self._options, self._proxies)

    def _context(self) -> ssl.SSLContext:
        with self._tls_lock:
            if self._tls is None:
                self._tls = ssl_context(self._options, self._certificates)
            return self._tls


def _stream(connection: Connection, connections: LoopConnections, limit: int) -> AsyncStream | Fault:
    answer = connection.answer
    if answer is None:
        return Fault("connection", "headers", "the connection was closed", True)
    try:
        check_length(answer.headers, limit)
        return AsyncStream(connection, answer, unpacker_for(answer.headers), connections, limit)
    except Fault as fault:
        connection.close()
        return fault
