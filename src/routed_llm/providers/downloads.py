"""Something from a file or a URL that the user names, and only when it is newer than what was had before."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from routed_llm.catalog.hiding import shown_address
from routed_llm.errors import RefreshFailed
from routed_llm.providers.transport import Fault, Target, TransportOptions, get_sync

__all__ = ["LARGEST", "Download", "download", "is_url", "shown_source"]

#: bytes; the list of 1,400 models that comes with this package has 0.5 MB
LARGEST = 16 * 1024 * 1024


class Download(NamedTuple):
    """What was had, with the server's words for that version; ``body`` is None where it is the same as before."""

    body: bytes | None
    etag: str | None = None
    modified: str | None = None


def is_url(source: str) -> bool:
    """Whether a source is asked for over the network."""
    return source.startswith(("http://", "https://"))


def shown_source(source: str) -> str:
    """A source as it may be told: without what may be secret."""
    return shown_address(source) if is_url(source) else source


def download(source: str, seconds: float, before: Download | None = None) -> Download:
    """Get it, in sync code.

    Args:
        source: ``https://...``, ``http://...``, ``file://...`` or a path. Redirects are not followed.
        seconds: most that it may take.
        before: the last one; the server is asked for something newer.

    Raises:
        RefreshFailed: where it cannot be had, or is larger than :data:`LARGEST`.
    """
    if not is_url(source):
        return _read(source)
    headers = {"accept": "application/json"}
    if before is not None and before.etag:
        headers["if-none-match"] = before.etag
    if before is not None and before.modified:
        headers["if-modified-since"] = before.modified
    transport = get_sync(TransportOptions(max_answer_bytes=LARGEST))
    try:
        reply = transport.get(Target(source, headers), monotonic() + seconds)
    except Fault as fault:
        raise RefreshFailed(f"{shown_source(source)} cannot be had: {fault}.") from None
    finally:
        transport.close()
    if reply.status == 304 and before is not None:
        return before._replace(body=None)
    if reply.status != 200:
        where = " Name the address to which it leads." if 300 <= reply.status < 400 else ""
        raise RefreshFailed(f"{shown_source(source)} answered with HTTP {reply.status}.{where}")
    return Download(reply.body, reply.headers.get("etag"), reply.headers.get("last-modified"))


def _read(source: str) -> Download:
    path = Path(unquote(urlsplit(source).path) if source.startswith("file://") else source).expanduser()
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise RefreshFailed(f"{source} cannot be read: {error}.") from None
    if len(body) > LARGEST:
        raise RefreshFailed(f"{source} is larger than {LARGEST:,} bytes.")
    return Download(body)
