"""Answers of chat completions: whole bodies, and streams as bytes come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from routed_llm.dialects.errors import error_of
from routed_llm.dialects.openai_chat.usage import read_usage
from routed_llm.dialects.sse import Lines
from routed_llm.errors import ProviderError
from routed_llm.results import (
    Answer,
    Event,
    Finish,
    FinishReason,
    Opaque,
    Reasoning,
    Served,
    Text,
    ToolCall,
    ToolCallDelta,
)

__all__ = ["Reader", "finish_reason", "read_answer"]

#: the providers' words (recorded) in the common ones
FINISHES: dict[str, FinishReason] = {
    "stop": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "complete": "stop",
    "completed": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "content_filter": "content_filter",
    "safety": "content_filter",
}
#: parts of an answer that are handed on unchanged
OPAQUE = ("refusal", "audio", "annotations", "reasoning_details", "citations")


def finish_reason(raw: str, calls: bool) -> FinishReason:
    """The common word; a stop with tool calls is a tool-call finish (several providers say stop there)."""
    reason = FINISHES.get(raw.lower(), "other")
    return "tool_calls" if calls and reason in ("stop", "other") else reason


def _malformed(what: str, phase: str = "body") -> ProviderError:
    return ProviderError("malformed", what, phase=phase)


def _parse(data: bytes, phase: str) -> dict[str, Any]:
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise _malformed(f"not JSON: {data[:80].decode('utf-8', 'replace')!r}", phase) from None
    if not isinstance(parsed, dict):
        raise _malformed(f"JSON, but no object: {data[:80].decode('utf-8', 'replace')!r}", phase)
    return parsed


def _text_and_reasoning(content: Any) -> tuple[str, str]:
    """Text of a content: a string, or Mistral's list with ``thinking`` parts."""
    if isinstance(content, str):
        return content, ""
    texts, thoughts = [], []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Mapping) and part.get("type") == "thinking":
            inner = part.get("thinking")
            thoughts.append(inner if isinstance(inner, str) else _text_and_reasoning(inner)[0])
        elif isinstance(part, Mapping) and isinstance(part.get("text"), str):
            texts.append(part["text"])
    return "".join(texts), "".join(thoughts)


def _arguments(value: Any) -> str:
    """Arguments as JSON text; some providers send an object."""
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()


def read_answer(
    data: bytes, *, reasoning_fields: tuple[str, ...] = (), schema_tool: str | None = None, status: int = 200
) -> Answer:
    """A whole answer.

    ``schema_tool`` names the tool that stands for the typed answer: its arguments become the text.

    Raises:
        ProviderError: for an error object under status 200, and for what is no answer.
    """
    body = _parse(data, "body")
    if body.get("error"):
        raise error_of(status, {}, data)
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _malformed("an answer without choices")
    choice = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict):
        if not choice.get("finish_reason"):
            raise _malformed("a choice without message")
        message = {}  # Azure leaves it out when its filter took the whole answer
    text, reasoning = _text_and_reasoning(message.get("content"))
    if not reasoning:
        for name in reasoning_fields:
            if isinstance(message.get(name), str):
                reasoning = message[name]
                break
    calls = _tool_calls(message)
    if schema_tool is not None and calls and calls[0].name == schema_tool:
        text, calls = calls[0].arguments, []
    raw = choice.get("finish_reason") or ""
    extras = {name: message[name] for name in OPAQUE if message.get(name)}
    if choice.get("logprobs"):
        extras["logprobs"] = choice["logprobs"]
    for name in ("system_fingerprint", "service_tier"):
        if body.get(name):
            extras[name] = body[name]
    if len(choices) > 1:
        extras["other_choices"] = choices[1:]
    return Answer(
        text,
        reasoning=reasoning,
        tool_calls=calls,
        usage=read_usage(body.get("usage")),
        model=str(body.get("model") or ""),
        id=body.get("id"),
        finish=_finish(raw, calls, schema_tool),
        finish_raw=raw,
        extras=extras,
    )


def _finish(raw: str, calls: Any, schema_tool: str | None) -> FinishReason:
    reason = finish_reason(raw, bool(calls))
    return "stop" if schema_tool is not None and reason == "tool_calls" and not calls else reason


def _tool_calls(message: Mapping[str, Any]) -> list[ToolCall]:
    calls = []
    for number, call in enumerate(message.get("tool_calls") or ()):
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping) and function.get("name"):
            calls.append(ToolCall(call.get("id") or f"call_{number}", function["name"], _arguments(function.get("arguments"))))
    return calls


class Reader:
    """Reads a stream: bytes in, events out; strict about its end.

    Raises:
        ProviderError: for error objects, unreadable chunks, and an end without finish reason.
    """

    __slots__ = ("_begun", "_calls", "_finish", "_json", "_lines", "_reasoning_fields", "_schema_tool", "_served", "_shadow")

    def __init__(self, *, reasoning_fields: tuple[str, ...] = (), schema_tool: str | None = None) -> None:
        self._lines = Lines()
        self._reasoning_fields = reasoning_fields
        self._schema_tool = schema_tool
        self._shadow: set[int] = set()
        self._begun = False
        self._served = False
        self._calls = False
        self._finish: str | None = None
        self._json: list[bytes] | None = None

    def feed(self, data: bytes) -> list[Event]:
        """The events in these bytes."""
        if not self._begun:
            self._begun = bool(data.strip())
            if data.lstrip()[:1] == b"{":
                self._json = []  # a whole JSON answer instead of a stream
        if self._json is not None:
            self._json.append(data)
            return []
        events: list[Event] = []
        for name, payload in self._lines.feed(data):
            self._take(name, payload, events)
        return events

    def end(self) -> list[Event]:
        """The last events; the body has ended."""
        events: list[Event] = []
        if self._json is not None:
            return self._whole(b"".join(self._json))
        for name, payload in self._lines.end():
            self._take(name, payload, events)
        if self._finish is None:
            raise _malformed("the stream ended without a finish reason: it is cut", "stream")
        events.append(Finish(_finish(self._finish, self._calls, self._schema_tool), self._finish))
        return events

    def _take(self, name: bytes, payload: bytes, events: list[Event]) -> None:
        if payload == b"[DONE]":
            return
        chunk = _parse(payload, "stream")
        if name == b"error" or chunk.get("error"):
            raise error_of(200, {}, payload, phase="stream")
        choices = chunk.get("choices")
        if not self._served:
            self._served = True
            events.append(Served(str(chunk.get("model") or ""), chunk.get("id")))
            for key in ("system_fingerprint", "service_tier"):
                if chunk.get(key):
                    events.append(Opaque(f"_{key}", chunk[key]))
        if choices:
            self._choice(choices[0], events)
        usage = chunk.get("usage")
        if usage is None and "x_groq" in chunk:
            usage = chunk["x_groq"].get("usage")
        if usage:
            counted = read_usage(usage)
            if counted is not None:
                events.append(counted)

    def _choice(self, choice: dict[str, Any], events: list[Event]) -> None:
        if choice.get("index"):
            return  # further choices of n > 1 must not mix with the first
        delta = choice.get("delta") or {}
        content = delta.get("content")
        if content:
            if isinstance(content, str):
                events.append(Text(content))
            else:
                text, thought = _text_and_reasoning(content)
                if thought:
                    events.append(Reasoning(thought))
                if text:
                    events.append(Text(text))
        if len(delta) > 1 or (delta and content is None):
            self._beside(delta, events)
        if choice.get("logprobs"):
            events.append(Opaque("logprobs", choice["logprobs"]))
        if choice.get("finish_reason"):
            self._finish = choice["finish_reason"]

    def _beside(self, delta: dict[str, Any], events: list[Event]) -> None:
        """What a delta holds beside content."""
        for name in self._reasoning_fields:
            if isinstance(delta.get(name), str) and delta[name]:
                events.append(Reasoning(delta[name]))
                break
        for number, call in enumerate(delta.get("tool_calls") or ()):
            function = call.get("function") or {}
            index = call.get("index")
            index = number if index is None else index
            called = function.get("name") or None
            if called is not None and called == self._schema_tool:
                self._shadow.add(index)
            arguments = _arguments(function.get("arguments"))
            if index in self._shadow:
                if arguments:
                    events.append(Text(arguments))
                continue
            self._calls = True
            events.append(ToolCallDelta(index, call.get("id") or None, called, arguments))
        for name in OPAQUE:
            if delta.get(name):
                events.append(Opaque(name, delta[name]))

    def _whole(self, data: bytes) -> list[Event]:
        answer = read_answer(data, reasoning_fields=self._reasoning_fields, schema_tool=self._schema_tool)
        events: list[Event] = [Served(answer.model, answer.id)]
        if answer.reasoning:
            events.append(Reasoning(answer.reasoning))
        if answer.text:
            events.append(Text(answer.text))
        events.extend(ToolCallDelta(i, c.id, c.name, c.arguments) for i, c in enumerate(answer.tool_calls))
        events.extend(Opaque(key, value) for key, value in answer.extras.items())
        if answer.usage is not None:
            events.append(answer.usage)
        events.append(Finish(answer.finish, answer.finish_raw))
        return events
