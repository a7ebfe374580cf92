"""Reaching a server in the async form: its name, its addresses, a proxy's tunnel, TLS."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from time import monotonic
from typing import Final

from routed_llm.errors import ConfigurationError
from routed_llm.providers.transport import Fault, Phase
from routed_llm.providers.transport_connection import Connection
from routed_llm.providers.transport_names import NEXT_ADDRESS_SECONDS, Address, in_turn, look_up, numeric
from routed_llm.providers.transport_options import Proxy
from routed_llm.providers.transport_reasons import reason_of
from routed_llm.providers.transport_request import Route
from routed_llm.providers.transport_sessions import LoopConnections

__all__ = ["reach"]

_UNDER_WAY: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN})


async def reach(
    route: Route, connections: LoopConnections, context: Callable[[], ssl.SSLContext], seconds: float
) -> Connection | Fault:
    """Make a connection within ``seconds``; what went wrong comes as a value, and nothing was sent to the server."""
    attempt = _Attempt(route, connections)
    try:
        if seconds > 0 and not route.secure and attempt.is_there():  # nothing to wait for
            return await attempt.run(None, 0.0)
        async with asyncio.timeout(seconds):
            return await attempt.run(context() if route.secure else None, monotonic() + seconds)
    except TimeoutError:
        if attempt.phase == "dns":
            return Fault("timeout", "dns", "looking up the name took too long", False)
        return Fault("timeout", "connect", "no answer to the attempt to connect", False)
    except ConfigurationError:  # a ValueError, but ours: certificates that cannot be read
        raise
    except (OSError, ValueError) as error:  # ValueError: a name that no certificate can hold
        phase: Phase = "dns" if isinstance(error, socket.gaierror) else attempt.phase
        return Fault("connection", phase, reason_of(error), False)
    finally:
        attempt.clean_up()


class _Attempt:
    """One connection on its way."""

    def __init__(self, route: Route, connections: LoopConnections) -> None:
        self.phase: Phase = "connect"
        self._route = route
        self._connections = connections
        self._begun = monotonic()
        #: begun, and in nobody else's hands yet
        self._sock: socket.socket | None = None
        self._there = False
        self._made: Connection | None = None

    def is_there(self) -> bool:
        """Begin where the address is known and the loop lets us; whether that is all, as it is with servers on this machine."""
        place = self._route.proxy or self._route
        address = numeric(place.host, place.port)
        if address is None or not isinstance(self._connections.loop, asyncio.SelectorEventLoop):
            return False
        self._sock, self._there = _begun(address)
        return self._there

    async def run(self, context: ssl.SSLContext | None, until: float) -> Connection | Fault:
        route, loop, ours = self._route, self._connections.loop, self._connections
        place = route.proxy or route
        if self._sock is not None:
            if not self._there:
                await _connect(loop, self._sock)
        elif (address := numeric(place.host, place.port)) is not None:
            self._sock = await _connected(loop, address)
        else:
            self._sock = await _first_of(loop, await self._look_up(place.host, place.port))
        connection: Connection
        _, connection = await loop.create_connection(lambda: Connection(loop, route.key, ours.gone, ours.room), sock=self._sock)
        route.note(monotonic() - self._begun)
        self._made, self._sock = connection, None
        if context is not None:
            if route.proxy is not None and (problem := await _tunnel(connection, route, route.proxy, until)):
                return problem
            self.phase = "tls"
            await self._shake_hands(connection, context)
        self._connections.watch(connection)
        self._made = None
        return connection

    async def _look_up(self, host: str, port: int) -> list[Address]:
        self.phase = "dns"
        found = await asyncio.wrap_future(look_up(host, port))
        self.phase = "connect"
        return in_turn(found)

    def clean_up(self) -> None:
        """Close what was not finished."""
        if self._sock is not None:
            self._sock.close()
        if self._made is not None:
            self._made.close()

    async def _shake_hands(self, connection: Connection, context: ssl.SSLContext) -> None:
        transport = await self._connections.loop.start_tls(
            connection.transport, connection, context, server_hostname=self._route.host
        )
        if transport is None:  # the loop says so when the connection went away meanwhile
            raise ConnectionResetError
        connection.transport = transport


async def _first_of(loop: asyncio.AbstractEventLoop, addresses: list[Address]) -> socket.socket:
    """A socket to the first address that answers; they are tried one after another, 0.25 s apart."""
    waiting, running = addresses[::-1], set[asyncio.Task[socket.socket]]()
    failure: BaseException = OSError("no address")
    try:
        while waiting or running:
            if waiting:
                running.add(loop.create_task(_connected(loop, waiting.pop())))
            wait = NEXT_ADDRESS_SECONDS if waiting else None
            done, _ = await asyncio.wait(running, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                running.discard(task)
                if (problem := task.exception()) is None:
                    return task.result()
                failure = problem
        raise failure
    finally:
        await _give_up(running)


async def _give_up(running: set[asyncio.Task[socket.socket]]) -> None:
    """End attempts that are not wanted any more."""
    for task in running:
        task.cancel()
    for ended in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(ended, socket.socket):  # it was there already
            ended.close()


def _begun(address: Address) -> tuple[socket.socket, bool]:
    """A socket on its way to an address, and whether it is there already."""
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        error = sock.connect_ex(where)
        if error and error not in _UNDER_WAY:
            raise OSError(error, os.strerror(error))
    except BaseException:
        sock.close()
        raise
    return sock, not error or _is_there(sock)


async def _connected(loop: asyncio.AbstractEventLoop, address: Address) -> socket.socket:
    """A socket that is connected to an address, at half of what asyncio's own way costs where that can be had."""
    if isinstance(loop, asyncio.SelectorEventLoop):
        sock, there = _begun(address)
        waiting = None if there else _connect(loop, sock)
    else:
        family, kind, protocol, _, where = address
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        waiting = loop.sock_connect(sock, where)
    try:
        if waiting is not None:
            await waiting
    except BaseException:
        sock.close()
        raise
    return sock


async def _connect(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
    """Wait until a socket is connected."""
    writable, number = loop.create_future(), sock.fileno()  # of a socket that they do not know, selectors write the text
    loop.add_writer(number, _done, writable)
    try:
        await writable
    finally:
        loop.remove_writer(number)
    if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(error, os.strerror(error))


def _is_there(sock: socket.socket) -> bool:
    """Whether it is connected."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


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
