"""Tool calls of chat completions: whole ones, and the pieces of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

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


class _Slot:
    """What was told of the call under one index."""

    __slots__ = ("id", "name", "number", "shadow")

    def __init__(self, number: int) -> None:
        self.number = number
        self.id = self.name = ""
        self.shadow = False


class CallPieces:
    """The tool calls of one stream. Some providers tell id and name with every piece: they are handed on once.

    Args:
        schema_tool: the tool that stands for the typed answer: its arguments become text.
    """

    __slots__ = ("_numbers", "_schema_tool", "_slots", "any")

    def __init__(self, schema_tool: str | None) -> None:
        self._schema_tool = schema_tool
        self._slots: dict[int, _Slot] = {}
        self._numbers: set[int] = set()
        #: whether a call came that is not the typed answer
        self.any = False

    def add(self, pieces: Any, events: list[Event]) -> None:
        """Read the ``tool_calls`` of a delta.

        Raises:
            TypeError, ValueError, AttributeError: for what is no list of calls.
        """
        for position, call in enumerate(pieces):
            function = call.get("function") or {}
            index = call.get("index")
            if type(index) is not int:
                index = position if index is None else int(index)
            slot = self._slots.get(index)
            new_id = new_name = None
            if slot is None or call.get("id") or function.get("name"):
                slot, new_id, new_name = self._named(slot, index, word(call.get("id")), _name(function))
            arguments = function.get("arguments")
            if type(arguments) is not str:
                arguments = arguments_text(arguments)
            if not slot.shadow:
                self.any = True
                events.append(ToolCallDelta(slot.number, new_id, new_name, arguments))
            elif arguments:
                events.append(Text(arguments))

    def _named(self, slot: _Slot | None, index: int, call_id: str, name: str) -> tuple[_Slot, str | None, str | None]:
        """The call of a piece that tells an id or a name, and what is new of these."""
        if slot is None or (name and call_id and slot.id and slot.id != call_id):  # or another call under the same index
            number = index if index not in self._numbers else max(self._numbers) + 1
            self._numbers.add(number)
            slot = self._slots[index] = _Slot(number)
        new_id = new_name = None
        if call_id and not slot.id:
            new_id = slot.id = call_id
        if name and not slot.name:
            new_name = slot.name = name
            slot.shadow = name == self._schema_tool
        return slot, new_id, new_name
