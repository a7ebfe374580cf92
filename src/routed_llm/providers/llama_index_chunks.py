"""Chunks of a LlamaIndex LLM's own stream as events.

A chunk's ``message`` is cumulative and its ``delta`` new text. For LlamaIndex's own requests each chunk is handed on as it is;
for others what is new in it is found by comparing with what was given before, because integrations differ: some keep text out
of ``message`` until a block is finished (Anthropic), some leave ``delta`` empty, arguments of tool calls grow as JSON text
(OpenAI) or as a dict that is parsed anew from a part of it (Anthropic). Such a dict is given once, when the stream ends.

Where the typed answer comes as a call of the schema's tool, its arguments become the text. Text beside that call (models like
to announce their calls) would spoil the JSON, so it is held back, and given only if no such call comes.
"""

from __future__ import annotations

import json
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse

from routed_llm.dialects.tool_pieces import contradiction
from routed_llm.errors import ProviderError
from routed_llm.providers.llama_index_answers import (
    call_id,
    extras_of,
    finish_of,
    reasoning_in,
    shows,
    text_in,
    without_tool,
)
from routed_llm.providers.llama_index_fields import Called, calls_of, finish_word, id_of, model_of, usage_of
from routed_llm.providers.nesting import routed_cost
from routed_llm.providers.whole_source import hub_events, last_events
from routed_llm.results import COUNTS, Answer, Event, Finish, Fragment, Opaque, Reasoning, Served, Text, ToolCallDelta, Usage

__all__ = ["ChunkReader", "events_of"]


class ChunkReader:
    """Reads one stream.

    Args:
        native: whether the chunks themselves are handed on.
        schema_tool: the tool whose arguments are the typed answer, or None.
        strict: whether an end without a finish means that the stream was cut.
    """

    __slots__ = (
        "_calls", "_cost", "_extras", "_finish", "_held", "_id", "_model", "_native", "_schema_tool", "_strict", "_text",
        "_thought", "_typed", "_usage",
    )  # fmt: skip

    def __init__(self, native: bool, schema_tool: str | None, strict: bool) -> None:
        self._native = native
        self._schema_tool = schema_tool
        self._strict = strict
        self._text = self._thought = self._typed = ""
        self._held: list[Event] = []
        self._calls: list[_Growing] = []
        self._usage: Usage | None = None
        self._cost: int | None = None
        self._model, self._finish = "", ""
        self._id: str | None = None
        self._extras: dict[str, Any] = {}

    def feed(self, chunk: ChatResponse) -> list[Event]:
        """The events of a chunk."""
        self._note(chunk)
        calls = calls_of(chunk.message)
        while len(self._calls) < len(calls):
            self._calls.append(_Growing(len(self._calls)))
        new = [event for growing, call in zip(self._calls, calls, strict=False) for event in growing.grew(call)]
        if self._schema_tool is not None and any(c.name == self._schema_tool for c in self._calls):
            return self._answering(chunk, new)
        if self._native:
            events: list[Event] = [Fragment(chunk, _seen(chunk))]
        else:
            events = self._spoken(chunk, bool(new))
        if self._schema_tool is not None and not self._calls:
            self._held.extend(events)  # it may yet call the tool
            return []
        events = [*self._held, *events]
        self._held = []
        return events if self._native else [*events, *new]

    def _note(self, chunk: ChatResponse) -> None:
        """What the end will tell. Counts only grow in a stream, so the largest are the last."""
        used = usage_of(chunk)
        if used is not None:
            if self._usage is None:
                self._usage = used
            else:
                for name in COUNTS:
                    setattr(self._usage, name, max(getattr(self._usage, name), getattr(used, name)))
                self._usage.cost_nanousd = used.cost_nanousd if used.cost_nanousd is not None else self._usage.cost_nanousd
        if "routing" in chunk.additional_kwargs:
            self._cost = routed_cost(chunk.additional_kwargs)
        self._model = model_of(chunk) or self._model
        self._id = id_of(chunk) or self._id
        self._finish = finish_word(chunk) or self._finish
        for key, value in extras_of(chunk).items():
            known = self._extras.get(key)
            grows = key == "refusal" and isinstance(known, str) and not value.startswith(known)
            self._extras[key] = known + value if grows and known is not None else value

    def _spoken(self, chunk: ChatResponse, called: bool) -> list[Event]:
        """New thinking and new text."""
        events: list[Event] = []
        thought = reasoning_in(chunk.message)
        piece = ""
        if len(thought) > len(self._thought) and thought.startswith(self._thought):
            piece = thought[len(self._thought) :]
        elif not self._thought.endswith(thought) or not thought:
            places = (chunk.additional_kwargs, chunk.message.additional_kwargs)
            told = (place.get("thinking_delta") for place in places)
            piece = next((t for t in told if isinstance(t, str) and t), "")
        if piece:
            self._thought += piece
            events.append(Reasoning(piece))
        text = self._new_text(chunk, bool(piece) or called)
        if text:
            self._text += text
            events.append(Text(text))
        return events

    def _new_text(self, chunk: ChatResponse, other: bool) -> str:
        text, delta = text_in(chunk.message), chunk.delta
        if not delta:
            return text[len(self._text) :] if text.startswith(self._text) else (text if delta is None else "")
        # some give their thinking or their arguments as delta too, and leave the text as it is
        return "" if other and len(text) == len(self._text) > 0 and text == self._text else delta

    def _answering(self, chunk: ChatResponse, new: list[Event]) -> list[Event]:
        """The schema's tool is being called: its arguments are the text."""
        self._held = []
        number = next(n for n, c in enumerate(self._calls) if c.name == self._schema_tool)
        pieces = [e.arguments for e in new if isinstance(e, ToolCallDelta) and e.number == number]
        return self._typed_piece("".join(pieces), chunk)

    def _typed_piece(self, piece: str, chunk: ChatResponse | None) -> list[Event]:
        self._typed += piece
        if not self._native:
            return [Text(piece)] if piece else []
        message = without_tool(chunk.message if chunk else ChatMessage(role="assistant"), self._schema_tool or "", self._typed)
        changes: dict[str, Any] = {"message": message, "delta": piece}
        rewritten = chunk.model_copy(update=changes) if chunk else ChatResponse(**changes)
        return [Fragment(rewritten, bool(piece))]

    def end(self) -> list[Event]:
        """The last events; the stream has ended.

        Raises:
            ProviderError: ``malformed`` when a finish is missing that this object always tells.
        """
        if self._strict and not self._finish:
            raise ProviderError("malformed", "the stream ended without a finish reason: it is cut", phase="stream")
        events: list[Event] = list(self._held)
        typed = False
        for call in self._calls:
            rest = call.rest()
            if call.name == self._schema_tool:
                typed = True
                events += self._typed_piece(rest, None) if rest else []
            elif rest and not self._native:
                events.append(ToolCallDelta(call.number, None, None, rest))
        if not self._native:
            events += [Opaque(key, value) for key, value in self._extras.items()]
        finish = finish_of(self._finish, bool(self._calls))
        events.append(Served(self._model, self._id))
        if self._usage is not None:
            if self._usage.cost_nanousd is None:
                self._usage.cost_nanousd = self._cost
            events.append(self._usage)
        events.append(Finish("stop", finish.raw) if typed and finish.reason == "tool_calls" else finish)
        return events


def _seen(chunk: ChatResponse) -> bool:
    """Whether a chunk holds something that a caller would see, be it a thought."""
    if chunk.delta or chunk.additional_kwargs.get("thinking_delta") or chunk.message.additional_kwargs.get("thinking_delta"):
        return True
    return any(shows(block) or getattr(block, "content", None) for block in chunk.message.blocks) or bool(
        chunk.message.additional_kwargs.get("tool_calls")
    )


class _Growing:
    """One tool call of a stream, and what of it was given."""

    __slots__ = ("_begun", "_given", "_last", "name", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = ""
        self._begun = False
        self._given = ""
        self._last: dict[str, Any] | None = None

    def grew(self, call: Called) -> list[Event]:
        """What is new in it."""
        arguments = call.arguments
        piece = ""
        if isinstance(arguments, dict):
            self._last = arguments or self._last
        elif arguments.startswith(self._given):
            piece = arguments[len(self._given) :]
            self._given = arguments
        if self.name and call.name and not call.name.startswith(self.name):
            raise contradiction("it names another tool")
        name = call.name if call.name != self.name else None
        self.name = call.name or self.name
        if self._begun and not name and not piece:
            return []
        told = None if self._begun else call.id or call_id()
        self._begun = True
        return [ToolCallDelta(self.number, told, name, piece)]

    def rest(self) -> str:
        """Arguments that came as a dict, unless they were given as text."""
        return json.dumps(self._last, ensure_ascii=False) if self._last is not None and not self._given else ""


def events_of(answer: Answer, native: bool) -> list[Event]:
    """A whole answer as a stream, for objects that do not stream."""
    if not native:
        return hub_events(answer)
    whole = answer.native
    events: list[Event] = [] if whole is None else [Fragment(whole.model_copy(update={"delta": answer.text}), True)]
    return [*events, *last_events(answer)]
