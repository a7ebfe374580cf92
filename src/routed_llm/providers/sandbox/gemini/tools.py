"""Tools of generateContent, and how they may be called, in the words of chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.providers.sandbox.check_schemas import check_tools
from routed_llm.providers.sandbox.checks import need_choice, need_list, need_text
from routed_llm.providers.sandbox.gemini.config import plain_schema
from routed_llm.providers.sandbox.gemini.spelling import fields, refuse
from routed_llm.providers.sandbox.models import SandboxModel

__all__ = ["tools_of"]

#: tools that Google runs, and nobody does here
_SERVER_TOOLS = (
    "codeExecution", "computerUse", "fileSearch", "googleMaps", "googleSearch", "googleSearchRetrieval", "mcpServers",
    "urlContext",
)  # fmt: skip
_DECLARATION = ("behavior", "description", "name", "parameters", "parametersJsonSchema", "response", "responseJsonSchema")
_MODES = ("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED")


def tools_of(body: Mapping[str, Any], model: SandboxModel) -> dict[str, Any]:
    """The functions that may be called, and how.

    Raises:
        Refusal: naming what is wrong.
    """
    tools: list[dict[str, Any]] = []
    for index, value in enumerate(need_list(body.get("tools", []), "tools")):
        tool = fields(value, f"tools[{index}]", ("functionDeclarations", *_SERVER_TOOLS))
        for name in tool:
            if name != "functionDeclarations":
                raise refuse(f"Tool {name} is not supported by models/{model.name}")
        declared = need_list(tool.get("functionDeclarations", []), f"tools[{index}].function_declarations")
        for place, value in enumerate(declared):
            tools.append(_declared(value, f"tools[{index}].function_declarations[{place}]"))
    names = [tool["function"]["name"] for tool in tools]
    for name in names:
        if names.count(name) > 1:
            raise refuse(f"Duplicate function declaration found: {name}")
    mode, allowed = _calling(body, names)
    if not tools:
        return {}
    told: dict[str, Any] = {"tools": [tool for tool in tools if not allowed or tool["function"]["name"] in allowed]}
    if mode == "NONE":
        told["tool_choice"] = "none"
    elif mode == "ANY":
        told["tool_choice"] = "required"
    check_tools(told, model)
    return told


def _declared(value: Any, path: str) -> dict[str, Any]:
    declared = fields(value, path, _DECLARATION)
    if "parameters" in declared and "parametersJsonSchema" in declared:
        raise refuse(f"{path}: parameters and parameters_json_schema are mutually exclusive")
    function = {"name": need_text(declared.get("name", ""), f"{path}.name", filled=True)}
    if "description" in declared:
        function["description"] = need_text(declared["description"], f"{path}.description")
    schema = declared.get("parametersJsonSchema", plain_schema(declared.get("parameters")))
    if schema is not None:
        function["parameters"] = schema
    return {"type": "function", "function": function}


def _calling(body: Mapping[str, Any], names: list[str]) -> tuple[str, list[str]]:
    """The mode of function calling, and the names of the functions that are allowed, where only some are."""
    known = ("functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations")
    config = fields(body.get("toolConfig", {}), "tool_config", known)
    where = "tool_config.function_calling_config"
    calling = fields(config.get("functionCallingConfig", {}), where, ("mode", "allowedFunctionNames"))
    mode = str(need_choice(calling.get("mode", "AUTO"), f"{where}.mode", _MODES))
    allowed = need_list(calling.get("allowedFunctionNames", []), f"{where}.allowed_function_names")
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise refuse("allowed_function_names may only be set where the mode of function calling is ANY or VALIDATED.")
    for name in allowed:
        if name not in names:
            raise refuse(f"allowed_function_names: '{name}' is not among the function declarations")
    if mode in ("ANY", "VALIDATED") and not names:
        raise refuse("Function calling mode is set without function declarations.")
    return mode, allowed
