"""In which tier of service an answer was served, as far as it has another price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["billed_tier"]

#: tiers that are billed otherwise than the usual one, in the words of OpenAI, Anthropic, Google, Amazon Bedrock and Groq; any
#: other word (default, standard, on_demand ...) names the usual one
_BILLED = frozenset({"batch", "flex", "priority", "provisioned", "reserved", "scale"})


def billed_tier(told: Any) -> str:
    """The tier in lower case, from a word or Bedrock's ``{"type": ...}``; empty for the usual one."""
    if isinstance(told, Mapping):
        told = told.get("type")
    name = told.lower() if isinstance(told, str) else ""
    return name if name in _BILLED else ""
