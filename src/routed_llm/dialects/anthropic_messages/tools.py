"""Tools and typed answers, there and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.anthropic_messages.schemas import closed
from routed_llm.dialects.server_tools import is_listed, web_search_in
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request, SchemaBinding, ToolBinding

__all__ = ["add_schema", "add_tools", "schema_of", "schema_tool", "tools_of"]

#: types of the tools that Anthropic runs or defines end with a date; servers of MCP are a set of tools
_OWN_TYPE = re.compile(r"[a-z0-9_]+_20\d{6}|mcp_toolset")
#: fields of a tool that only Anthropic has
_OWN_FIELDS = ("cache_control", "defer_loading", "input_examples", "allowed_callers", "eager_input_streaming")
_CHOICES = {"auto": "auto", "none": "none", "required": "any", "any": "any"}
_BACK = {"auto": "auto", "none": "none", "any": "required"}
_ANY_OBJECT: dict[str, Any] = {"type": "object", "properties": {}}


def schema_tool(request: Request, wire: Wire) -> str | None:
    """Name of the tool that stands for the typed answer where the model cannot be bound to the schema; else None."""
    schema = request.schema
    if schema is None or schema.schema is None or schema.method == "json_mode":
        return None
    return None if wire.native_schema and closed(schema.schema) is not None else schema.name


def add_tools(body: dict[str, Any], request: Request, wire: Wire) -> None:
    """The caller's tools, and how they may be called."""
    tools = request.tools
    if tools is None or not tools.wire:
        return
    own = {name: tool for tool in tools.originals if (name := _own_name(tool)) is not None}
    extras = {name: extra for tool in tools.originals if isinstance(extra := getattr(tool, "extras", None), Mapping)
              if isinstance(name := getattr(tool, "name", None), str)}  # fmt: skip
    written = []
    for tool in tools.wire:
        function = tool.get("function")
        if isinstance(function, Mapping):
            name = str(function.get("name") or "")
            mine = own.get(name)
            written.append(dict(mine) if mine is not None else _tool(tool, function, extras.get(name, {}), wire))
        elif "input_schema" in tool:
            written.append(dict(tool))
        elif (server := _server_tool(tool, wire)) is not None:
            written += [server] if server not in written else []
        else:
            request.losses.append(f"a tool of type {tool.get('type')!r}, which {wire.model} does not have")
    if written:
        body["tools"] = written
        if (choice := _choice(tools, request, wire)) is not None:
            body["tool_choice"] = choice


def _server_tool(tool: Mapping[str, Any], wire: Wire) -> dict[str, Any] | None:
    """A tool that Anthropic runs or defines; None for those of others, and where the endpoint does not run it."""
    own: dict[str, Any] | None = dict(tool) if _OWN_TYPE.fullmatch(str(tool.get("type"))) else None
    if own is None and (search := web_search_in(tool)) is not None:
        own = search.as_anthropic()
    known = wire.quirks.get("server_tools")
    return own if own is None or known is None or is_listed(own, known) else None


def _own_name(tool: Any) -> str | None:
    """Name of a tool that was given in Anthropic's own form; None for others."""
    if isinstance(tool, Mapping) and "input_schema" in tool and isinstance(tool.get("name"), str):
        return str(tool["name"])
    return None


def _tool(tool: Mapping[str, Any], function: Mapping[str, Any], extras: Mapping[str, Any], wire: Wire) -> dict[str, Any]:
    written: dict[str, Any] = {"name": function.get("name")}
    if function.get("description"):
        written["description"] = function["description"]
    given = function.get("parameters") or _ANY_OBJECT
    written["input_schema"] = given if given.get("type") == "object" else {**given, "type": "object"}
    strict = closed(written["input_schema"]) if function.get("strict") and wire.strict_tools and wire.native_schema else None
    if strict is not None:
        written |= {"input_schema": strict, "strict": True}
    for source in (extras, tool):
        written |= {name: source[name] for name in _OWN_FIELDS if source.get(name) is not None}
    return written


def _choice(tools: ToolBinding, request: Request, wire: Wire) -> dict[str, Any] | None:
    """How tools may be called; models that cannot be forced may call as they like."""
    given, choice = tools.choice, None
    if isinstance(given, Mapping):
        function = given.get("function")
        if isinstance(function, Mapping):
            given = function.get("name")
        elif given.get("type") in ("auto", "any", "none", "tool"):
            choice = dict(given)
        else:
            request.losses.append(f"a tool choice of type {given.get('type')!r}")
            given = None
    if choice is None and isinstance(given, str):
        choice = {"type": _CHOICES[given]} if given in _CHOICES else {"type": "tool", "name": given}
    if tools.parallel is False and "parallel_tool_calls" in wire.drops:
        request.losses.append(f"{wire.model} does not take parallel_tool_calls: left out")
    elif tools.parallel is False and (choice or {}).get("type") != "none":
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    elif tools.parallel and choice is not None and choice["type"] != "none":
        choice.pop("disable_parallel_tool_use", None)
    return choice


def add_schema(body: dict[str, Any], request: Request, wire: Wire) -> str | None:
    """The typed answer: natively, or as a tool, or (any JSON at all) as an instruction, which is given back."""
    schema = request.schema
    if schema is None:
        return None
    if schema.schema is None or schema.method == "json_mode":
        return "Answer with one JSON object and nothing else: no words around it, no code fence."
    name = schema_tool(request, wire)
    if name is None:
        body["output_config"] = {
            **(body.get("output_config") or {}), "format": {"type": "json_schema", "schema": closed(schema.schema)}
        }  # fmt: skip
        return None
    others = body.get("tools") or []
    given = schema.schema if schema.schema.get("type") == "object" else {**schema.schema, "type": "object"}
    description = schema.description or "Give the answer in this form."
    body["tools"] = [*others, {"name": name, "description": description, "input_schema": given}]
    # beside the caller's own tools either may be called; alone it must be
    body["tool_choice"] = {"type": "any"} if others else {"type": "tool", "name": name}
    return None


def tools_of(body: Mapping[str, Any]) -> ToolBinding | None:
    """The tools of a body; None where it has none."""
    given = tuple(body.get("tools") or ())
    if not given:
        return None
    choice = body.get("tool_choice")
    parallel, named = None, None
    if isinstance(choice, Mapping):
        parallel = False if choice.get("disable_parallel_tool_use") else None
        named = choice.get("name") if choice.get("type") == "tool" else _BACK.get(str(choice.get("type")))
        if named == "auto" and parallel is False and len(choice) == 2:
            named = None
    return ToolBinding(given, tuple(_function(tool) for tool in given), named, parallel)


def _function(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool in OpenAI's form; one that Anthropic runs or defines as it is."""
    if "input_schema" not in tool:
        return dict(tool)
    function = {"name": tool.get("name"), "description": tool.get("description") or "", "parameters": tool["input_schema"]}
    if tool.get("strict") is not None:
        function["strict"] = tool["strict"]
    return {"type": "function", "function": function}


def schema_of(body: Mapping[str, Any]) -> SchemaBinding | None:
    """The schema that a body binds the answer to; None where there is none."""
    config = body.get("output_config")
    form = config.get("format") if isinstance(config, Mapping) else None
    form = form or body.get("output_format")
    schema = form.get("schema") if isinstance(form, Mapping) and form.get("type") == "json_schema" else None
    if not isinstance(schema, Mapping):
        return None
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", str(schema.get("title") or "answer"))[:64]
    return SchemaBinding(dict(schema), name, dict(schema), "json_schema", True)
