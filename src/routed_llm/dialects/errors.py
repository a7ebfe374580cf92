"""Class of a provider's error: code and type in the body first, then message patterns, then status.

Fitted to the recorded errors of 26 providers; status alone does not name the class (a bad key is 400 at xAI and Gemini,
an unknown model 400 at some, a context overflow always 400 with nine different texts).
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.parse import ODD, parse
from routed_llm.errors import ErrorKind, ProviderError

__all__ = ["error_of", "redact", "retry_after"]

_CODES: dict[str, ErrorKind] = {
    "invalid_api_key": "auth",
    "authentication_error": "auth",
    "invalid_authentication": "auth",
    "api_key_invalid": "auth",
    "unauthenticated": "auth",
    "unrecognizedclientexception": "auth",
    "permission_error": "permission",
    "permission_denied": "permission",
    "model_not_found": "not_found",
    "not_found_error": "not_found",
    "not_found": "not_found",
    "deploymentnotfound": "not_found",
    "insufficient_quota": "quota",
    "billing_error": "quota",
    "billing_not_active": "quota",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "resource_exhausted": "rate_limit",
    "throttlingexception": "rate_limit",
    "ratelimitreached": "rate_limit",
    "context_length_exceeded": "context_length",
    "too_many_prompt_tokens": "context_length",
    "too_many_tokens": "context_length",
    "string_above_max_length": "context_length",
    "request_too_large": "context_length",
    "content_filter": "content_policy",
    "content_policy_violation": "content_policy",
    "responsibleaipolicyviolation": "content_policy",
    "image_content_policy_violation": "content_policy",
    "bio_policy": "content_policy",
    "misalignment_policy_violation": "content_policy",
    "unsupported_parameter": "unsupported_parameter",
    "unsupported_value": "unsupported_parameter",
    "unknown_parameter": "unsupported_parameter",
    "overloaded_error": "overloaded",
    "unavailable": "overloaded",
    "api_error": "server_error",
    "server_error": "server_error",
    "internal": "server_error",
    "internal_server_error": "server_error",
    "deadline_exceeded": "timeout",
    "timeout_error": "timeout",
    "vector_store_timeout": "timeout",
    # of responses that failed (OpenAI API reference, Responses), where no status tells it
    "empty_image_file": "bad_request",
    "failed_to_download_image": "bad_request",
    "image_file_not_found": "bad_request",
    "image_file_too_large": "bad_request",
    "image_parse_error": "bad_request",
    "image_too_large": "bad_request",
    "image_too_small": "bad_request",
    "unsupported_image_media_type": "bad_request",
}
_WORDS: tuple[tuple[ErrorKind, str], ...] = (
    ("quota", r"insufficient (?:balance|quota|credits?)"),
    ("quota", r"credit balance is too low|exceeded your current quota|billing"),
    ("context_length", r"context.{0,20}(?:length|window|limit)|prompt is too long|input is too long|reduce the length"),
    ("context_length", r"too many (?:prompt |input )?tokens|input tokens exceeded"),
    ("context_length", r"maximum.{0,30}tokens.{0,40}(?:exceed|requested|resulted)"),
    ("context_length", r"exceeds? the (?:maximum|available) (?:context|number of (?:input )?tokens)"),
    ("auth", r"(?:incorrect|invalid|missing|wrong|expired|not valid).{0,20}(?:api[ _-]?key|(?<!_)\btoken\b|credential)"),
    ("auth", r"api[ _-]?key.{0,20}(?:invalid|not valid|expired|not found)|unauthori[sz]ed"),
    ("unsupported_parameter", r"(?:un)?supported.{0,15}parameter|does not support.{0,40}parameter"),
    ("unsupported_parameter", r"unrecognized request argument|unknown parameter|extra inputs are not permitted"),
    ("not_found", r"model.{0,60}(?:not (?:found|exist)|does not exist|is not available|identifier is invalid)"),
    ("not_found", r"no such model|unknown model"),
    ("content_policy", r"content (?:policy|filter|management)|safety system|flagged"),
    ("rate_limit", r"rate ?limit|too many requests|quota exceeded|throttl"),
    ("overloaded", r"overloaded|at capacity|server is busy"),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), kind) for kind, pattern in _WORDS)
_STATUSES: dict[int, ErrorKind] = {
    400: "bad_request",
    401: "auth",
    402: "quota",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "overloaded",
    410: "not_found",
    413: "context_length",
    422: "bad_request",
    424: "server_error",
    425: "overloaded",
    429: "rate_limit",
    498: "overloaded",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
_NUMBER = re.compile(r"[45][0-9][0-9]")
#: a key by its beginning or by what is said before it; a plain word behind "key" is none ("the API key provided: ...")
_SECRET = re.compile(
    r"(?<=key provided: )[A-Za-z0-9_\-*.~+/=]{8,}"
    r"|\b(?!key [a-z]{1,15}\.?(?![A-Za-z0-9_\-*.~+/=]))"
    r"(?:sk|pk|rk|gsk|xai|key|AIza|AQ\.|ya29|Bearer|hf|r8|nvapi|pplx|csk)[-_ ]?[A-Za-z0-9_\-*.~+/=]{8,}"
)


def redact(text: str) -> str:
    """A text without what looks like a key."""
    return _SECRET.sub("[key]", text)


def _texts(body: Any) -> tuple[list[str], str]:
    """Codes (inner first) and message of an error body in any of the recorded shapes."""
    if not isinstance(body, Mapping):
        return [], ""
    inner = body.get("error", body)
    if isinstance(inner, str):
        return [str(body.get("code") or "")], inner
    if not isinstance(inner, Mapping):
        inner = body
    nested = inner.get("innererror")
    words = [nested.get("code") if isinstance(nested, Mapping) else None]
    words += [inner.get("code"), inner.get("type"), inner.get("status"), inner.get("error_type"), body.get("error_type")]
    words += [detail.get("reason") for detail in _details(inner)]
    message = inner.get("message") or inner.get("detail") or body.get("detail") or body.get("message") or ""
    metadata = inner.get("metadata")
    if isinstance(metadata, Mapping) and isinstance(metadata.get("raw"), str):
        message = f"{message}: {metadata['raw']}"
    return [str(w) for w in words if w is not None], message if isinstance(message, str) else str(message)


def _details(error: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Gemini's details of an error."""
    details = error.get("details")
    return [d for d in details if isinstance(d, Mapping)] if isinstance(details, list) else []


def _quota(error: Any) -> ErrorKind | None:
    """Which limit Gemini names: one of a minute is a rate, one of a day a quota; its message is the same for both."""
    details = _details(error) if isinstance(error, Mapping) else []
    violations = [v for detail in details for v in detail.get("violations") or () if isinstance(v, Mapping)]
    told = " ".join(str(violation.get("quotaId")) for violation in violations)
    return "quota" if "PerDay" in told else "rate_limit" if "PerMinute" in told else None


def _kind(status: int, words: list[str], message: str) -> ErrorKind:
    kinds = [_CODES[w.lower()] for w in words if w.lower() in _CODES]
    if kinds and kinds[0] != "rate_limit" and kinds[0] != "server_error":
        return kinds[0]
    for pattern, kind in _PATTERNS:
        if pattern.search(message) and not (kind == "content_policy" and status >= 500):
            return kind
    if kinds and not (kinds[0] == "server_error" and status in _STATUSES):
        return kinds[0]
    if status < 400 and any(w.lower().startswith("invalid_") for w in words):  # in a stream, where no status tells it
        return "bad_request"
    numbers = [int(w) for w in words if _NUMBER.fullmatch(w)]
    return _kind_of_status(numbers[0] if status < 400 and numbers else status)


def _kind_of_status(status: int) -> ErrorKind:
    return _STATUSES.get(status, "server_error" if status >= 500 or status < 400 else "bad_request")


def retry_after(headers: Mapping[str, str], body: Any = None) -> float | None:
    """Seconds the provider asks to wait: milliseconds, seconds or a date in headers, or Gemini's ``retryDelay``.

    A date is counted from the server's own ``Date`` where it tells that, so that a wrong clock here or there does not matter.
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        told = headers.get(name)
        if told and 0 < (seconds := _seconds(told, scale, headers.get("date"))) < float("inf"):
            return seconds
    if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
        for detail in _details(body["error"]):
            delay = detail.get("retryDelay")
            if isinstance(delay, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?s", delay):
                return float(delay[:-1])
    return None


def _seconds(told: str, scale: float, sent: str | None) -> float:
    """Seconds of a number, or from when it was ``sent`` to an HTTP date; below zero for what is neither."""
    try:
        return float(told) * scale
    except ValueError:
        until = _date(told)
    if until is None:
        return -1.0
    begun = None if sent is None else _date(sent)
    return until - (time.time() if begun is None else begun)


def _date(text: str) -> float | None:
    """Seconds since 1970 of an HTTP date; None for what is none."""
    parsed = email.utils.parsedate_tz(text)
    try:
        return email.utils.mktime_tz(parsed) if parsed else None
    except (ValueError, OverflowError):  # a date that no calendar has
        return None


def error_of(status: int, headers: Mapping[str, str], data: bytes, *, phase: str = "answer") -> ProviderError:
    """The error that an answer tells of; where its form is unknown, by its status alone."""
    try:
        return _error_of(status, headers, data, phase)
    except ODD:
        return ProviderError(_kind_of_status(status), "an error in an unknown form", status=status, phase=phase)


def _error_of(status: int, headers: Mapping[str, str], data: bytes, phase: str) -> ProviderError:
    body: Any
    try:
        body = parse(data)
    except ValueError:
        body = None
    if isinstance(body, list) and body:  # Gemini's stream without alt=sse
        body = body[0]
    words, message = _texts(body)
    if "x-amzn-errortype" in headers:
        words.insert(0, headers["x-amzn-errortype"].split(":", 1)[0])
    if not message:
        message = data[:200].decode("utf-8", "replace").strip() or "no message"
        if message.startswith("<"):
            message = "an HTML page instead of an answer"
    inner = body.get("error") if isinstance(body, Mapping) else None
    kind = _quota(inner) or _kind(status, words, message)
    if 300 <= status < 400:
        kind, message = "malformed", "a redirect, which is never followed"
    return ProviderError(
        kind,
        redact(message[:500]),
        status=status,
        code=next((w[:200] for w in words if not w.isdigit()), None),
        retry_after=retry_after(headers, body),
        request_id=headers.get("x-request-id") or headers.get("request-id"),
        phase=phase,
        param=inner.get("param") if isinstance(inner, Mapping) and isinstance(inner.get("param"), str) else None,
    )
