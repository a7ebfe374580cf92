"""Tools and answer schemas as the caller bound them, kept with the originals so that each target can format its own.

What is bound looks like plain OpenAI dicts (so that cache keys and traces are stable) and carries the originals along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool

from routed_llm.door.choice import tool_choice
from routed_llm.requests import SchemaBinding, ToolBinding

__all__ = ["BoundSchema", "BoundTools", "schema_binding", "tool_binding"]


class BoundTools(list[dict[str, Any]]):
    """OpenAI tool dicts that remember the caller's own objects."""

    def __init__(self, tools: Sequence[Any], strict: bool | None) -> None:
        super().__init__(tool if _is_server_tool(tool) else convert_to_openai_tool(tool, strict=strict) for tool in tools)
        self.originals = tuple(tools)

    def __deepcopy__(self, memo: dict[int, Any]) -> BoundTools:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (list, (list(self),))


class BoundSchema(dict[str, Any]):
    """An OpenAI ``response_format`` that remembers the caller's own schema."""

    def __init__(self, schema: Any, strict: bool | None) -> None:
        function = convert_to_openai_function(schema, strict=strict)
        named: dict[str, Any] = {"name": function["name"], "schema": function.get("parameters", {"type": "object"})}
        if function.get("description"):
            named["description"] = function["description"]
        if strict is not None:
            named["strict"] = strict
        super().__init__(type="json_schema", json_schema=named)
        self.original = schema

    def __deepcopy__(self, memo: dict[int, Any]) -> BoundSchema:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (dict(self),))


def _is_server_tool(tool: Any) -> bool:
    """A provider's own tool, such as ``{"type": "web_search"}``: handed on as it is."""
    if not isinstance(tool, Mapping) or tool.get("input_schema"):
        return False
    if "type" not in tool:  # Google's, such as {"google_search": {}}
        return len(tool) == 1 and isinstance(next(iter(tool.values())), Mapping)
    return tool["type"] not in ("function", "object")  # a JSON schema is an object


def tool_binding(tools: Any, choice: Any, parallel: bool | None, strict: bool | None) -> ToolBinding | None:
    """The tools of a call; None where there are none.

    Raises:
        InvalidCall: for a ``tool_choice`` that names no tool.
    """
    if not tools:
        return None
    bound = tools if isinstance(tools, BoundTools) else BoundTools(tools, strict)
    names = [str(tool.get("function", {}).get("name", tool.get("name", ""))) for tool in bound]
    return ToolBinding(bound.originals, tuple(bound), tool_choice(choice, names), parallel, strict)


def schema_binding(response_format: Any, strict: bool | None) -> SchemaBinding | None:
    """The answer schema of a call; None where there is none."""
    if not response_format:
        return None
    if isinstance(response_format, type):
        response_format = BoundSchema(response_format, strict)
    if not isinstance(response_format, Mapping) or response_format.get("type") == "text":
        return None
    if response_format.get("type") == "json_object":
        return SchemaBinding(None, "answer", None, "json_mode", strict)
    named = response_format.get("json_schema") or {}
    method: Literal["json_schema"] = "json_schema"
    schema = named.get("schema")
    name = str(named.get("name") or "answer")
    original = getattr(response_format, "original", None)
    if original is None and isinstance(schema, Mapping):
        original = {"title": name, "description": named.get("description", ""), **schema}
    return SchemaBinding(original, name, dict(schema or {}), method, named.get("strict", strict), named.get("description"))
