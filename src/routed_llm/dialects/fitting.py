"""Whether a value fits a JSON schema, as far as types and shape go.

Looked at: ``type``, ``enum``, ``const``, ``properties``, ``required``, ``additionalProperties``, ``items``, ``prefixItems``,
``anyOf``, ``oneOf`` (as ``anyOf``), ``allOf`` and local ``$ref``. Patterns, formats and bounds are not: whoever parses the
answer checks them. What cannot be understood in a schema rejects nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["misfit"]

_COMBINED = frozenset({"allOf", "anyOf", "oneOf"})
#: steps down a schema; only one that refers to itself in a circle has more
_DEEPEST = 400


def misfit(value: Any, schema: Any, *, lenient: bool = False) -> str | None:
    """In words, where and how a value does not fit; None where it does.

    Args:
        value: parsed JSON.
        schema: a JSON schema.
        lenient: take what pydantic converts by default (``"5"`` for a number, ``"true"`` for a boolean) and further properties.
    """
    return _Check(schema, lenient).of(value, schema, "", 0)


class _Check:
    """One look at a value under one root schema."""

    __slots__ = ("_lenient", "_root")

    def __init__(self, root: Any, lenient: bool) -> None:
        self._root = root
        self._lenient = lenient

    def of(self, value: Any, schema: Any, path: str, depth: int) -> str | None:
        """What is wrong at a place and below it."""
        if schema is False:
            return f"{path or 'it'} is not allowed"
        if not isinstance(schema, Mapping) or depth > _DEEPEST:
            return None
        if isinstance(schema.get("$ref"), str):
            return self.of(value, self._referred(schema["$ref"]), path, depth + 1)
        why = self._type(value, schema["type"], path) if "type" in schema else None
        if why is None and ("enum" in schema or "const" in schema):
            why = _choice(value, schema, path)
        if why is None and not _COMBINED.isdisjoint(schema):
            why = self._combined(value, schema, path, depth + 1)
        if why is None and isinstance(value, dict):
            why = self._object(value, schema, path, depth + 1)
        elif why is None and isinstance(value, list):
            why = self._list(value, schema, path, depth + 1)
        return why

    def _combined(self, value: Any, schema: Mapping[str, Any], path: str, depth: int) -> str | None:
        for each in _listed(schema.get("allOf")):
            if (why := self.of(value, each, path, depth)) is not None:
                return why
        for word in ("anyOf", "oneOf"):
            choices = _listed(schema.get(word))
            if choices and all(self.of(value, each, path, depth) is not None for each in choices):
                return f"{path or 'it'} fits none of the alternatives"
        return None

    def _type(self, value: Any, told: Any, path: str) -> str | None:
        kinds = [told] if isinstance(told, str) else _listed(told)
        kinds = [kind for kind in kinds if kind in _TYPES]
        if not kinds or any(_TYPES[kind](value) for kind in kinds):
            return None
        if self._lenient and isinstance(value, str) and any(_reads_as(value, kind) for kind in kinds):
            return None
        return f"{path or 'it'} is {_named(value)}, not {' or '.join(kinds)}"

    def _object(self, value: dict[str, Any], schema: Mapping[str, Any], path: str, depth: int) -> str | None:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        for name in _listed(schema.get("required")):
            if name not in value:
                return f"{_below(path, name)} is missing"
        more = schema.get("additionalProperties", True)
        if more is False and (self._lenient or "patternProperties" in schema):
            more = True
        for name, inner in value.items():
            if (why := self.of(inner, properties.get(name, more), _below(path, name), depth)) is not None:
                return why
        return None

    def _list(self, value: list[Any], schema: Mapping[str, Any], path: str, depth: int) -> str | None:
        first, items = _listed(schema.get("prefixItems")), schema.get("items")
        for number, inner in enumerate(value):
            each = first[number] if number < len(first) else items
            if (why := self.of(inner, each, f"{path}[{number}]", depth)) is not None:
                return why
        return None

    def _referred(self, reference: str) -> Any:
        """The schema that a local reference names; one that rejects nothing where there is none."""
        if not reference.startswith("#"):
            return True
        found = self._root
        for step in reference[1:].strip("/").split("/"):
            if step:
                name = step.replace("~1", "/").replace("~0", "~")
                found = found.get(name, True) if isinstance(found, Mapping) else True
        return found


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: (
        (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    ),
}


def _choice(value: Any, schema: Mapping[str, Any], path: str) -> str | None:
    listed = schema.get("enum")
    if isinstance(listed, list) and value not in listed:
        return f"{path or 'it'} is none of the values that are listed"
    if "const" in schema and value != schema["const"]:
        return f"{path or 'it'} is not the value that is demanded"
    return None


def _reads_as(text: str, kind: str) -> bool:
    """Whether pydantic takes a text for a scalar of this kind by default."""
    if kind == "boolean":
        return text.lower() in ("true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n")
    if kind not in ("integer", "number"):
        return False
    try:
        number = float(text)
    except ValueError:
        return False
    return kind == "number" or number.is_integer()


def _named(value: Any) -> str:
    return next((name for name, fits in _TYPES.items() if name != "number" and fits(value)), "number")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _below(path: str, name: Any) -> str:
    return f"{path}.{name}" if path else str(name)
