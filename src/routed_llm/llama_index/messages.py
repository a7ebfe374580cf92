"""LlamaIndex messages as ``openai.chat`` messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from routed_llm.llama_index.media import media_part
from routed_llm.llama_index.view import media_of

__all__ = ["called", "to_hub"]

_ROLES = {"chatbot": "assistant", "model": "assistant", "function": "tool"}


def to_hub(messages: Sequence[ChatMessage], losses: list[str]) -> list[dict[str, Any]]:
    """The messages in OpenAI's form; what has no place there is noted in ``losses``.

    Raises:
        InvalidCall: for media without content, and for a file that cannot be read.
    """
    hub: list[dict[str, Any]] = []
    waiting: list[str] = []  # calls of the last answer that have no result yet
    for message in messages:
        role = message.role.value
        role = _ROLES.get(role, role)
        if role == "assistant":
            told = _assistant(message, losses)
            waiting = [call["id"] for call in told.get("tool_calls", ())]
            hub.append(told)
        elif role == "tool":
            hub.extend(_tool(message, waiting, losses))
        else:
            hub.append({"role": role, "content": _content(message.blocks, losses)})
    return hub


def _content(blocks: Sequence[Any], losses: list[str]) -> str | list[dict[str, Any]]:
    """Blocks as one text where they are nothing but text, joined as ``ChatMessage.content`` does; else as parts."""
    if len(blocks) == 1 and type(blocks[0]) is TextBlock:
        return blocks[0].text
    parts = [part for block in blocks for part in _parts(block, losses)]
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _parts(block: Any, losses: list[str]) -> list[dict[str, Any]]:
    if isinstance(block, TextBlock):
        return [{"type": "text", "text": block.text}]
    if isinstance(block, CitableBlock):
        losses.append("the citable form of a source: sent as its content")
        inner = [part for each in block.content for part in _parts(each, losses)]
        return [{"type": "text", "text": f"{block.title} ({block.source}):"}, *inner]
    if isinstance(block, CitationBlock):
        losses.append("citations of an earlier turn")
        return []
    if isinstance(block, CachePoint):
        losses.append("a cache point")
        return []
    if isinstance(block, ThinkingBlock):
        losses.append("reasoning of an earlier turn")
        return []
    if isinstance(block, ToolCallBlock):
        losses.append("a tool call outside an answer")
        return []
    part = media_part(block, losses)
    return [] if part is None else [part]


def _assistant(message: ChatMessage, losses: list[str]) -> dict[str, Any]:
    more = message.additional_kwargs
    spoken = more.get("reference_audio_id")
    parts = []
    for block in message.blocks:
        if isinstance(block, ToolCallBlock) or (spoken and isinstance(block, AudioBlock)):
            continue
        if media_of(block) is not None:
            losses.append("media of an earlier answer")
            continue
        parts += _parts(block, losses)
    text = "\n".join(part["text"] for part in parts if part["type"] == "text")
    calls = [_call(call, number) for number, call in enumerate(called(message))]
    told: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
    if calls:
        told["tool_calls"] = calls
    if isinstance(more.get("refusal"), str) and not text:
        told["refusal"] = more["refusal"]
    if spoken:
        told["audio"] = {"id": spoken}
    return told


def called(message: ChatMessage) -> list[tuple[str | None, str, Any]]:
    """Tool calls of a message as id, name and arguments (a dict, or the provider's JSON text).

    They are blocks; where there are none, older code keeps them in ``additional_kwargs``, as dicts or as OpenAI's objects.
    """
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if blocks:
        return [(block.tool_call_id, block.tool_name, block.tool_kwargs) for block in blocks]
    more = message.additional_kwargs
    found = [_older(call) for call in more.get("tool_calls") or ()]
    if not found and isinstance(more.get("function_call"), Mapping):
        function = more["function_call"]
        found.append((function.get("name"), str(function.get("name") or ""), function.get("arguments")))
    return found


def _older(call: Any) -> tuple[str | None, str, Any]:
    function = _read(call, "function") or call
    arguments = _read(function, "arguments")
    return _read(call, "id"), str(_read(function, "name") or ""), arguments if arguments is not None else {}


def _read(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, Mapping) else getattr(holder, name, None)


def _call(call: tuple[str | None, str, Any], number: int) -> dict[str, Any]:
    call_id, name, arguments = call
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments or {}, ensure_ascii=False, default=str)
    function = {"name": name, "arguments": arguments}
    return {"id": call_id or f"call_{number}", "type": "function", "function": function}


def _tool(message: ChatMessage, waiting: list[str], losses: list[str]) -> list[dict[str, Any]]:
    """A tool's result. Media have no place in it, so they follow as the user's."""
    call_id = message.additional_kwargs.get("tool_call_id") or message.additional_kwargs.get("name")
    if call_id in waiting:
        waiting.remove(call_id)
    elif not call_id:  # a provider without ids: results come in the order of the calls
        call_id = waiting.pop(0) if waiting else "call_0"
    content = _content(message.blocks, losses)
    if isinstance(content, str):
        return [{"role": "tool", "tool_call_id": call_id, "content": content}]
    text = "\n".join(part["text"] for part in content if part["type"] == "text")
    media = [part for part in content if part["type"] != "text"]
    losses.append("the place of media in a tool's result: they follow it as the user's")
    heading = {"type": "text", "text": f"Media returned by tool call {call_id}:"}
    return [
        {"role": "tool", "tool_call_id": call_id, "content": text or "See below."},
        {"role": "user", "content": [heading, *media]},
    ]
