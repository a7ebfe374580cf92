"""In which tier of service an answer was served, as far as it has another price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.results import SERVICE_TIERS

__all__ = ["billed_tier"]


def billed_tier(told: Any) -> str:
    """The tier in lower case, from a word or Bedrock's ``{"type": ...}``; empty for the usual one."""
    if not isinstance(told, str):
        told = told.get("type") if isinstance(told, Mapping) else None
    name = told.lower() if isinstance(told, str) else ""
    return name if name in SERVICE_TIERS else ""
