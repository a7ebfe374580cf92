"""The body of an answer in the async form, and what went wrong on the way to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping
from time import monotonic
from typing import NamedTuple

import aiohttp

from routed_llm.providers.transport import Fault, Phase
from routed_llm.providers.transport_decode import check_length, unpacker_for
from routed_llm.providers.transport_reasons import reason_of

__all__ = ["AiohttpStream", "Unanswered", "fault_of", "nothing_came"]


class AiohttpStream:
    """See :class:`routed_llm.providers.transport.AsyncByteStream`. At its proper end the connection is kept."""

    def __init__(self, response: aiohttp.ClientResponse, limit: int) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        check_length(self.headers, limit)
        self._response = response
        self._content = response.content
        self._room = limit
        self._over = self._closed = False
        self._unpacker = unpacker_for(self.headers)
        self._ready: Iterator[bytes] = iter(())

    async def read(self, until: float) -> bytes:
        """Give the next bytes; see the protocol."""
        if self._over:
            return b""
        try:
            piece, problem = await self._next(until)
        except asyncio.CancelledError:
            await self.close()
            raise
        if problem is not None:
            await self.close()
            raise problem
        return piece

    async def rest(self, until: float) -> bytes:
        """All that is still to come."""
        pieces = []
        while piece := await self.read(until):
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def close(self) -> None:
        """Let go of the connection at once; see the protocol."""
        if not self._over:
            self._closed = True
            self._response.close()

    async def _next(self, until: float) -> tuple[bytes, Fault | None]:
        if self._closed:
            return b"", Fault("connection", "body", "the stream was closed", True)
        try:
            piece = await self._piece(until)
            if not piece:
                if self._unpacker is not None:
                    self._unpacker.end()
                self._over = True
        except Fault as fault:
            return b"", fault
        except (aiohttp.ClientError, OSError) as error:
            return b"", fault_of(error, "body")
        self._room -= len(piece)
        return piece, None if self._room >= 0 else Fault("too_large", "body", "the answer is larger than allowed", True)

    async def _piece(self, until: float) -> bytes:
        if self._unpacker is None:
            return await self._raw(until)
        while True:
            for piece in self._ready:
                return piece
            data = await self._raw(until)
            if not data:
                return b""
            self._ready = self._unpacker.feed(data)

    async def _raw(self, until: float) -> bytes:
        """What lies there, else what comes next; the costly timer is set only where there is something to wait for."""
        left = until - monotonic()
        if left <= 0:
            raise Fault("timeout", "body", "the time for the call ran out", True)
        content = self._content
        data = content.read_nowait(-1)
        if data or content.at_eof():
            return data
        async with asyncio.timeout_at(asyncio.get_running_loop().time() + left):
            return await content.readany()


class Unanswered(NamedTuple):
    """A connection was closed before one byte of an answer came."""

    fault: Fault


def nothing_came(error: BaseException) -> bool:
    """Whether a connection that had been made was closed without a byte of an answer."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)  # else it is what had come of the headers
    return isinstance(error, aiohttp.ClientOSError) and not isinstance(error, aiohttp.ClientConnectorError)


def fault_of(error: BaseException, phase: Phase) -> Fault:
    """A fresh fault, whose traceback passes through no frame that holds a header."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return Fault("timeout", "connect", "no answer to the attempt to connect", False)
        case TimeoutError():
            return Fault("timeout", phase, "the time for the call ran out", True)
        case UnicodeError():
            return Fault("connection", "dns", "the name was not found: not a valid name", False)
        case aiohttp.ClientConnectorCertificateError():
            return Fault("connection", "tls", reason_of(error.certificate_error), False)
        case aiohttp.ClientConnectorSSLError():
            return Fault("connection", "tls", reason_of(error.os_error), False)
        case aiohttp.ClientConnectorError(os_error=cause):
            phase = "dns" if isinstance(cause, socket.gaierror) else "connect"
            return Fault("connection", phase, reason_of(cause), False)
        case aiohttp.ClientHttpProxyError():
            return Fault("connection", "connect", f"the proxy answered {error.status}", False)
    return _cut_or_malformed(error, phase)


def _cut_or_malformed(error: BaseException, phase: Phase) -> Fault:
    if isinstance(error, aiohttp.ServerDisconnectedError) or "payload is not completed" in str(error):
        where = "before it answered" if nothing_came(error) else "in the middle of the answer"
        return Fault("connection", phase, f"the server closed the connection {where}", True)
    if isinstance(error, OSError):
        return Fault("connection", phase, reason_of(error), True)
    if isinstance(error, aiohttp.ClientConnectionError):
        return Fault("connection", phase, "the connection was closed", True)
    return Fault("malformed", phase, "the answer breaks the rules of HTTP", True)
