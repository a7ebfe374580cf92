"""What goes back to whoever asked: JSON, or a stream of events, and our errors in OpenAI's form."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, NamedTuple

import orjson

from routed_llm.errors import (
    AllDeploymentsDown,
    BudgetSpent,
    CallFailed,
    ConfigurationError,
    DeadlineExceeded,
    ErrorKind,
    NoEligibleModel,
    RoutedError,
    UnknownModel,
)

__all__ = ["DONE", "AsyncEvents", "Events", "Reply", "event", "failure", "failure_body"]

Events = Generator[bytes]
AsyncEvents = AsyncGenerator[bytes]
DONE = b"data: [DONE]\n\n"

#: HTTP status of a class of errors; OpenAI's package raises its matching exception by it
_STATUSES: dict[ErrorKind, int] = {
    "auth": 401,
    "permission": 403,
    "not_found": 404,
    "rate_limit": 429,
    "quota": 429,
    "context_length": 400,
    "content_policy": 400,
    "bad_request": 400,
    "unsupported_parameter": 400,
    "timeout": 504,
    "overloaded": 503,
    "too_large": 502,
}
#: OpenAI's own words where it has some
_CODES: dict[ErrorKind, str] = {
    "auth": "invalid_api_key",
    "not_found": "model_not_found",
    "rate_limit": "rate_limit_exceeded",
    "quota": "insufficient_quota",
    "context_length": "context_length_exceeded",
    "content_policy": "content_filter",
}


class Reply(NamedTuple):
    """Status, headers with lower-case names, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, told: Any, status: int = 200, **headers: str) -> Reply:
        """JSON."""
        return cls(status, {"content-type": "application/json", **headers}, orjson.dumps(told))


def event(told: Any, name: str | None = None) -> bytes:
    """One server-sent event."""
    head = b"" if name is None else f"event: {name}\n".encode()
    return b"%sdata: %s\n\n" % (head, orjson.dumps(told))


def failure(error: RoutedError) -> Reply:
    """An error of ours as OpenAI tells errors; ``retry-after`` where it is known when a call may work again."""
    wait = getattr(error, "retry_after", None)
    headers = {} if wait is None else {"retry-after": f"{wait:.3f}", "retry-after-ms": f"{wait * 1000:.0f}"}
    return Reply.of(failure_body(error), _status(error), **headers)


def failure_body(error: RoutedError) -> dict[str, Any]:
    """The object that tells of an error, also within streams."""
    kind: ErrorKind | None = getattr(error, "kind", None)
    code = _CODES.get(kind, kind) if kind is not None else _word(error)
    told: dict[str, Any] = {"message": str(error), "type": type(error).__name__, "param": None, "code": code}
    if isinstance(error, CallFailed) and error.decision_id:
        told["decision_id"] = error.decision_id
    return {"error": told}


def _word(error: RoutedError) -> str:
    """The error's own name in OpenAI's spelling: ``no_eligible_model``."""
    if isinstance(error, UnknownModel):
        return "model_not_found"
    name = type(error).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _status(error: RoutedError) -> int:
    if isinstance(error, UnknownModel):
        return 404
    if isinstance(error, BudgetSpent):
        return 429
    if isinstance(error, AllDeploymentsDown):
        return 503
    if isinstance(error, DeadlineExceeded):
        return 504
    if isinstance(error, CallFailed):
        return _STATUSES.get(error.kind, 502)
    if isinstance(error, NoEligibleModel):
        return 422
    return 500 if isinstance(error, ConfigurationError) else 400
