"""Messages that a class of LLMs can read: blocks on which its integration would raise are converted or left out, with a note.

What each integration reads was found in its converter of messages. Messages without such blocks stay the very same objects;
those of a class that is not in the table are never touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, CitableBlock, TextBlock, ThinkingBlock, ToolCallBlock

from routed_llm.providers.llama_index_answers import as_text
from routed_llm.providers.llama_index_messages import arguments_of

__all__ = ["READS", "fitted"]

#: family -> the ``block_type``s that its integration takes
READS: dict[str, frozenset[str]] = {
    "openai": frozenset({"text", "document", "image", "audio", "thinking", "tool_call"}),
    "anthropic": frozenset({"text", "document", "image", "citable", "citation", "cache", "thinking", "tool_call"}),
    "mistral": frozenset({"text", "image", "thinking", "tool_call"}),
    "google": frozenset({"text", "image", "video", "document", "thinking", "tool_call"}),
    "ollama": frozenset({"text", "image", "thinking", "tool_call"}),
    "litellm": frozenset({"text", "image", "audio", "document"}),
}
_LOST = {
    "thinking": "reasoning of an earlier turn",
    "citation": "citations of an earlier turn",
    "cache": "a mark of what to cache",
    "citable": "that a text can be cited",
}
#: families that send the arguments of earlier calls as an object, never as text
_OBJECTS = ("anthropic", "google", "ollama")


def fitted(messages: Sequence[ChatMessage], family: str, losses: list[str]) -> list[ChatMessage]:
    """A new list of the same messages, with copies of those that hold what this family cannot read."""
    reads = READS.get(family)
    if reads is None:
        return list(messages)
    return [message if _reads(message, reads, family) else _copy(message, reads, family, losses) for message in messages]


def _reads(message: ChatMessage, reads: frozenset[str], family: str) -> bool:
    return all(block.block_type in reads and not _unfit(block, family) for block in message.blocks)


def _unfit(block: Any, family: str) -> bool:
    """A block of a kind that is read, but not as it stands."""
    if isinstance(block, ThinkingBlock):  # Anthropic refuses thinking without its own signature
        return family == "anthropic" and not block.additional_information.get("signature")
    return isinstance(block, ToolCallBlock) and isinstance(block.tool_kwargs, str) and family in _OBJECTS


def _copy(message: ChatMessage, reads: frozenset[str], family: str, losses: list[str]) -> ChatMessage:
    kept: list[Any] = []
    calls = []
    for block in message.blocks:
        kind = block.block_type
        if isinstance(block, ToolCallBlock) and kind not in reads:
            function = {"name": block.tool_name, "arguments": as_text(block.tool_kwargs)}
            calls.append({"id": block.tool_call_id or "call_0", "type": "function", "function": function})
        elif isinstance(block, ToolCallBlock) and _unfit(block, family):
            told = arguments_of(block.tool_kwargs)
            kept.append(block.model_copy(update={"tool_kwargs": told if isinstance(told, dict) else {"input": told}}))
        elif kind in reads and not _unfit(block, family):
            kept.append(block)
        else:
            losses.append(_LOST.get(kind, f"a block of type {kind!r}"))
            if isinstance(block, CitableBlock):
                kept += [part for part in block.content if isinstance(part, TextBlock) or part.block_type in reads]
    changes: dict[str, Any] = {"blocks": kept}
    if calls and not message.additional_kwargs.get("tool_calls"):
        changes["additional_kwargs"] = {**message.additional_kwargs, "tool_calls": calls}
    return message.model_copy(update=changes)
