"""What a provider still takes before its rate limit, as the headers of its answers tell it."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

__all__ = ["Room", "anthropic_room_of", "room_of"]

#: OpenAI's headers, which most compatible providers send, too (OpenAI's guide to rate limits)
_REQUESTS, _TOKENS = "x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens"
_RESETS = {_REQUESTS: "x-ratelimit-reset-requests", _TOKENS: "x-ratelimit-reset-tokens"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0, "": 1.0}
#: seconds for which what was told counts where no reset was told: the windows are minutes
_WINDOW = 60.0


class Room(NamedTuple):
    """Requests and tokens that are still taken (None where that was not told), and the seconds until the limit is renewed."""

    requests: float | None
    tokens: float | None
    seconds: float


def room_of(headers: Mapping[str, str]) -> Room | None:
    """What the headers of an answer tell, by their lower-case names; None where they tell nothing."""
    requests, tokens = _number(headers.get(_REQUESTS)), _number(headers.get(_TOKENS))
    if requests is None and tokens is None:
        return None
    scarce = _REQUESTS if requests is not None and (requests < 1 or tokens is None) else _TOKENS
    return Room(requests, tokens, _duration(headers.get(_RESETS[scarce])))


def anthropic_room_of(headers: Mapping[str, str]) -> Room | None:
    """The same by Anthropic's headers, whose resets are times (RFC 3339), counted from the server's own ``Date`` if it tells.

    ``anthropic-ratelimit-tokens-*`` are those of the limit that is nearest (Claude documentation, rate limits).
    """

    def told(kind: str, what: str) -> str | None:
        return headers.get(f"anthropic-ratelimit-{kind}-{what}")

    requests = _number(told("requests", "remaining"))
    kind = "tokens" if told("tokens", "remaining") is not None else "input-tokens"
    tokens = _number(told(kind, "remaining"))
    if requests is None and tokens is None:
        return None
    scarce = "requests" if requests is not None and (requests < 1 or tokens is None) else kind
    return Room(requests, tokens, _until(told(scarce, "reset"), headers.get("date")))


def _until(told: str | None, sent: str | None) -> float:
    """Seconds to a time; at least none, at most an hour, and a minute for what cannot be read."""
    try:
        reset = datetime.fromisoformat(told or "").timestamp()
        now = time.time() if sent is None else email.utils.parsedate_to_datetime(sent).timestamp()
    except (ValueError, OverflowError):
        return _WINDOW
    return min(3_600.0, max(0.0, reset - now))


def _number(told: str | None) -> float | None:
    return float(told) if told is not None and told.isdecimal() and len(told) < 16 else None


def _duration(told: str | None) -> float:
    """Seconds of ``6m0s``, ``120ms`` or ``1.5``; at most an hour, and a minute for what cannot be read."""
    parts = _DURATION.findall(told) if told is not None and len(told) < 32 else []
    if not parts:
        return _WINDOW
    return min(3_600.0, sum(float(number) * _SECONDS[unit] for number, unit in parts))
