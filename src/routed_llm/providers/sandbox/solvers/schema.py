"""Fills a JSON schema from a text: what the text gives, and valid filler of the text's own words for the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from routed_llm.providers.sandbox.solvers.facts import Facts, read_facts
from routed_llm.providers.sandbox.solvers.fields import find_flag, find_number, find_text, words_of
from routed_llm.providers.sandbox.solvers.numerals import NUMBER
from routed_llm.providers.sandbox.solvers.sorting import list_items
from routed_llm.providers.sandbox.solvers.words import content_words

__all__ = ["Filled", "fill", "segments"]

#: schemas that refer to themselves end here
_DEEPEST = 12
#: values in one answer; beyond it everything stays empty
_MOST = 2_000
#: types of values as schemas name them
_KINDS = {str: "string", int: "integer", bool: "boolean", list: "array"}
_SEGMENT = re.compile(r"\s+and\s+|\s*;\s*|[.?!]\s+|\n+|,?\s+then\s+")
_QUOTE = re.compile(r"\"[^\"]*\"|'[^']*'(?!\w)|“[^”]*”")


@dataclass(frozen=True, slots=True)
class Filled:
    """A value that the schema allows; ``found`` leaves come from the text, ``missing`` required ones do not."""

    value: Any
    found: int = 0
    missing: int = 0


def segments(text: str) -> list[str]:
    """The parts of a text that may each ask for something: split at "and", semicolons and sentence ends."""
    masked = _QUOTE.sub(lambda match: "_" * len(match[0]), text)
    parts, start = [], 0
    for match in _SEGMENT.finditer(masked):
        parts.append(text[start : match.start()])
        start = match.end()
    return [part for part in [*parts, text[start:]] if part.strip()]


def fill(schema: Mapping[str, Any], facts: Facts) -> Filled:
    """A value of the schema."""
    return _Filler(schema, facts).value(schema, str(schema.get("title") or "answer"), 0)


class _Filler:
    def __init__(self, root: Mapping[str, Any], facts: Facts) -> None:
        self.root = root
        self.facts = facts
        self.left = _MOST

    def value(self, schema: Any, name: str, depth: int) -> Filled:
        node = self._resolved(schema)
        self.left -= 1
        known = self.facts.values.get(name)
        if known is not None and node.get("type") == _KINDS.get(type(known)):
            return Filled(known, found=1)
        if depth > _DEEPEST or self.left < 0:
            return Filled(None, missing=1)
        if "const" in node:
            return Filled(node["const"])
        if node.get("enum"):
            return self._choice(node["enum"])
        for key in ("anyOf", "oneOf"):
            if node.get(key):
                return self._any(node[key], name, depth)
        kinds = node.get("type")
        if isinstance(kinds, list):
            return self._any([{**node, "type": kind} for kind in kinds], name, depth)
        return self._typed(kinds or ("object" if "properties" in node else "string"), node, name, depth)

    def _typed(self, kind: str, node: Mapping[str, Any], name: str, depth: int) -> Filled:
        if kind == "object":
            return self._object(node, depth)
        if kind == "array":
            return self._array(node, name, depth)
        if kind in ("integer", "number"):
            return self._number(node, name, kind)
        if kind == "boolean":
            flag = find_flag(name, self.facts)
            return Filled(bool(flag), found=int(flag is not None), missing=int(flag is None))
        return Filled(None) if kind == "null" else self._text(node, name)

    def _resolved(self, schema: Any) -> dict[str, Any]:
        """The schema with its reference followed and its ``allOf`` merged."""
        node = dict(schema) if isinstance(schema, Mapping) else {}
        for _ in range(_DEEPEST):
            reference = node.pop("$ref", None)
            if reference is None:
                break
            target: Any = self.root
            for step in str(reference).removeprefix("#").strip("/").split("/"):
                target = target.get(step.replace("~1", "/").replace("~0", "~"), {}) if step else target
            node = {**target, **node}
        for part in node.pop("allOf", ()):
            node = {**node, **self._resolved(part)}
        return node

    def _any(self, options: list[Any], name: str, depth: int) -> Filled:
        """The first option that the text gives something for; else null where allowed; else the first."""
        first: Filled | None = None
        for option in options:
            if self._resolved(option).get("type") == "null":
                continue
            filled = self.value(option, name, depth + 1)
            if filled.found:
                return filled
            first = first or filled
        if first is None or any(self._resolved(option).get("type") == "null" for option in options):
            return Filled(None)
        return first

    def _choice(self, options: list[Any]) -> Filled:
        text = self.facts.text.lower()
        for option in options:
            if isinstance(option, str) and re.search(rf"\b{re.escape(option.lower())}\b", text):
                return Filled(option, found=1)
        return Filled(options[0], missing=1)

    def _object(self, node: Mapping[str, Any], depth: int) -> Filled:
        required = node.get("required") or ()
        value, found, missing = {}, 0, 0
        for key, child in (node.get("properties") or {}).items():
            filled = self.value(child, key, depth + 1)
            default = self._resolved(child).get("default")
            if key not in required and not filled.found:
                continue
            if not filled.found and default is not None:
                filled = Filled(default)
            value[key] = filled.value
            found += filled.found
            missing += filled.missing if key in required else 0
        return Filled(value, found, missing)

    def _array(self, node: Mapping[str, Any], name: str, depth: int) -> Filled:
        items = self._resolved(node.get("items", {}))
        filled = self._items(items, name, depth)[: node.get("maxItems")]
        found = sum(item.found for item in filled)
        while len(filled) < node.get("minItems", 1):
            filled.append(self.value(items, name, depth + 1))
        return Filled([item.value for item in filled], found, int(not found))

    def _items(self, items: Mapping[str, Any], name: str, depth: int) -> list[Filled]:
        kind = items.get("type")
        if kind in ("integer", "number"):
            numbers = [item.value for item in self.facts.numbers if kind == "number" or item.value.denominator == 1]
            return [Filled(_plain(value), found=1) for value in numbers if _allowed(value, items)]
        if kind == "string" and not items.get("enum"):
            _, colon, listed = self.facts.text.partition(":")
            found = self.facts.quoted or (list_items(listed) if colon else []) or self.facts.names
            return [Filled(value, found=1) for value in found if _fits(value, items)]
        if kind == "object" or "properties" in items:
            parts = [_Filler(self.root, read_facts(part)).value(items, name, depth + 1) for part in segments(self.facts.text)]
            return [part for part in parts if part.found and not part.missing]
        return []

    def _number(self, node: Mapping[str, Any], name: str, kind: str) -> Filled:
        value = find_number(name, self.facts)
        found = value is not None and (kind == "number" or value.denominator == 1) and _allowed(value, node)
        if value is None or not found:
            return Filled(_filler_number(node, self.facts.text, whole=kind == "integer"), missing=1)
        return Filled(_plain(value), found=1)

    def _text(self, node: Mapping[str, Any], name: str) -> Filled:
        kind = str(node.get("format") or "")
        most = node.get("maxLength")
        value = find_text(name, kind, self.facts)
        if value is not None and _fits(value[:most], node):
            return Filled(value[:most], found=1)
        return Filled(_filler_text(kind, name, self.facts.text, node.get("minLength", 0))[:most], missing=1)


def _fits(value: str, node: Mapping[str, Any]) -> bool:
    pattern = node.get("pattern")
    return node.get("minLength", 0) <= len(value) <= node.get("maxLength", len(value)) and (
        pattern is None or re.search(pattern, value) is not None
    )


def _plain(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _allowed(value: Fraction, node: Mapping[str, Any]) -> bool:
    step = node.get("multipleOf")
    return (
        value >= node.get("minimum", value)
        and value <= node.get("maximum", value)
        and value > node.get("exclusiveMinimum", value - 1)
        and value < node.get("exclusiveMaximum", value + 1)
        and (not step or (value / Fraction(str(step))).denominator == 1)
    )


def _filler_number(node: Mapping[str, Any], text: str, *, whole: bool) -> int | float:
    """A number that the schema allows: how many words the text has, where that is allowed."""
    step = Fraction(str(node.get("multipleOf") or 1))
    count = Fraction(len(re.findall(r"\w+", re.sub(NUMBER, "", text))))
    low = node.get("minimum", node.get("exclusiveMinimum"))
    start = Fraction(0) if low is None else Fraction(str(low)) // step * step
    high = node.get("maximum", node.get("exclusiveMaximum"))
    candidates = [count, *(start + step * i for i in range(3))]
    if high is not None:
        top = Fraction(str(high)) // step * step
        candidates += [top, top - step, Fraction(str(high)) - Fraction(1, 2)]
        if low is not None:
            candidates.append((Fraction(str(low)) + Fraction(str(high))) / 2)
    fitting = [value for value in candidates if _allowed(value, node) and (not whole or value.denominator == 1)]
    return _plain(fitting[0] if fitting else count)


_FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "simulated@example.com",
    "uri": "https://example.com/simulated",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "duration": "P1D",
}


def _filler_text(kind: str, name: str, text: str, least: int) -> str:
    """Text that says it is simulated and what the prompt was about."""
    if kind in _FORMATS:
        return _FORMATS[kind]
    about = content_words(text)
    words = [word for word in re.findall(r"[^\W_]+", text) if word.lower() in about][-6:]
    return f"simulated {' '.join(words_of(name))}: {' '.join(words)}".strip(" :").ljust(least, ".")
