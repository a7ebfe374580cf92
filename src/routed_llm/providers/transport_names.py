"""Addresses of a host: numbers are addresses already, names are looked up in threads of our own, which one can leave.

The system's resolver knows no deadline, and asyncio asks it in the loop's default executor, whose threads the program may have
put to other work. Of each name at most one look-up is under way: all who wait for it share what it finds.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any, Final, TypeAlias

__all__ = ["NEXT_ADDRESS_SECONDS", "Address", "in_turn", "look_up", "numeric"]

#: family, type, protocol, canonical name and socket address, as ``socket.getaddrinfo`` gives them
Address: TypeAlias = tuple[Any, ...]

NEXT_ADDRESS_SECONDS: Final = 0.25  # RFC 8305, section 5: the delay before the next address is tried as well

_lock = Lock()
_under_way: dict[tuple[str, int], Future[list[Address]]] = {}


def _after_fork() -> None:
    """The threads that looked up are the parent's."""
    global _lock
    _lock = Lock()
    _under_way.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def numeric(host: str, port: int) -> Address | None:
    """The address that a host in numbers is; None for a name."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.inet_pton(family, host)
    except (OSError, UnicodeError):
        return None
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port))


def look_up(host: str, port: int) -> Future[list[Address]]:
    """The addresses of a name, as they come. The future may be left; it raises ``OSError`` where there is no such name."""
    with _lock:
        if (found := _under_way.get((host, port))) is None:
            found = Future()
            found.set_running_or_notify_cancel()  # who leaves does not end it for the others
            Thread(target=_ask_system, args=(host, port, found), name="routed-llm-dns", daemon=True).start()
            _under_way[host, port] = found
    return found


def _ask_system(host: str, port: int, found: Future[list[Address]]) -> None:
    addresses: list[Address] = []
    problem: OSError | None = None
    try:
        addresses = list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP))
    except OSError as error:
        problem = error
    except UnicodeError:  # told by the codec of names
        problem = socket.gaierror(socket.EAI_NONAME, "not a valid name")
    with _lock:
        if _under_way.get((host, port)) is found:
            del _under_way[host, port]
    if problem is None:
        found.set_result(addresses)
    else:
        found.set_exception(problem)


def in_turn(addresses: Iterable[Address]) -> list[Address]:
    """Families in turn, beginning with that of the first (RFC 8305, section 4)."""
    families: dict[Any, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    longest = max(map(len, families.values()), default=0)
    return [column[row] for row in range(longest) for column in families.values() if row < len(column)]
