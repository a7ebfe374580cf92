"""Looks at the socket under an event loop's transport, past the loop: where the loop itself would lose an answer."""

from __future__ import annotations

import asyncio
import select
import socket
from typing import Final

__all__ = ["is_readable", "left_at"]

_PIECE: Final = 64 * 1024


def is_readable(transport: asyncio.Transport) -> bool:
    """Whether something lies at the socket; a look at it, without waiting."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return False
    if not hasattr(select, "poll"):
        return bool(select.select([sock.fileno()], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))


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
