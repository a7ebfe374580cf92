"""LlamaIndex messages as messages of the hub."""

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

from routed_llm.dialects.hub import Part, bare, with_parts
from routed_llm.llama_index.answers import KEPT
from routed_llm.llama_index.citations import anthropic_citation
from routed_llm.llama_index.media import media_part

__all__ = ["called", "to_hub"]

_ROLES = {"chatbot": "assistant", "model": "assistant", "function": "tool"}


def to_hub(messages: Sequence[ChatMessage], losses: list[str]) -> list[dict[str, Any]]:
    """The messages in the hub's form; what has no place there is noted in ``losses``.

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
            hub.append(_tool(message, waiting, losses))
        else:
            parts = _parts(message.blocks, losses)
            hub.append(with_parts({"role": role, "content": _content(parts)}, parts))
    return hub


def _content(parts: Sequence[Part]) -> str | list[Part]:
    """Parts as one text where they are nothing but text, joined as ``ChatMessage.content`` does; else as they are."""
    content = bare(parts)
    if all(part["type"] == "text" for part in content):
        return "\n".join(part["text"] for part in content)
    return content


def _parts(blocks: Sequence[Any], losses: list[str]) -> list[Part]:
    """Blocks as parts; a cache point is a mark at the part before it."""
    if len(blocks) == 1 and type(blocks[0]) is TextBlock:
        return [{"type": "text", "text": blocks[0].text}]
    parts: list[Part] = []
    for block in blocks:
        if isinstance(block, CachePoint):
            _mark(parts, block, losses)
        else:
            parts += _of(block, losses)
    return parts


def _mark(parts: list[Part], point: CachePoint, losses: list[str]) -> None:
    """Everything up to here is to be cached: a mark at the last part."""
    if parts:
        parts[-1] = {**parts[-1], "cache_control": {"type": "ephemeral", "ttl": point.cache_control.ttl}}
    else:
        losses.append("a cache point")


def _of(block: Any, losses: list[str]) -> list[Part]:
    if isinstance(block, TextBlock):
        return [{"type": "text", "text": block.text}]
    if isinstance(block, CitableBlock):
        return _citable(block, losses)
    if isinstance(block, CitationBlock):
        losses.append("citations of an earlier turn")
        return []
    if isinstance(block, ThinkingBlock):
        return [_thought(block)]
    if isinstance(block, ToolCallBlock):
        losses.append("a tool call outside an answer")
        return []
    part = media_part(block, losses)
    return [] if part is None else [part]


def _citable(block: CitableBlock, losses: list[str]) -> list[Part]:
    """A source to cite, and the documents in it; pictures in it cannot be cited."""
    texts = [each.text for each in block.content if isinstance(each, TextBlock)]
    cite = {"citations": {"enabled": True}}
    source: Part = {"type": "search_result", "title": block.title, "source": block.source, "texts": texts, **cite}
    inner = [part for each in block.content if not isinstance(each, TextBlock) for part in _of(each, losses)]
    about = {**cite, "context": f"{block.title} ({block.source})"}
    return [*([source] if texts else []), *({**part, **about} if part["type"] == "file" else part for part in inner)]


def _thought(block: ThinkingBlock) -> Part:
    """Reasoning with its signature, where LlamaIndex's integrations keep it."""
    about = block.additional_information
    part: Part = {"type": "reasoning", "text": block.content or ""}
    if about.get("encrypted_content") or str(about.get("id") or "").startswith("rs_"):
        return {**part, "origin": "openai", "data": {"type": "reasoning", "summary": [], **about}}
    if about.get("type") == "redacted_thinking":
        return {**part, "text": "", "origin": "anthropic", "data": dict(about)}
    if about.get("signature"):
        return {**part, "origin": "anthropic", "signature": about["signature"]}
    return part


def _assistant(message: ChatMessage, losses: list[str]) -> dict[str, Any]:
    more = message.additional_kwargs
    calls = [_call(call, number) for number, call in enumerate(called(message))]
    parts = _kept(message, calls) or _spoken(message, calls, losses)
    text = "\n".join(part["text"] for part in parts if part["type"] == "text")
    told: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
    if calls:
        told["tool_calls"] = calls
    if isinstance(more.get("refusal"), str) and not text:
        told["refusal"] = more["refusal"]
    if spoken := more.get("reference_audio_id"):
        words = more.get("audio_transcript")
        told["audio"] = {"id": spoken, "transcript": words} if words else {"id": spoken}
    return with_parts(told, parts)


def _kept(message: ChatMessage, calls: list[dict[str, Any]]) -> list[Part] | None:
    """The parts of an answer of ours, as its provider gave them; None where there are none, or where it was changed since."""
    kept = message.additional_kwargs.get(KEPT)
    if not isinstance(kept, list):
        return None
    text = "".join(part.get("text", "") for part in kept if part.get("type") == "text")
    ids = [part.get("id") for part in kept if part.get("type") == "tool_call"]
    return kept if text == (message.content or "") and ids == [call["id"] for call in calls] else None


def _spoken(message: ChatMessage, calls: list[dict[str, Any]], losses: list[str]) -> list[Part]:
    """The parts of an answer in the order of its blocks, and those of calls that are no blocks."""
    spoken = message.additional_kwargs.get("reference_audio_id")
    left = [{"type": "tool_call", "id": call["id"], **call["function"]} for call in calls]
    parts: list[Part] = []
    for block in message.blocks:
        if isinstance(block, ToolCallBlock):
            if left:
                parts.append(left.pop(0))
        elif spoken and isinstance(block, AudioBlock):
            continue
        elif isinstance(block, CachePoint):
            _mark(parts, block, losses)
        elif isinstance(block, CitationBlock):
            _cite(parts, block, losses)
        else:
            parts += _of(block, losses)
    return [part for part in parts if part["type"] != "text" or part["text"]] + left


def _cite(parts: list[Part], block: CitationBlock, losses: list[str]) -> None:
    """A citation stands behind the text that it belongs to."""
    found = anthropic_citation(block)
    number = next((n for n in range(len(parts) - 1, -1, -1) if parts[n]["type"] == "text"), None)
    if found is None or number is None:
        losses.append("citations of an earlier turn")
    else:
        parts[number] = {**parts[number], "citations": [*parts[number].get("citations", ()), found]}


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


def _tool(message: ChatMessage, waiting: list[str], losses: list[str]) -> dict[str, Any]:
    """A tool's result; what is more than text stands in its parts."""
    call_id = message.additional_kwargs.get("tool_call_id") or message.additional_kwargs.get("name")
    if call_id in waiting:
        waiting.remove(call_id)
    elif not call_id:  # a provider without ids: results come in the order of the calls
        call_id = waiting.pop(0) if waiting else "call_0"
    parts = _parts(message.blocks, losses)
    text = "\n".join(part["text"] for part in parts if part["type"] == "text")
    return with_parts({"role": "tool", "tool_call_id": call_id, "content": text}, parts)
