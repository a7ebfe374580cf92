"""Events of a stream as message chunks: usage, the model's name and the routing facts on exactly one of them."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk

from routed_llm.dispatch.streaming import Opened
from routed_llm.door.facts import routing_facts
from routed_llm.events import CallRecord
from routed_llm.langchain.answers import BESIDE, facts_of, native_usage, token_usage, usage_metadata
from routed_llm.langchain.thoughts import KEPT
from routed_llm.results import Event, Fragment, Opaque, Reasoning, Text, ToolCallDelta

__all__ = ["Chunks"]


class Chunks:
    """Turns one stream's events into chunks that add up to the message that ``invoke`` would have given."""

    #: class of the chunks that are made here
    kind: type[AIMessageChunk] = AIMessageChunk

    __slots__ = ("_id", "_list_content", "_metadata", "_native", "_opened", "_usage_seen")

    def __init__(self, opened: Opened, message_id: str | None) -> None:
        self._opened = opened
        self._begin(message_id)

    def _begin(self, message_id: str | None) -> None:
        """Nothing is known of the answer yet."""
        self._id = message_id
        self._metadata: dict[str, Any] = {}
        self._native = False
        self._list_content = False
        self._usage_seen = False

    def of(self, event: Event) -> AIMessageChunk | None:
        """The chunk for an event; None for events that only the last chunk tells of."""
        kind = type(event)
        if kind is Text:
            return self.kind(content=event.text, id=self._id)  # type: ignore[union-attr]  # narrowed by kind
        if isinstance(event, ToolCallDelta):
            piece = tool_call_chunk(name=event.name, args=event.arguments, id=event.id, index=event.number)
            return self.kind(content="", tool_call_chunks=[piece], id=self._id)
        if isinstance(event, Reasoning):
            return self.kind(content="", additional_kwargs={"reasoning_content": event.text}, id=self._id)
        if isinstance(event, Fragment):
            return self._fragment(event.chunk)
        if isinstance(event, Opaque):
            if event.key.startswith("_"):
                self._metadata[event.key[1:]] = event.value
            elif event.key == "logprobs":
                return self.kind(content="", response_metadata={"logprobs": event.value}, id=self._id)
            elif event.key in BESIDE or event.key == "parts":
                name = KEPT if event.key == "parts" else event.key
                return self.kind(content="", additional_kwargs={name: event.value}, id=self._id)
            else:
                self._metadata[event.key] = event.value
        return None

    def _fragment(self, chunk: AIMessageChunk) -> AIMessageChunk:
        """A chunk of a framework object's own stream: untouched, but the last one is still to come."""
        self._native = True
        self._list_content = not isinstance(chunk.content, str)
        self._usage_seen = self._usage_seen or chunk.usage_metadata is not None
        for name in ("model_name", "model_provider", "finish_reason", "stop_reason"):
            if name in chunk.response_metadata:
                self._metadata[name] = chunk.response_metadata[name]
        if chunk.chunk_position == "last":
            chunk.chunk_position = None
        if self._id is not None and chunk.id is None:
            chunk.id = self._id
        return chunk

    def last(self) -> AIMessageChunk:
        """The chunk that tells what happened; only after the stream has ended."""
        opened = self._opened
        record = opened.record
        if record is None:
            raise RuntimeError("the stream has not ended yet")
        assembly = opened.assembly
        finish = assembly.finish
        if self._native:
            deployment = record.attempts[-1].deployment
            metadata: dict[str, Any] = {"routing": routing_facts(record)}
            if "model_name" not in self._metadata:
                metadata["model_name"] = (assembly.served.model if assembly.served else "") or deployment.served_model
            if "model_provider" not in self._metadata:
                metadata["model_provider"] = deployment.provider
            if "finish_reason" not in self._metadata and "stop_reason" not in self._metadata:
                metadata["finish_reason"] = finish.reason if finish else "stop"
        else:
            served = assembly.served.model if assembly.served else ""
            metadata = {**facts_of(record, served, finish.raw or finish.reason if finish else "stop"), **self._metadata}
        usage = None if self._usage_seen else self._counts(record)
        if not self._native:
            metadata["token_usage"] = token_usage(usage)  # as LangChain puts it into a whole answer
        return self.kind(
            content=[] if self._list_content else "",
            response_metadata=metadata,
            usage_metadata=usage,
            id=self._id,
            chunk_position="last",
        )

    def _counts(self, record: CallRecord) -> UsageMetadata | None:
        if self._native:
            return native_usage(record)
        return usage_metadata(record.usage) if record.usage is not None else None
