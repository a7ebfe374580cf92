"""Tokens as Converse tells them."""

from __future__ import annotations

from typing import Any

from routed_llm.dialects.service_tiers import billed_tier
from routed_llm.results import Usage

__all__ = ["read_usage"]

#: no call has more tokens than this; larger counts are a provider's mistake
MOST = 10**9


def read_usage(told: Any, tier: Any = None) -> Usage | None:
    """Counts of a ``usage`` object; None where there is none, or where its counts cannot be true.

    ``tier`` is the ``serviceTier`` beside it.

    ``inputTokens`` leaves out what was read from and written to the cache; each of these stands there twice, under two names,
    and is counted once. ``cacheDetails`` tell how long what was written is kept.
    """
    if not isinstance(told, dict) or told.get("inputTokens") is None:
        return None
    try:
        read = _count(told.get("cacheReadInputTokens", told.get("cacheReadInputTokenCount")))
        written = _count(told.get("cacheWriteInputTokens", told.get("cacheWriteInputTokenCount")))
        long = sum(
            _count(each.get("inputTokens"))
            for each in told.get("cacheDetails") or ()
            if isinstance(each, dict) and each.get("ttl") == "1h"
        )
        return Usage(
            _count(told["inputTokens"]) + read + written,
            _count(told.get("outputTokens")),
            cache_read=read,
            cache_write=written,
            cache_write_long=min(long, written),
            service_tier=billed_tier(tier),
        )
    except (ValueError, AttributeError):
        return None


def _count(value: Any) -> int:
    if value is None:
        return 0
    if type(value) is int and 0 <= value <= MOST:
        return value
    raise ValueError("not a count")
