"""Refuses tools, tool choices and answer schemas that OpenAI's chat completions would refuse."""

from __future__ import annotations

import re
from typing import Any

from routed_llm.providers.sandbox.check_json_schema import check_json_schema
from routed_llm.providers.sandbox.check_messages import unable
from routed_llm.providers.sandbox.checks import need, need_choice, need_list, need_object, need_text, only
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal

__all__ = ["check_format", "check_tools", "objects_in"]

_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def check_tools(body: dict[str, Any], model: SandboxModel) -> None:
    """``tools``, ``tool_choice`` and ``parallel_tool_calls`` are sound and the model takes them.

    An empty list counts as none: LangChain's agents send one with a typed answer.
    """
    if body.get("tools") in (None, []):
        for key in ("tool_choice", "parallel_tool_calls"):
            if body.get(key) is not None:
                raise Refusal(f"'{key}' is only allowed when 'tools' are specified.", param=key)
        return
    tools = need_list(body["tools"], "tools", most=128)
    if "tools" not in model.abilities:
        raise unable(model, "tools", "tools")
    names = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(tools)]
    if body.get("tool_choice") is not None:
        _choice(body["tool_choice"], names)
    parallel = body.get("parallel_tool_calls")
    if parallel is not None and not isinstance(parallel, bool):
        raise Refusal("Invalid type for 'parallel_tool_calls': expected a boolean.", param="parallel_tool_calls")


def _tool(value: Any, path: str) -> str:
    tool = need_object(value, path)
    only(tool, {"type", "function"}, path)
    need_choice(need(tool, "type", path), f"{path}.type", ("function",))
    function = need_object(need(tool, "function", path), f"{path}.function")
    where = f"{path}.function"
    only(function, {"name", "description", "parameters", "strict"}, where)
    name = _named(function, where)
    if function.get("description") is not None:
        need_text(function["description"], f"{where}.description")
    schema = need_object(function.get("parameters", {"type": "object", "properties": {}}), f"{where}.parameters")
    if schema.get("type", "object") != "object":
        raise Refusal(
            f"Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"', got 'type: "
            f'"{schema["type"]}"\'.',
            param=f"{where}.parameters",
            code="invalid_function_parameters",
        )
    check_json_schema(schema, f"{where}.parameters")
    if function.get("strict"):
        _strict(schema, f"Invalid schema for function '{name}'", f"{where}.parameters", "invalid_function_parameters")
    return name


def _named(value: dict[str, Any], path: str) -> str:
    name = need_text(need(value, "name", path), f"{path}.name")
    if not _NAME.match(name):
        raise Refusal(
            f"Invalid '{path}.name': string does not match pattern. Expected a string that matches the pattern "
            f"'{_NAME.pattern}'.",
            param=f"{path}.name",
            code="invalid_value",
        )
    return name


def _choice(value: Any, names: list[str]) -> None:
    if isinstance(value, str):
        need_choice(value, "tool_choice", ("none", "auto", "required"))
        return
    choice = need_object(value, "tool_choice")
    only(choice, {"type", "function"}, "tool_choice")
    need_choice(need(choice, "type", "tool_choice"), "tool_choice.type", ("function",))
    function = need_object(need(choice, "function", "tool_choice"), "tool_choice.function")
    only(function, {"name"}, "tool_choice.function")
    name = need_text(need(function, "name", "tool_choice.function"), "tool_choice.function.name")
    if name not in names:
        raise Refusal(f"Tool choice '{name}' not found in 'tools' parameter.", param="tool_choice", code="invalid_value")


def check_format(body: dict[str, Any], model: SandboxModel) -> None:
    """``response_format`` is sound and the model takes it."""
    if body.get("response_format") is None:
        return
    value = need_object(body["response_format"], "response_format")
    kind = need_choice(need(value, "type", "response_format"), "response_format.type", ("text", "json_object", "json_schema"))
    only(value, {"type", "json_schema"} if kind == "json_schema" else {"type"}, "response_format")
    if kind == "json_object":
        _json_mode(body, model)
    elif kind == "json_schema":
        _json_schema(value, model)


def _json_mode(body: dict[str, Any], model: SandboxModel) -> None:
    if "json_mode" not in model.abilities:
        raise unable(model, "response_format 'json_object'", "response_format")
    if "json" not in str(body["messages"]).lower():
        raise Refusal(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )


def _json_schema(value: dict[str, Any], model: SandboxModel) -> None:
    if "structured_output" not in model.abilities:
        raise unable(model, "response_format 'json_schema'", "response_format")
    where = "response_format.json_schema"
    inner = need_object(need(value, "json_schema", "response_format"), where)
    only(inner, {"name", "description", "schema", "strict"}, where)
    name = _named(inner, where)
    schema = need_object(inner.get("schema", {}), f"{where}.schema")
    check_json_schema(schema, f"{where}.schema")
    if inner.get("strict"):
        _strict(schema, f"Invalid schema for response_format '{name}'", "response_format", None)


def _strict(schema: dict[str, Any], message: str, param: str, code: str | None) -> None:
    """Strict schemas list all their properties as required and allow no others (OpenAI's structured outputs)."""
    for at, node in objects_in(schema, ()):
        context = f"In context={at}"
        if node.get("additionalProperties") is not False:
            text = f"{message}: {context}, 'additionalProperties' is required to be supplied and to be false."
            raise Refusal(text, param=param, code=code)
        missing = [name for name in node.get("properties") or {} if name not in (node.get("required") or ())]
        if missing:
            raise Refusal(
                f"{message}: {context}, 'required' is required to be supplied and to be an array including every key "
                f"in properties. Missing '{missing[0]}'.",
                param=param,
                code=code,
            )


def objects_in(node: Any, at: tuple[str, ...]) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every object schema below, with its path."""
    if isinstance(node, list):
        return [found for item in node for found in objects_in(item, at)]
    if not isinstance(node, dict):
        return []
    found = [(at, node)] if node.get("type") == "object" or "properties" in node else []
    for key in ("items", "anyOf", "allOf", "oneOf"):
        found += objects_in(node.get(key), (*at, key))
    for key in ("properties", "$defs", "definitions"):
        for name, child in (node.get(key) or {}).items():
            found += objects_in(child, (*at, key, name))
    return found
