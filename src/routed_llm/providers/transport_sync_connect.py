"""New connections of the sync form: to the server or its proxy, through the proxy, and TLS on top."""

from __future__ import annotations

import contextlib
import ssl
from threading import Lock
from time import monotonic

from routed_llm.providers.transport import Fault, Target, TransportOptions
from routed_llm.providers.transport_dial import dial
from routed_llm.providers.transport_http1 import Answer
from routed_llm.providers.transport_options import Proxies, Proxy, certificate_variables, ssl_context
from routed_llm.providers.transport_pool import Pool
from routed_llm.providers.transport_request import Route
from routed_llm.providers.transport_wire import Wire

__all__ = ["Connector", "copy_of"]


class Connector:
    """Opens connections. Proxies and certificates are those of the environment at the time when it was made."""

    def __init__(self, options: TransportOptions, pool: Pool) -> None:
        self._options = options
        self._pool = pool
        self._proxies = Proxies.read(options)
        self._certificates = certificate_variables()
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = Lock()

    def route(self, target: Target) -> Route:
        """What a target is here."""
        return Route(target, self._options, self._proxies)

    def connect(self, route: Route, until: float) -> Wire:
        """A new connection, in the time for connecting.

        Raises:
            Fault: phase ``dns``, ``connect`` or ``tls``; nothing was sent.
        """
        try:
            return self._reach(route, until)
        except Fault as fault:
            problem = copy_of(fault)
        raise problem

    def _reach(self, route: Route, until: float) -> Wire:
        now = monotonic()
        until = now + min(self._options.connect_seconds, (until - now) / 2)
        place = route.proxy or route
        sock = dial(place.host, place.port, until)
        route.note(monotonic() - now)
        wire = Wire(sock, route.key)
        self._pool.watch(wire)
        done = False
        try:
            if route.secure:
                if route.proxy is not None:
                    _tunnel(wire, route, route.proxy, until)
                wire.start_tls(self._context(), route.host, until)
            done = True
        finally:
            if not done:
                wire.close()
        return wire

    def _context(self) -> ssl.SSLContext:
        with self._tls_lock:
            if self._tls is None:
                self._tls = ssl_context(self._options, self._certificates)
            return self._tls


def _tunnel(wire: Wire, route: Route, proxy: Proxy, until: float) -> None:
    """Ask the proxy to connect us to the server (RFC 9110, section 9.3.6).

    Raises:
        Fault: it did not; nothing was sent to the server.
    """
    try:
        status = _status(wire, route.tunnel(proxy), until)
    except Fault as fault:
        problem = Fault(fault.kind, "connect", f"the proxy: {fault.detail}", False)
    else:
        if 200 <= status < 300:
            wire.begin()
            return
        problem = Fault("connection", "connect", f"the proxy answered {status}", False)
    raise problem


def _status(wire: Wire, head: bytes, until: float) -> int:
    """Send a head (on a new connection there is room for it) and give the status of the answer."""
    with contextlib.suppress(OSError):  # reading says why
        wire.send(head)
    answer = Answer()
    while not answer.status:
        data = wire.read(until)
        if not data:
            answer.end()
        answer.feed(data)
    return answer.status


def copy_of(fault: Fault) -> Fault:
    """The same without its traceback, which may pass through frames that hold a header."""
    return Fault(fault.kind, fault.phase, fault.detail, fault.sent)
