"""Answers of a LlamaIndex LLM in our words; its own ``ChatResponse`` goes along untouched for LlamaIndex's own requests.

Only a typed answer that came as a call of the schema's tool is rewritten: a copy holds its JSON as text, so that whoever
asked for a typed answer always parses text.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from llama_index.core.base.llms.types import AudioBlock, ChatMessage, ChatResponse, CitationBlock, ThinkingBlock, ToolCallBlock
from llama_index.core.base.llms.types import TextBlock as Text

from routed_llm.dialects.openai_chat.reader import finish_reason
from routed_llm.providers.llama_index_fields import Called, calls_of, field, finish_word, id_of, model_of, usage_of
from routed_llm.providers.nesting import routed_cost
from routed_llm.results import Answer, Finish, ToolCall

__all__ = ["answer_of", "as_text", "call_id", "extras_of", "finish_of", "reasoning_in", "text_in", "without_tool"]


def answer_of(response: ChatResponse, native: bool, schema_tool: str | None) -> Answer:
    """A response as an answer; ``native`` hands the response itself on."""
    message = response.message
    if schema_tool is not None and (call := _called(message, schema_tool)) is not None:
        message = without_tool(message, schema_tool, as_text(call.arguments))
        response = response.model_copy(update={"message": message})
    calls = [ToolCall(c.id if native else c.id or call_id(), c.name, as_text(c.arguments)) for c in calls_of(message)]
    finish = finish_of(finish_word(response), bool(calls))
    if schema_tool is not None and not calls and finish.reason == "tool_calls":
        finish = Finish("stop", finish.raw)
    usage = usage_of(response)
    if usage is not None and usage.cost_nanousd is None:
        usage.cost_nanousd = routed_cost(response.additional_kwargs)
    says_nothing = not (calls or any(shows(block) for block in message.blocks))
    return Answer(
        text_in(message),
        reasoning=reasoning_in(message),
        tool_calls=calls,
        usage=usage,
        model=model_of(response),
        id=id_of(response),
        finish=finish.reason,
        finish_raw=finish.raw,
        extras=extras_of(response),
        native=None if not native or says_nothing else response,  # so that an empty answer can be told from one
    )


def shows(block: Any) -> bool:
    """Whether a block holds something that a caller would see."""
    return bool(block.text) if isinstance(block, Text) else not isinstance(block, ThinkingBlock)


def finish_of(word: str, calls: bool) -> Finish:
    """Why it ended; an object that does not tell has simply stopped."""
    if not word:
        return Finish("tool_calls" if calls else "stop", "")
    return Finish(finish_reason(word, calls), word)


def text_in(message: ChatMessage) -> str:
    """The text of a message, as the provider wrote it."""
    blocks = message.blocks
    if len(blocks) == 1 and type(blocks[0]) is Text:
        return blocks[0].text
    return "".join(block.text for block in blocks if isinstance(block, Text))


def reasoning_in(message: ChatMessage) -> str:
    """The thinking in a message."""
    return "".join(block.content or "" for block in message.blocks if isinstance(block, ThinkingBlock))


def as_text(arguments: str | dict[str, Any]) -> str:
    """Arguments of a call as JSON text."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def call_id() -> str:
    """An id for a call whose provider gives none: tool results need one to point at."""
    return f"call_{uuid4().hex[:24]}"


def extras_of(response: ChatResponse) -> dict[str, Any]:
    """Parts that the hub has no field for: refusal, audio, citations."""
    extras: dict[str, Any] = {}
    for block in response.message.blocks:
        if isinstance(block, CitationBlock):
            extras.setdefault("citations", []).append(block.model_dump(mode="json"))
        elif isinstance(block, AudioBlock):
            data = block.resolve_audio(as_base64=True).read().decode("ascii")
            extras["audio"] = {"data": data, "format": block.format}
    choices = field(response.raw, "choices")
    if isinstance(choices, (list, tuple)) and choices:
        told = field(choices[0], "message") or field(choices[0], "delta")
        refusal = field(told, "refusal")
        if isinstance(refusal, str) and refusal:
            extras["refusal"] = refusal
    return extras


def _called(message: ChatMessage, name: str) -> Called | None:
    return next((call for call in calls_of(message) if call.name == name), None)


def without_tool(message: ChatMessage, name: str, text: str) -> ChatMessage:
    """A copy of a message whose call of the schema's tool became its text; what was thought stays."""
    kept: list[Any] = [
        block
        for block in message.blocks
        if not isinstance(block, Text) and not (isinstance(block, ToolCallBlock) and block.tool_name == name)
    ]
    at = sum(isinstance(block, ThinkingBlock) for block in kept)
    kept.insert(at, Text(text=text))
    others = {k: v for k, v in message.additional_kwargs.items() if k != "tool_calls"}
    return message.model_copy(update={"blocks": kept, "additional_kwargs": others})
