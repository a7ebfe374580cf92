"""Which parameters of a call a model would not get as they are: found out by writing a body that holds nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from routed_llm.dialects.dialect import Dialect
from routed_llm.dialects.view import HubView
from routed_llm.dialects.wire import Wire
from routed_llm.requests import Request, ToolBinding

__all__ = ["untaken"]

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
    messages = list(_MESSAGES)
    request = Request("openai.chat", messages, HubView(messages), lambda told, losses: told, params=dict(params), tools=tools)
    dialect.body(request, replace(wire, params={}))
    return list(dict.fromkeys(request.losses))
