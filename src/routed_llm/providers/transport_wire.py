"""Sockets of the sync form: every wait ends at a deadline, and another thread can end a blocked one."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from time import monotonic
from typing import Any, Final

import httpcore

from routed_llm.providers.transport import Fault, Phase
from routed_llm.providers.transport_reasons import reason_of

__all__ = ["Wire"]

_WRITE_PIECE: Final = 256 * 1024
_HEAD: Final = b"HTTP/"


class Wire(httpcore.NetworkStream):
    """One socket as httpcore wants it. What is written waits for the next read, so a request leaves in one piece.

    ``until`` (monotonic) limits whatever happens. ``phase`` (what is being waited for), ``sent`` (a byte may have
    left), ``received`` (a byte came) and ``ended`` (the server closed) speak of the present request. httpcore's own
    timeouts do not count.
    """

    def __init__(self, sock: socket.socket, until: float) -> None:
        self.begin(until)
        self._sock = sock
        self._pending: list[bytes] = []
        self._poll = None
        if hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(sock.fileno(), select.POLLIN)

    def begin(self, until: float) -> None:
        """A new request starts."""
        self.until = until
        self.phase: Phase = "headers"
        self.sent = self.received = self.ended = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Send what waits, then give what comes; ``b""`` at the end."""
        if self._pending:
            self._flush()
        try:
            self._sock.settimeout(self._left(self.phase))
            data = self._sock.recv(max_bytes)
        except TimeoutError:
            raise self._late(self.phase) from None
        except OSError as error:
            raise Fault("connection", self.phase, reason_of(error), self.sent) from None
        if not data:
            self.ended = True
        elif not self.received:
            self.received = True
            if not data.startswith(_HEAD) and not _HEAD.startswith(data[:5]):
                raise Fault("malformed", "headers", "the server does not speak HTTP", True)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Keep the bytes for the next read."""
        if buffer:
            self._pending.append(buffer)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def shut(self) -> None:
        """End the connection from another thread: a blocked read returns at once; the file descriptor stays open."""
        with contextlib.suppress(OSError):  # it is gone already
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # SSLSocket's own would take TLS away under the reader

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None) -> Wire:
        """Shake hands; the new wire takes the socket over."""
        try:
            self._sock.settimeout(self._left("tls"))
            return Wire(ssl_context.wrap_socket(self._sock, server_hostname=server_hostname), self.until)
        except TimeoutError:
            raise self._late("tls") from None
        except (OSError, ValueError) as error:  # ValueError: a name that no certificate can hold
            raise Fault("connection", "tls", reason_of(error), False) from None

    def get_extra_info(self, info: str) -> Any:
        """The facts httpcore asks for."""
        if info == "is_readable":
            return self.readable()
        return self._sock if info == "socket" else None

    def readable(self) -> bool:
        """Whether something lies there to be read; on an idle connection that is its end."""
        if self._poll is not None:
            return bool(self._poll.poll(0))
        return bool(select.select([self._sock], [], [], 0)[0])

    def _flush(self) -> None:
        rest = memoryview(self._pending[0] if len(self._pending) == 1 else b"".join(self._pending))
        self._pending.clear()
        try:
            while rest:
                self._sock.settimeout(self._left("write"))
                self.sent = True
                rest = rest[self._sock.send(rest[:_WRITE_PIECE]) :]
        except TimeoutError:
            raise self._late("write") from None
        except OSError:
            # A server may answer (401, 413) and close before it has read everything: its answer comes next.
            return

    def _left(self, phase: Phase) -> float:
        left = self.until - monotonic()
        if left <= 0:
            raise self._late(phase)
        return left

    def _late(self, phase: Phase) -> Fault:
        return Fault("timeout", phase, "the time for the call ran out", self.sent)
