"""One request and its answer in the sync form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from threading import Lock
from typing import Final

from routed_llm.providers.transport import Abort, Fault
from routed_llm.providers.transport_decode import Unpacker, check_length, unpacker_for
from routed_llm.providers.transport_http1 import Answer
from routed_llm.providers.transport_pool import Pool
from routed_llm.providers.transport_request import Route
from routed_llm.providers.transport_sync_connect import copy_of
from routed_llm.providers.transport_wire import Wire

__all__ = ["SyncStream"]

_JOINED: Final = 128 * 1024  # up to here head and body are one piece of memory; a larger body is not copied


class SyncStream:
    """See :class:`routed_llm.providers.transport.ByteStream`. At its proper end the connection is kept."""

    __slots__ = ("_abort", "_answer", "_came", "_ended", "_keep", "_over", "_pool", "_reading", "_room", "_serial", "_unpacked",
                 "_until", "_wire", "headers", "owner", "status")  # fmt: skip

    def __init__(self, wire: Wire, pool: Pool, limit: int, abort: Abort | None) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.owner: object = None
        self._wire = wire
        self._serial = wire.begin()
        self._pool = pool
        self._abort = abort
        self._answer = Answer()
        self._came = b""  # of the body, with the head
        self._room = limit
        self._until = 0.0
        self._unpacked: Iterator[bytes] | None = None
        self._keep = True
        self._over = False  # the wire was let go
        self._ended = False  # by close, or by an interruption in the middle of a read
        self._reading = Lock()  # a close must not take the file descriptor from under a blocked read

    @property
    def begun(self) -> bool:
        """Whether a byte of an answer came."""
        return self._answer.begun

    def ask(self, route: Route, body: bytes | None, until: float) -> Fault | None:
        """Send the request and read the head of its answer. A fault comes back with no frame that holds a header."""
        if self._abort is not None:
            self._abort.arm(partial(self._wire.shut, self._serial))
        try:
            self._send(route.head(body), body or b"", until)
            while not self._answer.status:
                self._came = self._receive(until)
            self._headers_are_there()
        except Fault as fault:
            problem = copy_of(fault)
        except BaseException:  # an interruption: half an answer is of no use to anyone
            self.close()
            raise
        else:
            return None
        self.close()
        return problem

    def read(self, until: float) -> bytes:
        """Give the next bytes; see the protocol."""
        try:
            problem, piece = self._read(until)
        except BaseException:
            self.close()  # an interruption: bytes may be lost
            raise
        if self._ended and not self._over and problem is None:  # close came in between and left the rest to us
            problem = Fault("connection", "body", "the stream was closed", True)
        if problem is not None:
            self.close()
            raise problem
        return piece

    def _read(self, until: float) -> tuple[Fault | None, bytes]:
        problem, piece = None, b""
        with self._reading:
            if self._ended:
                problem = Fault("connection", "body", "the stream was closed", True)
            else:
                self._until = until
                try:
                    piece = self._raw() if self._unpacked is None else next(self._unpacked, b"")
                    self._account(piece)
                except Fault as fault:
                    self._ended, problem = True, copy_of(fault)
                except BaseException:
                    self._ended = True
                    raise
        return problem, piece

    def rest(self, until: float) -> bytes:
        """All that is still to come."""
        if self._over and self._unpacked is None and len(self._came) <= self._room:
            return self._came
        pieces = []
        while piece := self.read(until):
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Let go of the connection at once; see the protocol."""
        if self._over:
            self._ended = self._ended or bool(self._came) or self._unpacked is not None
            return
        self._ended = True
        self._wire.shut(self._serial)
        if self._reading.acquire(blocking=False):  # else the reader, woken by the cut, comes here by itself
            try:
                if not self._over:
                    self._finish()
            finally:
                self._reading.release()

    def _send(self, head: bytes, body: bytes, until: float) -> None:
        whole = head + body if len(body) <= _JOINED else head + body[:_JOINED]
        try:
            count = self._wire.send(whole)
            if count < len(whole) or len(body) > _JOINED:
                self._send_rest((memoryview(whole)[count:], memoryview(body)[_JOINED:]), until)
        except OSError:
            # A server may answer (401, 413) and close before it has read everything: its answer comes next.
            self._keep = False

    def _send_rest(self, parts: tuple[memoryview, ...], until: float) -> None:
        for rest in parts:
            while rest:
                count = self._wire.send(rest)
                rest = rest[count:]
                if not count and self._wire.wait_for_room(until) and self._answered_early():
                    self._keep = False
                    return

    def _answered_early(self) -> bool:
        """Read what comes while the request is still being sent; True where the rest of it is not wanted any more."""
        data = self._wire.take()
        if data is None:
            return False
        self._came += self._answer.feed(data)
        if len(self._came) > self._room:
            raise _too_large()
        return not data or self._answer.status >= 300 or self._answer.complete

    def _receive(self, until: float) -> bytes:
        data = self._wire.read(until)
        if data:
            return self._answer.feed(data)
        if self._wire.cut:  # not the server's end: by it some bodies are complete
            raise Fault("connection", self._wire.phase, "the connection was closed on this side", True)
        self._answer.end()
        return b""

    def _headers_are_there(self) -> None:
        answer = self._answer
        self._wire.phase = "body"
        self.status, self.headers = answer.status, answer.headers
        check_length(answer.headers, self._room)
        unpacker = unpacker_for(answer.headers)
        if unpacker is not None:
            self._unpacked = _unpacked(self._pieces(), unpacker)
        if answer.complete:
            self._finish()

    def _pieces(self) -> Iterator[bytes]:
        while piece := self._raw():
            yield piece

    def _raw(self) -> bytes:
        """The next bytes of the body as they were sent."""
        piece, self._came = self._came, b""
        while not piece and not self._answer.complete:
            piece = self._receive(self._until)
        if self._answer.complete and not self._over:
            self._finish()
        return piece

    def _account(self, piece: bytes) -> None:
        if not piece:
            self._unpacked = None  # drained: nothing is lost by closing now
        self._room -= len(piece)
        if self._room < 0:
            raise _too_large()

    def _finish(self) -> None:
        """The exchange is over, well or badly: a whole answer leaves a wire that can be used again."""
        self._over = True
        if self._abort is not None:
            self._abort.arm(None)
        if self._wire.release() and self._keep and self._answer.complete and self._answer.reusable:
            self._pool.give(self._wire)
        else:
            self._wire.close()


def _too_large() -> Fault:
    return Fault("too_large", "body", "the answer is larger than allowed", True)


def _unpacked(raw: Iterator[bytes], unpacker: Unpacker) -> Iterator[bytes]:
    for data in raw:
        yield from unpacker.feed(data)
    unpacker.end()
