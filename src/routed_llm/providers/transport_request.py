"""What a target is to the transport: where to connect, and the bytes of a request that never change."""

from __future__ import annotations

from urllib.parse import urlsplit

from routed_llm.providers.transport import Target, TransportOptions, origin_of
from routed_llm.providers.transport_http1 import head_of
from routed_llm.providers.transport_options import Proxies, Proxy, request_headers

__all__ = ["Route"]

#: seconds to each server of this process, by TLS or not, host and port; and of how many they are kept
_ways: dict[tuple[bool, str, int], float] = {}
_MOST_WAYS = 4096


class Route:
    """Made once for each target and transport.

    ``key`` tells which connections may serve it: TLS or not, host, port.
    """

    __slots__ = ("_get", "_post", "host", "key", "port", "proxy", "secure")

    def __init__(self, target: Target, options: TransportOptions, proxies: Proxies) -> None:
        parts = urlsplit(target.url)
        self.proxy: Proxy | None = proxies.lead_to(target.url)
        self.key = self.secure, self.host, self.port = origin_of(target.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"host": parts.netloc, **request_headers(target, options)}
        for name in ("content-length", "transfer-encoding"):  # they belong to each request
            headers.pop(name, None)
        if self.proxy is not None and not self.secure:
            path = f"http://{parts.netloc}{path}"  # RFC 9112, section 3.2.2
            if self.proxy.authorization is not None:
                headers["proxy-authorization"] = self.proxy.authorization
        self._get = head_of("GET", path, headers)
        self._post = head_of("POST", path, {"content-type": "application/json", **headers})[:-2] + b"content-length: "

    def note(self, seconds: float) -> None:
        """A connection was made. Look-ups of names and a busy process can only delay it, so that lower times count at once."""
        if self.proxy is None:  # the way to a proxy tells nothing of the way to the server
            old = _ways.get(self.key)
            if old is None and len(_ways) >= _MOST_WAYS:
                _ways.clear()
            _ways[self.key] = seconds if old is None else min(seconds, old + 0.2 * (seconds - old))

    @property
    def reached(self) -> float | None:
        """Seconds that finding and connecting to the server take, about one way there and back; None where it is not known."""
        return _ways.get(self.key) if self.proxy is None else None

    def head(self, body: bytes | None) -> bytes:
        """The head of a request: POST with a body, GET with None."""
        return self._get if body is None else b"%b%d\r\n\r\n" % (self._post, len(body))

    def tunnel(self, proxy: Proxy) -> bytes:
        """The request that asks the proxy for a connection to the server."""
        place = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        headers = {"host": place}
        if proxy.authorization is not None:
            headers["proxy-authorization"] = proxy.authorization
        return head_of("CONNECT", place, headers)
