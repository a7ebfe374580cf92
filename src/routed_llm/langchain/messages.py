"""LangChain messages as messages of the hub."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, FunctionMessage, ToolMessage

from routed_llm.dialects.hub import Part, bare, with_parts
from routed_llm.langchain.blocks import part_of
from routed_llm.langchain.thoughts import kept_parts, signed_calls, thought_of

__all__ = ["to_hub"]

#: blocks that say where among the others a tool is called
_CALLS = frozenset({"tool_use", "tool_call", "function_call", "invalid_tool_call"})
_ROLES = {"human": "user", "system": "system", "ai": "assistant", "tool": "tool", "function": "tool"}
#: what OpenAI's schema forbids in a participant's name
_NOT_IN_NAMES = re.compile(r"[\s<|\\/>]+")


def to_hub(messages: Sequence[BaseMessage], losses: list[str]) -> list[dict[str, Any]]:
    """The messages in the hub's form; what has no place there is noted in ``losses``."""
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
            hub.append(_tool(message, losses))
        else:
            hub.extend(_other(message, losses))
    return hub


def _named(message: BaseMessage, told: dict[str, Any]) -> dict[str, Any]:
    if message.name and (name := _NOT_IN_NAMES.sub("_", message.name)):
        told["name"] = name
    return told


def _read(content: Any, losses: list[str]) -> list[Part]:
    """Content as parts of the hub."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part for block in content if (part := part_of(block, losses)) is not None]


def _told(parts: list[Part]) -> str | list[Part]:
    """Parts as plain content: a text where they are nothing but one."""
    content = bare(parts)
    if len(content) == 1 and content[0]["type"] == "text":
        return str(content[0]["text"])
    return content


def _assistant(message: AIMessage, losses: list[str]) -> dict[str, Any]:
    calls = [_call(call["id"], call["name"], json.dumps(call["args"], ensure_ascii=False)) for call in message.tool_calls]
    calls += [_call(call["id"], call["name"] or "", call["args"] or "") for call in message.invalid_tool_calls]
    parts = kept_parts(message) or _spoken(message, calls, losses)
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    told: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
    if calls:
        told["tool_calls"] = calls
    if isinstance(message.additional_kwargs.get("refusal"), str) and not text:
        told["refusal"] = message.additional_kwargs["refusal"]
    if isinstance(thought := message.additional_kwargs.get("reasoning_content"), str) and thought:
        told["reasoning_content"] = thought
    audio = message.additional_kwargs.get("audio")
    if isinstance(audio, Mapping) and audio.get("id") and "format" not in audio:  # Gemini tells a format, and keeps none
        told["audio"] = {name: audio[name] for name in ("id", "transcript") if audio.get(name)}
    return with_parts(_named(message, told), parts)


def _spoken(message: AIMessage, calls: list[dict[str, Any]], losses: list[str]) -> list[Part]:
    """The parts of an answer in the order of its blocks; calls that no block names come last."""
    signed = signed_calls(message)
    left = {call["id"]: _call_part(call, signed.get(call["id"])) for call in calls}
    parts: list[Part] = []
    told_by = message.response_metadata.get("model_provider")
    for block in [message.content] if isinstance(message.content, str) else message.content:
        if isinstance(block, str) or (block.get("type") == "text" and isinstance(block.get("text"), str)):
            if part := part_of(block, []):
                parts.append(part)
        elif block.get("type") in _CALLS:
            if (call := left.pop(block.get("id") or block.get("call_id"), None)) is not None:
                parts.append(call)
        elif (thought := thought_of(block, told_by)) is not None:
            parts.append(thought)
        elif (part := part_of(block, losses)) is not None:
            parts.append(part)
    return [part for part in parts if part.get("text") != "" or part["type"] != "text" or "signature" in part] + [
        *left.values()
    ]


def _call_part(call: Mapping[str, Any], signature: str | None) -> Part:
    part: Part = {"type": "tool_call", "id": call["id"], **call["function"]}
    return {**part, "signature": signature, "origin": "google"} if signature else part


def _call(call_id: str | None, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id or "call_0", "type": "function", "function": {"name": name, "arguments": arguments}}


def _tool(message: ToolMessage | FunctionMessage, losses: list[str]) -> dict[str, Any]:
    """A tool's result; what is more than text stands in its parts."""
    call_id = message.tool_call_id if isinstance(message, ToolMessage) else message.name
    parts = _read(message.content, losses)
    text = "\n".join(part["text"] for part in parts if part["type"] == "text")
    told: dict[str, Any] = {"role": "tool", "tool_call_id": call_id, "content": text}
    if getattr(message, "status", None) == "error":
        told["is_error"] = True
    return with_parts(told, parts)


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
            status = "error" if result.get("is_error") else "success"
            told = ToolMessage(content=inner if inner is not None else "", tool_call_id=result["tool_use_id"], status=status)
            hub.append(_tool(told, losses))
        content = [b for b in content if not (isinstance(b, Mapping) and b.get("type") == "tool_result")]
        if results and not content:
            return hub
    parts = _read(content, losses)
    hub.append(with_parts(_named(message, {"role": role, "content": _told(parts)}), parts))
    return hub
