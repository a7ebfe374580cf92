"""Reaching a server in the async form: its name, its addresses, a proxy's tunnel, TLS."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import ssl
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from routed_llm.providers.transport import Fault, Phase
from routed_llm.providers.transport_connection import Connection
from routed_llm.providers.transport_options import Proxy
from routed_llm.providers.transport_reasons import reason_of
from routed_llm.providers.transport_request import Route
from routed_llm.providers.transport_sessions import LoopConnections

__all__ = ["reach"]

_NEXT_ADDRESS_SECONDS: Final = 0.25  # RFC 8305, section 5: the delay before the next address is tried as well
_NUMERIC: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")
_UNDER_WAY: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN})
_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")


async def reach(
    route: Route, connections: LoopConnections, context: Callable[[], ssl.SSLContext], seconds: float
) -> Connection | Fault:
    """Make a connection within ``seconds``; what went wrong comes as a value, and nothing was sent to the server."""
    attempt = _Attempt(route, connections)
    try:
        async with asyncio.timeout(seconds):
            return await attempt.run(context() if route.secure else None, monotonic() + seconds)
    except TimeoutError:
        return Fault("timeout", "connect", "no answer to the attempt to connect", False)
    except UnicodeError:  # told by the codec of names
        return Fault("connection", "dns", "the name was not found: not a valid name", False)
    except (OSError, ValueError) as error:  # ValueError: a name that no certificate can hold
        phase: Phase = "dns" if isinstance(error, socket.gaierror) else attempt.phase
        return Fault("connection", phase, _reason(error), False)
    finally:
        attempt.clean_up()


class _Attempt:
    """One connection on its way."""

    def __init__(self, route: Route, connections: LoopConnections) -> None:
        self.phase: Phase = "connect"
        self._route = route
        self._connections = connections
        self._made: Connection | None = None

    async def run(self, context: ssl.SSLContext | None, until: float) -> Connection | Fault:
        route, loop = self._route, self._connections.loop
        place = route.proxy or route
        where: dict[str, Any] = {"host": place.host, "port": place.port}
        numeric = _NUMERIC.fullmatch(place.host) is not None
        begun = monotonic()
        if numeric and isinstance(loop, asyncio.SelectorEventLoop):
            where = {"sock": await _connected(loop, place.host, place.port)}
        elif not numeric and isinstance(loop, asyncio.BaseEventLoop):  # uvloop's loops do not know the race between addresses
            where["happy_eyeballs_delay"] = _NEXT_ADDRESS_SECONDS
        connection: Connection
        _, connection = await loop.create_connection(lambda: Connection(loop, route.key, self._connections.gone), **where)
        route.note(monotonic() - begun)
        self._made = connection
        if context is not None:
            if route.proxy is not None and (problem := await _tunnel(connection, route, route.proxy, until)):
                return problem
            self.phase = "tls"
            await self._shake_hands(connection, context)
        self._connections.watch(connection)
        self._made = None
        return connection

    def clean_up(self) -> None:
        """Close what was not finished."""
        if self._made is not None:
            self._made.close()

    async def _shake_hands(self, connection: Connection, context: ssl.SSLContext) -> None:
        transport = await self._connections.loop.start_tls(
            connection.transport, connection, context, server_hostname=self._route.host
        )
        if transport is None:  # the loop says so when the connection went away meanwhile
            raise ConnectionResetError
        connection.transport = transport


async def _connected(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    """A connected socket for a numeric address: nothing to look up and no other to try, at half of what asyncio's way costs."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        error = sock.connect_ex((host, port))
        if error in _UNDER_WAY:
            writable = loop.create_future()
            loop.add_writer(sock, _done, writable)
            try:
                await writable
            finally:
                loop.remove_writer(sock)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
    except BaseException:
        sock.close()
        raise
    return sock


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _tunnel(connection: Connection, route: Route, proxy: Proxy, until: float) -> Fault | None:
    """Ask the proxy to connect us to the server (RFC 9110, section 9.3.6)."""
    fault = await connection.ask(route.tunnel(proxy), b"", until)
    if fault is not None:
        if fault.kind == "timeout":
            return Fault("timeout", "connect", "no answer to the attempt to connect", False)
        return Fault(fault.kind, "connect", f"the proxy: {fault.detail}", False)
    answer, connection.answer = connection.answer, None
    status = 0 if answer is None else answer.status
    if not 200 <= status < 300:
        return Fault("connection", "connect", f"the proxy answered {status}", False)
    if connection.taken():  # the server speaks second
        return Fault("malformed", "connect", "the proxy sent more than its answer", False)
    return None


def _reason(error: Exception) -> str:
    """As :func:`reason_of`; where several addresses failed, asyncio's error has their numbers in its text only."""
    if isinstance(error, OSError) and error.errno is None and (found := _NUMBER.search(str(error))):
        return os.strerror(int(found[1])).lower()
    return reason_of(error)
