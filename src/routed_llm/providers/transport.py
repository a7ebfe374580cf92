"""The seam between this package and HTTP: bytes go out, bytes come back, faults are few and typed.

Two forms stand behind it and behave alike in proxies, certificates, limits and faults (one test suite runs on both):
:mod:`~routed_llm.providers.transport_sync` on sockets and :mod:`~routed_llm.providers.transport_async` on asyncio. Both
read answers by :mod:`~routed_llm.providers.transport_http1`; no HTTP library is used.

What holds for every call, in both:

- ``until`` is a point of :func:`time.monotonic` at which the call ends, whatever the server does meanwhile. A server
  that sends one byte now and then cannot hold a call open.
- Redirects are never followed (a 3xx is returned as it is), cookies are neither kept nor sent, and nothing is repeated,
  with one exception: a kept connection that turns out to be closed before one byte of an answer came is replaced once
  (never with ``once=True``). ``resent`` is called when the request leaves again.
- The body of an answer comes decoded (gzip and deflate); its size is capped after decoding.
- A connection that idles longer than :data:`IDLE_SECONDS` is not used again.
- Detail texts and representations name the origin only: no query, no header, no key.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Set
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from types import MappingProxyType
from typing import Any, Final, Literal, NoReturn, Protocol, TypeAlias
from urllib.parse import unquote, urlsplit

from routed_llm.catalog.hiding import sealed
from routed_llm.errors import ConfigurationError

__all__ = [
    "ABORT",
    "IDLE_SECONDS",
    "LONGEST_HEADER",
    "Abort",
    "AsyncByteStream",
    "AsyncTransport",
    "ByteStream",
    "Fault",
    "FaultKind",
    "Origin",
    "Phase",
    "Reply",
    "Resent",
    "Target",
    "Transport",
    "TransportOptions",
    "get_async",
    "get_sync",
    "origin_of",
]

IDLE_SECONDS: Final = 4.0
"""How long an idle connection is kept: below the 5 s after which Node.js, uvicorn and hypercorn close it by default."""

LONGEST_HEADER: Final = 64 * 1024
"""Of a value, in characters; most servers take 8 to 64 KiB for all headers together."""

FaultKind = Literal["connection", "timeout", "too_large", "malformed"]
#: what is called when a request leaves again
Resent: TypeAlias = Callable[[], object] | None
#: where connections lead: whether by TLS, host, port
Origin: TypeAlias = tuple[bool, str, int]
Phase = Literal["dns", "connect", "tls", "write", "headers", "body"]

_LINE_BREAKS = re.compile(r"[\r\n\0]")
_VISIBLE = re.compile(r"[!-~]+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2


class Fault(Exception):
    """A call brought no whole answer.

    Args:
        kind: ``connection`` (refused, cut, not trusted), ``timeout``, ``too_large`` or ``malformed`` (not HTTP, or a
            body that cannot be decoded).
        phase: how far the call was.
        detail: what happened, without secrets.
        sent: whether the request, or a part of it, may have reached the server.
    """

    def __init__(self, kind: FaultKind, phase: Phase, detail: str, sent: bool) -> None:
        super().__init__(kind, phase, detail, sent)
        self.kind: FaultKind = kind
        self.phase: Phase = phase
        self.detail = detail
        self.sent = sent

    def __str__(self) -> str:
        return f"{self.kind} fault ({self.phase}): {self.detail}"


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """How connections are made.

    Args:
        proxy: URL of an HTTP proxy (``http://user:password@host:port``) for every call; None takes it
            from the environment.
        ca_bundle: file (PEM) or directory of the certificates to trust instead of the default ones.
        client_cert: file (PEM) with certificate and key, or both files; shown to servers that ask for one.
        headers: sent with every request; a target's own header of the same name wins.
        connect_seconds: limit for finding, connecting and greeting a server, in seconds; half of the time that is left
            where that is less.
        max_answer_bytes: size of a whole answer, decoded.
        trust_env: whether HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY (or lower case), SSL_CERT_FILE and SSL_CERT_DIR
            count. They are read when the transport is made.
        max_stream_bytes: the same for a stream, which is never held in memory as a whole. The largest answers of
            today's models (128k tokens, about 300 bytes for an event of one token) are near 40 MB.
    """

    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None
    client_cert: str | tuple[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    connect_seconds: float = 2.0
    max_answer_bytes: int = 16 * 1024 * 1024
    trust_env: bool = True
    max_stream_bytes: int = 128 * 1024 * 1024


class Target:
    """One URL with its headers: made once for a deployment and a key, used for every call.

    Credentials in the URL become an ``authorization`` header. Header names are kept in lower case.

    Raises:
        ConfigurationError: the URL is not http(s), or a header cannot be sent. The text never holds a header's value.
    """

    __slots__ = ("_native", "headers", "url")

    @sealed
    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self.headers: dict[str, str] = clean_headers(headers or {})
        self.url, basic = split_credentials(url)
        if basic is not None:
            self.headers.setdefault("authorization", basic)
        self._native: dict[object, Any] = {}

    def native(self, token: object, make: Callable[[Target], Any]) -> Any:
        """What one transport (named by ``token``) made of this target; made at the first call."""
        try:
            return self._native[token]
        except KeyError:
            if len(self._native) >= 8:  # targets outlive transports only in odd programs; do not grow for them
                self._native.clear()
            self._native[token] = made = make(self)
            return made

    @property
    def network(self) -> float | None:
        """Seconds there and back, by the connections that were made; None where none was, and through a proxy."""
        known = [made.reached for made in self._native.values() if made.reached is not None]
        return min(known, default=None)

    def __repr__(self) -> str:
        return f"Target({self.url.partition('?')[0]!r}, headers={sorted(self.headers)})"

    def __copy__(self) -> Target:
        return self

    def __deepcopy__(self, memo: object) -> Target:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Target holds keys and is not pickled: make it anew from the deployment")


class Reply:
    """A whole answer: ``status``, ``headers`` (lower-case names; of a repeated name the last), ``body`` (decoded)."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"Reply(status={self.status}, body=<{len(self.body)} bytes>)"


class Abort:
    """Ends a sync call from another thread: ``abort = Abort(); post(..., abort=abort)`` and elsewhere ``abort()``.

    One object serves one call at a time. After it was called, every call that gets it fails at once.
    """

    __slots__ = ("_end", "_lock", "called")

    def __init__(self) -> None:
        self._lock = Lock()
        self._end: Callable[[], None] | None = None
        self.called = False

    def __call__(self) -> None:
        """End the call that runs now, and any that comes."""
        with self._lock:
            self.called = True
            end, self._end = self._end, None
        if end is not None:
            end()

    def arm(self, end: Callable[[], None] | None) -> None:
        """Say what ends the call now (None: nothing is running)."""
        with self._lock:
            self._end = end
            called = self.called
        if called and end is not None:
            end()


#: what may end the sync calls of the running context; None where nothing does
ABORT: ContextVar[Abort | None] = ContextVar("routed_llm_abort", default=None)


class ByteStream(Protocol):
    """The body of an answer, read piece by piece in the caller's thread."""

    status: int
    headers: Mapping[str, str]

    def read(self, until: float) -> bytes:
        """Give the next bytes; ``b""`` once the body has ended as it should.

        Raises:
            Fault: the body was cut, is too large or cannot be decoded, ``until`` passed, or the stream was closed.
        """
        ...

    def close(self) -> None:
        """Let go of the connection at once; from another thread it ends a blocked ``read``. May be called twice."""
        ...


class AsyncByteStream(Protocol):
    """The body of an answer, read piece by piece in the event loop."""

    status: int
    headers: Mapping[str, str]

    async def read(self, until: float) -> bytes:
        """As :meth:`ByteStream.read`."""
        ...

    async def close(self) -> None:
        """Let go of the connection at once. May be called twice."""
        ...


class Transport(Protocol):
    """The sync form. Safe for many threads and after a fork."""

    def post(
        self, target: Target, body: bytes, until: float, abort: Abort | None = None, *, once: bool = False,
        resent: Resent = None,
    ) -> Reply:  # fmt: skip
        """Send ``body`` and give the whole answer, whatever its status; raises :class:`Fault`.

        With ``once`` it leaves on a new connection and is never sent again; otherwise a kept one is replaced where it is dead.
        """
        ...

    def get(self, target: Target, until: float, abort: Abort | None = None) -> Reply:
        """Ask for the target and give the whole answer, whatever its status; raises :class:`Fault`."""
        ...

    def stream(
        self, target: Target, body: bytes, until: float, abort: Abort | None = None, *, once: bool = False,
        resent: Resent = None,
    ) -> ByteStream:  # fmt: skip
        """Send ``body``, give the answer once its headers are there (``until`` limits that); raises :class:`Fault`."""
        ...

    def keep_only(self, origins: Set[Origin] | None) -> None:
        """Keep connections to these origins alone, None to all; others are closed, those in use after their calls."""
        ...

    def close(self) -> None:
        """Close every connection, those in use as well. May be called twice."""
        ...


class AsyncTransport(Protocol):
    """The async form. One object serves any number of event loops, threads and forks; each gets its own connections."""

    async def post(self, target: Target, body: bytes, until: float, *, once: bool = False, resent: Resent = None) -> Reply:
        """As :meth:`Transport.post`."""
        ...

    async def get(self, target: Target, until: float) -> Reply:
        """As :meth:`Transport.get`."""
        ...

    async def stream(
        self, target: Target, body: bytes, until: float, *, once: bool = False, resent: Resent = None
    ) -> AsyncByteStream:
        """As :meth:`Transport.stream`."""
        ...

    async def close(self) -> None:
        """Close the connections of this loop, and of the loops that are gone. May be called twice."""
        ...

    def keep_only(self, origins: Set[Origin] | None) -> None:
        """As :meth:`Transport.keep_only`, in every loop, from anywhere."""
        ...

    def end(self) -> None:
        """Close all connections from anywhere, as far as that can be done without waiting. May be called twice."""
        ...


def get_sync(options: TransportOptions | None = None) -> Transport:
    """Make a sync transport; whoever asked for it closes it (the exit of the interpreter does so otherwise)."""
    from routed_llm.providers.transport_sync import SyncTransport

    return SyncTransport(options or TransportOptions())


def get_async(options: TransportOptions | None = None) -> AsyncTransport:
    """Make an async transport; whoever asked for it closes it (the end of each event loop does so otherwise)."""
    from routed_llm.providers.transport_async import AsyncioTransport

    return AsyncioTransport(options or TransportOptions())


def origin_of(url: str) -> Origin:
    """The origin of a URL that was checked."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return secure, parts.hostname or "", parts.port or (443 if secure else 80)


def split_credentials(url: str) -> tuple[str, str | None]:
    """Check a URL and split it: the URL without user and password, and these as the value of an authorization."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError("the URL of a model cannot be read: check its port and brackets") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"a URL must begin with http:// or https:// and name a host, not {parts.scheme!r}")
    if not _VISIBLE.fullmatch(parts.geturl()):
        raise ConfigurationError("a URL holds plain ASCII only: write other characters as %XX, a host's as xn--")
    if parts.username is None:
        return parts._replace(fragment="").geturl(), None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    bare = parts._replace(netloc=host if port is None else f"{host}:{port}", fragment="")
    return bare.geturl(), "Basic " + base64.b64encode(pair).decode("ascii")


def clean_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Lower the names and refuse what cannot be sent, without showing a value."""
    cleaned = {}
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise ConfigurationError(f"{name[:80]!r} is no valid name for a header")
        value = value.strip(" \t")
        if len(value) > LONGEST_HEADER:
            raise ConfigurationError(f"the value of header {name!r} is longer than {LONGEST_HEADER:,} characters")
        if _LINE_BREAKS.search(value) or not value.isascii():
            raise ConfigurationError(
                f"the value of header {name!r} holds a line break or a character beyond ASCII: check the key"
            )
        cleaned[name.lower()] = value
    return cleaned
