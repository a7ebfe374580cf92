"""Reaching a server in the sync form: its name, its addresses, and the first of them that answers."""

from __future__ import annotations

import errno
import os
import select
import socket
from time import monotonic

from routed_llm.providers.transport import Fault
from routed_llm.providers.transport_names import NEXT_ADDRESS_SECONDS, Address, in_turn, look_up, numeric
from routed_llm.providers.transport_reasons import reason_of

__all__ = ["dial"]


def dial(host: str, port: int, until: float) -> socket.socket:
    """Connect to a host. Its addresses are tried one after another, 0.25 s apart, and the first that answers wins.

    Raises:
        Fault: phase ``dns`` or ``connect``; nothing was sent.
    """
    race = _Race(_resolve(host, port, until), until)
    try:
        sock = race.winner()
    finally:
        race.close()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _resolve(host: str, port: int, until: float) -> list[Address]:
    """Addresses of a host, in the order in which they are tried."""
    if (address := numeric(host, port)) is not None:
        return [address]
    try:
        return in_turn(look_up(host, port).result(max(0.0, until - monotonic())))
    except TimeoutError:
        problem = Fault("timeout", "dns", "looking up the name took too long", False)
    except OSError as error:
        problem = Fault("connection", "dns", reason_of(error), False)
    raise problem


class _Race:
    """Sockets on their way to the addresses of one host."""

    def __init__(self, addresses: list[Address], until: float) -> None:
        self._waiting = addresses
        self._until = until
        self._running: dict[int, socket.socket] = {}
        self._failure = "no address"

    def winner(self) -> socket.socket:
        while self._waiting or self._running:
            while self._waiting and not self._start(self._waiting.pop(0)):
                pass
            if (sock := self._next()) is not None:
                return sock
            if monotonic() >= self._until:
                raise Fault("timeout", "connect", "no answer to the attempt to connect", False)
        raise Fault("connection", "connect", self._failure, False)

    def close(self) -> None:
        for sock in self._running.values():
            sock.close()

    def _start(self, address: Address) -> bool:
        """Begin with one address; False where it failed at once."""
        family, kind, protocol, _, where = address
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # this family is not there
            self._failure = reason_of(error)
            return False
        sock.setblocking(False)
        code = sock.connect_ex(where)
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            sock.close()
            self._failure = os.strerror(code).lower()
            return False
        self._running[sock.fileno()] = sock
        return True

    def _next(self) -> socket.socket | None:
        """Wait until one socket is decided, or it is time for the next address."""
        wait = max(0.0, self._until - monotonic())
        if self._waiting:
            wait = min(wait, NEXT_ADDRESS_SECONDS)
        for number in self._decided(wait):
            sock = self._running.pop(number)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                return sock
            sock.close()
            self._failure = os.strerror(code).lower()
        return None

    def _decided(self, wait: float) -> list[int]:
        if not self._running:
            return []
        if hasattr(select, "poll"):
            poll = select.poll()
            for number in self._running:
                poll.register(number, select.POLLOUT)
            return [number for number, _ in poll.poll(wait * 1000)]
        numbers = list(self._running)
        _, ready, failed = select.select([], numbers, numbers, wait)  # Windows tells a failure by the third list
        return ready + [number for number in failed if number not in ready]
