"""Streams of the Responses API, as bytes come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from routed_llm.dialects.beginning import Beginning
from routed_llm.dialects.errors import error_of
from routed_llm.dialects.openai_chat.calls import word
from routed_llm.dialects.openai_responses.answers import (
    as_typed,
    check_status,
    extras_of,
    finish_of,
    malformed,
    odd,
    parts_of_output,
    read_answer,
)
from routed_llm.dialects.openai_responses.growing import Growing
from routed_llm.dialects.openai_responses.items import CUSTOM_ARGUMENT
from routed_llm.dialects.openai_responses.usage import read_usage
from routed_llm.dialects.parse import ODD, Halves
from routed_llm.dialects.sse import Lines
from routed_llm.dialects.tool_pieces import contradiction
from routed_llm.results import Event, Finish, Opaque, Reasoning, Served, Text, ToolCallDelta

__all__ = ["Reader"]

#: names of extras that are told about the answer, and are no part of it
_ABOUT = frozenset({"service_tier"})


class Reader:
    """Reads a stream: bytes in, events out; strict about its end.

    ``done`` and ``finished`` tell that the terminal event came (``response.completed``, ``response.incomplete``): the answer is
    whole, and nothing is to come but OpenRouter's ``[DONE]``.

    Args:
        maker: who made its reasoning and built-in tools.
        schema_tool: the tool that stands for the typed answer: its arguments become text, and texts beside it are left out.
    """

    __slots__ = (
        "_beginning", "_calls", "_final", "_halves", "_held", "_items", "_lines", "_maker",
        "_schema_tool", "_served", "_thought", "_typed", "done",
    )  # fmt: skip

    def __init__(self, maker: str, schema_tool: str | None = None) -> None:
        self._maker = maker
        self._schema_tool = schema_tool
        self._lines = Lines()
        self._beginning = Beginning()
        self._served = self._typed = False
        self._halves: Halves | None = None
        self._items: dict[Any, Growing] = {}
        self._calls = 0
        self._thought: Any = None  # the piece of reasoning that came last
        self._held: list[str] = []  # texts, while a typed answer may come as a call
        self._final: dict[str, Any] | None = None
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether the terminal event has come."""
        return self._final is not None

    def feed(self, data: bytes) -> list[Event]:
        """The events in these bytes.

        Raises:
            ProviderError: for error events, and for what cannot be read.
        """
        if not self._beginning.over:
            data = self._beginning.feed(data)
        events: list[Event] = []
        for name, payload in self._lines.feed(data):
            self._take(name, payload, events)
        return events

    def end(self) -> list[Event]:
        """The last events; the body has ended.

        Raises:
            ProviderError: ``malformed`` where it ended without its terminal event: it is cut.
        """
        if (whole := self._beginning.json()) is not None:
            return self._whole(whole)
        events: list[Event] = []
        for name, payload in self._lines.end():
            self._take(name, payload, events)
        if self._final is None:
            raise malformed("the stream ended without response.completed: it is cut", "stream")
        try:
            self._finish(self._final, events)
        except ODD as error:
            raise odd(error, b"", "stream") from None
        return events

    def _take(self, name: bytes, payload: bytes, events: list[Event]) -> None:
        try:
            event = orjson.loads(payload)
        except orjson.JSONDecodeError:
            event = self._patient(payload)
        try:
            if event is not None and self._final is None:
                self._read(name, event, payload, events)
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

    def _read(self, name: bytes, event: dict[str, Any], payload: bytes, events: list[Event]) -> None:
        kind = event.get("type")
        if kind == "response.output_text.delta":
            if piece := event["delta"]:
                self._say(self._item(event, "message"), event.get("content_index"), piece, events)
        elif (read := _READ.get(kind)) is not None:
            read(self, event, events)
        elif kind == "error" or name == b"error" or event.get("error"):
            raise error_of(200, {}, payload, phase="stream")

    def _serve(self, event: dict[str, Any], events: list[Event]) -> None:
        response = event["response"]
        if not self._served:
            self._served = True
            events.append(Served(word(response.get("model")), word(response.get("id")) or None))

    def _item(self, event: dict[str, Any], kind: str) -> Growing:
        """The item to which a piece belongs; some servers do not say that one begins.

        Raises:
            ProviderError: ``malformed`` for a piece of another kind of item.
        """
        place = event.get("output_index")
        item = self._items.get(place)
        if item is None:
            item = self._items[place] = Growing({"type": kind, "id": event.get("item_id")}, 0, None)
        if item.kind != kind:
            raise contradiction(f"a piece of a {kind} in an item of type {item.kind}")
        return item

    def _say(self, item: Growing, place: Any, piece: str, events: list[Event]) -> None:
        if type(piece) is not str:
            raise TypeError("a piece of text that is none")
        if (said := item.said.get(place)) is None:
            said = item.said[place] = []
        said.append(piece)
        if self._schema_tool is not None:
            self._held.append(piece)
        else:
            events.append(Text(piece))

    def _add(self, event: dict[str, Any], events: list[Event]) -> None:
        """An item begins."""
        place, told = event.get("output_index"), event["item"]
        if place in self._items:
            self._items[place].check(told)
        else:
            self._begin_item(place, told, events)

    def _begin_item(self, place: Any, told: dict[str, Any], events: list[Event]) -> Growing:
        item = self._items[place] = Growing(told, self._calls, self._schema_tool)
        if item.shadow:
            self._typed = True
        elif item.is_call:
            self._calls += 1
            opening = "" if item.kind == "function_call" else f'{{"{CUSTOM_ARGUMENT}":"'
            events.append(ToolCallDelta(item.number, item.call_id, item.name, opening))
            if opening:
                item.given.append(opening)
        return item

    def _arguments(self, event: dict[str, Any], events: list[Event]) -> None:
        item = self._items.get(event.get("output_index"))
        if item is None or item.kind != "function_call":
            raise contradiction("a piece of arguments without a call")
        self._give(item, event["delta"], events)

    def _input(self, event: dict[str, Any], events: list[Event]) -> None:
        """A piece of a custom tool's text, within the arguments that stand for it."""
        item = self._items.get(event.get("output_index"))
        if item is None or item.kind != "custom_tool_call":
            raise contradiction("a piece of a custom tool's input without a call")
        self._give(item, orjson.dumps(event["delta"]).decode()[1:-1], events)

    def _give(self, item: Growing, piece: str, events: list[Event]) -> None:
        if not isinstance(piece, str):
            raise TypeError("a piece of arguments that is no text")
        if piece:
            item.given.append(piece)
            events.append(Text(piece) if item.shadow else ToolCallDelta(item.number, None, None, piece))

    def _reason(self, event: dict[str, Any], events: list[Event]) -> None:
        self._think(self._item(event, "reasoning"), "content", event.get("content_index"), event["delta"], events)

    def _summarise(self, event: dict[str, Any], events: list[Event]) -> None:
        self._think(self._item(event, "reasoning"), "summary", event.get("summary_index"), event["delta"], events)

    def _think(self, item: Growing, kind: str, number: Any, piece: str, events: list[Event]) -> None:
        """A piece of reasoning; a summary beside the reasoning itself would say it twice."""
        if not piece:
            return
        if type(piece) is not str:
            raise TypeError("a piece of reasoning that is no text")
        place = (kind, number)
        if place not in item.said:
            if any(other != kind for other, _ in item.said):
                return
            item.said[place] = []
        item.said[place].append(piece)
        here = (id(item), place)
        if self._thought is not None and self._thought != here:
            events.append(Reasoning("\n\n"))
        self._thought = here
        events.append(Reasoning(piece))

    def _settle(self, event: dict[str, Any], events: list[Event]) -> None:
        """An item is whole: what did not come in pieces comes now."""
        place, told = event.get("output_index"), event["item"]
        item = self._items.get(place)
        if item is None:
            item = self._begin_item(place, told, events)
        self._complete(item, told, events)

    def _complete(self, item: Growing, told: dict[str, Any], events: list[Event]) -> None:
        item.check(told)
        item.told, item.settled = told, True
        if item.is_call:
            self._give(item, item.rest(told), events)
        elif item.kind == "message":
            for number, part in enumerate(told.get("content") or ()):
                if part["type"] == "output_text" and (rest := _rest(part["text"], item.said.get(number))):
                    self._say(item, number, rest, events)
        elif item.kind == "reasoning" and not item.said:
            for kind in ("content", "summary"):
                for number, part in enumerate(told.get(kind) or ()):
                    self._think(item, kind, number, part.get("text") or "", events)

    def _close(self, event: dict[str, Any], events: list[Event]) -> None:
        """The terminal event, with the whole answer."""
        response = event["response"]
        self._serve(event, events)
        output = response.get("output")
        if not isinstance(output, list) or not output:  # some servers leave it out here
            response = {**response, "output": [item.told for _, item in sorted(self._items.items(), key=_place)]}
        check_status(response, "stream")
        self._catch_up(response["output"], events)
        self._final = response
        self.done = True

    def _catch_up(self, output: list[dict[str, Any]], events: list[Event]) -> None:
        """What is in the answer, and did not come before: all of it, or the ends of items that were not ended."""
        known = {item.call_id or item.id: item for item in self._items.values()}
        for number, told in enumerate(output):
            item = known.get(told.get("call_id") or told.get("id"))
            if item is None and (not known or told["type"] in ("function_call", "custom_tool_call")):
                item = self._begin_item(("late", number), told, events)
            if item is not None and not item.settled:
                self._complete(item, told, events)

    def _fail(self, event: dict[str, Any], events: list[Event]) -> None:
        check_status({**event["response"], "status": "failed"}, "stream")

    def _finish(self, response: Mapping[str, Any], events: list[Event]) -> None:
        if self._held and not self._typed:
            events.append(Text("".join(self._held)))
        parts = as_typed(parts_of_output(response["output"], self._maker), self._schema_tool)
        for name, value in extras_of(response, response["output"], parts).items():
            events.append(Opaque(f"_{name}" if name in _ABOUT else name, value))
        if (usage := read_usage(response)) is not None:
            events.append(usage)
        events.append(Finish(*finish_of(response, self._calls > 0)))

    def _whole(self, data: bytes) -> list[Event]:
        answer = read_answer(data, self._maker, self._schema_tool)
        events: list[Event] = [Served(answer.model, answer.id)]
        if answer.reasoning:
            events.append(Reasoning(answer.reasoning))
        if answer.text:
            events.append(Text(answer.text))
        events.extend(ToolCallDelta(i, c.id, c.name, c.arguments) for i, c in enumerate(answer.tool_calls))
        events.extend(Opaque(f"_{name}" if name in _ABOUT else name, value) for name, value in answer.extras.items())
        if answer.usage is not None:
            events.append(answer.usage)
        events.append(Finish(answer.finish, answer.finish_raw))
        return events


def _rest(whole: Any, said: list[str] | None) -> str:
    """What of a text did not come in pieces; nothing where it differs from them: what was said stays said."""
    if not isinstance(whole, str):
        return ""
    given = "".join(said) if said else ""
    return whole[len(given) :] if whole.startswith(given) else ""


def _place(found: tuple[Any, Growing]) -> tuple[bool, int]:
    """The order of items: by their number, those without one last."""
    return type(found[0]) is not int, found[0] if type(found[0]) is int else 0


#: type of an event -> what reads it; all others are passed over
_READ: Mapping[Any, Callable[[Reader, dict[str, Any], list[Event]], None]] = {
    "response.created": Reader._serve,
    "response.in_progress": Reader._serve,
    "response.output_item.added": Reader._add,
    "response.output_item.done": Reader._settle,
    "response.function_call_arguments.delta": Reader._arguments,
    "response.custom_tool_call_input.delta": Reader._input,
    "response.reasoning_text.delta": Reader._reason,
    "response.reasoning_summary_text.delta": Reader._summarise,
    "response.completed": Reader._close,
    "response.incomplete": Reader._close,
    "response.cancelled": Reader._close,
    "response.failed": Reader._fail,
}
