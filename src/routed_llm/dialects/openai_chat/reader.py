"""Answers of chat completions: whole bodies, and streams as bytes come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from routed_llm.dialects.beginning import Beginning
from routed_llm.dialects.errors import error_of
from routed_llm.dialects.openai_chat.calls import CallPieces, whole_calls, word
from routed_llm.dialects.openai_chat.usage import read_usage
from routed_llm.dialects.parse import ODD, Halves, parse
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
#: parts of an answer that are handed on unchanged, where they have the documented type: others could not be added up
OPAQUE = {"refusal": str, "audio": dict, "annotations": list, "reasoning_details": list, "citations": list}


def finish_reason(raw: str, calls: bool) -> FinishReason:
    """The common word; a stop with tool calls is a tool-call finish (several providers say stop there)."""
    reason = FINISHES.get(raw.lower(), "other")
    return "tool_calls" if calls and reason in ("stop", "other") else reason


def _malformed(what: str, phase: str = "body") -> ProviderError:
    return ProviderError("malformed", what, phase=phase)


def _parse(data: bytes, phase: str) -> dict[str, Any]:
    try:
        parsed = parse(data)
    except ValueError:
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


def _odd(error: Exception, data: bytes, phase: str) -> ProviderError:
    return _malformed(f"an answer in an unknown form ({error}): {data[:80].decode('utf-8', 'replace')!r}", phase)


def _first(choices: Any) -> Any:
    """The choice that counts, also where ``n`` > 1 choices come in another order; None where only others came."""
    return next((choice for choice in choices if not choice.get("index")), None)


def _lists(logprobs: Any) -> dict[str, Any] | None:
    """Log probabilities: lists by name, which chunks can be added up by."""
    return {k: v for k, v in logprobs.items() if v is None or isinstance(v, list)} if isinstance(logprobs, dict) else None


def read_answer(
    data: bytes, *, reasoning_fields: tuple[str, ...] = (), schema_tool: str | None = None, status: int = 200
) -> Answer:
    """A whole answer.

    ``schema_tool`` names the tool that stands for the typed answer: its arguments become the text.

    Raises:
        ProviderError: for an error object under status 200, and for what is no answer.
    """
    try:
        return _answer(data, reasoning_fields, schema_tool, status)
    except ODD as error:
        raise _odd(error, data, "body") from None


def _answer(data: bytes, reasoning_fields: tuple[str, ...], schema_tool: str | None, status: int) -> Answer:
    body = _parse(data, "body")
    if body.get("error"):
        raise error_of(status, {}, data)
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        raise _malformed("an answer without choices")
    choice = choices[0]
    if choice.get("index"):
        choice = _first(choices) or choice
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
    calls = whole_calls(message)
    if schema_tool is not None and calls and calls[0].name == schema_tool:
        text, calls = calls[0].arguments, []
    raw = choice.get("finish_reason") or ""
    return Answer(
        text,
        reasoning=reasoning,
        tool_calls=calls,
        usage=read_usage(body.get("usage"), body.get("service_tier")),
        model=word(body.get("model")),
        id=word(body.get("id")) or None,
        finish=_finish(raw, calls, schema_tool),
        finish_raw=raw,
        extras=_extras(body, choices, choice, message),
    )


def _extras(body: dict[str, Any], choices: list[Any], choice: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    extras = {}
    if len(message) > 2:  # more than role and content
        extras = {k: v for k, v in message.items() if v and k in OPAQUE and isinstance(v, OPAQUE[k])}
    if choice.get("logprobs") and (listed := _lists(choice["logprobs"])):
        extras["logprobs"] = listed
    for name in ("system_fingerprint", "service_tier"):
        if body.get(name):
            extras[name] = body[name]
    if len(choices) > 1:
        extras["other_choices"] = [other for other in choices if other is not choice]
    return extras


def _finish(raw: str, calls: Any, schema_tool: str | None) -> FinishReason:
    reason = finish_reason(raw, bool(calls))
    return "stop" if schema_tool is not None and reason == "tool_calls" and not calls else reason


class Reader:
    """Reads a stream: bytes in, events out; strict about its end.

    ``done`` tells that the server said ``[DONE]``: nothing is to come. ``finished`` tells that the answer is whole, so that
    a connection which breaks now takes nothing from it.

    Raises:
        ProviderError: for error objects, unreadable chunks, and an end without finish reason.
    """

    __slots__ = (
        "_beginning", "_calls", "_finish", "_halves", "_lines", "_reasoning_fields", "_schema_tool",
        "_served", "done",
    )  # fmt: skip

    def __init__(self, *, reasoning_fields: tuple[str, ...] = (), schema_tool: str | None = None) -> None:
        self._lines = Lines()
        self._reasoning_fields = reasoning_fields
        self._schema_tool = schema_tool
        self._calls = CallPieces(schema_tool)
        self._beginning = Beginning()
        self._served = False
        self._finish: str | None = None
        self._halves: Halves | None = None
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether a finish reason has come."""
        return self._finish is not None

    def feed(self, data: bytes) -> list[Event]:
        """The events in these bytes."""
        if not self._beginning.over:
            data = self._beginning.feed(data)
        events: list[Event] = []
        try:
            for name, payload in self._lines.feed(data):
                self._take(name, payload, events)
        except ODD as error:
            raise _odd(error, data, "stream") from None
        return events

    def end(self) -> list[Event]:
        """The last events; the body has ended."""
        events: list[Event] = []
        if (whole := self._beginning.json()) is not None:
            return self._whole(whole)
        try:
            for name, payload in self._lines.end():
                self._take(name, payload, events)
            if self._finish is None:
                raise _malformed("the stream ended without a finish reason: it is cut", "stream")
            self._calls.end(events)
            events.append(Finish(_finish(self._finish, self._calls.any, self._schema_tool), self._finish))
        except ODD as error:
            raise _odd(error, b"", "stream") from None
        return events

    def _take(self, name: bytes, payload: bytes, events: list[Event]) -> None:
        try:
            chunk = orjson.loads(payload)
        except orjson.JSONDecodeError:
            if self._is_aside(name, payload):
                return
            chunk = self._patient(payload)
        if chunk is None:  # sent to keep the connection awake, as comments and empty data are
            return
        if name == b"error" or chunk.get("error"):
            raise error_of(200, {}, payload, phase="stream")
        choices = chunk.get("choices")
        if not self._served:
            self._serve(chunk, events)
        if choices:
            choice = choices[0]
            if choice.get("index"):
                choice = _first(choices)  # further choices of n > 1 must not mix with the first
            if choice is not None:
                self._choice(choice, events)
        usage = chunk.get("usage")
        if usage is None and "x_groq" in chunk:
            usage = chunk["x_groq"].get("usage") if isinstance(chunk["x_groq"], dict) else None
        if usage:
            counted = read_usage(usage, chunk.get("service_tier"))
            if counted is not None:
                events.append(counted)

    def _is_aside(self, name: bytes, payload: bytes) -> bool:
        """Whether it is no chunk: the mark of the end, or empty."""
        bare = payload.strip()
        if bare == b"[DONE]":
            self.done = True
        return bare == b"[DONE]" or not (bare or name == b"error")

    def _patient(self, payload: bytes) -> Any:
        if self._halves is None:
            self._halves = Halves()
        try:
            return self._halves.parse(payload)
        except ValueError:
            raise _malformed(f"not JSON: {payload[:80].decode('utf-8', 'replace')!r}", "stream") from None

    def _serve(self, chunk: dict[str, Any], events: list[Event]) -> None:
        self._served = True
        events.append(Served(word(chunk.get("model")), word(chunk.get("id")) or None))
        for key in ("system_fingerprint", "service_tier"):
            if chunk.get(key):
                events.append(Opaque(f"_{key}", chunk[key]))

    def _choice(self, choice: dict[str, Any], events: list[Event]) -> None:
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
        if choice.get("logprobs") and (listed := _lists(choice["logprobs"])):
            events.append(Opaque("logprobs", listed))
        if choice.get("finish_reason"):
            self._finish = choice["finish_reason"]

    def _beside(self, delta: dict[str, Any], events: list[Event]) -> None:
        """What a delta holds beside content."""
        for name in self._reasoning_fields:
            if isinstance(delta.get(name), str) and delta[name]:
                events.append(Reasoning(delta[name]))
                break
        if calls := delta.get("tool_calls"):
            self._calls.add(calls, events)
        for name, kind in OPAQUE.items():
            if delta.get(name) and isinstance(delta[name], kind):
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
