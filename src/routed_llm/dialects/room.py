"""What a provider still takes before its rate limit, as the headers of its answers tell it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Room", "room_of"]

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


def _number(told: str | None) -> float | None:
    return float(told) if told is not None and told.isdecimal() and len(told) < 16 else None


def _duration(told: str | None) -> float:
    """Seconds of ``6m0s``, ``120ms`` or ``1.5``; at most an hour, and a minute for what cannot be read."""
    parts = _DURATION.findall(told) if told is not None and len(told) < 32 else []
    if not parts:
        return _WINDOW
    return min(3_600.0, sum(float(number) * _SECONDS[unit] for number, unit in parts))
