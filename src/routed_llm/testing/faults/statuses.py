"""Faults told by a status: every HTTP error of providers, and waits (rows 25 and 27 to 39)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from email.utils import formatdate

from routed_llm.testing.faults.fault import Asked, Fault, Play, Reaction
from routed_llm.testing.faults.wire import Step, reply

__all__ = ["STATUSES"]

_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
#: seconds of the waits that are told
_WAIT = 2


def _error(
    status: int, kind: str, code: str | None, message: str, headers: Mapping[str, str] | None = None, param: str | None = None
) -> bytes:
    return reply({"error": {"message": message, "type": kind, "param": param, "code": code}}, status, headers)


def _status(name: str, row: int, data: bytes, expected: str, reaction: Reaction = "next", wait: float | None = None) -> Fault:
    status, _, word = data.partition(b"\r\n")[0].decode().removeprefix("HTTP/1.1 ").partition(" ")
    return Fault(name, f"status {status} ({word})", expected, reaction, lambda asked: (data,), (row,), wait=wait)


def _unauthorized(asked: Asked) -> Iterable[Step]:
    """Echoes the key that it was sent, as some providers do."""
    key = asked.authorization.removeprefix("Bearer ")
    return (_error(401, "invalid_request_error", "invalid_api_key", f"Incorrect API key provided: {key}."),)


def _revoked(asked: Asked) -> Iterable[Step]:
    return asked.healthy() if asked.nth == 1 else _unauthorized(asked)


def _one_off(asked: Asked) -> Iterable[Step]:
    return (_error(500, "server_error", None, "A one-off failure."),) if asked.nth == 1 else asked.healthy()


def _limited(headers: Mapping[str, str] | None = None) -> bytes:
    return _error(429, "requests", "rate_limit_exceeded", "Rate limit reached for requests.", headers)


def _limited_until(asked: Asked) -> Iterator[Step]:
    """A date has no fractions of a second: rounded up, so that the wait is never shorter than told."""
    yield _limited({"retry-after": formatdate(math.ceil(time.time()) + _WAIT, usegmt=True)})


def _server(name: str, status: int, message: str, expected: str = "NEXT; counts against it") -> Fault:
    return _status(name, 37, _error(status, "server_error", None, message), expected)


def _made(name: str, row: int, does: str, expected: str, play: Play, wait: float | None = None) -> Fault:
    return Fault(name, does, expected, "next", play, (row,), wait=wait)


_BAD = "RAISE at once: the request is at fault"
_LIMIT = "NEXT; left alone exactly so long"
_CHANGE = "NEXT; benched until the configuration changes"

STATUSES = (
    _status("content_filter_400", 25, _error(400, "invalid_request_error", "content_filter", "The prompt was filtered."),
            "RAISE by default; never silently to a laxer provider", "raise"),
    _status("bad_request_400", 27, _error(400, "invalid_request_error", None, "messages: must not be so."), _BAD, "raise"),
    _status("unprocessable_422", 27, _error(422, "invalid_request_error", None, "Input should be another."), _BAD, "raise"),
    _status("unsupported_parameter_400", 27,
            _error(400, "invalid_request_error", "unsupported_parameter",
                   "Unsupported parameter: 'temperature' is not supported with this model.", None, "temperature"),
            "NEXT: another model may take the parameter"),
    _made("unauthorized_401", 28, "status 401 (Unauthorized), with the key in its message",
          "NEXT; the key is benched and not echoed", _unauthorized),
    _status("payment_required_402", 29, _error(402, "billing_error", None, "Payment required."),
            "NEXT; the account is benched"),
    _status("insufficient_quota_429", 29,
            _error(429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
            "NEXT; the account is benched"),
    _status("forbidden_403", 30, _error(403, "permission_error", "permission_denied", "Not allowed to use this model."),
            "NEXT; this model is benched for this key"),
    _status("not_found_404", 31, _error(404, "invalid_request_error", "model_not_found", "The model does not exist."), _CHANGE),
    _status("gone_410", 31, _error(410, "invalid_request_error", "model_deprecated", "The model was switched off."), _CHANGE),
    _status("request_timeout_408", 32, _error(408, "timeout", None, "Request timeout."), "NEXT"),
    _status("conflict_409", 32, _error(409, "conflict", None, "Conflict."), "NEXT"),
    _status("too_large_413", 33, _error(413, "invalid_request_error", "request_too_large", "Request too large."),
            "to a larger window only, else RAISE; no blame", "larger"),
    _status("context_overflow_400", 33,
            _error(400, "invalid_request_error", "context_length_exceeded",
                   "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."),
            "to a larger window only, else RAISE; no blame", "larger"),
    _status("rate_limit_429", 34, _limited(), "NEXT; benched 1 s, doubling"),
    _status("rate_limit_seconds_429", 35, _limited({"retry-after": f"{_WAIT}"}), _LIMIT, wait=_WAIT),
    _status("rate_limit_milliseconds_429", 35, _limited({"retry-after-ms": f"{1000 * _WAIT}"}), _LIMIT, wait=_WAIT),
    _made("rate_limit_date_429", 35, "status 429 (Too Many Requests), with a date to wait for", _LIMIT, _limited_until, _WAIT),
    _status("rate_limit_day_429", 36, _limited({"retry-after": "86400"}), "NEXT; clamped to 60 s, then probed", wait=60),
    _status("rate_limit_garbage_429", 36, _limited({"retry-after": "soon, perhaps"}), "NEXT; the garbage is ignored"),
    _server("internal_error_500", 500, "The server had an error."),
    _server("bad_gateway_502", 502, "Bad gateway."),
    _server("unavailable_503", 503, "Service unavailable.", "NEXT; as throttling"),
    _server("gateway_timeout_504", 504, "Gateway timeout."),
    _server("overloaded_529", 529, "Overloaded.", "NEXT; as throttling"),
    _status("html_502", 37, reply(_BAD_GATEWAY, 502, {"content-type": "text/html"}), "NEXT; counts against it"),
    Fault("key_revoked", "the first request is answered, later ones are 401", "NEXT; as 401 within one request", "next",
          _revoked, (38,), warm=True),
    _made("one_off", 39, "the first request is 500, each later one is answered", "NEXT; not benched after one", _one_off),
)  # fmt: skip
