"""Sockets of the sync form: every wait ends at a deadline, and another thread can end a blocked one.

The sockets themselves never block: ``poll`` waits. A wait then costs one system call, and none to set its limit before.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from threading import Lock
from time import monotonic
from typing import Any, Final, TypeAlias

from routed_llm.providers.transport import Fault, Phase
from routed_llm.providers.transport_reasons import reason_of

__all__ = ["Key", "Wire"]

Key: TypeAlias = tuple[bool, str, int]
"""Which connections may stand for one another: TLS or not, host, port. (In a transport each has one proxy or none.)"""

_READ: Final = 64 * 1024
_LONGEST_WAIT: Final = 60_000.0  # milliseconds; a longer wait is several
_IN: Final[int] = getattr(select, "POLLIN", 1)
_OUT: Final[int] = getattr(select, "POLLOUT", 4)
_NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Wire:
    """One connection, used by one call at a time.

    ``phase`` (what is being waited for) and ``sent`` (a byte may have left) speak of the present call. ``cut`` says that
    :meth:`shut` ended it. ``serial`` counts calls, so that what was meant for one of them never hits a later one.
    """

    __slots__ = ("__weakref__", "_closed", "_gate", "_poll", "_sock", "_tls", "_wants", "cut", "idle_since", "key", "phase",
                 "sent", "serial")  # fmt: skip

    def __init__(self, sock: socket.socket, key: Key) -> None:
        sock.setblocking(False)
        self.key = key
        self.idle_since = 0.0
        self.serial = 0
        self.cut = self._closed = False
        self.begin()
        self._sock = sock
        self._tls: ssl.SSLSocket | None = None
        self._wants = _IN | _OUT
        self._gate = Lock()  # the descriptor must not be closed, and perhaps be another's, while shut uses it
        self._poll: Any = select.poll() if hasattr(select, "poll") else _Select()
        self._poll.register(sock, _IN)

    def begin(self) -> int:
        """A call starts; give its number."""
        self.phase: Phase = "headers"
        self.sent = False
        return self.serial

    def release(self) -> bool:
        """The call is over; False where the connection was cut."""
        with self._gate:
            self.serial += 1
            return not self.cut

    def read(self, until: float) -> bytes:
        """Wait for bytes and give all that are there, up to about 64 KiB; ``b""`` at the end."""
        while True:
            left = until - monotonic()
            if left <= 0:
                raise self._late(self.phase)
            # Bytes may lie decrypted in the TLS layer, where poll does not see them.
            if (self._tls is not None and self._tls.pending()) or self._poll.poll(min(left * 1000, _LONGEST_WAIT)):
                data = self.take()
                if data is not None:
                    return data

    def take(self) -> bytes | None:
        """What is there now; None where nothing is, ``b""`` at the end."""
        try:
            data = self._sock.recv(_READ)
        except _NOT_NOW:
            return None
        except OSError as error:
            raise Fault("connection", self.phase, reason_of(error), self.sent) from None
        return data if self._tls is None or not data else self._with_more_records(self._tls, data)

    def send(self, data: bytes | memoryview) -> int:
        """Send what there is room for now; give its length, 0 where there is no room.

        Raises:
            OSError: the connection is broken.
        """
        self.sent = True
        try:
            return self._sock.send(data)
        except ssl.SSLWantReadError:  # TLS has to hear from the server first
            self._wants = _IN
        except (BlockingIOError, ssl.SSLWantWriteError):
            self._wants = _IN | _OUT
        return 0

    def wait_for_room(self, until: float) -> bool:
        """After :meth:`send` gave 0: wait until it may go on. True where the server has said something (or closed)."""
        self._poll.modify(self._sock, self._wants)
        try:
            while (left := until - monotonic()) > 0:
                if found := self._poll.poll(min(left * 1000, _LONGEST_WAIT)):
                    return any(event & ~_OUT for _, event in found)
        finally:
            self._poll.modify(self._sock, _IN)
        raise self._late("write")

    def start_tls(self, context: ssl.SSLContext, host: str, until: float) -> None:
        """Shake hands.

        Raises:
            Fault: phase ``tls``.
        """
        try:
            tls = context.wrap_socket(self._sock, server_hostname=host, do_handshake_on_connect=False)
            self._sock = self._tls = tls  # from here on shut ends the handshake
            tls.settimeout(max(until - monotonic(), 0.001))
            tls.do_handshake()
            tls.setblocking(False)
        except TimeoutError:
            raise self._late("tls") from None
        except (OSError, ValueError) as error:  # ValueError: a name that no certificate can hold
            raise Fault("connection", "tls", reason_of(error), False) from None

    def alive(self) -> bool:
        """Whether an idle connection can be used: what lies there to be read is its end, or an answer to nothing."""
        if not self._poll.poll(0):
            return True
        if self._tls is None:
            return False
        try:
            return self.take() is None  # TLS's own messages, as tickets for sessions, do no harm
        except Fault:
            return False

    def shut(self, serial: int | None = None) -> None:
        """End the connection from any thread (only during the call of that number); a blocked read returns at once."""
        with self._gate:
            if self._closed or self.cut or (serial is not None and serial != self.serial):
                return
            self.cut = True
            with contextlib.suppress(OSError):  # it is gone already
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # SSLSocket's own takes TLS away under the reader

    def close(self) -> None:
        """Close the socket."""
        with self._gate:
            self._closed = True
            self._sock.close()

    def close_copy(self) -> None:
        """Close the socket in a forked child, where some thread of the parent may hold the lock for ever."""
        self._gate = Lock()
        self.close()

    def _with_more_records(self, tls: ssl.SSLSocket, data: bytes) -> bytes:
        """A read of TLS gives one record at most (16 KiB, often one event of a stream): add those that have come as well."""
        parts, size = [data], len(data)
        while size < _READ and (tls.pending() or self._poll.poll(0)):
            try:
                data = tls.recv(_READ)
            except OSError:  # nothing whole, or an error: the next read meets it
                break
            if not data:
                break
            parts.append(data)
            size += len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _late(self, phase: Phase) -> Fault:
        return Fault("timeout", phase, "the time for the call ran out", self.sent)


class _Select:
    """As much of ``poll`` as a wire needs, for Windows, which has none."""

    def register(self, sock: socket.socket, events: int) -> None:
        self._number, self._events = sock.fileno(), events  # TLS takes the number over, not the object

    modify = register

    def poll(self, milliseconds: float) -> list[tuple[int, int]]:
        watched = [self._number]
        reading = watched if self._events & _IN else []
        writing = watched if self._events & _OUT else []
        readable, writable, failed = select.select(reading, writing, watched, milliseconds / 1000)
        event = (_IN if readable or failed else 0) | (_OUT if writable else 0)
        return [(self._number, event)] if event else []
