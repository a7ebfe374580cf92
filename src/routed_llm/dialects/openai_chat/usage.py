"""Usage in its many spellings (counted over recorded traffic of 26 providers)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from routed_llm.dialects.service_tiers import billed_tier
from routed_llm.money import NANO
from routed_llm.results import Usage

__all__ = ["counts", "read_usage", "written_usage"]

#: no call has more tokens than this; larger counts are a provider's mistake
MOST = 10**9
#: nor does one cost more than the most tokens at 100 dollars a million: in nano-dollars
MOST_COST = MOST * 100_000
#: a tick of xAI in nano-dollars
TICK = Decimal("0.1")


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
    told: Any = usage.get("cost")
    unit: Decimal | int = NANO
    if isinstance(told, dict):
        told = told.get("total_cost")
    if told is None:
        told, unit = usage.get("cost_in_usd_ticks"), TICK
    if told is None or isinstance(told, bool):
        return None
    try:
        nano = Decimal(str(told)) * unit
    except (ArithmeticError, ValueError):
        return None
    return int(nano.to_integral_value(ROUND_HALF_UP)) if nano.is_finite() and 0 <= nano <= MOST_COST else None


def read_usage(usage: Any, tier: Any = None) -> Usage | None:
    """Counts and cost of a ``usage`` object; None where there is none, or where its counts cannot be true.

    ``tier`` is the ``service_tier`` beside it.
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
        if (cached := inner.get("cached_tokens")) is None:
            for name in ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens"):
                if (cached := usage.get(name)) is not None:
                    break
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
            service_tier=billed_tier(tier),
        )
    except ValueError:
        return None


def written_usage(usage: Usage) -> dict[str, Any]:
    """Counts as OpenAI writes them, with the details that are not zero."""
    told: dict[str, Any] = counts(usage)
    if not (usage.cache_read or usage.cache_write or usage.audio_input or usage.reasoning or usage.audio_output):
        return told
    inner = {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write, "audio_tokens": usage.audio_input}
    outer = {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.audio_output}
    for name, details in (("prompt_tokens_details", inner), ("completion_tokens_details", outer)):
        if kept := {key: count for key, count in details.items() if count}:
            told[name] = kept
    return told


def counts(usage: Usage) -> dict[str, int]:
    """The three counts by OpenAI's names."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
