"""Histories that a class of chat models would refuse, or lose without a word, made to fit; with a note of what is lost.

Signed thinking goes to its maker only, so answers of another maker are given without it: ``ChatAnthropic`` would send Google's
unsigned thinking as its own, ``ChatGoogleGenerativeAI`` and ``ChatOpenAI`` leave others' out silently (langchain-anthropic
1.7, langchain-google-genai 4.4, langchain-openai 1.7). Messages without such blocks stay the very same objects, and those for
a class that is not in the table are never touched.

What Anthropic demands besides (Claude documentation, extended thinking and tool use): an answer of a running tool loop begins
with a thought while there is a budget to think with, and tools that were called are named in the request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage

from routed_llm.dialects.anthropic_messages.turns import CALLED_WITHOUT_THOUGHT

__all__ = ["fitted", "name_called_tools", "thinks_in_vain"]

#: family of a class -> what its answers name in ``model_provider``
_MAKES = {
    "openai": ("openai", "azure"),
    "anthropic": ("anthropic", "anthropic-vertex"),
    "google": ("google_genai", "google_vertexai"),
}
_THOUGHTS = frozenset({"thinking", "redacted_thinking", "reasoning", "reasoning_content"})
_TOOLS = frozenset({
    "server_tool_use", "mcp_tool_use", "server_tool_call", "server_tool_result", "web_search_call", "file_search_call",
    "code_interpreter_call", "image_generation_call", "mcp_call", "mcp_list_tools", "executable_code", "code_execution_result",
})  # fmt: skip
_OPAQUE = frozenset({"non_standard", "function_call_signature"})
_THOUGHT = "reasoning of an earlier turn"


def fitted(messages: Sequence[BaseMessage], family: str, losses: list[str]) -> list[BaseMessage]:
    """A new list of the same messages, with copies of those that hold what this family cannot read."""
    if family not in _MAKES:
        return list(messages)
    return [_fitted(message, family, losses) if isinstance(message, AIMessage) else message for message in messages]


def _fitted(message: AIMessage, family: str, losses: list[str]) -> AIMessage:
    maker = message.response_metadata.get("model_provider")
    foreign = maker is not None and maker not in _MAKES[family]
    changes: dict[str, Any] = {}
    if foreign and message.additional_kwargs.get("reasoning_content"):
        losses.append(_THOUGHT)
        beside = message.additional_kwargs.items()
        changes["additional_kwargs"] = {name: value for name, value in beside if name != "reasoning_content"}
    if isinstance(message.content, list):
        kept = [read for block in message.content if (read := _read(block, foreign, family, losses)) is not None]
        if kept != message.content:
            changes["content"] = kept
    return message.model_copy(update=changes) if changes else message


def _read(block: Any, foreign: bool, family: str, losses: list[str]) -> Any:
    """A block as this family can read it; None where it cannot."""
    if not isinstance(block, Mapping):
        return {"type": "text", "text": block} if foreign else block  # among blocks, OpenAI takes no bare text
    if (lost := _lost(block, foreign, family)) is not None:
        losses.append(lost)
        return None
    if foreign and _is_signed(block):
        losses.append("a signature of an earlier turn")
        return {name: value for name, value in block.items() if name not in ("extras", "thought_signature")}
    return block


def _lost(block: Mapping[str, Any], foreign: bool, family: str) -> str | None:
    """What is lost of a block that this family cannot read; None for one that it can."""
    kind = str(block.get("type"))
    if kind == "thinking" and family == "anthropic" and not block.get("signature"):
        return _THOUGHT
    if not foreign:
        return None
    if kind in _THOUGHTS:
        return _THOUGHT
    if kind in _TOOLS or (kind.endswith("_tool_result") and kind != "tool_result"):
        return "a tool that the provider ran"
    return "what only its provider can read" if kind in _OPAQUE else None


def _is_signed(block: Mapping[str, Any]) -> bool:
    extras = block.get("extras")
    return bool(block.get("thought_signature") or (isinstance(extras, Mapping) and extras.get("signature")))


def thinks_in_vain(model: BaseChatModel, messages: Sequence[BaseMessage], kwargs: Mapping[str, Any], losses: list[str]) -> bool:
    """Whether a ``ChatAnthropic`` must not think in this call: another model made the calls of the running tool loop."""
    own = getattr(model, "thinking", None)
    thinking = own if own is not None else kwargs.get("thinking")
    if not isinstance(thinking, Mapping) or thinking.get("type") != "enabled" or _begins_with_thought(messages):
        return False
    losses.append(CALLED_WITHOUT_THOUGHT)
    return True


def _begins_with_thought(messages: Sequence[BaseMessage]) -> bool:
    """Whether the answer of a running tool loop begins with a thought; True without one."""
    answered = False
    for message in reversed(messages):
        if isinstance(message, AIMessage):
            first = message.content[0] if isinstance(message.content, list) and message.content else None
            kind = first.get("type") if isinstance(first, Mapping) else None
            standard = kind == "reasoning" and isinstance(first, Mapping) and bool(first.get("extras"))
            return not answered or standard or kind in ("thinking", "redacted_thinking")
        answered = answered or message.type == "tool" or _holds_results(message)
    return True


def _holds_results(message: BaseMessage) -> bool:
    content = message.content if isinstance(message.content, list) else ()
    return any(isinstance(block, Mapping) and block.get("type") == "tool_result" for block in content)


def name_called_tools(messages: Sequence[BaseMessage], kwargs: dict[str, Any]) -> None:
    """Name tools that were called before in a call of ``ChatAnthropic`` without any; none of them may be called."""
    if kwargs.get("tools"):
        return
    answers = [message for message in messages if isinstance(message, AIMessage)]
    names = dict.fromkeys(str(c["name"]) for m in answers for c in (*m.tool_calls, *m.invalid_tool_calls) if c["name"])
    if names:
        kwargs["tools"] = [{"name": name, "input_schema": {"type": "object"}} for name in names]
        kwargs["tool_choice"] = {"type": "none"}
