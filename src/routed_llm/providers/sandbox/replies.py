"""What the sandbox gives back for a request, and how the wire spells refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

__all__ = ["Ending", "Refusal", "Reply", "event", "json_reply", "refusal_reply", "to_json"]

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
    """The request is answered with an error in OpenAI's shape.

    Args:
        message: what is wrong.
        status: HTTP status.
        kind: the error's ``type``.
        param: path of the parameter.
        code: machine-readable code.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.param = param
        self.code = code

    def body(self) -> dict[str, Any]:
        """The error object of the wire."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


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


def refusal_reply(refusal: Refusal, headers: dict[str, str] | None = None) -> Reply:
    """The refusal as a reply."""
    return json_reply(refusal.body(), status=refusal.status, headers=headers)


def event(value: Any) -> bytes:
    """One server-sent event; text is sent as it is."""
    data = value.encode() if isinstance(value, str) else to_json(value)
    return b"data: " + data + b"\n\n"
