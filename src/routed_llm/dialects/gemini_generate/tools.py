"""Tools, the choice among them, and typed answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.gemini_generate.models import generation
from routed_llm.dialects.gemini_generate.schemas import written_schema
from routed_llm.dialects.gemini_generate.spelling import fields_of
from routed_llm.dialects.server_tools import web_search_in
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request, SchemaBinding, ToolBinding

__all__ = ["SERVER_TOOLS", "schema_tool", "write_schema", "write_tools"]

#: tools that Google runs (Gemini API reference, Tool; those of Vertex AI, too)
SERVER_TOOLS = frozenset({
    "codeExecution", "computerUse", "enterpriseWebSearch", "fileSearch", "googleMaps", "googleSearch", "googleSearchRetrieval",
    "mcpServers", "parallelAiSearch", "retrieval", "urlContext",
})  # fmt: skip
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def schema_tool(request: Request, wire: Wire) -> str | None:
    """Name of the tool that stands for the typed answer; None where the model writes it itself.

    Before Gemini 3 no model does both, call functions and write JSON only (Gemini API documentation, structured output).
    """
    schema = request.schema
    if schema is None or (wire.native_schema and not (_has_functions(request.tools) and _cannot_do_both(wire))):
        return None
    return schema.name


def _has_functions(tools: ToolBinding | None) -> bool:
    return tools is not None and any(_is_function(tool) for tool in tools.wire)


def _cannot_do_both(wire: Wire) -> bool:
    return (0, 0) < generation(wire.model) < (3, 0)


def _is_function(tool: Mapping[str, Any]) -> bool:
    return tool.get("type") == "function"


def write_tools(request: Request, wire: Wire, body: dict[str, Any]) -> None:
    """Put ``tools`` and ``toolConfig`` into a body."""
    bound, losses = request.tools, request.losses
    declared: list[dict[str, Any]] = []
    written: list[dict[str, Any]] = []
    for tool in bound.wire if bound is not None else ():
        if _is_function(tool):
            if not declared:
                written.append({"functionDeclarations": declared})
            declared.append(_declaration(tool["function"], losses))
        elif (own := fields_of(tool)) and SERVER_TOOLS.issuperset(own):
            written.append(own)
        elif (search := web_search_in(tool)) is not None and (own_search := search.as_google()) is not None:
            written += [own_search] if own_search not in written else []
        else:
            losses.append(f"a tool that {wire.maker} does not have: {tool.get('type') or ', '.join(tool)}")
    calling = _calling(bound, wire, losses) if bound is not None and (declared or written) else None
    if request.schema is not None and (name := schema_tool(request, wire)):
        if not declared:
            written.append({"functionDeclarations": declared})
        # beside the caller's own tools either may be called; alone it must be
        calling = {"mode": "ANY"} if declared else {"mode": "ANY", "allowedFunctionNames": [name]}
        declared.append(_declaration_of_schema(request.schema, losses))
    if not written:
        return
    body["tools"] = written
    config: dict[str, Any] = body.get("toolConfig") or {}
    if calling:
        config = {**config, "functionCallingConfig": {**calling, **fields_of(config.get("functionCallingConfig"))}}
    if declared and len(written) > 1 and generation(wire.model) >= (3, 0):
        # without it both kinds of tools at once are refused (Gemini API documentation, tool combination)
        config = {"includeServerSideToolInvocations": True, **config}
    if config:
        body["toolConfig"] = config


def _declaration(function: Mapping[str, Any], losses: list[str]) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": function["name"]}
    if function.get("description") is not None:
        declared["description"] = function["description"]
    if function.get("parameters") is not None:
        declared["parametersJsonSchema"] = written_schema(function["parameters"], losses.append)
    return declared


def _declaration_of_schema(schema: SchemaBinding, losses: list[str]) -> dict[str, Any]:
    told = {
        "name": schema.name,
        "description": schema.description or "Give the answer in this form.",
        "parameters": schema.schema or {"type": "object", "additionalProperties": True},
    }
    return _declaration(told, losses)


def _calling(bound: ToolBinding, wire: Wire, losses: list[str]) -> dict[str, Any] | None:
    """``functionCallingConfig``; None where nothing is asked for."""
    if bound.parallel is False:
        losses.append(f"{wire.model} cannot be told to make one call at a time")
    choice = bound.choice
    if isinstance(choice, Mapping):
        return _allowed(choice)
    if choice in (None, "auto"):
        if bound.strict and wire.strict_tools:
            return {"mode": "VALIDATED"}  # texts or calls, and these as their schemas demand
        return None if choice is None else {"mode": "AUTO"}
    if choice in _MODES:
        return {"mode": _MODES[choice]}
    return {"mode": "ANY", "allowedFunctionNames": [choice]}


def _allowed(choice: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's ``allowed_tools``: some of the tools, of which one may or must be called."""
    told = choice.get("allowed_tools") or choice
    names = [(tool.get("function") or tool).get("name") for tool in told.get("tools") or ()]
    return {"mode": "ANY" if told.get("mode") == "required" else "VALIDATED", "allowedFunctionNames": names}


def write_schema(request: Request, wire: Wire, body: dict[str, Any]) -> None:
    """Ask for a typed answer, where the model writes it itself."""
    schema = request.schema
    if schema is None or schema_tool(request, wire) is not None:
        return
    config: dict[str, Any] = body.setdefault("generationConfig", {})
    config["responseMimeType"] = "application/json"
    if schema.schema is not None and schema.method != "json_mode":
        config["responseJsonSchema"] = written_schema(schema.schema, request.losses.append)
