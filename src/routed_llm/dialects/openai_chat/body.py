"""A request as the body of a chat completion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.openai_chat.messages import messages_of
from routed_llm.dialects.openai_chat.params import add_params, dropped
from routed_llm.dialects.server_tools import is_listed, web_search_in
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request, SchemaBinding, ToolBinding

__all__ = ["build_body", "schema_tool"]


def schema_tool(request: Request, wire: Wire) -> str | None:
    """Name of the tool that stands for the typed answer at a model without ``response_format``; else None."""
    return request.schema.name if request.schema is not None and not wire.native_schema else None


def build_body(request: Request, wire: Wire) -> dict[str, Any]:
    """The body as plain data; what the model does not take is left out and noted in ``request.losses``."""
    body: dict[str, Any] = {"model": wire.model, "messages": messages_of(request, wire)}
    add_params(body, {**wire.params, **request.params} if wire.params else request.params, wire, request.losses)
    if request.tools is not None and request.tools.wire:
        _add_tools(body, request.tools, wire, request.losses)
    if request.schema is not None:
        _add_schema(body, request.schema, wire)
    if request.stream:
        body["stream"] = True
        if wire.stream_usage:
            body["stream_options"] = {"include_usage": True}
    return body


def _add_tools(body: dict[str, Any], tools: ToolBinding, wire: Wire, losses: list[str]) -> None:
    formatted = []
    for tool in tools.wire:
        if tool.get("type") == "custom":
            formatted.append(_custom(tool))
        elif "function" in tool or _is_known(tool, wire):
            formatted.append(dict(tool) if wire.strict_tools else _without_strict(dict(tool)))
        else:
            losses.append(f"a tool of type {tool.get('type') or next(iter(tool), None)!r}, which {wire.model} does not have")
    if not formatted:
        return
    body["tools"] = formatted
    choice = tools.choice
    if choice in ("auto", "none", "required"):
        word = wire.quirks.get("tool_choices", {}).get(choice, choice)
        if word != choice and word in ("auto", "none", "required"):
            losses.append(f"{wire.model} does not take tool_choice {choice!r}: sent as {word!r}")
        body["tool_choice"] = word
    elif choice is not None:
        body["tool_choice"] = choice if isinstance(choice, dict) else {"type": "function", "function": {"name": choice}}
    if tools.parallel is not None and "parallel_tool_calls" in wire.drops:
        losses.append(dropped("parallel_tool_calls", wire))
    elif tools.parallel is not None:
        body["parallel_tool_calls"] = tools.parallel


def _custom(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool whose input is a free text, and its grammar, one level down; they are flat in the Responses API."""
    inner = {name: value for name, value in tool.items() if name != "type"}
    if isinstance(inner.get("custom"), Mapping):
        return dict(tool)
    form = inner.get("format")
    if isinstance(form, Mapping) and form.get("type") == "grammar" and "grammar" not in form:
        inner["format"] = {"type": "grammar", "grammar": {name: value for name, value in form.items() if name != "type"}}
    return {"type": "custom", "custom": inner}


def _is_known(tool: Mapping[str, Any], wire: Wire) -> bool:
    """Whether a tool that is no function is one of this endpoint's.

    Options of tools stand one level down here, under their type or in ``parameters``; those of the Responses API do not.
    """
    flat = tool.keys() - {"type", str(tool.get("type")), "parameters"}
    return not flat and web_search_in(tool) is None and is_listed(tool, wire.quirks.get("server_tools", ()))


def _without_strict(tool: dict[str, Any]) -> dict[str, Any]:
    function = tool.get("function")
    if isinstance(function, dict) and "strict" in function:
        return {**tool, "function": {k: v for k, v in function.items() if k != "strict"}}
    return tool


def _add_schema(body: dict[str, Any], schema: SchemaBinding, wire: Wire) -> None:
    """``response_format`` where the model takes it, else a tool that must be called."""
    if wire.native_schema:
        if schema.method == "json_mode" or schema.schema is None:
            body["response_format"] = {"type": "json_object"}
            return
        named: dict[str, Any] = {"name": schema.name, "schema": schema.schema}
        if schema.description:
            named["description"] = schema.description
        if schema.strict is not None:
            named["strict"] = schema.strict
        body["response_format"] = {"type": "json_schema", "json_schema": named}
        return
    function = {
        "name": schema.name,
        "description": schema.description or "Give the answer in this form.",
        "parameters": schema.schema or {"type": "object", "additionalProperties": True},
    }
    others = body.get("tools") or []
    body["tools"] = [*others, {"type": "function", "function": function}]
    # beside the caller's own tools either may be called; alone it must be
    body["tool_choice"] = "required" if others else {"type": "function", "function": {"name": schema.name}}
