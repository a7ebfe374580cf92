"""Reaching a server in the sync form: its name, its addresses, and the first of them that answers."""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
from collections.abc import Iterable
from time import monotonic
from typing import Any, Final

from routed_llm.providers.transport import Fault
from routed_llm.providers.transport_reasons import reason_of

__all__ = ["dial"]

_NEXT_ADDRESS_SECONDS: Final = 0.25  # RFC 8305, section 5: the delay before the next address is tried as well

_Address = tuple[Any, ...]


def dial(host: str, port: int, until: float) -> socket.socket:
    """Connect to a host. Its addresses are tried one after another, 0.25 s apart, and the first that answers wins.

    Raises:
        Fault: phase ``dns`` or ``connect``; nothing was sent.
    """
    addresses = _interleave(_resolve(host, port, until))
    race = _Race(addresses, until)
    try:
        sock = race.winner()
    finally:
        race.close()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _resolve(host: str, port: int, until: float) -> list[_Address]:
    """Addresses of a host. The system's resolver knows no deadline: names are looked up in a thread one can leave."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        pass  # a name; maybe one that cannot be
    found: list[list[_Address] | OSError] = []
    done = threading.Event()

    def look_up() -> None:
        try:
            found.append(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except OSError as error:
            found.append(error)
        except UnicodeError:
            found.append(socket.gaierror(socket.EAI_NONAME, "not a valid name"))
        done.set()

    threading.Thread(target=look_up, name="routed-llm-dns", daemon=True).start()
    if not done.wait(max(0.0, until - monotonic())):
        raise Fault("timeout", "dns", "looking up the name took too long", False)
    if isinstance(found[0], OSError):
        raise Fault("connection", "dns", reason_of(found[0]), False)
    return found[0]


def _interleave(addresses: Iterable[_Address]) -> list[_Address]:
    """Families in turn, beginning with that of the first (RFC 8305, section 4)."""
    families: dict[Any, list[_Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    longest = max(map(len, families.values()), default=0)
    return [column[row] for row in range(longest) for column in families.values() if row < len(column)]


class _Race:
    """Sockets on their way to the addresses of one host."""

    def __init__(self, addresses: list[_Address], until: float) -> None:
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

    def _start(self, address: _Address) -> bool:
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
            wait = min(wait, _NEXT_ADDRESS_SECONDS)
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
