"""Usage of the Messages API: what was read from or written to the cache is counted beside the input, not in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from routed_llm.dialects.openai_chat.usage import MOST
from routed_llm.dialects.service_tiers import billed_tier
from routed_llm.results import Usage

__all__ = ["read_usage"]

_INPUTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def read_usage(usage: Any) -> Usage | None:
    """Counts of a ``usage`` object; None where there is none, or where its counts cannot be true.

    The input is ``input_tokens`` with both cache counts. Compactions of a long conversation are iterations of their own, which
    the sums leave out (Claude documentation, compaction); what an advisor model used is not counted: it has other prices.
    """
    if not isinstance(usage, Mapping) or usage.get("input_tokens") is None:
        return None
    details: Any = usage.get("output_tokens_details") or {}
    tools: Any = usage.get("server_tool_use") or {}
    try:
        counted = [usage, *_compactions(usage.get("iterations"))]
        read, written = _sum(counted, "cache_read_input_tokens"), _sum(counted, "cache_creation_input_tokens")
        output = _sum(counted, "output_tokens")
        long = sum(_count((each.get("cache_creation") or {}).get("ephemeral_1h_input_tokens")) for each in counted)
        return Usage(
            sum(_sum(counted, name) for name in _INPUTS),
            output,
            cache_read=read,
            cache_write=written,
            cache_write_long=min(long, written),
            reasoning=min(_count(details.get("thinking_tokens")), output),
            searches=_count(tools.get("web_search_requests")),
            service_tier=billed_tier(usage.get("service_tier")),
        )
    except (ValueError, TypeError, AttributeError):  # counts in another form
        return None


def _compactions(iterations: Any) -> Iterable[Mapping[str, Any]]:
    listed = iterations if isinstance(iterations, list) else ()
    return (each for each in listed if isinstance(each, Mapping) and each.get("type") == "compaction")


def _sum(counted: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(_count(each.get(name)) for each in counted)


def _count(value: Any) -> int:
    """A plausible count, or 0 for what is missing.

    Raises:
        ValueError: for a count that cannot be one: negative, huge, a text.
    """
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value <= MOST:
        raise ValueError("not a count")
    return value
