"""Tool calls of chat completions: whole ones, and the pieces of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from routed_llm.dialects.tool_pieces import SoFar, begins_another
from routed_llm.results import Event, Text, ToolCall, ToolCallDelta

__all__ = ["CallPieces", "arguments_text", "whole_calls", "word"]


def word(value: Any) -> str:
    """A name or an id: a text, or a number as one; else nothing."""
    return value if isinstance(value, str) else str(value) if type(value) is int else ""


def arguments_text(value: Any) -> str:
    """Arguments as JSON text; some providers send an object."""
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()


def whole_calls(message: Mapping[str, Any]) -> list[ToolCall]:
    """The calls of a whole message; those without a name (Snowflake sends one) are left out.

    Raises:
        TypeError: for a name that is no text, or calls that are no list.
    """
    calls = []
    for number, call in enumerate(message.get("tool_calls") or ()):
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping) and (name := _name(function)):
            calls.append(ToolCall(word(call.get("id")) or f"call_{number}", name, arguments_text(function.get("arguments"))))
    return calls


def _name(function: Mapping[str, Any]) -> str:
    name = function.get("name") or ""
    if not isinstance(name, str):
        raise TypeError("the name of a tool call is no text")
    return name


class _Slot(SoFar):
    """What was told of one call, and its place in the answer; ``shadow``: it stands for the typed answer."""

    __slots__ = ("number", "shadow")

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.shadow = False


class CallPieces:
    """The tool calls of one stream. Some providers tell id and name with every piece: they are handed on once.

    A call is handed on from its name on; one that never gets a name (Snowflake sends such) is left out, and one that never gets
    an id is given one.

    Args:
        schema_tool: the tool that stands for the typed answer: its arguments become text.
    """

    __slots__ = ("_by_id", "_numbers", "_schema_tool", "_slots", "any")

    def __init__(self, schema_tool: str | None) -> None:
        self._schema_tool = schema_tool
        self._slots: dict[int, _Slot] = {}
        self._by_id: dict[str, _Slot] = {}
        self._numbers: dict[int, _Slot] = {}
        #: whether a call came that is not the typed answer
        self.any = False

    def add(self, pieces: Any, events: list[Event]) -> None:
        """Read the ``tool_calls`` of a delta.

        Raises:
            TypeError, ValueError, AttributeError: for what is no list of calls.
            ProviderError: ``malformed`` for a piece that contradicts what was told.
        """
        for position, call in enumerate(pieces):
            function = call.get("function") or {}
            index = call.get("index")
            if type(index) is int:
                slot = self._slots.get(index)
            else:
                slot = self._unplaced(call, function, position) if index is None else self._slots.get(int(index))
                index = position if index is None else int(index)
            new_id = new_name = None
            if slot is None or call.get("id") or function.get("name"):
                slot, new_id, new_name = self._named(slot, index, word(call.get("id")), _name(function))
            arguments = function.get("arguments")
            if type(arguments) is not str:
                arguments = arguments_text(arguments)
            if new_name is not None and slot.arguments and not slot.shadow:
                arguments, slot.arguments = "".join([*slot.arguments, arguments]), []
            slot.arguments.append(arguments)
            if slot.shadow:
                if arguments:
                    events.append(Text(arguments))
            elif slot.name:
                self.any = True
                told = (slot.id or None) if new_name else new_id  # an id may have come before the name
                events.append(ToolCallDelta(slot.number, told, new_name, arguments))

    def _unplaced(self, call: Mapping[str, Any], function: Mapping[str, Any], position: int) -> _Slot | None:
        """The call to which a piece without an index belongs: that of its id, else the last one at its position."""
        call_id, slot = word(call.get("id")), self._slots.get(position)
        if not call_id:
            return slot
        begins = slot is None or slot.id or function.get("name")
        return self._by_id.get(call_id, None if begins else slot)

    def end(self, events: list[Event]) -> None:
        """The stream has ended: calls without an id are given one."""
        for number, slot in self._numbers.items():
            if slot.name and not slot.id and not slot.shadow:
                events.append(ToolCallDelta(number, f"call_{number}", None, ""))

    def _named(self, slot: _Slot | None, index: int, call_id: str, name: str) -> tuple[_Slot, str | None, str | None]:
        """The call of a piece that tells an id or a name, and what is new of these."""
        if slot is None or begins_another(slot, call_id, name):
            number = index if index not in self._numbers else max(self._numbers) + 1
            slot = self._slots[index] = self._numbers[number] = _Slot(number)
        new_id = new_name = None
        if call_id and not slot.id:
            new_id = slot.id = call_id
            self._by_id[call_id] = slot
        if name and not slot.name:
            new_name = slot.name = name
            slot.shadow = name == self._schema_tool
        return slot, new_id, new_name
