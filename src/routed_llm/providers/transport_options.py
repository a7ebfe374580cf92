"""What both forms of the transport share: proxies, certificates and standard headers, from options and environment."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from routed_llm.catalog.hiding import sealed
from routed_llm.errors import ConfigurationError
from routed_llm.providers.transport import Target, TransportOptions, clean_headers, split_credentials

__all__ = ["NO_PROXIES", "Proxies", "Proxy", "certificate_variables", "proxy_for", "request_headers", "ssl_context"]

_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_PORTS: Final = {"http": 80, "https": 443}
# "identity": models answer in small pieces, where packing costs time on both sides and holds streams back. A target may
# ask for gzip or deflate by a header of its own, and servers that pack unasked are understood.
_STANDARD: Final = {"accept-encoding": "identity", "user-agent": "routed-llm"}


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy: where it listens, and the authorization it wants (None: none)."""

    url: str
    host: str
    port: int
    authorization: str | None

    def __repr__(self) -> str:
        return f"Proxy({self.url!r})"


@dataclass(frozen=True, slots=True)
class Proxies:
    """Which proxy leads to which URL: read once from options and environment."""

    by_scheme: Mapping[str, Proxy]
    exceptions: tuple[str, ...] = ()

    @classmethod
    @sealed
    def read(cls, options: TransportOptions, environ: Mapping[str, str] | None = None) -> Proxies:
        """Read the options, and the environment (``os.environ``) where they allow it.

        ``options.proxy`` stands for every URL, and no exception holds for it.

        Raises:
            ConfigurationError: a proxy's URL is not ``http://host:port``.
        """
        if options.proxy is not None:
            proxy = _parse(options.proxy, "proxy")
            return cls({"http": proxy, "https": proxy})
        if not options.trust_env:
            return NO_PROXIES
        return cls._of(os.environ if environ is None else environ)

    @classmethod
    def _of(cls, environ: Mapping[str, str]) -> Proxies:
        found = {}
        for scheme in _PORTS:
            for name in (f"{scheme}_proxy", "all_proxy"):
                value = environ.get(name) or environ.get(name.upper())
                if name == "http_proxy" and "REQUEST_METHOD" in environ:
                    value = environ.get(name)  # in CGI, HTTP_PROXY is a header of the client's (CVE-2016-5385)
                if value:
                    found[scheme] = _parse(value, name)
                    break
        entries = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
        return cls(found, tuple(entry for part in entries.split(",") if (entry := part.strip().lower())))

    def lead_to(self, url: str) -> Proxy | None:
        """The proxy for ``url``, or None for a direct connection."""
        parts = urlsplit(url)
        proxy = self.by_scheme.get(parts.scheme)
        if proxy is None or not self.exceptions:
            return proxy
        host = (parts.hostname or "").lower()
        port = parts.port or _PORTS[parts.scheme]
        return None if any(_excepts(entry, host, port) for entry in self.exceptions) else proxy


NO_PROXIES: Final = Proxies({})


def proxy_for(url: str, options: TransportOptions) -> Proxy | None:
    """The proxy through which ``url`` is reached under these options and the present environment."""
    return Proxies.read(options).lead_to(url)


def certificate_variables() -> dict[str, str]:
    """What the environment says about certificates now, for a context that is made later."""
    return {name: os.environ[name] for name in _CERTIFICATES if name in os.environ}


def ssl_context(options: TransportOptions, environ: Mapping[str, str] | None = None) -> ssl.SSLContext:
    """Make the settings for TLS: costs about 20 ms, so make it once and only for https.

    Trusted are ``options.ca_bundle``, else SSL_CERT_FILE, else SSL_CERT_DIR, else the certificates of certifi (as
    httpx does).

    Raises:
        ConfigurationError: a file is missing or holds no certificate.
    """
    environ = (certificate_variables() if environ is None else environ) if options.trust_env else {}
    path, named = options.ca_bundle, "ca_bundle"
    for name in _CERTIFICATES:
        if path is None and environ.get(name):
            path, named = environ[name], name
    if path is None:
        import certifi

        path, named = certifi.where(), "certifi"
    context = _trusting(path, named)
    context.set_alpn_protocols(["http/1.1"])
    if options.client_cert is not None:
        _show(context, options.client_cert)
    return context


def request_headers(target: Target, options: TransportOptions) -> dict[str, str]:
    """The standard headers, those of the options, those of the target: the later win. Names are in lower case."""
    return {**_STANDARD, **clean_headers(options.headers), **target.headers}


def _parse(value: str, named: str) -> Proxy:
    try:
        url, authorization = split_credentials(value if "://" in value else f"http://{value}")
        parts = urlsplit(url)
    except ConfigurationError:
        raise ConfigurationError(
            "a proxy is given as http://host:port, with user and password where it wants them", path=named
        ) from None
    if parts.scheme != "http":
        raise ConfigurationError(
            "only proxies that are spoken to by http:// are supported (https:// targets pass through them encrypted)",
            path=named,
        )
    host, port = parts.hostname or "", parts.port or 80
    return Proxy(f"http://{f'[{host}]' if ':' in host else host}:{port}", host, port, authorization)


def _excepts(entry: str, host: str, port: int) -> bool:
    """Whether one entry of NO_PROXY means this host: ``*``, a name with its subdomains, an address, a network."""
    if entry == "*":
        return True
    name, colon, wanted = entry.rpartition(":")
    if colon and wanted.isdigit() and (":" not in name or name.endswith("]")):
        if int(wanted) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").lstrip(".")
    return host == entry or host.endswith("." + entry) if entry and not _is_inside(entry, host) else bool(entry)


def _is_inside(entry: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:  # one of the two is a name
        return False


def _trusting(path: str, named: str) -> ssl.SSLContext:
    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # SSLError is one
        raise ConfigurationError(
            f"no certificates could be read from {path!r}: {error.strerror or error}", path=named
        ) from None


def _show(context: ssl.SSLContext, client_cert: str | tuple[str, str]) -> None:
    files = (client_cert,) if isinstance(client_cert, str) else client_cert
    try:
        context.load_cert_chain(*files)
    except OSError as error:
        raise ConfigurationError(
            f"no certificate and key could be read from {files!r}: {error.strerror or error}", path="client_cert"
        ) from None
