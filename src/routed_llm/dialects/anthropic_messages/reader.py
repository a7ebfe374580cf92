"""Streams of the Messages API, as bytes come."""

from __future__ import annotations

from typing import Any

import orjson

from routed_llm.dialects.anthropic_messages.answers import (
    BESIDE,
    citations_in,
    finish_reason,
    malformed,
    odd,
    read_answer,
    refusal_of,
    says_more,
)
from routed_llm.dialects.anthropic_messages.growing import Growing
from routed_llm.dialects.anthropic_messages.usage import read_usage
from routed_llm.dialects.beginning import Beginning
from routed_llm.dialects.errors import error_of
from routed_llm.dialects.hub import Part
from routed_llm.dialects.parse import ODD, Halves
from routed_llm.dialects.sse import Lines
from routed_llm.dialects.tool_pieces import contradiction
from routed_llm.results import Event, Finish, Opaque, Reasoning, Served, Text, ToolCallDelta

__all__ = ["Reader"]


class Reader:
    """Reads a stream: bytes in, events out; strict about its end.

    ``done`` tells that ``message_stop`` came: nothing is to come. ``finished`` tells that a stop reason came, so that a
    connection which breaks now takes nothing from the answer.

    Args:
        maker: who signs thinking and owns opaque blocks.
        schema_tool: the tool that stands for the typed answer: its arguments become text, and texts beside it are left out.
    """

    __slots__ = (
        "_beginning", "_beside", "_blocks", "_by_index", "_calls", "_halves", "_lines", "_maker", "_schema_tool",
        "_stop", "_texts", "_thought", "_typed", "_usage", "done",
    )  # fmt: skip

    def __init__(self, maker: str, schema_tool: str | None = None) -> None:
        self._maker = maker
        self._schema_tool = schema_tool
        self._lines = Lines()
        self._beginning = Beginning()
        self._thought = self._typed = False
        self._halves: Halves | None = None
        self._blocks: list[Growing] = []
        self._by_index: dict[Any, Growing] = {}
        self._calls = 0
        self._texts: list[str] = []  # held back while a typed answer may come as a call
        self._usage: dict[str, Any] = {}
        self._beside: dict[str, Any] = {}
        self._stop: str | None = None
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether a stop reason has come."""
        return self._stop is not None

    def feed(self, data: bytes) -> list[Event]:
        """The events in these bytes.

        Raises:
            ProviderError: for error events, and for what cannot be read.
        """
        if not self._beginning.over:
            data = self._beginning.feed(data)
        events: list[Event] = []
        for _, payload in self._lines.feed(data):
            self.take(payload, events)
        return events

    def end(self) -> list[Event]:
        """The last events; the body has ended.

        Raises:
            ProviderError: ``malformed`` where it ended without a stop reason: it is cut.
        """
        if (whole := self._beginning.json()) is not None:
            return self._whole(whole)
        events: list[Event] = []
        for _, payload in self._lines.end():
            self.take(payload, events)
        if self._stop is None:
            raise malformed("the stream ended without a stop reason: it is cut", "stream")
        try:
            self._finish(events)
        except ODD as error:
            raise odd(error, b"", "stream") from None
        return events

    def take(self, payload: bytes, events: list[Event]) -> None:
        """Read the data of one event, however it was framed, and add what it tells to ``events``.

        Raises:
            ProviderError: as of :meth:`feed`.
        """
        try:
            chunk = orjson.loads(payload)
        except orjson.JSONDecodeError:
            chunk = self._patient(payload)
        try:
            if chunk is not None:
                self._read(chunk, payload, events)
        except ODD as error:
            raise odd(error, payload, "stream") from None

    def _patient(self, payload: bytes) -> Any:
        if not payload.strip() or payload.strip() == b"[DONE]":
            return None
        if self._halves is None:
            self._halves = Halves()
        try:
            return self._halves.parse(payload)
        except ValueError:
            raise malformed(f"not JSON: {payload[:80].decode('utf-8', 'replace')!r}", "stream") from None

    def _read(self, chunk: dict[str, Any], payload: bytes, events: list[Event]) -> None:
        kind = chunk.get("type")
        if kind == "content_block_delta":
            block = self._by_index.get(chunk["index"])
            if block is None:
                raise contradiction(f"a piece of block {chunk['index']}, which has not begun")
            delta = chunk["delta"]
            if delta["type"] == "text_delta" and block.kind == "text":
                text = delta["text"]
                block.pieces.append(text)
                if self._schema_tool is not None:
                    self._texts.append(text)
                elif text:
                    events.append(Text(text))
            else:
                self._piece(block, delta, events)
        elif kind == "content_block_start":
            self._start(chunk["index"], chunk["content_block"], events)
        elif kind == "content_block_stop":
            self._close(chunk["index"], events)
        elif kind == "message_start":
            message = chunk["message"]
            events.append(Served(message.get("model") or "", message.get("id") or None))
            self._count(message.get("usage"), events)
        elif kind == "message_delta":
            self._delta(chunk, events)
        elif kind == "message_stop":
            self.done = True
        elif kind == "error" or chunk.get("error"):
            raise error_of(200, {}, payload, phase="stream")

    def _start(self, index: Any, told: dict[str, Any], events: list[Event]) -> None:
        if index in self._by_index:
            raise contradiction(f"block {index} begins twice")
        block = self._by_index[index] = Growing(told)
        self._blocks.append(block)
        if block.kind == "tool_use":
            block.shadow = self._schema_tool is not None and told["name"] == self._schema_tool
            if block.shadow:
                self._typed = True
            else:
                block.number, self._calls = self._calls, self._calls + 1
                events.append(ToolCallDelta(block.number, told["id"], told["name"], ""))
        elif block.kind == "text" and told.get("text"):
            self._piece(block, {"type": "text_delta", "text": told["text"]}, events)
        elif block.kind == "thinking" and told.get("thinking"):
            self._piece(block, {"type": "thinking_delta", "thinking": told["thinking"]}, events)

    def _piece(self, block: Growing, delta: dict[str, Any], events: list[Event]) -> None:
        """A piece of a block, text beside the usual way too."""
        if not block.add(delta):
            return
        kind = delta["type"]
        if kind == "text_delta":
            if self._schema_tool is not None:
                self._texts.append(delta["text"])
            else:
                events.append(Text(delta["text"]))
        elif kind == "thinking_delta":
            if self._thought and len(block.pieces) == 1:
                events.append(Reasoning("\n\n"))
            self._thought = True
            events.append(Reasoning(delta["thinking"]))
        elif kind == "input_json_delta" and block.kind == "tool_use":
            self._arguments(block, delta["partial_json"], events)

    def _arguments(self, block: Growing, piece: str, events: list[Event]) -> None:
        events.append(Text(piece) if block.shadow else ToolCallDelta(block.number, None, None, piece))

    def _close(self, index: Any, events: list[Event]) -> None:
        """A block has ended; some servers give a call's arguments at its beginning, and no pieces."""
        block = self._by_index.get(index)
        if block is not None and block.kind == "tool_use" and not block.pieces and block.told.get("input"):
            block.pieces.append(orjson.dumps(block.told["input"]).decode())
            self._arguments(block, block.pieces[0], events)

    def _delta(self, chunk: dict[str, Any], events: list[Event]) -> None:
        delta = chunk.get("delta") or {}
        if delta.get("stop_reason"):
            self._stop = str(delta["stop_reason"])
        for name in BESIDE:
            if found := delta.get(name) or chunk.get(name):
                self._beside[name] = found
        self._count(chunk.get("usage"), events)

    def _count(self, usage: Any, events: list[Event]) -> None:
        """Counts so far: those of later events are sums, and may leave out what has not changed."""
        if isinstance(usage, dict):
            self._usage.update((name, value) for name, value in usage.items() if value is not None)
            if (counted := read_usage(self._usage)) is not None:
                events.append(counted)

    def _finish(self, events: list[Event]) -> None:
        if self._texts and not self._typed:
            events.append(Text("".join(self._texts)))
        parts = self._parts()
        if tier := self._usage.get("service_tier"):
            events.append(Opaque("_service_tier", tier))
        events.extend(Opaque(f"_{name}", value) for name, value in self._beside.items())
        if refusal := refusal_of(self._beside.get("stop_details")):
            events.append(Opaque("refusal", refusal))
        if cited := citations_in(parts):
            events.append(Opaque("citations", cited))
        if says_more(parts):
            events.append(Opaque("parts", parts))
        raw = self._stop or ""
        events.append(Finish(finish_reason(raw, self._calls > 0, self._typed), raw))

    def _parts(self) -> list[Part]:
        return [
            block.part(self._maker)
            for block in self._blocks
            if not (self._typed and block.kind == "text")
        ]  # fmt: skip

    def _whole(self, data: bytes) -> list[Event]:
        answer = read_answer(data, self._maker, self._schema_tool)
        events: list[Event] = [Served(answer.model, answer.id)]
        if answer.reasoning:
            events.append(Reasoning(answer.reasoning))
        if answer.text:
            events.append(Text(answer.text))
        events.extend(ToolCallDelta(i, c.id, c.name, c.arguments) for i, c in enumerate(answer.tool_calls))
        events.extend(Opaque(f"_{k}" if k in (*BESIDE, "service_tier") else k, v) for k, v in answer.extras.items())
        if answer.usage is not None:
            events.append(answer.usage)
        events.append(Finish(answer.finish, answer.finish_raw))
        return events
