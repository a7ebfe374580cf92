"""Answer schemas in OpenAI's spelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.requests import SchemaBinding

__all__ = ["schema_of"]


def schema_of(response_format: Mapping[str, Any], strict: bool | None, original: Any = None) -> SchemaBinding | None:
    """A ``response_format`` as a binding; None where it asks for plain text.

    Args:
        response_format: ``{"type": "json_schema", "json_schema": {...}}``, ``{"type": "json_object"}`` or of type ``text``.
        strict: whether the answer must follow the schema exactly, where the format does not say so itself.
        original: the caller's own schema, for targets that format schemas themselves; by default made of the format.
    """
    if response_format.get("type") == "text":
        return None
    if response_format.get("type") == "json_object":
        return SchemaBinding(None, "answer", None, "json_mode", strict)
    named = response_format.get("json_schema") or {}
    schema, name = named.get("schema"), str(named.get("name") or "answer")
    if original is None and isinstance(schema, Mapping):
        original = {"title": name, "description": named.get("description", ""), **schema}
    return SchemaBinding(
        original, name, dict(schema or {}), "json_schema", named.get("strict", strict), named.get("description")
    )
