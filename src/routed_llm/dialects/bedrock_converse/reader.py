"""Answers of Converse: whole bodies, and event streams as bytes come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.dialects.aws_frames import Frame, Frames
from routed_llm.dialects.bedrock_converse.content import SERVER_TOOL, parts_of_blocks
from routed_llm.dialects.bedrock_converse.usage import read_usage
from routed_llm.dialects.errors import error_of
from routed_llm.dialects.hub import Part, as_message
from routed_llm.dialects.parse import ODD, parse
from routed_llm.errors import ProviderError
from routed_llm.results import Answer, Event, Finish, FinishReason, Opaque, Reasoning, Text, ToolCall, ToolCallDelta

__all__ = ["Reader", "read_answer"]

#: stop reasons (API reference, Converse) in the common words
FINISHES: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


def _finish(raw: str, calls: bool, typed: bool) -> FinishReason:
    reason = FINISHES.get(raw, "other")
    if calls:
        return "tool_calls" if reason in ("stop", "other") else reason
    return "stop" if typed and reason == "tool_calls" else reason


def read_answer(data: bytes, maker: str, schema_tool: str | None) -> Answer:
    """A whole answer; ``schema_tool`` names the tool that stands for the typed one: its arguments become the text.

    Raises:
        ProviderError: for what is no answer.
    """
    try:
        body = parse(data)
        blocks = body["output"]["message"]["content"]
        raw = str(body["stopReason"])
        answer = _answer(parts_of_blocks(blocks, maker), schema_tool)
        answer.usage = read_usage(body.get("usage"), body.get("serviceTier"))
    except ODD as error:
        shown = data[:80].decode("utf-8", "replace")
        raise ProviderError("malformed", f"an answer in an unknown form ({error}): {shown!r}", phase="body") from None
    answer.finish, answer.finish_raw = _finish(raw, bool(answer.tool_calls), schema_tool is not None), raw
    return answer


def _answer(parts: list[Part], schema_tool: str | None) -> Answer:
    calls = [ToolCall(p["id"], p["name"], p["arguments"]) for p in parts if p["type"] == "tool_call"]
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    if schema_tool is not None and calls and calls[0].name == schema_tool:
        text, calls, parts = calls[0].arguments, [], []
    reasoning = "".join(part["text"] for part in parts if part["type"] == "reasoning")
    return Answer(text, reasoning=reasoning, tool_calls=calls, extras=_extras(parts))


def _extras(parts: list[Part]) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if cited := [each for part in parts if part["type"] == "text" for each in part.get("citations") or ()]:
        extras["citations"] = cited
    if "parts" in as_message("assistant", parts) and any(part["type"] != "reasoning" or _is_signed(part) for part in parts):
        extras["parts"] = parts
    return extras


def _is_signed(part: Part) -> bool:
    return bool(part.get("signature") or part.get("data"))


class Reader:
    """Reads a stream: bytes in, events out; strict about its end: ``messageStop``, behind which ``metadata`` have the usage."""

    __slots__ = ("_blocks", "_calls", "_frames", "_maker", "_raw", "_schema_tool", "_shadow", "done")

    def __init__(self, maker: str, schema_tool: str | None) -> None:
        self._frames = Frames()
        self._maker = maker
        self._schema_tool = schema_tool
        #: blocks so far, in Converse's form for whole answers, by index
        self._blocks: dict[int, dict[str, Any]] = {}
        #: number of the tool call in a block, by the block's index
        self._calls: dict[int, int] = {}
        #: index of the block that stands for the typed answer
        self._shadow: int | None = None
        self._raw: str | None = None
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether a stop reason has come."""
        return self._raw is not None

    def feed(self, data: bytes) -> list[Event]:
        """The events in these bytes."""
        events: list[Event] = []
        try:
            for frame in self._frames.feed(data):
                self._take(frame, events)
        except ODD as error:
            raise ProviderError("malformed", f"an event in an unknown form ({error})", phase="stream") from None
        return events

    def end(self) -> list[Event]:
        """The last events; the body has ended."""
        if self._raw is None:
            raise ProviderError("malformed", "the stream ended without a stop reason: it is cut", phase="stream")
        events: list[Event] = []
        if self._shadow is None:
            parts = parts_of_blocks([_whole(block) for _, block in sorted(self._blocks.items())], self._maker)
            events += [Opaque(name, value) for name, value in _extras(parts).items()]
        events.append(Finish(_finish(self._raw, bool(self._calls), self._schema_tool is not None), self._raw))
        return events

    def _take(self, frame: Frame, events: list[Event]) -> None:
        headers = frame.headers
        if headers.get(":message-type", "event") != "event":
            kind = headers.get(":exception-type") or headers.get(":error-code") or ""
            told = {"x-amzn-errortype": kind}
            raise error_of(200, told, frame.payload or headers.get(":error-message", "").encode(), phase="stream")
        event = parse(frame.payload)
        event_type = headers.get(":event-type", "")
        if event_type == "contentBlockDelta":
            self._delta(event["contentBlockIndex"], event["delta"], events)
        elif event_type == "contentBlockStart":
            self._start(event["contentBlockIndex"], event.get("start") or {}, events)
        elif event_type == "messageStop":
            self._raw = str(event["stopReason"])
        elif event_type == "metadata":
            if (usage := read_usage(event.get("usage"), event.get("serviceTier"))) is not None:
                events.append(usage)
            self.done = self._raw is not None
        elif event_type.endswith("Exception"):
            raise error_of(200, {"x-amzn-errortype": event_type}, frame.payload, phase="stream")

    def _start(self, index: int, start: Mapping[str, Any], events: list[Event]) -> None:
        use = start.get("toolUse")
        if use is None:
            self._blocks[index] = {name: dict(value) for name, value in start.items() if isinstance(value, Mapping)}
            return
        self._blocks[index] = {"toolUse": {**use, "input": []}}
        if use.get("type") == SERVER_TOOL:
            return
        if self._schema_tool is not None and use["name"] == self._schema_tool:
            self._shadow = index
            return
        number = self._calls[index] = len(self._calls)
        events.append(ToolCallDelta(number, str(use["toolUseId"]), str(use["name"]), ""))

    def _delta(self, index: int, delta: Mapping[str, Any], events: list[Event]) -> None:
        block = self._blocks.get(index)
        if block is None:
            block = self._blocks[index] = {}
        if (text := delta.get("text")) is not None:
            block.setdefault("text", []).append(text)
            if text and self._shadow is None:
                events.append(Text(text))
        elif (use := delta.get("toolUse")) is not None:
            piece = use.get("input") or ""
            block["toolUse"]["input"].append(piece)
            if index == self._shadow:
                events.append(Text(piece))
            elif index in self._calls and piece:
                events.append(ToolCallDelta(self._calls[index], None, None, piece))
        elif (thought := delta.get("reasoningContent")) is not None:
            _think(block.setdefault("reasoningContent", {}), thought)
            if thought.get("text"):
                events.append(Reasoning(thought["text"]))
        elif (cited := delta.get("citation")) is not None:
            block.setdefault("citations", []).append(cited)
        else:
            for name, value in delta.items():
                block.setdefault(name, value)


def _think(held: dict[str, Any], piece: Mapping[str, Any]) -> None:
    for name in ("text", "signature", "redactedContent"):
        if piece.get(name):
            held[name] = held.get(name, "") + piece[name]


def _whole(block: dict[str, Any]) -> dict[str, Any]:
    """A block that was put together, as it stands in whole answers.

    Raises:
        ValueError: for arguments that are no JSON, which the caller gets as they are.
    """
    if "toolUse" in block:
        text = "".join(block["toolUse"]["input"])
        try:
            arguments = parse(text.encode()) if text.strip() else {}
        except ValueError:
            arguments = {}
        return {"toolUse": {**block["toolUse"], "input": arguments}}
    if "reasoningContent" in block:
        held = block["reasoningContent"]
        if "redactedContent" in held:
            return {"reasoningContent": {"redactedContent": held["redactedContent"]}}
        return {"reasoningContent": {"reasoningText": held}}
    if "citations" in block:
        content = {"content": [{"text": "".join(block.get("text") or ())}], "citations": block["citations"]}
        return {"citationsContent": content}
    if "text" in block:
        return {"text": "".join(block["text"])}
    return block
