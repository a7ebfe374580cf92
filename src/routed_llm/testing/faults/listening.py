"""Ports: accepting, refusing, or a backlog so full that nobody gets an answer."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable

from routed_llm.testing.faults.certificate import untrusted_context
from routed_llm.testing.faults.serving import start
from routed_llm.testing.faults.wire import reply

__all__ = ["Port", "begin"]

_BACKLOG = 512
#: connections that fill a backlog of 0; Linux takes one or two
_FILL = 8
#: seconds that a first byte may take until the connection counts as plain HTTP
_GREETING = 30.0
#: the first byte of a TLS handshake (RFC 8446, 5.1)
_HANDSHAKE = b"\x16"


class Port:
    """One port of loopback. ``found`` is called, in a thread of its own, with each accepted connection."""

    def __init__(self, found: Callable[[socket.socket], None]) -> None:
        self.number = 0
        self._found = found
        self._listener: socket.socket | None = None
        self._fill: list[socket.socket] = []
        #: whether connections are accepted
        self.accepting = False

    def accept(self) -> None:
        """Accept connections, on the same number as before."""
        self.refuse()
        listener = self._listen(_BACKLOG)
        self.accepting = True
        start(lambda: self._accept(listener), "faults-port")

    def black_hole(self) -> None:
        """Answer no SYN: the backlog is full and nobody takes from it."""
        self.refuse()
        self._listen(0)
        for _ in range(_FILL):
            filler = socket.socket()
            filler.setblocking(False)
            self._fill.append(filler)
            filler.connect_ex(("127.0.0.1", self.number))
            if not select.select([], [filler], [], 0.05)[1]:
                return

    def refuse(self) -> None:
        """Nobody listens."""
        self.accepting = False
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread
            self._listener.close()
            self._listener = None
        for filler in self._fill:
            filler.close()
        self._fill.clear()

    def _listen(self, backlog: int) -> socket.socket:
        self._listener = listener = socket.create_server(("127.0.0.1", self.number), backlog=backlog)
        self.number = listener.getsockname()[1]
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            start(lambda sock=sock: self._found(sock), "faults-connection")  # type: ignore[misc]  # a default binds it


def begin(sock: socket.socket, closing: threading.Event, plain: bool) -> tuple[socket.socket, bool]:
    """The connection as it goes on: within TLS if the client greets so, unless ``plain``; and whether it is.

    Raises:
        OSError: when the client goes, does not trust the certificate, or speaks TLS to a plain port.
    """
    sock.settimeout(_GREETING)
    first = sock.recv(1, socket.MSG_PEEK)
    secure = first == _HANDSHAKE
    if secure and plain:  # as web servers do that take the greeting for a request
        sock.sendall(reply(b"", 400, {"connection": "close"}))
        raise OSError("a TLS greeting on a plain port")
    if secure and not closing.is_set():
        sock = untrusted_context().wrap_socket(sock, server_side=True)
    sock.settimeout(None)
    return sock, secure
