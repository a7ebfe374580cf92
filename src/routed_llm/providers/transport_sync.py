"""The sync form of the transport, on httpcore's HTTP/1.1 connection.

httpcore's pool is not used: its cost grows with the square of the calls under way. Here idle connections lie in one
list for each origin, the last one used on top, and every wait on a socket ends at the deadline
(:class:`~routed_llm.providers.transport_wire.Wire`).
"""

from __future__ import annotations

import ssl
import weakref
from threading import Lock
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

import httpcore

from routed_llm.providers.transport import Abort, Fault, Reply, Target, TransportOptions
from routed_llm.providers.transport_dial import dial
from routed_llm.providers.transport_options import Proxies, Proxy, certificate_variables, request_headers, ssl_context
from routed_llm.providers.transport_pool import Hold, Line, Pool
from routed_llm.providers.transport_sync_stream import SyncStream, copy_of, fault_of
from routed_llm.providers.transport_wire import Wire

__all__ = ["SyncTransport"]

_JSON: Final = (b"content-type", b"application/json")


class _Route:
    """What a target is to httpcore: where to connect, and the parts of a request that never change."""

    __slots__ = ("get_headers", "host", "key", "port", "post_headers", "proxy", "secure", "url")

    def __init__(self, target: Target, options: TransportOptions, proxies: Proxies) -> None:
        parts = urlsplit(target.url)
        self.proxy: Proxy | None = proxies.lead_to(target.url)
        self.secure = parts.scheme == "https"
        self.host, self.port = parts.hostname or "", parts.port or (443 if self.secure else 80)
        self.key = (self.secure, self.host, self.port)
        self.url = httpcore.URL(target.url.encode("ascii", "strict"))
        headers = {"host": parts.netloc, **request_headers(target, options)}
        if self.proxy is not None and not self.secure:
            if self.proxy.authorization is not None:
                headers["proxy-authorization"] = self.proxy.authorization
            self.url = httpcore.URL(scheme=b"http", host=self.proxy.host, port=self.proxy.port, target=target.url)
        self.get_headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
        self.post_headers = self.get_headers if "content-type" in headers else [*self.get_headers, _JSON]

    def headers(self, body: bytes | None) -> list[tuple[bytes, bytes]]:
        return self.get_headers if body is None else [*self.post_headers, (b"content-length", b"%d" % len(body))]


class SyncTransport:
    """See :class:`routed_llm.providers.transport.Transport`."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._proxies = Proxies.read(options)
        self._certificates = certificate_variables()
        self._token = object()
        self._pool = Pool()
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = Lock()
        self._end = weakref.finalize(self, self._pool.close)

    def post(self, target: Target, body: bytes, until: float, abort: Abort | None = None) -> Reply:
        """Send ``body`` and give the whole answer; see the protocol."""
        stream = self._open(target, body, until, abort, self._options.max_answer_bytes)
        return Reply(stream.status, stream.headers, stream.rest(until))

    def get(self, target: Target, until: float, abort: Abort | None = None) -> Reply:
        """Ask for the target and give the whole answer; see the protocol."""
        stream = self._open(target, None, until, abort, self._options.max_answer_bytes)
        return Reply(stream.status, stream.headers, stream.rest(until))

    def stream(self, target: Target, body: bytes, until: float, abort: Abort | None = None) -> SyncStream:
        """Send ``body`` and give the answer once its headers are there; see the protocol."""
        return self._open(target, body, until, abort, self._options.max_stream_bytes)

    def close(self) -> None:
        """Close every connection, those in use as well."""
        self._end()

    def _open(self, target: Target, body: bytes | None, until: float, abort: Abort | None, limit: int) -> SyncStream:
        if not self._end.alive:
            raise RuntimeError("the transport is closed")
        route: _Route = target.native(self._token, self._route)
        line = self._pool.take(route.key)
        if line is not None:
            outcome = self._ask(line, route, body, until, abort, limit)
            if isinstance(outcome, SyncStream):
                return outcome
            if outcome.kind != "connection" or line.wire.received or (abort is not None and abort.called):
                raise outcome
            # The server closed while the connection was idle, before it saw this request: once more, on a new one.
        outcome = self._ask(self._connect(route, until), route, body, until, abort, limit)
        if isinstance(outcome, Fault):
            raise outcome
        return outcome

    def _ask(
        self, line: Line, route: _Route, body: bytes | None, until: float, abort: Abort | None, limit: int
    ) -> SyncStream | Fault:
        hold = Hold(line)
        if abort is not None:
            abort.arm(hold.end)
        line.wire.begin(until)
        request = httpcore.Request(b"GET" if body is None else b"POST", route.url, content=body)
        request.headers = route.headers(body)
        try:
            return SyncStream(hold, line.connection.handle_request(request), self._pool, limit, abort)
        except (Fault, httpcore.ProtocolError) as error:
            problem = fault_of(error, line.wire)
        line.wire.close()
        return problem

    def _connect(self, route: _Route, until: float) -> Line:
        try:
            return self._reach(route, until)
        except Fault as fault:
            problem = copy_of(fault)
        raise problem

    def _reach(self, route: _Route, until: float) -> Line:
        now = monotonic()
        left = until - now
        if left <= 0:
            raise Fault("timeout", "connect", "the time for the call was over before it began", False)
        until = now + min(self._options.connect_seconds, left / 2)
        place = route.proxy or route
        wire = dial(place.host, place.port, until)
        self._pool.watch(wire)
        if route.secure:
            if route.proxy is not None:
                _tunnel(wire, route, route.proxy)
                wire.begin(until)
            wire = wire.start_tls(self._context(), route.host)
            self._pool.watch(wire)
        return Line(route.key, wire, httpcore.HTTP11Connection(route.url.origin, wire))

    def _route(self, target: Target) -> _Route:
        return _Route(target, self._options, self._proxies)

    def _context(self) -> ssl.SSLContext:
        with self._tls_lock:
            if self._tls is None:
                self._tls = ssl_context(self._options, self._certificates)
            return self._tls


def _tunnel(wire: Wire, route: _Route, proxy: Proxy) -> None:
    """Ask the proxy to connect us to the server (RFC 9110, section 9.3.6).

    Raises:
        Fault: it did not; nothing was sent to the server.
    """
    place = f"[{route.host}]:{route.port}" if ":" in route.host else f"{route.host}:{route.port}"
    url = httpcore.URL(scheme=b"http", host=proxy.host, port=proxy.port, target=place)
    request = httpcore.Request(b"CONNECT", url, headers={"host": place})
    if proxy.authorization is not None:
        request.headers.append((b"proxy-authorization", proxy.authorization.encode("ascii")))
    try:
        status = httpcore.HTTP11Connection(url.origin, wire).handle_request(request).status
    except (Fault, httpcore.ProtocolError) as error:
        fault = fault_of(error, wire)
        problem = Fault(fault.kind, "connect", f"the proxy: {fault.detail}", False)
    else:
        if 200 <= status < 300:
            return
        problem = Fault("connection", "connect", f"the proxy answered {status}", False)
    wire.close()
    raise problem
