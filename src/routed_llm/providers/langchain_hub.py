"""Messages and chunks of a chat model object in the hub's form, for requests that came through another door."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatResult

from routed_llm.providers.langchain_answers import answer_of
from routed_llm.requests import Request, SchemaBinding, ToolBinding
from routed_llm.results import Answer, Event, Opaque, Reasoning, Text, ToolCallDelta

__all__ = ["HubChunks", "hub_answer", "message_answer", "wired"]

_EXTRAS = ("refusal", "audio", "annotations", "citations")


def wired(request: Request) -> tuple[ToolBinding | None, SchemaBinding | None]:
    """Tools and schema with their wire form in the place of the other framework's objects."""
    tools, schema = request.tools, request.schema
    if tools is not None:
        tools = tools._replace(originals=tools.wire)
    if schema is not None and schema.schema is not None:
        told = {"title": schema.name, "description": schema.description or "", **schema.schema}
        schema = schema._replace(original=told)
    return tools, schema


def hub_answer(answer: Answer) -> Answer:
    """An answer without the object's own message; what the hub has a place for is taken from it."""
    message, answer.native = answer.native, None
    if message is None:
        return answer
    answer.tool_calls = [call if call.id else call._replace(id=_new_id()) for call in answer.tool_calls]
    answer.reasoning = "".join(_thoughts(message))
    answer.extras.update(_extras(message))
    return answer


def message_answer(message: AIMessage) -> Answer:
    """A message by itself as an answer of the hub."""
    return hub_answer(answer_of(ChatResult(generations=[ChatGeneration(message=message)]), None))


def _new_id() -> str:
    """An id for a call whose provider gives none: tool results need one to point at."""
    return f"call_{uuid4().hex[:24]}"


def _thoughts(message: AIMessage) -> Iterator[str]:
    """Reasoning in any of its places: standard blocks, Anthropic's, Bedrock's, OpenAI's summaries, DeepSeek's field."""
    found = False
    for block in message.content if isinstance(message.content, list) else ():
        if not isinstance(block, Mapping):
            continue
        told = block.get("thinking") if block.get("type") == "thinking" else None
        if block.get("type") in ("reasoning", "reasoning_content"):
            told = block.get("reasoning") or block.get("reasoning_content")
            told = told.get("text") if isinstance(told, Mapping) else told
            told = told or _summary(block)
        if isinstance(told, str) and told:
            found = True
            yield told
    if found:
        return
    told = message.additional_kwargs.get("reasoning_content")
    if isinstance(told, str):
        yield told
    elif isinstance(reasoning := message.additional_kwargs.get("reasoning"), Mapping):
        yield _summary(reasoning)


def _summary(block: Mapping[str, Any]) -> str:
    parts = block.get("summary")
    return "".join(str(p.get("text") or "") for p in parts if isinstance(p, Mapping)) if isinstance(parts, list) else ""


def _extras(message: AIMessage) -> dict[str, Any]:
    extras = {name: message.additional_kwargs[name] for name in _EXTRAS if message.additional_kwargs.get(name)}
    cited = [
        note
        for block in (message.content if isinstance(message.content, list) else ())
        if isinstance(block, Mapping) and block.get("type") == "text"
        for note in block.get("citations") or block.get("annotations") or ()
    ]
    if cited:
        extras.setdefault("citations", cited)
    if message.response_metadata.get("logprobs"):
        extras["logprobs"] = message.response_metadata["logprobs"]
    return extras


class HubChunks:
    """Turns the chunks of one stream into events; tool calls get numbers in the order of their first pieces."""

    __slots__ = ("_count", "_extras", "_numbers")

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._count = 0
        self._extras: dict[str, Any] = {}

    def of(self, chunk: AIMessageChunk) -> list[Event]:
        """The events of a chunk."""
        events: list[Event] = [Reasoning(thought) for thought in _thoughts(chunk) if thought]
        if text := str(chunk.text):
            events.append(Text(text))
        for piece in chunk.tool_call_chunks:
            events.append(self._piece(piece))
        if not chunk.tool_call_chunks:
            for call in chunk.tool_calls:  # a model that gives its calls whole
                events.append(ToolCallDelta(self._count, call["id"] or _new_id(), call["name"], json.dumps(call["args"])))
                self._count += 1
        for key, value in _extras(chunk).items():
            self._extras[key] = _joined(self._extras.get(key), value)
        return events

    def _piece(self, piece: Any) -> ToolCallDelta:
        index, name = piece["index"], piece["name"]
        begins = bool(piece["id"] or name) if index is None else index not in self._numbers
        if begins or self._count == 0:
            self._numbers[index] = self._count
            self._count += 1
            return ToolCallDelta(self._numbers[index], piece["id"] or _new_id(), name, piece["args"] or "")
        return ToolCallDelta(self._numbers[index], None, name, piece["args"] or "")

    def end(self) -> list[Event]:
        """Extras are told whole, when the stream has ended."""
        return [Opaque(key, value) for key, value in self._extras.items()]


def _joined(known: Any, value: Any) -> Any:
    """Two pieces of an extra as one: texts and lists grow, dicts by their fields."""
    if isinstance(known, str) and isinstance(value, str):
        return known + value
    if isinstance(known, list) and isinstance(value, list):
        return [*known, *value]
    if isinstance(known, dict) and isinstance(value, dict):
        grows = ("data", "transcript")
        return {**known, **{k: _joined(known.get(k), v) if k in grows else v for k, v in value.items() if v is not None}}
    return value
