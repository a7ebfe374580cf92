"""LangChain messages as ``openai.chat`` messages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, FunctionMessage, ToolMessage

from routed_llm.langchain.blocks import part_of

__all__ = ["to_hub"]

_ROLES = {"human": "user", "system": "system", "ai": "assistant", "tool": "tool", "function": "tool"}
#: what OpenAI's schema forbids in a participant's name
_NOT_IN_NAMES = re.compile(r"[\s<|\\/>]+")


def to_hub(messages: Sequence[BaseMessage], losses: list[str]) -> list[dict[str, Any]]:
    """The messages in OpenAI's form; what has no place there is noted in ``losses``."""
    hub: list[dict[str, Any]] = []
    for message in messages:
        kind = message.type
        content = message.content
        if type(content) is str and kind in ("human", "system") and message.name is None:
            role = message.additional_kwargs.get("__openai_role__") or _ROLES[kind]
            hub.append({"role": role, "content": content})
        elif isinstance(message, AIMessage):
            hub.append(_assistant(message, losses))
        elif isinstance(message, (ToolMessage, FunctionMessage)):
            hub.extend(_tool(message, losses))
        else:
            hub.extend(_other(message, losses))
    return hub


def _named(message: BaseMessage, told: dict[str, Any]) -> dict[str, Any]:
    if message.name and (name := _NOT_IN_NAMES.sub("_", message.name)):
        told["name"] = name
    return told


def _parts(content: Any, losses: list[str]) -> str | list[dict[str, Any]]:
    """Content as text where it is nothing but text, else as parts."""
    if isinstance(content, str):
        return content
    parts = [part for block in content if (part := part_of(block, losses)) is not None]
    if len(parts) == 1 and parts[0]["type"] == "text":
        return str(parts[0]["text"])
    return parts


def _assistant(message: AIMessage, losses: list[str]) -> dict[str, Any]:
    text = "".join(
        block if isinstance(block, str) else block["text"]
        for block in ([message.content] if isinstance(message.content, str) else message.content)
        if isinstance(block, str) or (block.get("type") == "text" and isinstance(block.get("text"), str))
    )
    if not isinstance(message.content, str):
        for block in message.content:
            kind = block.get("type") if isinstance(block, Mapping) else "text"
            if kind in ("thinking", "reasoning", "redacted_thinking", "reasoning_content"):
                losses.append("reasoning of an earlier turn")
            elif isinstance(block, Mapping) and kind == "text" and block.get("citations"):
                losses.append("citations of an earlier turn")
    calls = [_call(call["id"], call["name"], json.dumps(call["args"], ensure_ascii=False)) for call in message.tool_calls]
    calls += [_call(call["id"], call["name"] or "", call["args"] or "") for call in message.invalid_tool_calls]
    told: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
    if calls:
        told["tool_calls"] = calls
    if isinstance(message.additional_kwargs.get("refusal"), str) and not text:
        told["refusal"] = message.additional_kwargs["refusal"]
    audio = message.additional_kwargs.get("audio")
    if isinstance(audio, Mapping) and audio.get("id"):
        told["audio"] = {"id": audio["id"]}
    return _named(message, told)


def _call(call_id: str | None, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id or "call_0", "type": "function", "function": {"name": name, "arguments": arguments}}


def _tool(message: ToolMessage | FunctionMessage, losses: list[str]) -> list[dict[str, Any]]:
    """A tool's result. Media have no place in it, so they follow as the user's."""
    if getattr(message, "status", None) == "error":
        losses.append("the error flag of a tool's result")
    call_id = message.tool_call_id if isinstance(message, ToolMessage) else message.name
    parts = _parts(message.content, losses)
    media = [] if isinstance(parts, str) else [part for part in parts if part["type"] != "text"]
    text = parts if isinstance(parts, str) else "\n".join(part["text"] for part in parts if part["type"] == "text")
    hub: list[dict[str, Any]] = [{"role": "tool", "tool_call_id": call_id, "content": text or ("See below." if media else "")}]
    if media:
        losses.append("the place of media in a tool's result: they follow it as the user's")
        hub.append({"role": "user", "content": [{"type": "text", "text": f"Media returned by tool call {call_id}:"}, *media]})
    return hub


def _other(message: BaseMessage, losses: list[str]) -> list[dict[str, Any]]:
    """Users' and system messages with parts, names, or Anthropic's tool results among them."""
    role = str(getattr(message, "role", None) or _ROLES.get(message.type, "user"))
    role = str(message.additional_kwargs.get("__openai_role__") or role)
    hub: list[dict[str, Any]] = []
    content: Any = message.content
    if not isinstance(content, str):
        results = [b for b in content if isinstance(b, Mapping) and b.get("type") == "tool_result"]
        for result in results:
            inner = result.get("content")
            told = ToolMessage(content=inner if inner is not None else "", tool_call_id=result["tool_use_id"])
            hub.extend(_tool(told, losses))
        content = [b for b in content if not (isinstance(b, Mapping) and b.get("type") == "tool_result")]
        if results and not content:
            return hub
    hub.append(_named(message, {"role": role, "content": _parts(content, losses)}))
    return hub
