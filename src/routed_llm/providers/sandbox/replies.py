"""What the sandbox gives back for a request, and how the wire spells refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

__all__ = ["Ending", "Refusal", "Reply", "event", "json_reply", "to_json"]

#: how a reply ends: as it should, before its end but in order, with a reset, or never
Ending = Literal["complete", "short", "reset", "hang"]

_RAW_NUMBER = re.compile(r'"\\u0000([-+.0-9eE]+)\\u0000"')


@dataclass(slots=True)
class Reply:
    """One HTTP answer.

    Args:
        status: HTTP status; 0 when not a byte is sent (then ``ending`` tells what happens).
        headers: names in lower case.
        parts: (seconds to wait before sending, bytes). A plain answer is one part, a stream one part for each event.
            The caller does the waiting and must take all parts: a stream is booked with its last one.
        ending: ``short`` closes in order before all announced bytes, ``reset`` breaks the connection, ``hang`` sends
            nothing more and waits for the client to go.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    parts: Iterable[tuple[float, bytes]] = ()
    ending: Ending = "complete"

    @property
    def streamed(self) -> bool:
        """Whether the parts are events of a stream."""
        return self.headers.get("content-type", "").startswith("text/event-stream")

    def body(self) -> bytes:
        """All parts joined, without any waiting."""
        return b"".join(part for _, part in self.parts)


class Refusal(Exception):
    """The request is answered with an error, which each language spells in its own way.

    Args:
        message: what is wrong, in OpenAI's words.
        status: HTTP status.
        kind: the error's ``type``, in OpenAI's words.
        param: path of the parameter.
        code: machine-readable code, in OpenAI's words.
        counts: tokens that were sent and tokens that are taken, where the prompt is too long.
        exact: whether the message is in the language's own words already.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        counts: tuple[int, int] | None = None,
        exact: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.param = param
        self.code = code
        self.counts = counts
        self.exact = exact


def to_json(value: Any) -> bytes:
    """JSON in UTF-8; a Decimal is written digit for digit."""
    raw = False

    def exact(item: object) -> str:
        nonlocal raw
        if not isinstance(item, Decimal):
            raise TypeError(f"cannot write {type(item).__name__} as JSON")
        raw = True
        return f"\x00{item}\x00"

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=exact)
    if raw:
        text = _RAW_NUMBER.sub(r"\1", text)
    return text.encode("utf-8", "replace")


def json_reply(value: Any, *, status: int = 200, wait: float = 0.0, headers: dict[str, str] | None = None) -> Reply:
    """A plain answer in one part, labelled as simulated."""
    head = {"content-type": "application/json", "x-simulated": "true", **(headers or {})}
    return Reply(status, head, [(wait, to_json(value))])


def event(value: Any, name: str | None = None) -> bytes:
    """One server-sent event, with a name where the language gives it one; text is sent as it is."""
    data = value.encode() if isinstance(value, str) else to_json(value)
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + data + b"\n\n"
