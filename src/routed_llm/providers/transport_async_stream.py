"""The body of an answer in the async form."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from routed_llm.providers.transport import Fault
from routed_llm.providers.transport_connection import Connection
from routed_llm.providers.transport_decode import Unpacker
from routed_llm.providers.transport_http1 import Answer
from routed_llm.providers.transport_sessions import LoopConnections

__all__ = ["AsyncStream"]


class AsyncStream:
    """See :class:`routed_llm.providers.transport.AsyncByteStream`. Once all has come, the connection is kept.

    Args:
        connection: on which the head of ``answer`` has come.
        answer: the answer.
        unpacker: for its body; None where that comes as it is.
        connections: where the connection goes afterwards.
        limit: bytes that the body may have.
    """

    __slots__ = ("_closed", "_connection", "_connections", "_over", "_ready", "_room", "_unpacker", "headers", "status")

    def __init__(
        self, connection: Connection, answer: Answer, unpacker: Unpacker | None, connections: LoopConnections, limit: int
    ) -> None:
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self._connection: Connection | None = connection
        self._connections = connections
        self._room = limit
        self._over = self._closed = False
        self._unpacker = unpacker
        self._ready: Iterator[bytes] = iter(())

    async def read(self, until: float) -> bytes:
        """Give the next bytes; see the protocol."""
        if self._over:
            return b""
        piece, problem = await self._next(until, whole=False)
        if problem is not None:
            self._let_go()
            raise problem
        return piece

    def at_once(self) -> bytes | None:
        """The whole body where it is here already, as of most answers that are no streams; else None, and nothing happened."""
        connection = self._connection
        if connection is None or self._unpacker is not None or connection.answer is None or not connection.answer.complete:
            return None
        data = self._last(connection)
        self._over = True
        if len(data) > self._room:
            raise _too_large()
        return data

    async def rest(self, until: float) -> bytes:
        """All that is still to come."""
        pieces, problem = [], None
        while not self._over and problem is None:
            piece, problem = await self._next(until, whole=True)
            pieces.append(piece)
        if problem is not None:
            self._let_go()
            raise problem
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def close(self) -> None:
        """Let go of the connection at once; see the protocol."""
        if not self._over:
            self._closed = True
            self._let_go()

    def __del__(self) -> None:
        """One that was left unread must not hold its connection; this may run in any thread."""
        connection = self._connection
        if connection is not None and not connection.closed:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and the connection with it
                self._connections.loop.call_soon_threadsafe(connection.close)

    async def _next(self, until: float, *, whole: bool) -> tuple[bytes, Fault | None]:
        if self._closed:
            return b"", Fault("connection", "body", "the stream was closed", True)
        try:
            piece = await (self._raw(until, whole) if self._unpacker is None else self._unpacked(self._unpacker, until, whole))
        except Fault as fault:
            return b"", Fault(fault.kind, fault.phase, fault.detail, fault.sent)
        if self._closed:  # by another task, meanwhile
            return b"", Fault("connection", "body", "the stream was closed", True)
        self._over = not piece or (self._connection is None and self._unpacker is None)
        self._room -= len(piece)
        return piece, None if self._room >= 0 else _too_large()

    async def _unpacked(self, unpacker: Unpacker, until: float, whole: bool) -> bytes:
        while True:
            for piece in self._ready:
                return piece
            data = await self._raw(until, whole)
            if not data:
                unpacker.end()
                return b""
            self._ready = unpacker.feed(data)

    async def _raw(self, until: float, whole: bool) -> bytes:
        """What lies there, else what comes next; with ``whole`` as much as may be waited for at a time."""
        connection = self._connection
        if connection is None:
            return b""
        waited = False
        while True:
            answer = connection.answer
            if answer is not None and answer.complete:
                return self._last(connection)  # at once: many readers stop at the last event
            if (waited or not whole) and (data := connection.taken()):
                if not waited and connection.is_past(until):
                    raise Fault("timeout", "body", "the time for the call ran out", True)
                return data
            if connection.fault is not None:
                raise connection.fault
            await connection.wait(until, whole=whole)
            waited = True

    def _last(self, connection: Connection) -> bytes:
        """What lies there of an answer that has come, whose connection is free."""
        data = connection.taken()
        self._connection = None
        self._connections.give(connection)
        return data

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _too_large() -> Fault:
    return Fault("too_large", "body", "the answer is larger than allowed", True)
