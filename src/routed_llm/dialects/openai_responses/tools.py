"""Tools, the choice among them, and typed answers: flat where chat completions are nested."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.server_tools import web_search_in
from routed_llm.dialects.wire import Wire
from routed_llm.errors import InvalidCall
from routed_llm.requests import Request, SchemaBinding, ToolBinding

__all__ = ["add_schema", "add_tools", "custom_names", "schema_of", "schema_tool", "tools_of"]

#: types of built-in tools, with ``_preview`` and a date: OpenAI's (API reference, create a response), xAI's (tools
#: overview) and OpenRouter's (server tools)
_BUILT_IN = re.compile(
    r"(?:apply_patch|code_execution|code_interpreter|collections_search|computer|computer_use|custom|file_search"
    r"|image_generation|local_shell|mcp|namespace|programmatic_tool_calling|shell|tool_search|web_search|x_search)"
    r"(?:_preview)?(?:_20\d\d_\d\d_\d\d)?|openrouter:[a-z_]+"
)
#: those of them that only one provider has, by the type or what stands before its colon
_ONLY_AT = {"code_execution": "xai", "collections_search": "xai", "openrouter": "openrouter", "x_search": "xai"}
#: fields of a function that only this API has
_OWN_FIELDS = ("allowed_callers", "defer_loading", "output_schema")
_ANY_OBJECT: dict[str, Any] = {"type": "object", "properties": {}}


def schema_tool(request: Request, wire: Wire) -> str | None:
    """Name of the tool that stands for the typed answer at a model that cannot be bound to a schema; else None."""
    return request.schema.name if request.schema is not None and not wire.native_schema else None


def custom_names(tools: ToolBinding | None) -> frozenset[str]:
    """Names of the custom tools, whose input is a free text."""
    told = tools.wire if tools is not None else ()
    return frozenset(str((tool.get("custom") or tool).get("name")) for tool in told if tool.get("type") == "custom")


def add_tools(body: dict[str, Any], request: Request, wire: Wire) -> None:
    """The caller's tools, and how they may be called."""
    bound = request.tools
    if bound is None or not bound.wire:
        return
    written = []
    for tool in bound.wire:
        kind = tool.get("type")
        function = tool.get("function")
        if kind == "function" and isinstance(function, Mapping):
            written.append(_function(tool, function, wire))
        elif kind == "custom" and isinstance(tool.get("custom"), Mapping):
            written.append(_custom(tool["custom"]))
        elif isinstance(kind, str) and _BUILT_IN.fullmatch(kind) and _ONLY_AT.get(kind.partition(":")[0]) in (None, wire.maker):
            written.append(dict(tool))
        elif (search := web_search_in(tool)) is not None:
            written += [told] if (told := search.as_openai()) not in written else []
        else:
            request.losses.append(f"a tool of type {kind!r}, which {wire.model} does not have")
    if not written:
        return
    body["tools"] = written
    if (choice := _choice(bound.choice)) is not None:
        body["tool_choice"] = choice
    if bound.parallel is not None:
        if "parallel_tool_calls" in wire.drops:
            request.losses.append(f"{wire.model} does not take parallel_tool_calls: left out")
        else:
            body["parallel_tool_calls"] = bound.parallel


def _function(tool: Mapping[str, Any], function: Mapping[str, Any], wire: Wire) -> dict[str, Any]:
    """A function, flat; ``strict`` is said either way, as it is on here and off in chat completions where nobody says it."""
    written: dict[str, Any] = {"type": "function", "name": function.get("name")}
    if function.get("description"):
        written["description"] = function["description"]
    written["parameters"] = function.get("parameters") or _ANY_OBJECT
    if wire.strict_tools:
        written["strict"] = bool(function.get("strict"))
    return written | {name: tool[name] for name in _OWN_FIELDS if tool.get(name) is not None}


def _custom(custom: Mapping[str, Any]) -> dict[str, Any]:
    """A custom tool of chat completions, flat, as is its grammar."""
    written = {"type": "custom", **custom}
    form = custom.get("format")
    if isinstance(form, Mapping) and isinstance(form.get("grammar"), Mapping):
        written["format"] = {"type": "grammar", **form["grammar"]}
    return written


def _choice(choice: Any) -> Any:
    """How tools may be called; None where nothing is asked for."""
    if isinstance(choice, Mapping):
        kind = choice.get("type")
        inner = choice.get(str(kind))
        if not isinstance(inner, Mapping):
            return dict(choice)
        flat: dict[str, Any] = {"type": kind, **inner}
        if kind == "allowed_tools":
            flat["tools"] = [_choice(tool) for tool in inner.get("tools") or ()]
        return flat
    if choice is None or choice in ("auto", "none", "required"):
        return choice
    return "required" if choice == "any" else {"type": "function", "name": choice}


def add_schema(body: dict[str, Any], request: Request, wire: Wire) -> None:
    """The typed answer: ``text.format`` where the model takes it, else a tool that must be called."""
    schema = request.schema
    if schema is None:
        return
    if schema_tool(request, wire) is None:
        body["text"] = {"format": _format(schema), **(body.get("text") or {})}
        return
    tool: dict[str, Any] = {
        "type": "function",
        "name": schema.name,
        "description": schema.description or "Give the answer in this form.",
        "parameters": schema.schema or {"type": "object", "additionalProperties": True},
    }
    if wire.strict_tools:
        tool["strict"] = False
    others = body.get("tools") or []
    body["tools"] = [*others, tool]
    # beside the caller's own tools either may be called; alone it must be
    body["tool_choice"] = "required" if others else {"type": "function", "name": schema.name}


def _format(schema: SchemaBinding) -> dict[str, Any]:
    if schema.method == "json_mode" or schema.schema is None:
        return {"type": "json_object"}
    told: dict[str, Any] = {"type": "json_schema", "name": schema.name, "schema": schema.schema}
    if schema.description:
        told["description"] = schema.description
    # on where nobody says it, and off in chat completions (OpenAI API reference): many schemas cannot be strict
    told["strict"] = bool(schema.strict)
    return told


def tools_of(body: Mapping[str, Any]) -> ToolBinding | None:
    """The tools of a body; None where it has none.

    Raises:
        InvalidCall: for tools that are no list of objects.
    """
    given = body.get("tools") or []
    if not isinstance(given, list) or not all(isinstance(tool, Mapping) for tool in given):
        raise InvalidCall("tools: pass a list of objects.")
    if not given:
        return None
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping) and choice.get("type") == "function":
        choice = choice.get("name")
    return ToolBinding(tuple(given), tuple(map(_nested, given)), choice, body.get("parallel_tool_calls"))


def _nested(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A function in the form of chat completions; a built-in tool as it is."""
    if tool.get("type") != "function":
        return dict(tool)
    names = ("name", "description", "parameters", "strict")
    function = {name: tool[name] for name in names if tool.get(name) is not None}
    return {"type": "function", "function": function} | {k: v for k, v in tool.items() if k not in (*names, "type")}


def schema_of(text: Any) -> SchemaBinding | None:
    """The schema that a body's ``text`` binds the answer to; None where there is none, and for plain text."""
    form = text.get("format") if isinstance(text, Mapping) else None
    kind = form.get("type") if isinstance(form, Mapping) else None
    if not isinstance(form, Mapping) or kind not in ("json_object", "json_schema"):
        return None
    if kind == "json_object":
        return SchemaBinding(None, "answer", None, "json_mode")
    schema = form.get("schema")
    name, strict, description = str(form.get("name") or "answer"), form.get("strict"), form.get("description")
    return SchemaBinding(schema, name, schema, "json_schema", strict, description)
