"""What of a call a model would not get as it is: found out by writing a body that holds nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from routed_llm.dialects.dialect import Dialect
from routed_llm.dialects.gemini_generate.spelling import fields_of
from routed_llm.dialects.hub import Message, Part
from routed_llm.dialects.view import HubView
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request, ToolBinding

__all__ = ["is_own", "left_out", "unserved", "untaken"]

_MESSAGES = ({"role": "user", "content": "."},)
_TOOL = {"type": "function", "function": {"name": "any", "parameters": {"type": "object", "properties": {}}}}


def untaken(dialect: Dialect, wire: Wire, params: Mapping[str, Any], parallel: bool | None = None) -> list[str]:
    """What would be lost of the parameters, in words; the model's own are not the call's.

    Args:
        dialect: the language in which the model is asked.
        wire: how it wants to be spoken to.
        params: the call's parameters by their OpenAI names.
        parallel: ``parallel_tool_calls``, where the call says so.
    """
    tools = None if parallel is None else ToolBinding((_TOOL,), (_TOOL,), None, parallel)
    return _lost(dialect, wire, list(_MESSAGES), params, tools)


def unserved(dialect: Dialect, wire: Wire, tools: Sequence[dict[str, Any]], files: Sequence[Part]) -> list[str]:
    """What the model cannot be given of tools that a provider runs and of files that a provider keeps, in words.

    Args:
        dialect: the language in which the model is asked.
        wire: how it wants to be spoken to.
        tools: as the caller gave them, in the form of whichever provider.
        files: parts of the hub with a ``file_id``.
    """
    messages: list[Message] = [*_MESSAGES, {"role": "user", "content": list(files), "parts": list(files)}]
    bound = ToolBinding(tuple(tools), tuple(tools)) if tools else None
    return _lost(dialect, wire, messages if files else list(_MESSAGES), {}, bound)


def left_out(dialect: Dialect, wire: Wire, medium: Part) -> list[str]:
    """What is lost of a medium that the user gives, in words: nothing where it is sent."""
    told = [{"type": "text", "text": "."}, medium]
    return _lost(dialect, wire, [{"role": "user", "content": told, "parts": told}], {}, None)


def is_own(dialect: Dialect, wire: Wire, tool: dict[str, Any]) -> bool:
    """Whether a tool that a provider runs comes into a body as it was given, in the form of the dialect."""
    request = _asked(list(_MESSAGES), {}, ToolBinding((tool,), (tool,)))
    body = dialect.body(request, wire)
    written = body.get("tools") or (body.get("toolConfig") or {}).get("tools") or [{}]  # the latter is Bedrock's
    return not request.losses and bool(fields_of(written[0]) == fields_of(tool))


def _lost(
    dialect: Dialect, wire: Wire, messages: list[Message], params: Mapping[str, Any], tools: ToolBinding | None
) -> list[str]:
    request = _asked(messages, params, tools)
    dialect.body(request, replace(wire, params={}))
    return list(dict.fromkeys(request.losses))


def _asked(messages: list[Message], params: Mapping[str, Any], tools: ToolBinding | None) -> Request:
    return Request("openai.chat", messages, HubView(messages), lambda told, losses: told, params=dict(params), tools=tools)
