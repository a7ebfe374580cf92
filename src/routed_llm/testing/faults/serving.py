"""One connection: reads requests, plays the scripts that they meet, and notes when the client goes."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from routed_llm.testing.faults.fault import Asked, Fault
from routed_llm.testing.faults.journal import Arrival, Connection, Journal
from routed_llm.testing.faults.wire import End, Step, reply

__all__ = ["Chooser", "Gone", "Serving", "start"]

_PIECE = 65_536
#: larger requests than this are not read further
_MOST = 64 * 1024 * 1024
#: a script that sends without a pause looks after its client this often, in steps
_GLANCE = 16


class Gone(Exception):
    """The client went away."""


class Chooser(Protocol):
    """What a connection needs of its provider."""

    journal: Journal
    pace: float

    def choose(self) -> tuple[Fault | None, int]:
        """The fault that the next request meets, and how many met it so far."""
        ...

    def asked(self, path: str, body: Any, reused: bool, nth: int, authorization: str) -> Asked:
        """The request for a script."""
        ...

    def seconds(self) -> float:
        """Since the provider started."""
        ...


def _abort(sock: socket.socket) -> None:
    """Break a connection: the other side sees a reset."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Serving:
    """Serves one connection until either side ends it; ``run`` is a thread's work.

    Args:
        sock: the accepted connection.
        provider: tells which fault comes next.
        closing: set when the provider closes.
        connection: its entry in the journal.
        foreign: it belongs to the foreign origin: everything is noted and answered 200 with ``{}``.
    """

    def __init__(
        self, sock: socket.socket, provider: Chooser, closing: threading.Event, connection: Connection, foreign: bool
    ) -> None:
        self.sock = sock
        self.provider = provider
        self.closing = closing
        self.foreign = foreign
        self.connection = connection
        self._buffer = b""

    def run(self) -> None:
        """Serve; afterwards ``connection.closed_by`` is set."""
        try:
            while self._one():
                pass
            self.connection.closed_by = "server"
        except (Gone, OSError, ValueError):  # ValueError: it does not speak HTTP
            self.connection.closed_by = "server" if self.closing.is_set() else "client"

    def _one(self) -> bool:
        """One request; False when the connection ended with it."""
        self._read_some()
        began = self.provider.seconds()
        fault, nth = (None, 1) if self.foreign else self.provider.choose()
        reused = self.connection.requests > 0
        strikes_early = fault is not None and not fault.reads and reused
        try:
            arrival = self._read(began, whole=not strikes_early)
        except (Gone, OSError):
            self._half_arrived(began)
            raise
        self.connection.requests += 1
        arrival.reused, arrival.foreign = reused, self.foreign
        if fault is not None:
            arrival.fault, arrival.wait = fault.name, fault.wait
        self.provider.journal.note(arrival)
        asked = self.provider.asked(arrival.path, arrival.body, reused, nth, arrival.headers.get("authorization", ""))
        steps: Iterable[Step] = (reply({}),) if self.foreign else asked.healthy() if fault is None else fault.play(asked)
        return self._played(steps, arrival, asked, fault)

    def _half_arrived(self, began: float) -> None:
        """Note a request whose client went before it was whole."""
        if not self.closing.is_set():
            arrival = self._read(began, whole=False)
            arrival.left, arrival.left_after, arrival.done = True, self.provider.seconds() - began, True
            self.provider.journal.note(arrival)

    def _played(self, steps: Iterable[Step], arrival: Arrival, asked: Asked, fault: Fault | None) -> bool:
        """Play a script; whether the connection goes on. The journal says that an answer is complete before its client can."""
        try:
            for number, (step, last) in enumerate(_with_last(steps), 1):
                arrival.complete = asked.complete or (last and fault is not None and fault.whole)
                if not self._step(step, number):
                    return False
        except (Gone, OSError) as error:
            arrival.complete = False
            if not self.closing.is_set():
                arrival.left, arrival.left_after = True, self.provider.seconds() - arrival.at
            raise Gone from error
        finally:
            arrival.done = True
            self.provider.journal.changed()
        return True

    def _step(self, step: Step, number: int) -> bool:
        if isinstance(step, bytes):
            if number % _GLANCE == 0:
                self._wait(0.0)
            self.sock.sendall(step)
        elif not isinstance(step, End):
            self._wait(step * self.provider.pace)
        elif step is End.HOLD:
            self._wait(None)
        else:
            if step is End.RESET:
                _abort(self.sock)
            return False
        return True

    def _wait(self, seconds: float | None) -> None:
        """Wait, for ever if None; ends at once when the client goes.

        Raises:
            Gone: when it went, or the provider closes.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            left = 1.0 if until is None else until - time.monotonic()
            readable, _, _ = select.select([self.sock], [], [], max(0.0, min(left, 1.0)))
            if readable:
                self._more()
            elif self.closing.is_set():
                raise Gone
            if until is not None and time.monotonic() >= until:
                return

    def _more(self) -> None:
        data = self.sock.recv(_PIECE)
        if not data:
            raise Gone
        self._buffer += data

    def _read_some(self) -> None:
        if not self._buffer:
            self._more()

    def _read(self, began: float, *, whole: bool) -> Arrival:
        """A request from the buffer and the wire; ``whole=False`` takes what is there."""
        while whole and b"\r\n\r\n" not in self._buffer:
            self._need(_MOST)
        top, found, _ = self._buffer.partition(b"\r\n\r\n")
        first, *lines = top.decode("latin-1").split("\r\n")
        method, path, _ = (*first.split(" ", 2), "", "")[:3]
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        chunked = "chunked" in headers.get("transfer-encoding", "")
        if whole and "100-continue" in headers.get("expect", ""):
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        start, length = len(top) + len(found), int(headers.get("content-length") or 0)
        body, used = self._chunks(start) if chunked and whole else self._plain(start, length, whole)
        complete = bool(found) and (chunked or len(body) == length)
        raw, self._buffer = self._buffer[:used], self._buffer[used:]
        return Arrival(
            len(self.provider.journal.all_requests) + 1, self.connection.number, began, method, path, headers, raw, _json(body),
            whole=complete,
        )  # fmt: skip

    def _need(self, most: int) -> None:
        if len(self._buffer) > most:
            raise Gone
        self._more()

    def _plain(self, start: int, length: int, whole: bool) -> tuple[bytes, int]:
        while whole and len(self._buffer) < start + length:
            self._need(_MOST)
        return self._buffer[start : start + length], start + length

    def _chunks(self, at: int) -> tuple[bytes, int]:
        body = b""
        while True:
            while (line_end := self._buffer.find(b"\r\n", at)) < 0:
                self._need(_MOST)
            size = int(self._buffer[at:line_end].split(b";")[0], 16)
            at = line_end + 2 + size + 2
            while len(self._buffer) < at:
                self._need(_MOST)
            if size == 0:
                return body, at
            body += self._buffer[line_end + 2 : line_end + 2 + size]


def _with_last(steps: Iterable[Step]) -> Iterator[tuple[Step, bool]]:
    """Each step, and whether it is the last one."""
    rest = iter(steps)
    step = next(rest, None)
    while step is not None:
        following = next(rest, None)
        yield step, following is None
        step = following


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None


def start(serve: Callable[[], None], name: str) -> None:
    """Run it in a thread that never keeps the process alive."""
    threading.Thread(target=serve, daemon=True, name=name).start()
