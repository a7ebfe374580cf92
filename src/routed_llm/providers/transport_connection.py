"""One connection of the async form: bytes from the event loop go through the reader into a buffer, and wake who waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, TypeAlias, cast

from routed_llm.providers.transport import Fault, Phase
from routed_llm.providers.transport_deadline import Deadline
from routed_llm.providers.transport_http1 import Answer
from routed_llm.providers.transport_peek import left_at, looker
from routed_llm.providers.transport_reasons import reason_of

__all__ = ["Connection", "Key", "Owner", "shared_room"]

Key: TypeAlias = tuple[bool, str, int]
"""Which connections may stand for one another: TLS or not, host, port. (In a transport each has one proxy or none.)"""

_HIGH: Final = 256 * 1024  # bytes of a body that may wait for their reader; the socket is left alone above that
_ROOM: Final = 64 * 1024  # bytes that are taken from a socket at a time
_PIECE: Final = 256 * 1024  # bytes of a request that are handed to the loop at a time

Owner: TypeAlias = Callable[["Connection"], None]
"""What is told when a connection is gone."""


def shared_room(loop: asyncio.AbstractEventLoop) -> memoryview | None:
    """Where all connections of a loop read; None where a loop reads into several at a time (that of Windows does)."""
    return memoryview(bytearray(_ROOM)) if isinstance(loop, asyncio.SelectorEventLoop) else None


class Connection(asyncio.BufferedProtocol):
    """One socket with at most one call under way. Lives in one event loop and is touched from there only.

    ``answer`` is what the present call gets (None: idle), ``fault`` why it gets no more. ``closed``: of no use any
    more. ``unanswered``: the server closed it before a byte of an answer came.
    """

    __slots__ = (
        "_buffer", "_deadline", "_full", "_gone", "_look", "_loop", "_paused", "_phase", "_pieces", "_size", "_waiter",
        "_whole", "answer", "closed", "fault", "idle_since", "key", "transport", "unanswered",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, key: Key, gone: Owner, room: memoryview | None = None) -> None:
        self.key = key
        self.answer: Answer | None = None
        self.fault: Fault | None = None
        self.closed = self.unanswered = False
        self.idle_since = 0.0
        self._loop = loop
        self._gone = gone
        #: what is read lies here until the loop says how much it is: where that is at once, all connections can share one
        self._buffer = memoryview(bytearray(_ROOM)) if room is None else room
        self._look: Callable[[], bool] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._whole = self._full = self._paused = False
        self._phase: Phase = "headers"
        self._pieces: list[bytes] = []
        self._size = 0
        self._deadline = Deadline(loop, self)

    # What the reader of an answer calls.

    async def ask(self, head: bytes, body: bytes, until: float) -> Fault | None:
        """Send a request and wait for the head of its answer; what went wrong comes as a value.

        Args:
            head: up to the empty line.
            body: what follows it.
            until: when this must be over (monotonic).
        """
        self.answer = answer = Answer()
        if len(body) <= _PIECE:
            self.transport.write(head + body)  # one segment where it fits
        else:
            self.transport.write(head)
        del head  # it holds the key, and this frame is in the traceback of a cancelled call
        if len(body) > _PIECE:
            await self._write(memoryview(body), until)
        while not answer.status:
            if self.fault is not None:
                return self.fault
            await self.wait(until)
        return None

    async def wait(self, until: float, *, whole: bool = False) -> None:
        """Wait for more of the answer or its end; with ``whole`` for all of it, or as much as may lie here.

        Cancelling closes the connection: what else came on it would belong to nobody.
        """
        self._whole = whole
        self._deadline.set(until)
        if self.closed:
            return
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        except BaseException:
            self.close()
            raise
        finally:
            self._waiter = None

    def is_past(self, until: float) -> bool:
        """See :meth:`Deadline.is_past`."""
        return self._deadline.is_past(until)

    def taken(self) -> bytes:
        """What has come of the body since the last time."""
        pieces = self._pieces
        if not pieces:
            return b""
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            if not self.closed:
                self.transport.resume_reading()
        return data

    def rest(self) -> bool:
        """End the call; whether the connection can serve another one. It is closed otherwise."""
        answer, self.answer = self.answer, None
        if self.closed or answer is None or not answer.complete or not answer.reusable or self._full or self._size:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close at once; who waits is told. May be called twice."""
        if not self.closed:
            self._fail(Fault("connection", self.phase, "the connection was closed", True))

    def disown(self) -> None:
        """After a fork: the socket is the parent's, so nothing may be done to it."""
        self.closed = True
        self._gone = _nobody

    @property
    def phase(self) -> Phase:
        """How far the call is."""
        return "body" if self.answer is not None and self.answer.status else self._phase

    # What the deadline calls.

    def is_waiting(self) -> bool:
        """Whether a call waits for something that has not come."""
        return self._waiter is not None and not self._waiter.done() and not self.closed

    def has_more(self) -> bool:
        """Whether something lies at the socket."""
        if self._look is None:
            self._look = looker(self.transport)
        return self._look()

    def time_out(self) -> None:
        """End the call."""
        self._fail(Fault("timeout", self.phase, "the time for the call ran out", True))

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self.transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the bytes go: for a plain protocol the loop makes 256 KiB anew at each read, which costs more than reading."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes came."""
        self._take_in(bytes(self._buffer[:nbytes]))

    def eof_received(self) -> None:
        """The server will send no more."""
        self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        if exc is not None and not self.closed and (last := left_at(self.transport)):
            self._take_in(last)
        self._ended(exc)
        self._gone(self)

    def pause_writing(self) -> None:
        """Enough of the request waits to be sent."""
        self._full = True

    def resume_writing(self) -> None:
        """There is room again."""
        self._full = False
        if self._phase == "write":
            self._wake()

    def _take_in(self, data: bytes) -> None:
        """Read the bytes, and wake who waits for them."""
        answer = self.answer
        if answer is None:  # nobody asked
            self.close()
            return
        try:
            piece = answer.feed(data)
        except Fault as fault:
            problem = Fault(fault.kind, self.phase, fault.detail, True)
        else:
            if piece:
                self._keep(piece)
            if answer.complete or self._size > _HIGH or (answer.status and not self._whole):
                self._wake()
            return
        self._fail(problem)

    async def _write(self, body: memoryview, until: float) -> None:
        """Send a large body. A server may answer (401, 413) before it has read everything: then the rest stays here."""
        self._phase = "write"
        at = 0
        while at < len(body) and not self._is_settled() and not self.transport.is_closing():
            self.transport.write(body[at : at + _PIECE])
            at += _PIECE
            while self._full and not self._is_settled():
                await self.wait(until)
        self._phase = "headers"
        if at < len(body) and self.answer is not None:
            self.answer.reusable = False  # the server would take the next request for the rest of this one

    def _is_settled(self) -> bool:
        """Whether the rest of a body need not be sent: the answer is whole, or refuses the request."""
        answer = self.answer
        return self.fault is not None or (answer is not None and (answer.complete or answer.status >= 300))

    def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > _HIGH and not self._paused and not self.closed:
            self._paused = True
            self.transport.pause_reading()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fail(self, fault: Fault) -> None:
        """The call, if any, gets no more than what lies here; the socket is closed."""
        self.fault = fault
        self.closed = True
        self._deadline.clear()
        if not self._loop.is_closed():
            self.transport.abort()
            self._wake()

    def _ended(self, error: Exception | None) -> None:
        if self.closed:
            return
        answer, problem = self.answer, "the server closed the connection"
        if answer is not None:
            self.unanswered = not answer.begun
            problem += " before it answered" if self.unanswered else " in the middle of the answer"
            if error is None:
                _end(answer)  # the end of the connection may be that of the answer
        if error is not None:
            problem = reason_of(error)
        self._fail(Fault("connection", self.phase, problem, True))


def _end(answer: Answer) -> None:
    with contextlib.suppress(Fault):  # the caller says so in its own words
        answer.end()


def _nobody(connection: Connection) -> None:
    pass
