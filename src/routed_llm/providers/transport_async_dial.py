"""Reaching a server in the async form: its name, its addresses, a proxy's tunnel, TLS."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

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
        self._made: Connection | None = None

    async def run(self, context: ssl.SSLContext | None, until: float) -> Connection | Fault:
        route, loop = self._route, self._connections.loop
        place = route.proxy or route
        begun = monotonic()
        address = numeric(place.host, place.port)
        if address is None:
            sock = await _first_of(loop, await self._look_up(place.host, place.port))
        else:
            sock = await _connected(loop, address)
        connection: Connection
        ours = self._connections
        _, connection = await loop.create_connection(lambda: Connection(loop, route.key, ours.gone, ours.room), sock=sock)
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

    async def _look_up(self, host: str, port: int) -> list[Address]:
        self.phase = "dns"
        found = await asyncio.wrap_future(look_up(host, port))
        self.phase = "connect"
        return in_turn(found)

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


async def _connected(loop: asyncio.AbstractEventLoop, address: Address) -> socket.socket:
    """A socket that is connected to an address, at half of what asyncio's own way costs where that can be had."""
    family, kind, protocol, _, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        if isinstance(loop, asyncio.SelectorEventLoop):
            await _connect(loop, sock, where)
        else:
            await loop.sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


async def _connect(loop: asyncio.AbstractEventLoop, sock: socket.socket, where: Any) -> None:
    error = sock.connect_ex(where)
    if error in _UNDER_WAY:
        if _is_there(sock):
            return
        writable, number = loop.create_future(), sock.fileno()  # of a socket that they do not know, selectors write the text
        loop.add_writer(number, _done, writable)
        try:
            await writable
        finally:
            loop.remove_writer(number)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def _is_there(sock: socket.socket) -> bool:
    """Whether it is connected already, as to servers on this machine."""
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
