"""The body of an answer in the sync form, and what went wrong on the way to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import Lock

import httpcore

from routed_llm.providers.transport import Abort, Fault
from routed_llm.providers.transport_decode import Unpacker, check_length, unpacker_for
from routed_llm.providers.transport_pool import Hold, Pool
from routed_llm.providers.transport_wire import Wire

__all__ = ["SyncStream", "copy_of", "fault_of"]


class SyncStream:
    """See :class:`routed_llm.providers.transport.ByteStream`. At its proper end the connection is kept."""

    def __init__(self, hold: Hold, response: httpcore.Response, pool: Pool, limit: int, abort: Abort | None) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = {
            name.lower().decode("latin-1"): value.decode("latin-1") for name, value in response.headers
        }
        check_length(self.headers, limit)
        self._hold = hold
        self._wire = hold.line.wire
        self._wire.phase = "body"
        self._response = response
        self._pool = pool
        self._abort = abort
        self._room = limit
        self._over = False
        self._reading = Lock()  # a close must not take the file descriptor from under a blocked read
        unpacker = unpacker_for(self.headers)
        raw: Iterator[bytes] = iter(response.stream)  # type: ignore[arg-type]  # the sync half of a union
        self._pieces = raw if unpacker is None else _unpacked(raw, unpacker)

    def read(self, until: float) -> bytes:
        """Give the next bytes; see the protocol."""
        with self._reading:
            if self._over:
                return b""
            self._wire.until = until
            problem, piece = self._next()
        if problem is not None or self._hold.ended:
            self.close()
            raise problem or Fault("connection", "body", "the stream was closed", True)
        return piece

    def rest(self, until: float) -> bytes:
        """All that is still to come."""
        pieces = []
        while piece := self.read(until):
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Let go of the connection at once; see the protocol."""
        if self._over:
            return
        self._hold.end()
        if self._reading.acquire(blocking=False):  # else the reader, woken by the cut, comes here by itself
            try:
                if not self._over:
                    self._finish()
            finally:
                self._reading.release()

    def _next(self) -> tuple[Fault | None, bytes]:
        if self._hold.ended:
            return Fault("connection", "body", "the stream was closed", True), b""
        try:
            for piece in self._pieces:
                self._room -= len(piece)
                if self._room < 0:
                    return Fault("too_large", "body", "the answer is larger than allowed", True), b""
                return None, piece
        except (Fault, httpcore.ProtocolError) as error:
            return fault_of(error, self._wire), b""
        self._finish()
        return None, b""

    def _finish(self) -> None:
        """The call is over, well or badly: a whole answer leaves a line that can be used again."""
        self._over = not self._hold.ended
        if self._abort is not None:
            self._abort.arm(None)
        self._response.close()
        if self._hold.let_go():
            self._pool.give(self._hold.line)
        else:
            self._wire.close()


def fault_of(error: Fault | httpcore.ProtocolError, wire: Wire) -> Fault:
    """A fresh fault, whose traceback passes through no frame that holds a header."""
    if isinstance(error, Fault):
        return copy_of(error)
    if isinstance(error, httpcore.LocalProtocolError):
        return Fault("malformed", "write", "the request breaks the rules of HTTP", False)
    if wire.ended:
        where = "in the middle of the answer" if wire.received else "before it answered"
        return Fault("connection", wire.phase, f"the server closed the connection {where}", True)
    return Fault("malformed", wire.phase, "the answer breaks the rules of HTTP", True)


def copy_of(fault: Fault) -> Fault:
    """The same without its traceback and what led to it."""
    return Fault(fault.kind, fault.phase, fault.detail, fault.sent)


def _unpacked(raw: Iterator[bytes], unpacker: Unpacker) -> Iterator[bytes]:
    for data in raw:
        yield from unpacker.feed(data)
    unpacker.end()
