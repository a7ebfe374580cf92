"""Answers as LangChain messages, with what happened in their ``response_metadata``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall
from langchain_core.messages import ToolCall as MessageToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata

from routed_llm.dialects.arguments import read_arguments
from routed_llm.door.facts import routing_facts
from routed_llm.events import CallRecord
from routed_llm.langchain.standard_blocks import translated_name
from routed_llm.langchain.thoughts import KEPT
from routed_llm.results import Answer, ToolCall, Usage

__all__ = ["BESIDE", "facts_of", "message_of", "native_usage", "sort_call", "token_usage", "usage_metadata"]


#: opaque parts that are content, or belong to it; all others tell of the answer
BESIDE = ("refusal", "audio", "images", "actions", "annotations", "reasoning_details", "citations", "other_choices")

#: its copies with other fields are whole messages, at half of what it costs to have fields checked that we made ourselves
_EMPTY = AIMessage(
    content="", additional_kwargs={}, response_metadata={}, tool_calls=[], invalid_tool_calls=[], usage_metadata=None, id=None
)


def usage_metadata(usage: Usage) -> UsageMetadata:
    """Counts in LangChain's form: integers, with the details that are not zero."""
    told = UsageMetadata(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
    )
    if usage.cache_read or usage.cache_write or usage.audio_input:
        inner = InputTokenDetails()
        if usage.cache_read:
            inner["cache_read"] = usage.cache_read
        if usage.cache_write:
            inner["cache_creation"] = usage.cache_write - usage.cache_write_long
        if usage.cache_write_long:  # beside the others, by a key of langchain-anthropic's that the type does not have
            inner["ephemeral_1h_input_tokens"] = usage.cache_write_long  # type: ignore[typeddict-unknown-key]
        if usage.audio_input:
            inner["audio"] = usage.audio_input
        told["input_token_details"] = inner
    if usage.reasoning or usage.audio_output:
        outer = OutputTokenDetails()
        if usage.reasoning:
            outer["reasoning"] = usage.reasoning
        if usage.audio_output:
            outer["audio"] = usage.audio_output
        told["output_token_details"] = outer
    return told


def facts_of(record: CallRecord, answered: str, finish: str) -> dict[str, Any]:
    """The ``response_metadata`` of an answer of our own wire."""
    deployment = record.attempts[-1].deployment
    return {
        "model_name": answered or deployment.served_model,
        "model_provider": translated_name(deployment.provider),
        "finish_reason": finish,
        "routing": routing_facts(record),
    }


def message_of(answer: Answer, record: CallRecord, message_id: str | None = None) -> AIMessage:
    """The message: that of a framework's model, with its own content, else a new one."""
    native = answer.native
    if native is not None:
        return _native(native, answer, record)
    calls: list[MessageToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in answer.tool_calls:
        sort_call(call, calls, invalid)
    metadata = facts_of(record, answer.model, answer.finish_raw or answer.finish)
    extras = answer.extras
    more = _additional(extras) if extras else {}
    if answer.reasoning:
        more["reasoning_content"] = answer.reasoning
    if extras:
        metadata |= {name: value for name, value in extras.items() if name not in BESIDE and name != "parts"}
    usage = record.usage
    fields = {
        "content": answer.text,
        "additional_kwargs": more,
        "response_metadata": metadata,
        "tool_calls": calls,
        "invalid_tool_calls": invalid,
        "usage_metadata": usage_metadata(usage) if usage is not None else None,
        "id": message_id,
    }
    return _EMPTY.model_copy(update=fields)


def _additional(extras: Mapping[str, Any]) -> dict[str, Any]:
    """Opaque parts that LangChain keeps beside the content."""
    told = {name: extras[name] for name in BESIDE if name in extras}
    if "parts" in extras:
        told[KEPT] = extras["parts"]
    return told


def sort_call(call: ToolCall, calls: list[MessageToolCall], invalid: list[InvalidToolCall]) -> None:
    """Put a tool call to those whose arguments can be read, or to those whose cannot."""
    try:
        arguments = read_arguments(call.arguments)
    except ValueError as problem:
        told = f"The arguments of {call.name} cannot be used: {problem}."
        invalid.append(InvalidToolCall(name=call.name, args=call.arguments, id=call.id, error=told, type="invalid_tool_call"))
    else:
        calls.append(MessageToolCall(name=call.name, args=arguments, id=call.id, type="tool_call"))


def _native(message: Any, answer: Answer, record: CallRecord) -> AIMessage:
    """A copy of a framework object's own message, completed by what happened.

    The object may hand out the same message again (from a cache), so neither it nor its dictionaries are written to.
    """
    if isinstance(message, AIMessageChunk):
        message = AIMessage(**{k: v for k, v in message.__dict__.items() if k in AIMessage.model_fields and k != "type"})
    deployment = record.attempts[-1].deployment
    metadata = {
        "model_name": answer.model or deployment.served_model,
        "model_provider": deployment.provider,
        "finish_reason": answer.finish,
        **message.response_metadata,
        "routing": routing_facts(record),
    }
    changes: dict[str, Any] = {"response_metadata": metadata}
    if message.usage_metadata is None:
        changes["usage_metadata"] = native_usage(record)
    return message.model_copy(update=changes)  # type: ignore[no-any-return]  # the object came from a chat model


def native_usage(record: CallRecord) -> UsageMetadata | None:
    """Counts for a framework object's message without any: what the object told elsewhere, never our estimate."""
    usage = record.usage
    return usage_metadata(usage) if usage is not None and not usage.estimated else None


def token_usage(usage: UsageMetadata | None) -> dict[str, int]:
    """Counts by the names that providers use in ``llm_output``."""
    if not usage or "input_tokens" not in usage:  # core's own cache tells of a cost only
        return {}
    return {
        "prompt_tokens": usage["input_tokens"],
        "completion_tokens": usage["output_tokens"],
        "total_tokens": usage["total_tokens"],
    }
