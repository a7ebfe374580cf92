"""JSON schemas as the Messages API can bind an answer to: objects are closed, and what it cannot enforce is told in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

__all__ = ["closed"]

#: what is enforced (Claude documentation, structured outputs: JSON Schema limitations)
_KEPT = ("type", "enum", "const", "title", "description", "default", "$ref", "required")
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)  # fmt: skip
#: names of the definitions of a schema, in both drafts
_DEFINITIONS = ("$defs", "definitions")
_SILENT = frozenset({"$schema", "$id", "$comment", "additionalProperties", "examples", "discriminator"})


def closed(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema with closed objects; None where that would change it: objects with free names, or one within itself.

    What cannot be enforced goes to the description, as Anthropic's own SDK does it (``anthropic.transform_schema``).
    """
    if _is_open(schema) or _is_circular(schema):
        return None
    return _closed(schema)


def _inner(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schemas directly within one, without its definitions."""
    found: list[Any] = [*(schema.get("properties") or {}).values(), schema.get("items")]
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        found += schema.get(name) or ()
    return [each for each in found if isinstance(each, Mapping)]


def _definitions(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        f"#/{word}/{name}": each
        for word in _DEFINITIONS
        for name, each in (schema.get(word) or {}).items()
        if isinstance(each, Mapping)
    }


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Whether an object may have names of its own, or anything at all is allowed in a place."""
    if schema.get("additionalProperties") or schema.get("patternProperties"):
        return True
    if _is_object(schema) and "properties" not in schema and "additionalProperties" not in schema:
        return True
    if not any(name in schema for name in ("type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf")):
        return True
    return any(_is_open(each) for each in (*_inner(schema), *_definitions(schema).values()))


def _is_object(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind)


def _is_circular(schema: Mapping[str, Any]) -> bool:
    """Whether a definition comes back to itself, which is not supported."""
    definitions = _definitions(schema)

    def meets(each: Mapping[str, Any], path: frozenset[str]) -> bool:
        reference = each.get("$ref")
        if isinstance(reference, str):
            target = definitions.get(reference)
            if target is None or reference in path:
                return True
            return meets(target, path | {reference})
        return any(meets(inner, path) for inner in _inner(each))

    return meets(schema, frozenset())


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: schema[name] for name in _KEPT if name in schema}
    for word in _DEFINITIONS:
        if word in schema:
            told[word] = {name: _closed(each) for name, each in schema[word].items()}
    if "$ref" in schema:
        return {name: value for name, value in told.items() if name in ("$ref", *_DEFINITIONS)}
    for word, theirs in (("anyOf", "anyOf"), ("oneOf", "anyOf"), ("allOf", "allOf")):
        if word in schema:
            told[theirs] = [_closed(each) for each in schema[word]]
    if _is_object(schema):
        told["properties"] = {name: _closed(each) for name, each in (schema.get("properties") or {}).items()}
        told["additionalProperties"] = False
    if isinstance(schema.get("items"), Mapping):
        told["items"] = _closed(schema["items"])
    if schema.get("format") in _FORMATS:
        told["format"] = schema["format"]
    if schema.get("minItems") in (0, 1):
        told["minItems"] = schema["minItems"]
    dealt = {*told, *_SILENT, "oneOf", "properties", "items"}
    if left := {name: value for name, value in schema.items() if name not in dealt}:
        words = ", ".join(f"{name}: {_spelled(value)}" for name, value in left.items())
        told["description"] = f"{told['description']}\n\n{{{words}}}" if told.get("description") else f"{{{words}}}"
    return told


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
