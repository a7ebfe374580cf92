"""Serves a sandbox over HTTP on the loopback interface."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from routed_llm.providers.sandbox.http_requests import BadRequest, read_request, send_reply
from routed_llm.providers.sandbox.sandbox import Sandbox

__all__ = ["SandboxServer"]

_BACKLOG = 512
#: seconds after which the accepting thread looks whether it shall end, should nothing wake it
_GLANCE = 0.5


class SandboxServer:
    """A sandbox behind a port: HTTP/1.1 with kept connections, one thread for each.

    ::

        with SandboxServer() as server:
            model = ChatOpenAI(base_url=server.base_url, api_key="any", model="sandbox-large")

    Args:
        sandbox: what it serves; None for the default models.
        host: the interface.
        port: the port; 0 for a free one.
    """

    def __init__(self, sandbox: Sandbox | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.sandbox = sandbox if sandbox is not None else Sandbox()
        self.host = host
        self.port = port
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._accepting: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """What clients of OpenAI's interfaces take as base URL, such as ``http://127.0.0.1:8080/v1``.

        Raises:
            RuntimeError: before the server is started with port 0.
        """
        return f"{self._origin}/v1"

    @property
    def anthropic_url(self) -> str:
        """Where Anthropic's Messages API is spoken; its own clients take it without ``/v1``."""
        return f"{self._origin}/v1"

    @property
    def gemini_url(self) -> str:
        """Where Gemini's generateContent is spoken; its own clients take it without ``/v1beta``."""
        return f"{self._origin}/v1beta"

    @property
    def _origin(self) -> str:
        if not self.port:
            raise RuntimeError("the sandbox server has no port yet: call start(), or use it in a with statement")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self) -> Self:
        """Begins to serve, in threads of its own that never keep the process alive.

        Raises:
            OSError: when the port is taken.
            RuntimeError: when it was closed before.
        """
        if self._closed.is_set():
            raise RuntimeError("this sandbox server was closed: make a new one")
        if self._listener is None:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            self._listener = socket.create_server((self.host, self.port), family=family, backlog=_BACKLOG)
            self._listener.settimeout(_GLANCE)
            self.port = self._listener.getsockname()[1]
            self._accepting = threading.Thread(target=self._accept, args=(self._listener,), daemon=True, name="sandbox")
            self._accepting.start()
        return self

    def close(self) -> None:
        """Stops serving and drops every connection, at once."""
        self._closed.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread
            self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self._accepting is not None:
            self._accepting.join(2 * _GLANCE)

    def serve_forever(self) -> None:
        """Serves until :meth:`close` is called or the user interrupts."""
        self.start()
        try:
            self._closed.wait()
        except KeyboardInterrupt:
            self.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _accept(self, listener: socket.socket) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                break
            connection.settimeout(None)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True, name="sandbox-connection").start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self._talk(connection)
        except (OSError, BadRequest):
            pass  # the client has gone, or never spoke HTTP
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _talk(self, connection: socket.socket) -> None:
        for request in read_request(connection):
            reply = self.sandbox.handle(request.method, request.path, request.headers, request.body)
            if not send_reply(connection, reply, request.keeps_alive, self._wait):
                break

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and self._closed.wait(seconds):
            raise OSError("the sandbox server was closed")
