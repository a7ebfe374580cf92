"""Tools and typed answers of the Responses API, nested as chat completions have them."""

from __future__ import annotations

from typing import Any

from routed_llm.providers.sandbox.check_schemas import check_format, check_tools
from routed_llm.providers.sandbox.checks import need, need_choice, need_list, need_object, only
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal

__all__ = ["text_of_body", "tools_of"]

_FUNCTION = ("name", "description", "parameters", "strict")
_FORMATS = {"text": {"type"}, "json_object": {"type"}, "json_schema": {"type", "name", "description", "schema", "strict"}}


def tools_of(body: dict[str, Any], model: SandboxModel) -> dict[str, Any]:
    """``tools``, ``tool_choice`` and ``parallel_tool_calls``.

    Raises:
        Refusal: naming what is wrong.
    """
    given = body.get("tools") or []
    tools = [_function(tool, f"tools[{index}]", model) for index, tool in enumerate(need_list(given, "tools"))]
    told: dict[str, Any] = {}
    if tools:
        told["tools"] = tools
        if body.get("parallel_tool_calls") is not None:
            told["parallel_tool_calls"] = body["parallel_tool_calls"]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        only(choice, {"type", "name"}, "tool_choice")
        choice = {"type": choice.get("type"), "function": {"name": need(choice, "name", "tool_choice")}}
    if choice is not None and (tools or choice not in ("auto", "none")):
        told["tool_choice"] = choice
    try:
        check_tools(told, model)
    except Refusal as refusal:
        raise _flat(refusal) from None
    return told


def _function(value: Any, path: str, model: SandboxModel) -> dict[str, Any]:
    tool = need_object(value, path)
    kind = need(tool, "type", path)
    if kind != "function":
        raise Refusal(f"Hosted tool '{kind}' is not supported with {model.name}.", param="tools")
    only(tool, {"type", *_FUNCTION}, path)
    need(tool, "parameters", path)
    # where nobody says it, a schema that cannot be strict is taken as it is (OpenAI documentation, function calling)
    return {"type": "function", "function": {name: tool[name] for name in _FUNCTION if tool.get(name) is not None}}


def _flat(refusal: Refusal) -> Refusal:
    """With the paths of this API, where functions are flat."""
    param = (refusal.param or "").replace(".function", "").replace("response_format.json_schema", "text.format")
    message = refusal.message.replace(refusal.param, param) if refusal.param else refusal.message
    param = param.replace("response_format", "text.format")
    return Refusal(message, status=refusal.status, kind=refusal.kind, param=param or None, code=refusal.code)


def text_of_body(body: dict[str, Any], messages: list[dict[str, Any]], model: SandboxModel) -> dict[str, Any]:
    """``text`` as a ``response_format``.

    Raises:
        Refusal: naming what is wrong.
    """
    if body.get("text") is None:
        return {}
    text = need_object(body["text"], "text")
    only(text, {"format", "verbosity"}, "text")
    need_choice(text.get("verbosity"), "text.verbosity", (None, "low", "medium", "high"))
    if text.get("format") is None:
        return {}
    form = need_object(text["format"], "text.format")
    kind = need_choice(need(form, "type", "text.format"), "text.format.type", tuple(_FORMATS))
    only(form, _FORMATS[kind], "text.format")
    if kind == "text":
        return {}
    told: dict[str, Any] = {"type": kind}
    if kind == "json_schema":
        need(form, "schema", "text.format")
        told["json_schema"] = {name: value for name, value in form.items() if name != "type" and value is not None}
    try:
        check_format({"messages": messages, "response_format": told}, model)
    except Refusal as refusal:
        raise _flat(refusal) from None
    return {"response_format": told}
