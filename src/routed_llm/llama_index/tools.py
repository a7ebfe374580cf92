"""Tools of a call: bound as OpenAI dicts that remember the caller's own objects, and calls read from answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool, ToolMetadata

from routed_llm.door.choice import tool_choice
from routed_llm.errors import InvalidCall
from routed_llm.llama_index.growing import growing_json
from routed_llm.llama_index.messages import called
from routed_llm.requests import ToolBinding

__all__ = ["BoundTools", "one_call", "prepared", "selections", "tool_binding"]


class BoundTools(list[dict[str, Any]]):
    """OpenAI tool dicts that remember the caller's own objects."""

    def __init__(self, tools: Sequence[Any], strict: bool | None = None) -> None:
        super().__init__(_wire(tool, strict) for tool in tools)
        self.originals = tuple(tools)

    def __deepcopy__(self, memo: dict[int, Any]) -> BoundTools:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (list, (list(self),))


def _wire(tool: Any, strict: bool | None) -> dict[str, Any]:
    if isinstance(tool, Mapping) and "input_schema" in tool:  # Anthropic's form of a function
        told = {"name": tool.get("name"), "description": tool.get("description") or "", "parameters": tool["input_schema"]}
        return {"type": "function", "function": told}
    if isinstance(tool, Mapping):
        return dict(tool)
    metadata = tool.metadata if isinstance(tool, BaseTool) else tool
    if not isinstance(metadata, ToolMetadata):
        raise InvalidCall(f"a tool is a LlamaIndex tool or an OpenAI tool dict, not a {type(tool).__name__}.")
    if type(metadata) is ToolMetadata and metadata.fn_schema is not None:
        function = _function(metadata.fn_schema, metadata.name, metadata.description)
    else:
        function = metadata.to_openai_tool(skip_length_check=True)["function"]
    if strict is not None:
        function = {**function, "strict": strict}
        if strict:
            function["parameters"] = {**function["parameters"], "additionalProperties": False}
    return {"type": "function", "function": function}


@lru_cache(maxsize=512)
def _function(fn_schema: Any, name: str | None, description: str) -> dict[str, Any]:
    """A tool's function; its schema is dear to make and agents ask for it at every step."""
    metadata = ToolMetadata(description=description, name=name, fn_schema=fn_schema)
    function: dict[str, Any] = metadata.to_openai_tool(skip_length_check=True)["function"]
    return function


def prepared(
    tools: Sequence[Any],
    user_msg: str | ChatMessage | None,
    chat_history: Sequence[ChatMessage] | None,
    parallel: bool,
    required: bool,
    kwargs: dict[str, Any],
) -> dict[str, Any]:
    """Keywords of a chat with tools; the caller's history stays as it is."""
    messages = list(chat_history or ())
    if user_msg:
        messages.append(ChatMessage(role=MessageRole.USER, content=user_msg) if isinstance(user_msg, str) else user_msg)
    choice = kwargs.pop("tool_choice", None)
    told: dict[str, Any] = {"messages": messages}
    if tools:
        told["tools"] = tools if isinstance(tools, BoundTools) else BoundTools(tools, kwargs.get("strict"))
        choice = "required" if choice is None and required else choice
        if choice is not None:
            told["tool_choice"] = choice
        if not parallel:
            told["parallel_tool_calls"] = False
    return {**told, **kwargs}


def tool_binding(kwargs: Mapping[str, Any]) -> ToolBinding | None:
    """The tools of a call from its keywords; None where there are none.

    Raises:
        InvalidCall: for a ``tool_choice`` that names no tool, and for something that is no tool.
    """
    tools, strict = kwargs.get("tools"), kwargs.get("strict")
    if not tools:
        return None
    bound = tools if isinstance(tools, BoundTools) else BoundTools(tools, strict)
    names = [str(tool.get("function", {}).get("name", tool.get("name", ""))) for tool in bound]
    choice = tool_choice(kwargs.get("tool_choice"), names)
    return ToolBinding(bound.originals, tuple(bound), choice, kwargs.get("parallel_tool_calls"), strict)


def selections(response: ChatResponse, error_on_no_tool_call: bool) -> list[ToolSelection]:
    """The calls of an answer; arguments that are still growing are read as far as they have come.

    Raises:
        ValueError: where there is none and one is expected.
    """
    calls = called(response.message)
    if not calls and error_on_no_tool_call:
        raise ValueError("Expected at least one tool call, but got 0 tool calls.")
    return [
        ToolSelection(tool_id=call_id or "", tool_name=name, tool_kwargs=_parsed(arguments))
        for call_id, name, arguments in calls
    ]


def _parsed(arguments: Any) -> dict[str, Any]:
    found = growing_json(arguments) if isinstance(arguments, str) else arguments
    return dict(found) if isinstance(found, Mapping) else {}


def one_call(response: ChatResponse) -> ChatResponse:
    """The response with its first tool call only; a copy, because the message may be a LlamaIndex object's own."""
    message = response.message
    if len(called(message)) <= 1:
        return response
    first = next((block for block in message.blocks if isinstance(block, ToolCallBlock)), None)
    blocks = [block for block in message.blocks if block is first or not isinstance(block, ToolCallBlock)]
    more = dict(message.additional_kwargs)
    if more.get("tool_calls"):
        more["tool_calls"] = list(more["tool_calls"])[:1]
    return response.model_copy(update={"message": message.model_copy(update={"blocks": blocks, "additional_kwargs": more})})
