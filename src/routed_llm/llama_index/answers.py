"""Answers as LlamaIndex responses, with what happened in their ``additional_kwargs`` and ``raw``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LogProb,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from routed_llm.dialects.arguments import read_arguments
from routed_llm.dialects.openai_chat.usage import counts, written_usage
from routed_llm.door.anew import Anew, usage_of_all
from routed_llm.door.citations import citations_of
from routed_llm.door.facts import routing_facts
from routed_llm.events import CallRecord
from routed_llm.llama_index.citations import citation_block
from routed_llm.results import Answer, ToolCall, Usage

__all__ = [
    "KEPT", "OlderCall", "acompletions", "chat_response", "completed", "completion_of", "completions", "log_probs",
]  # fmt: skip

#: where an answer of ours keeps its parts, beside the content
KEPT = "routed_parts"
#: opaque parts that stay beside the content
_BESIDE = ("refusal", "images", "actions", "annotations", "reasoning_details", "citations", "other_choices")
#: all others tell of the answer: they stand in ``raw``
_NOT_RAW = frozenset({*_BESIDE, "audio", "parts", "logprobs"})


class OlderCall(dict[str, Any]):
    """A tool call as older code finds it in ``additional_kwargs["tool_calls"]``: an OpenAI dict, readable by attributes too."""

    def __getattr__(self, name: str) -> Any:
        if name not in self:
            raise AttributeError(name)
        return self[name]

    @classmethod
    def of(cls, call: ToolCall) -> OlderCall:
        """The call in that form."""
        return cls(id=call.id, type="function", function=OlderCall(name=call.name, arguments=call.arguments))


def chat_response(answer: Answer, record: CallRecord) -> ChatResponse:
    """The response: that of a LlamaIndex object, with its own content, else a new one."""
    if answer.native is not None:
        return completed(answer.native, record, answer.model)
    deployment = record.attempts[-1].deployment
    usage = usage_of_all(record)
    raw: dict[str, Any] = {
        "id": answer.id,
        "model": answer.model or deployment.served_model,
        "finish_reason": answer.finish_raw or answer.finish,
    }
    told: dict[str, Any] = {}
    if usage is not None:
        raw["usage"] = written_usage(usage)
        told = counts(usage)
    told["routing"] = routing_facts(record)
    probabilities = None
    if answer.extras:
        raw.update((name, value) for name, value in answer.extras.items() if name not in _NOT_RAW)
        probabilities = log_probs(answer.extras.get("logprobs"))
    return ChatResponse(message=_message(answer, usage), raw=raw, additional_kwargs=told, logprobs=probabilities)


def _message(answer: Answer, usage: Usage | None) -> ChatMessage:
    if not (answer.reasoning or answer.tool_calls or answer.extras):
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=answer.text)])
    blocks: list[Any] = []
    more: dict[str, Any] = {}
    if answer.reasoning:
        blocks.append(ThinkingBlock(content=answer.reasoning, num_tokens=(usage and usage.reasoning) or None))
    if answer.text or not answer.tool_calls:
        blocks.append(TextBlock(text=answer.text))
    if answer.tool_calls:
        blocks += [
            ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=_arguments(call.arguments))
            for call in answer.tool_calls
        ]
        more["tool_calls"] = [OlderCall.of(call) for call in answer.tool_calls]
    beside(answer.extras, blocks, more)
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks, additional_kwargs=more)


def beside(extras: Mapping[str, Any], blocks: list[Any], more: dict[str, Any]) -> None:
    """Put opaque parts where LlamaIndex looks for them."""
    audio = extras.get("audio")
    if isinstance(audio, Mapping) and isinstance(audio.get("data"), str):
        form = audio.get("format")
        if form is None:  # Gemini tells a format, and keeps no sound that could be named by an id
            more["reference_audio_id"] = audio.get("id")
        if audio.get("transcript"):
            more["audio_transcript"] = audio["transcript"]
        blocks.append(AudioBlock(audio=audio["data"].encode("ascii", "replace"), format=form))
    more.update((name, extras[name]) for name in _BESIDE if name in extras)
    text = "".join(block.text for block in blocks if isinstance(block, TextBlock))
    blocks += map(citation_block, citations_of(text, extras))
    if "parts" in extras:
        more[KEPT] = extras["parts"]


def _arguments(text: str) -> Any:
    """Arguments as a dict; the text itself where they are no object, as the block allows."""
    try:
        return read_arguments(text)
    except ValueError:
        return text


def completed(response: ChatResponse, record: CallRecord, answered: str, *, last_of_stream: bool = False) -> ChatResponse:
    """A copy of a LlamaIndex object's own response, completed by what happened.

    The object may hand out the same response again (from a cache), so it is never written to.
    """
    usage = record.usage if record.usage is not None and not record.usage.estimated else None
    told = {**(counts(usage) if usage is not None else {}), **response.additional_kwargs, "routing": routing_facts(record)}
    changes: dict[str, Any] = {"additional_kwargs": told, "raw": _raw(response.raw, usage, record, answered)}
    if usage is not None and (summed := usage_of_all(record)) is not None and summed is not usage:
        told.update(counts(summed))
        if isinstance(raw := changes["raw"], dict):
            changes["raw"] = {**raw, "usage": written_usage(summed)}
    if last_of_stream:
        changes["delta"] = ""
        told.pop("thinking_delta", None)
    return response.model_copy(update=changes)


def _raw(raw: Any, usage: Usage | None, record: CallRecord, answered: str) -> Any:
    """The object's own raw answer, with the counts that the router knows where the object's answer has no place for them."""
    if usage is None:
        return raw
    if raw is None:
        raw = {"model": answered or record.attempts[-1].deployment.served_model}
    if isinstance(raw, dict) and not (raw.get("usage") or raw.get("usage_metadata")):
        return {**raw, "usage": written_usage(usage)}
    return raw  # readers of an object without counts take those beside the response


def completion_of(response: ChatResponse) -> CompletionResponse:
    """A chat response as that of a completion."""
    message = response.message
    completion = CompletionResponse(
        text=message.content or "",
        additional_kwargs={**message.additional_kwargs, **response.additional_kwargs},
        raw=response.raw,
        logprobs=response.logprobs,
        delta=response.delta,
    )
    if isinstance(response.delta, Anew):  # pydantic has made it a plain text
        completion.delta = response.delta
    return completion


def completions(pieces: Generator[ChatResponse]) -> Generator[CompletionResponse]:
    """The pieces of a chat as those of a completion; closed with their consumer."""
    with closing(pieces):
        for piece in pieces:
            yield completion_of(piece)


async def acompletions(pieces: AsyncGenerator[ChatResponse]) -> AsyncGenerator[CompletionResponse]:
    """:func:`completions` in async code."""
    async with aclosing(pieces):
        async for piece in pieces:
            yield completion_of(piece)


def log_probs(found: Any) -> list[list[LogProb]] | None:
    """Log probabilities token by token: the alternatives of each, or itself where none were asked for."""
    tokens = found.get("content") if isinstance(found, Mapping) else found
    if not isinstance(tokens, Sequence) or isinstance(tokens, str) or not tokens:
        return None
    return [[_log_prob(each) for each in token.get("top_logprobs") or [token]] for token in tokens]


def _log_prob(token: Mapping[str, Any]) -> LogProb:
    return LogProb(token=str(token.get("token", "")), logprob=token.get("logprob", 0.0), bytes=token.get("bytes") or [])
