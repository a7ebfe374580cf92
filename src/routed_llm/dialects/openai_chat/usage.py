"""Usage in its many spellings (counted over recorded traffic of 26 providers)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from routed_llm.results import Usage

__all__ = ["read_usage"]

#: no call has more tokens than this; larger counts are a provider's mistake
MOST = 10**9
NANO = 1_000_000_000


def _count(value: Any) -> int:
    """A plausible count, or 0 for what is missing.

    Raises:
        ValueError: for a count that cannot be one: negative, huge, a text.
    """
    if value is None:
        return 0
    if type(value) is int and 0 <= value <= MOST:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MOST or value != int(value):
        raise ValueError("not a count")
    return int(value)


def _cost(usage: Mapping[str, Any]) -> int | None:
    """What the provider says the call cost, in nano-dollars: OpenRouter's ``cost``, Perplexity's ``cost.total_cost``.

    xAI counts in ticks of 1e-10 dollars (``cost_in_usd_ticks``).
    """
    cost: Any = usage.get("cost")
    if isinstance(cost, dict):
        cost = cost.get("total_cost")
    ticks = usage.get("cost_in_usd_ticks")
    try:
        if cost is None and ticks is not None:
            return int((Decimal(str(ticks)) / 10).to_integral_value(ROUND_HALF_UP))
        if cost is None or isinstance(cost, bool):
            return None
        nano = Decimal(str(cost)) * NANO
    except InvalidOperation:
        return None
    return int(nano.to_integral_value(ROUND_HALF_UP)) if nano.is_finite() and 0 <= nano <= MOST * NANO else None


def read_usage(usage: Any) -> Usage | None:
    """Counts and cost of a ``usage`` object; None where there is none, or where its counts cannot be true.

    Cached tokens sit in ``prompt_tokens_details.cached_tokens`` (OpenAI and most), ``prompt_token_details`` (Writer),
    ``prompt_cache_hit_tokens`` (DeepSeek), ``num_cached_tokens`` (Mistral) or ``cached_tokens`` (Together, Hugging Face).
    """
    if not isinstance(usage, dict) or usage.get("prompt_tokens") is None:
        return None
    inner: Any = usage.get("prompt_tokens_details") or usage.get("prompt_token_details") or {}
    outer: Any = usage.get("completion_tokens_details") or {}
    inner = inner if isinstance(inner, dict) else {}
    outer = outer if isinstance(outer, dict) else {}
    try:
        cached = inner.get("cached_tokens")
        for name in ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens"):
            cached = usage.get(name) if cached is None else cached
        prompt, completion = _count(usage["prompt_tokens"]), _count(usage.get("completion_tokens"))
        reasoning = _count(outer.get("reasoning_tokens"))
        total = usage.get("total_tokens")
        if reasoning > completion and total is not None and _count(total) == prompt + completion + reasoning:
            completion += reasoning  # counted beside the answer instead of within it
        return Usage(
            prompt,
            completion,
            cache_read=_count(cached),
            cache_write=min(_count(inner.get("cache_write_tokens") or inner.get("cache_creation_tokens")), prompt),
            reasoning=min(reasoning, completion),
            audio_input=min(_count(inner.get("audio_tokens")), prompt),
            audio_output=min(_count(outer.get("audio_tokens")), completion),
            cost_nanousd=_cost(usage),
        )
    except ValueError:
        return None
