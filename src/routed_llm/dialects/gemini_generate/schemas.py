"""JSON schemas: what Google takes of them, and its older form, OpenAPI's subset with types in capitals.

Requests have ``parametersJsonSchema`` and ``responseJsonSchema``, which take ``$defs``, ``$ref`` (also in a circle) and
``prefixItems`` (recorded); read are the older ``parameters`` and ``responseSchema``, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["read_openapi", "written_schema"]

#: keywords that say nothing to a model
_SILENT = frozenset({"$schema", "$comment"})
#: keywords that the interface refuses or passes over (pydantic-ai, profiles/google.py)
_LOST = frozenset({"discriminator", "examples", "exclusiveMinimum", "exclusiveMaximum"})
#: keywords whose value is a schema, a list of schemas, or schemas by name
_SCHEMA = frozenset({"items", "additionalProperties", "not", "contains", "if", "then", "else", "propertyNames"})
_SCHEMAS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_NAMED = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})


def written_schema(schema: Any, lost: Callable[[str], None]) -> Any:
    """A JSON schema as Google takes it; ``lost`` is told each keyword that had to be left out."""
    return _each(schema, lambda keywords: _taken(keywords, lost))


def _taken(keywords: dict[str, Any], lost: Callable[[str], None]) -> dict[str, Any]:
    if _SILENT.isdisjoint(keywords) and _LOST.isdisjoint(keywords) and "const" not in keywords:
        return keywords
    taken = {name: value for name, value in keywords.items() if name not in _SILENT and name not in _LOST and name != "const"}
    if "const" in keywords:  # the same, in the keyword that is taken
        taken["enum"] = [keywords["const"]]
    for name in _LOST.intersection(keywords):
        lost(f"{name} in a schema")
    return taken


def read_openapi(schema: Any) -> Any:
    """OpenAPI's subset as a JSON schema: types in small letters, and ``nullable`` as a second type."""
    return _each(schema, _plain)


def _plain(keywords: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in keywords.items() if name != "nullable"}
    kind = plain.get("type")
    if isinstance(kind, str):
        plain["type"] = [kind.lower(), "null"] if keywords.get("nullable") else kind.lower()
    elif keywords.get("nullable") and isinstance(plain.get("anyOf"), list):
        plain["anyOf"] = [*plain["anyOf"], {"type": "null"}]
    return plain


def _each(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """A schema with a change made to it and to every schema within it."""
    if not isinstance(schema, Mapping):
        return schema
    changed = change(dict(schema))
    for name, value in changed.items():
        if name in _SCHEMA:
            changed[name] = _each(value, change)
        elif name in _SCHEMAS and isinstance(value, list):
            changed[name] = [_each(each, change) for each in value]
        elif name in _NAMED and isinstance(value, Mapping):
            changed[name] = {key: _each(each, change) for key, each in value.items()}
    return changed
