"""The async form of the transport, on aiohttp: one session for each event loop, which ends with its loop."""

from __future__ import annotations

import asyncio
import ssl
import weakref
from collections.abc import AsyncIterator
from threading import Lock
from time import monotonic
from typing import Final

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from routed_llm.providers.transport import Fault, Reply, Target, TransportOptions
from routed_llm.providers.transport_async_stream import AiohttpStream, Unanswered, fault_of, nothing_came
from routed_llm.providers.transport_options import Proxies, certificate_variables, request_headers, ssl_context
from routed_llm.providers.transport_sessions import Sessions, is_new_connection

__all__ = ["AiohttpTransport"]

_LARGE: Final = 1024 * 1024  # above this aiohttp warns that bytes given as a whole may hold the loop up
_PIECE: Final = 256 * 1024


class _Route:
    """What a target is to aiohttp."""

    __slots__ = ("get_headers", "post_headers", "proxy", "proxy_headers", "secure", "url")

    def __init__(self, target: Target, options: TransportOptions, proxies: Proxies) -> None:
        self.url = URL(target.url, encoded=True)
        self.secure = self.url.scheme == "https"
        headers = request_headers(target, options)
        proxy = proxies.lead_to(target.url)
        self.proxy = None if proxy is None else URL(proxy.url, encoded=True)
        self.proxy_headers: dict[str, str] | None = None
        if proxy is not None and proxy.authorization is not None:
            if self.secure:
                self.proxy_headers = {"proxy-authorization": proxy.authorization}
            else:
                headers["proxy-authorization"] = proxy.authorization
        self.get_headers = CIMultiDict(headers)
        self.post_headers = CIMultiDict({"content-type": "application/json", **headers})


class AiohttpTransport:
    """See :class:`routed_llm.providers.transport.AsyncTransport`."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._proxies = Proxies.read(options)
        self._certificates = certificate_variables()
        self._token = object()
        self._sessions = Sessions(options.connect_seconds)
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = Lock()
        self._end = weakref.finalize(self, self._sessions.end)

    async def post(self, target: Target, body: bytes, until: float) -> Reply:
        """Send ``body`` and give the whole answer; see the protocol."""
        stream = await self._open(target, body, until, self._options.max_answer_bytes)
        return Reply(stream.status, stream.headers, await stream.rest(until))

    async def get(self, target: Target, until: float) -> Reply:
        """Ask for the target and give the whole answer; see the protocol."""
        stream = await self._open(target, None, until, self._options.max_answer_bytes)
        return Reply(stream.status, stream.headers, await stream.rest(until))

    async def stream(self, target: Target, body: bytes, until: float) -> AiohttpStream:
        """Send ``body`` and give the answer once its headers are there; see the protocol."""
        return await self._open(target, body, until, self._options.max_stream_bytes)

    async def close(self) -> None:
        """Close the connections of this loop; other loops are told to close theirs."""
        await self._sessions.close()
        self._end()

    async def _open(self, target: Target, body: bytes | None, until: float, limit: int) -> AiohttpStream:
        if not self._end.alive:
            raise RuntimeError("the transport is closed")
        route: _Route = target.native(self._token, self._route)
        sessions = self._sessions.here()
        is_new_connection.set(False)
        outcome = await self._ask(sessions.kept, route, body, until, limit)
        if isinstance(outcome, Unanswered) and not is_new_connection.get():
            # The server closed while the connection was idle, before it saw this request: once more, on a new one.
            outcome = await self._ask(sessions.fresh(), route, body, until, limit)
        if isinstance(outcome, Unanswered):
            raise outcome.fault
        if isinstance(outcome, Fault):
            raise outcome
        return outcome

    async def _ask(
        self, session: aiohttp.ClientSession, route: _Route, body: bytes | None, until: float, limit: int
    ) -> AiohttpStream | Unanswered | Fault:
        left = until - monotonic()
        if left <= 0:
            return Fault("timeout", "connect", "the time for the call was over before it began", False)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(loop.time() + left):
                response = await self._request(session, route, body, left)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            fault = fault_of(error, "headers")
            return Unanswered(fault) if nothing_came(error) else fault
        try:
            return AiohttpStream(response, limit)
        except Fault as fault:
            response.close()
            return fault

    async def _request(
        self, session: aiohttp.ClientSession, route: _Route, body: bytes | None, left: float
    ) -> aiohttp.ClientResponse:
        timeout = session.timeout
        if left < 2 * self._options.connect_seconds:
            timeout = aiohttp.ClientTimeout(connect=left / 2)
        data: bytes | AsyncIterator[bytes] | None = body
        headers = route.get_headers if body is None else route.post_headers
        if body is not None and len(body) > _LARGE:
            data, headers = _pieces(body), headers.copy()
            headers["content-length"] = str(len(body))
        return await session.request(
            "GET" if body is None else "POST",
            route.url,
            data=data,
            headers=headers,
            allow_redirects=False,
            proxy=route.proxy,
            proxy_headers=route.proxy_headers,
            ssl=self._context() if route.secure else True,
            timeout=timeout,
        )

    def _route(self, target: Target) -> _Route:
        return _Route(target, self._options, self._proxies)

    def _context(self) -> ssl.SSLContext:
        with self._tls_lock:
            if self._tls is None:
                self._tls = ssl_context(self._options, self._certificates)
            return self._tls


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]
