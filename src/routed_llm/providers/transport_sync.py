"""The sync form of the transport: own connections, read by :mod:`~routed_llm.providers.transport_http1`.

Idle connections lie in one list for each origin, the last one used on top, and every wait on a socket ends at the deadline
(:class:`~routed_llm.providers.transport_wire.Wire`).
"""

from __future__ import annotations

import weakref
from collections.abc import Set
from time import monotonic

from routed_llm.providers.transport import Abort, Fault, Origin, Reply, Resent, Target, TransportOptions
from routed_llm.providers.transport_pool import Pool
from routed_llm.providers.transport_request import Route
from routed_llm.providers.transport_sync_connect import Connector
from routed_llm.providers.transport_sync_stream import SyncStream

__all__ = ["SyncTransport"]


class SyncTransport:
    """See :class:`routed_llm.providers.transport.Transport`."""

    def __init__(self, options: TransportOptions) -> None:
        self._options = options
        self._token = object()
        self._pool = Pool()
        self._connector = Connector(options, self._pool)
        self._end = weakref.finalize(self, self._pool.close)

    def post(
        self, target: Target, body: bytes, until: float, abort: Abort | None = None, *, once: bool = False,
        resent: Resent = None,
    ) -> Reply:  # fmt: skip
        """Send ``body`` and give the whole answer; see the protocol."""
        stream = self._open(target, body, until, abort, self._options.max_answer_bytes, once, resent)
        return Reply(stream.status, stream.headers, stream.rest(until))

    def get(self, target: Target, until: float, abort: Abort | None = None) -> Reply:
        """Ask for the target and give the whole answer; see the protocol."""
        stream = self._open(target, None, until, abort, self._options.max_answer_bytes, False)
        return Reply(stream.status, stream.headers, stream.rest(until))

    def stream(
        self, target: Target, body: bytes, until: float, abort: Abort | None = None, *, once: bool = False,
        resent: Resent = None,
    ) -> SyncStream:  # fmt: skip
        """Send ``body`` and give the answer once its headers are there; see the protocol."""
        stream = self._open(target, body, until, abort, self._options.max_stream_bytes, once, resent)
        stream.owner = self  # a transport that nobody else holds ends with its last stream, not under it
        return stream

    def keep_only(self, origins: Set[Origin] | None) -> None:
        """Keep connections to these origins alone; see the protocol."""
        self._pool.keep_only(origins)

    def close(self) -> None:
        """Close every connection, those in use as well."""
        self._end()

    def _open(
        self, target: Target, body: bytes | None, until: float, abort: Abort | None, limit: int, once: bool,
        resent: Resent = None,
    ) -> SyncStream:  # fmt: skip
        if not self._end.alive:
            raise RuntimeError("the transport is closed")
        route: Route = target.native(self._token, self._connector.route)
        now = monotonic()
        if now >= until:
            raise Fault("timeout", "connect", "the time for the call was over before it began", False)
        wire = None if once else self._pool.take(route.key, now)
        if wire is not None:
            stream = SyncStream(wire, self._pool, limit, abort)
            problem = stream.ask(route, body, until)
            if problem is None:
                return stream
            if problem.kind != "connection" or stream.begun or (abort is not None and abort.called):
                raise problem
            # The server closed while the connection was idle, before it saw this request: once more, on a new one.
        if abort is not None and abort.called:
            raise Fault("connection", "connect", "the call was ended", wire is not None)
        try:
            made = self._connector.connect(route, until)
        except Fault as fault:
            fault.sent = fault.sent or wire is not None  # by the connection that was dead
            raise
        if wire is not None and resent is not None:
            resent()
        stream = SyncStream(made, self._pool, limit, abort)
        problem = stream.ask(route, body, until)
        if problem is not None:
            raise problem
        return stream
