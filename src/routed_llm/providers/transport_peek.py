"""Looks at the socket under an event loop's transport, past the loop: where the loop itself would lose an answer."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from typing import Final

__all__ = ["left_at", "looker"]

_PIECE: Final = 64 * 1024


def looker(transport: asyncio.Transport) -> Callable[[], bool]:
    """A function that tells whether something lies at the socket, without waiting; to be asked while the socket is open."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is None:
        return lambda: False
    number = sock.fileno()
    if not hasattr(select, "poll"):
        return lambda: _selected(number)
    poll = select.poll()
    poll.register(number, select.POLLIN)
    look = poll.poll
    return lambda: bool(look(0))


def _selected(number: int) -> bool:
    try:
        return bool(select.select([number], [], [], 0)[0])
    except (OSError, ValueError):  # closed by its loop, which has not said so yet: of no use
        return True


def left_at(transport: asyncio.Transport) -> bytes:
    """What still lies at a socket that could not be written to; ``b""`` with TLS, where it could not be read.

    A server that refuses a large request (401, 413) answers and closes while the rest is on its way. The loop gives such a
    connection up as soon as a write fails, unread.
    """
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is None or transport.get_extra_info("sslcontext") is not None:
        return b""
    try:
        with sock.dup() as twin:  # the loop's own cannot be read
            twin.setblocking(False)
            return twin.recv(_PIECE)
    except OSError:
        return b""
