"""Refuses what is no JSON schema, so that whatever fills it can rely on its shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from routed_llm.providers.sandbox.checks import need_count, need_list, need_number, need_object, need_text
from routed_llm.providers.sandbox.replies import Refusal

__all__ = ["check_json_schema"]

_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COUNTS = {"minItems": 1_000, "maxItems": 10**9, "minLength": 10_000, "maxLength": 10**9}
_FAR = 10**15


def check_json_schema(schema: Mapping[str, Any], path: str) -> None:
    """The schema and all schemas in it are sound.

    Raises:
        Refusal: naming the place that is not.
    """
    _node(schema, path, schema)


def _wrong(path: str, why: str) -> Refusal:
    return Refusal(f"Invalid schema at '{path}': {why}.", param=path, code="invalid_json_schema")


def _node(value: Any, path: str, root: Mapping[str, Any]) -> None:
    if isinstance(value, bool):
        return
    node = need_object(value, path)
    _leaves(node, path)
    if "$ref" in node:
        _reference(need_text(node["$ref"], f"{path}.$ref"), path, root)
    for key in ("properties", "$defs", "definitions"):
        for name, child in need_object(node.get(key, {}), f"{path}.{key}").items():
            _node(child, f"{path}.{key}.{name}", root)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in node:
            for index, child in enumerate(need_list(node[key], f"{path}.{key}", least=1)):
                _node(child, f"{path}.{key}[{index}]", root)
    if "items" in node:
        _node(node["items"], f"{path}.items", root)


def _leaves(node: dict[str, Any], path: str) -> None:
    kinds = node.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in _TYPES:
            raise _wrong(path, f"no such type: {kind!r}")
    if "enum" in node:
        need_list(node["enum"], f"{path}.enum", least=1)
    for name in need_list(node.get("required", []), f"{path}.required"):
        need_text(name, f"{path}.required")
    for key in _BOUNDS:
        if key in node:
            need_number(node[key], f"{path}.{key}", -_FAR, _FAR)
    if "multipleOf" in node and Fraction(str(node["multipleOf"])) <= 0:
        raise _wrong(path, "multipleOf is above 0")
    for key, most in _COUNTS.items():
        if key in node:
            need_count(node[key], f"{path}.{key}", 0, most)
    if "pattern" in node:
        try:
            re.compile(need_text(node["pattern"], f"{path}.pattern"))
        except re.error as error:
            raise _wrong(path, f"no pattern: {error}") from None


def _reference(reference: str, path: str, root: Mapping[str, Any]) -> None:
    """A reference leads to a schema within the same document."""
    target: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
    if not reference.startswith("#") or not isinstance(target, dict):
        raise _wrong(path, f"reference can't be resolved: {reference!r}")
