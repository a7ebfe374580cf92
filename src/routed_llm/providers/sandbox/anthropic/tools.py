"""Tools, how they may be called, and bound answers of the Messages API, in the words of chat completions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from routed_llm.providers.sandbox.anthropic.marks import mark_of
from routed_llm.providers.sandbox.check_json_schema import check_json_schema
from routed_llm.providers.sandbox.check_schemas import check_format, check_tools, objects_in
from routed_llm.providers.sandbox.checks import need, need_choice, need_list, need_object, need_text, only
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal

__all__ = ["Tools", "form_of", "tools_of"]

_KEYS = frozenset({
    "allowed_callers", "cache_control", "defer_loading", "description", "eager_input_streaming", "input_examples",
    "input_schema", "name", "strict", "type",
})  # fmt: skip
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
#: what a bound answer cannot enforce (Claude documentation, structured outputs: JSON Schema limitations)
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems")


class Tools(NamedTuple):
    """What a body says of tools: in the words of chat completions, and whether a cache mark ends with them, and for an hour."""

    told: dict[str, Any]
    marked: bool = False
    marked_long: bool = False


def tools_of(body: dict[str, Any], model: SandboxModel, called: Collection[str], *, thinking: bool) -> Tools:
    """The tools; ``called``: names of tools that the history calls, for which tools must be there.

    Raises:
        Refusal: naming what is wrong.
    """
    given = need_list(body.get("tools", []), "tools")
    if not given:
        if "tool_choice" in body:
            raise Refusal("tool_choice may only be specified while providing tools.", exact=True)
        if called:
            raise Refusal("Requests which include `tool_use` or `tool_result` blocks must define `tools`.", exact=True)
        return Tools({})
    tools = [_tool(need_object(tool, f"tools[{index}]"), f"tools[{index}]") for index, tool in enumerate(given)]
    names = [tool["function"]["name"] for tool in tools]
    if len(set(names)) < len(names):
        raise Refusal("tools: Tool names must be unique.", exact=True)
    told = {"tools": tools, **_choice(body, names, thinking=thinking)}
    check_tools(told, model)
    marks = [mark for index, tool in enumerate(given) if (mark := mark_of(tool, f"tools[{index}]")) is not None]
    return Tools(told, bool(marks), bool(marks and marks[-1] == "1h"))


def _tool(tool: dict[str, Any], path: str) -> dict[str, Any]:
    kind = tool.get("type") or "custom"
    if kind != "custom":
        raise Refusal(
            f"{path.replace('[', '.').replace(']', '')}: Input tag '{kind}' found using 'type' does not match any of the "
            "expected tags: 'custom'",
            exact=True,
        )
    only(tool, _KEYS, path)
    name = need_text(need(tool, "name", path), f"{path}.name")
    schema = need_object(need(tool, "input_schema", path), f"{path}.input_schema")
    if schema.get("type") != "object":
        raise Refusal(f"{path.replace('[', '.').replace(']', '')}.custom.input_schema.type: Field required", exact=True)
    if tool.get("strict"):
        _closed(schema, f"{path}.input_schema")
    function = {"name": name, "parameters": schema}
    if "description" in tool:
        function["description"] = need_text(tool["description"], f"{path}.description")
    return {"type": "function", "function": function}


def _choice(body: Mapping[str, Any], names: Collection[str], *, thinking: bool) -> dict[str, Any]:
    if "tool_choice" not in body:
        return {}
    choice = need_object(body["tool_choice"], "tool_choice")
    kind = need_choice(need(choice, "type", "tool_choice"), "tool_choice.type", ("auto", "any", "tool", "none"))
    keys = {"type", "name"} if kind == "tool" else {"type"}
    only(choice, keys if kind == "none" else keys | {"disable_parallel_tool_use"}, "tool_choice")
    if thinking and kind in ("any", "tool"):
        raise Refusal("Thinking may not be enabled when tool_choice forces tool use.", exact=True)
    told: dict[str, Any] = {}
    if kind == "tool":
        name = need_text(need(choice, "name", "tool_choice"), "tool_choice.name")
        if name not in names:
            raise Refusal(f"Tool '{name}' not found in provided tools", exact=True)
        told["tool_choice"] = {"type": "function", "function": {"name": name}}
    else:
        told["tool_choice"] = _CHOICES[kind]
    single = choice.get("disable_parallel_tool_use", False)
    if not isinstance(single, bool):
        raise Refusal("tool_choice.disable_parallel_tool_use: Input should be a valid boolean", exact=True)
    return {**told, "parallel_tool_calls": False} if single else told


def form_of(body: Mapping[str, Any], model: SandboxModel) -> dict[str, Any]:
    """The bound answer of ``output_config.format``.

    Raises:
        Refusal: naming what is wrong.
    """
    form = (body.get("output_config") or {}).get("format")
    if form is None:
        return {}
    path = "output_config.format"
    form = need_object(form, path)
    only(form, {"type", "schema"}, path)
    need_choice(need(form, "type", path), f"{path}.type", ("json_schema",))
    schema = need_object(need(form, "schema", path), f"{path}.schema")
    _closed(schema, f"{path}.schema")
    told = {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}
    check_format(told, model)
    return told


def _closed(schema: dict[str, Any], path: str) -> None:
    """Objects allow no other names, and no bounds are set that nobody enforces."""
    check_json_schema(schema, path)
    for _, node in objects_in(schema, ()):
        if node.get("additionalProperties") is not False:
            raise Refusal(f"{path}: For 'object' type, 'additionalProperties' must be explicitly set to false", exact=True)
        for child in (node.get("properties") or {}).values():
            bounds = [name for name in _BOUNDS if isinstance(child, dict) and name in child]
            if bounds:
                kind = child.get("type")
                raise Refusal(f"{path}: For '{kind}' type, properties {', '.join(bounds)} are not supported", exact=True)
