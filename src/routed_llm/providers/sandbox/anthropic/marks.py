"""Cache marks (Claude documentation, prompt caching)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.providers.sandbox.checks import need, need_choice, need_object, only

__all__ = ["mark_of"]


def mark_of(block: Mapping[str, Any], path: str) -> str | None:
    """For how long what ends with a block is to be cached: ``5m`` or ``1h``; None without a mark.

    Raises:
        Refusal: for a mark in another form.
    """
    if block.get("cache_control") is None:
        return None
    where = f"{path}.cache_control" if path else "cache_control"
    mark = need_object(block["cache_control"], where)
    only(mark, {"type", "ttl"}, where)
    need_choice(need(mark, "type", where), f"{where}.type", ("ephemeral",))
    return str(need_choice(mark.get("ttl", "5m"), f"{where}.ttl", ("5m", "1h")))
