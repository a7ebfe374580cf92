"""What only its maker can read of an answer travels with the answer, and goes back when it comes back unchanged."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from routed_llm.dialects.hub import Part

__all__ = ["is_unchanged", "opened", "sealed"]

#: begins what is sealed; nothing that a provider encrypts begins so
_MARK = "routed-llm:"


def is_unchanged(kept: Any, text: str, call_ids: Iterable[Any]) -> bool:
    """Whether the parts of an answer are still those of a message with this text and these calls."""
    if not isinstance(kept, list) or not all(isinstance(part, dict) for part in kept):
        return False
    said = "".join(str(part.get("text", "")) for part in kept if part.get("type") == "text")
    return said == text and [part.get("id") for part in kept if part.get("type") == "tool_call"] == list(call_ids)


def sealed(parts: Sequence[Part]) -> str:
    """Parts as one opaque text, for the field in which clients send encrypted reasoning back; it is no secret."""
    return _MARK + base64.b64encode(orjson.dumps(parts)).decode("ascii")


def opened(text: Any) -> list[Part] | None:
    """The way back; None for a text that is not ours, or was damaged."""
    if not isinstance(text, str) or not text.startswith(_MARK):
        return None
    try:
        parts = orjson.loads(base64.b64decode(text[len(_MARK) :], validate=True))
    except (binascii.Error, orjson.JSONDecodeError):
        return None
    return parts if isinstance(parts, list) and all(isinstance(part, dict) and "type" in part for part in parts) else None
