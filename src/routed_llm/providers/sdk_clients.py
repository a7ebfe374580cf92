"""SDK clients, without importing the SDK: who lives at their address, how long they wait, a copy that asks once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from routed_llm.providers.rows import load_rows

__all__ = ["limited", "provider_at", "still"]


def provider_at(url: str, otherwise: str) -> str:
    """The provider that lives at an address, in the words of the provider rows; ``otherwise`` where none is known to.

    An address of no row keeps ``otherwise``: proxies and gateways stand before many providers.
    """
    host = urlsplit(url).hostname
    if not host:
        return otherwise
    if host.endswith(".azure.com"):
        return "azure_openai"
    rows = (row for row in load_rows().values() if row.base_url and not row.local)
    return next((row.name for row in rows if urlsplit(row.base_url).hostname == host), otherwise)


def limited(client: Any, seconds: float) -> Any:
    """The time limits of a client (openai's, anthropic's), each at most ``seconds``, in its HTTP library's own form."""
    own = getattr(client, "timeout", None)
    if own is None or isinstance(own, (int, float)):
        return seconds if own is None else min(own, seconds)
    limits = {name: getattr(own, name, None) for name in ("connect", "read", "write", "pool")}
    return type(own)(**{name: seconds if limit is None else min(limit, seconds) for name, limit in limits.items()})


def still(client: Any) -> Any:
    """A copy of an SDK client, over the same connections, that neither retries nor follows redirects."""
    copy = client.with_options(max_retries=0)
    prepare = copy._prepare_options
    if client.__class__.__name__.startswith("Async"):

        async def aprepared(options: Any) -> Any:
            return _unredirected(await prepare(options))

        copy._prepare_options = aprepared
    else:
        copy._prepare_options = lambda options: _unredirected(prepare(options))
    return copy


def _unredirected(options: Any) -> Any:
    options.follow_redirects = False
    return options
