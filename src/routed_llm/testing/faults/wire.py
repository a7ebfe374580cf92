"""What a script does on the wire: bytes, pauses, and how it ends; and the words of HTTP that scripts are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from http import HTTPStatus
from typing import Any, TypeAlias

__all__ = ["ARRIVE", "CLOSE", "HOLD", "RESET", "End", "Step", "chunk", "event", "head", "json_bytes", "reply", "streamed"]


class End(Enum):
    """How a script ends, where it does not leave the connection open for the next request."""

    #: closes in order (FIN)
    CLOSE = "close"
    #: breaks the connection (RST)
    RESET = "reset"
    #: sends nothing more and waits until the client goes
    HOLD = "hold"


CLOSE, RESET, HOLD = End.CLOSE, End.RESET, End.HOLD

#: bytes are sent, a number is a pause in seconds, an :class:`End` is the last step
Step: TypeAlias = bytes | float | End

#: seconds that what was sent has to arrive and be read: a reset throws away what is under way
ARRIVE = 0.02
#: statuses that the standard library has no word for
_WORDS = {529: "Site is overloaded"}


def json_bytes(value: Any) -> bytes:
    """A value as JSON in UTF-8."""
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Status line and headers, with the empty line behind them."""
    word = _WORDS.get(status) or HTTPStatus(status).phrase
    lines = [f"HTTP/1.1 {status} {word}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """A whole answer; what is no bytes goes out as JSON. ``headers`` win over the usual content type and length."""
    data = json_bytes(body)
    usual = {"content-type": "application/json", "content-length": str(len(data))}
    return head(status, {**usual, **(headers or {})}) + data


def event(value: Any) -> bytes:
    """One server-sent event; text and bytes are sent as they are."""
    return b"data: " + (value.encode() if isinstance(value, str) else json_bytes(value)) + b"\n\n"


def chunk(data: bytes) -> bytes:
    """A chunk of a chunked body; without data it is the last one."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def streamed(
    parts: Iterable[bytes | float], end: End | None = None, headers: Mapping[str, str] | None = None
) -> Iterator[Step]:
    """Events in a chunked body, one chunk for each; with ``end`` the body has no last chunk and ends so."""
    usual = {"content-type": "text/event-stream", "cache-control": "no-cache", "transfer-encoding": "chunked"}
    yield head(200, {**usual, **(headers or {})})
    for part in parts:
        yield chunk(part) if isinstance(part, bytes) else part
    yield chunk(b"") if end is None else end
