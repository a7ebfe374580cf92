"""JSON without a schema: an object of the keys that the prompt names, or of a schema that it quotes."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["schema_in", "told_schema", "wants_json"]

_WANTED = re.compile(r"\bjson schema\b[^{}]{0,40}\b(?:to follow|below)|\bconforms? to the (?:json )?schema", re.IGNORECASE)
_ABOUT = re.compile(r"\bjson\b|\bschema\b|^\s*```", re.IGNORECASE)
#: as it is asked of models without a JSON mode
_ONLY = re.compile(r"\bone json object and nothing else\b|\bnothing (?:other than|but) (?:valid )?json\b", re.IGNORECASE)
_KEY = re.compile(r"[\"'`]([A-Za-z_]\w{0,40})[\"'`]")


def schema_in(text: str) -> dict[str, Any]:
    """The schema of the object that the text asks for.

    A JSON schema in the text counts first, then names in quotation marks, else one field ``answer``.
    """
    quoted = _quoted_schema(text)
    if quoted is not None:
        return quoted[0]
    keys = list(dict.fromkeys(_KEY.findall(text))) if re.search(r"\b(?:key|field|propert)", text) else []
    names = keys or ["answer"]
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}


def wants_json(text: str) -> bool:
    """Whether a text demands an answer of JSON alone."""
    return _ONLY.search(text) is not None


def told_schema(text: str) -> tuple[dict[str, Any], str] | None:
    """The schema that a text wants its answer in, and the text without it; None where it wants none."""
    if _WANTED.search(text) is None:
        return None
    quoted = _quoted_schema(text)
    if quoted is None:  # some templates send it with the braces doubled
        text = text.replace("{{", "{").replace("}}", "}")
        quoted = _quoted_schema(text)
    if quoted is None:
        return None
    schema, start, end = quoted
    rest = f"{text[:start]}\n{text[end:]}".splitlines()
    return schema, "\n".join(line for line in rest if not _ABOUT.search(line)).strip()


def _quoted_schema(text: str) -> tuple[dict[str, Any], int, int] | None:
    """The last JSON object in the text that has properties, and where it stands."""
    decoder = json.JSONDecoder()
    found, at = None, 0
    for _ in range(50):
        at = text.find("{", at)
        if at < 0:
            break
        start = at
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        if isinstance(value, dict) and isinstance(value.get("properties"), dict):
            found = value, start, at
    return found
