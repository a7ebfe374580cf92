"""JSON without a schema: an object of the keys that the prompt names, or of a schema that it quotes."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["schema_in"]

_KEY = re.compile(r"[\"'`]([A-Za-z_]\w{0,40})[\"'`]")


def schema_in(text: str) -> dict[str, Any]:
    """The schema of the object that the text asks for.

    A JSON schema in the text counts first, then names in quotation marks, else one field ``answer``.
    """
    quoted = _quoted_schema(text)
    if quoted is not None:
        return quoted
    keys = list(dict.fromkeys(_KEY.findall(text))) if re.search(r"\b(?:key|field|propert)", text) else []
    names = keys or ["answer"]
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}


def _quoted_schema(text: str) -> dict[str, Any] | None:
    """The last JSON object in the text that has properties."""
    decoder = json.JSONDecoder()
    found, at = None, 0
    for _ in range(50):
        at = text.find("{", at)
        if at < 0:
            break
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        if isinstance(value, dict) and isinstance(value.get("properties"), dict):
            found = value
    return found
