"""``reasoning_details``: the reasoning of OpenRouter and Snowflake, which goes back to them where it is signed or encrypted.

The form is OpenRouter's (its documentation, reasoning tokens: preserving reasoning blocks); recorded from both. In streams the
pieces of one block have the same ``index`` and ``type``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from routed_llm.dialects.dialect import StreamReader
from routed_llm.dialects.hub import Part
from routed_llm.results import Answer, Event, Finish, Opaque, Reasoning, Text, ToolCall, ToolCallDelta

__all__ = ["DetailsReader", "details_in", "with_details"]

#: where answers hold them
FIELD = "reasoning_details"

#: fields of a block that come in pieces
_GROWING = ("text", "summary", "data", "signature")


def _joined(pieces: Iterable[Any]) -> list[dict[str, Any]]:
    """The blocks of a stream's pieces, in the order in which they began."""
    blocks: list[dict[str, Any]] = []
    for piece in pieces:
        if not isinstance(piece, Mapping):
            continue
        key = (piece.get("index"), piece.get("type"))
        block = next((each for each in blocks if (each.get("index"), each.get("type")) == key), None)
        if block is None:
            blocks.append(dict(piece))
            continue
        for name, value in piece.items():
            if name in _GROWING and isinstance(value, str) and isinstance(block.get(name), str):
                block[name] += value
            elif value is not None:
                block[name] = value
    return blocks


def with_details(answer: Answer, maker: str) -> Answer:
    """A whole answer with its parts, where its details are signed or encrypted."""
    parts = _parts(answer.extras.get(FIELD) or (), maker, answer.reasoning, answer.text, answer.tool_calls)
    if parts is not None:
        answer.extras = {**answer.extras, "parts": parts}
    return answer


class DetailsReader:
    """A stream's reader that tells the parts of the answer at its end, where details are signed or encrypted.

    Args:
        reader: reads the stream.
        maker: whose details these are.
    """

    __slots__ = ("_calls", "_maker", "_pieces", "_reader", "_reasoning", "_texts")

    def __init__(self, reader: StreamReader, maker: str) -> None:
        self._reader = reader
        self._maker = maker
        self._pieces: list[Any] = []
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, list[str]] = {}

    @property
    def done(self) -> bool:
        """Whether the server said that this was all."""
        return self._reader.done

    @property
    def finished(self) -> bool:
        """Whether the answer is whole."""
        return self._reader.finished

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        return self._noted(self._reader.feed(data))

    def end(self) -> list[Event]:
        """The last events; the parts come before the finish."""
        events = self._noted(self._reader.end())
        calls = [ToolCall(*call) for _, call in sorted(self._calls.items())]
        told = _parts(_joined(self._pieces), self._maker, "".join(self._reasoning), "".join(self._texts), calls)
        if told is not None:
            at = next((number for number, event in enumerate(events) if isinstance(event, Finish)), len(events))
            events.insert(at, Opaque("parts", told))
        return events

    def _noted(self, events: list[Event]) -> list[Event]:
        for event in events:
            if isinstance(event, Text):
                self._texts.append(event.text)
            elif isinstance(event, Reasoning):
                self._reasoning.append(event.text)
            elif isinstance(event, ToolCallDelta):
                call = self._calls.setdefault(event.number, ["", "", ""])
                for place, piece in enumerate((event.id, event.name)):
                    call[place] = piece or call[place]
                call[2] += event.arguments
            elif isinstance(event, Opaque) and event.key == FIELD:
                self._pieces += event.value
        return events


def _parts(details: Sequence[Any], maker: str, reasoning: str, text: str, calls: Iterable[ToolCall]) -> list[Part] | None:
    """An answer as parts of the hub with its details in them; None where nothing in these is signed or encrypted."""
    if not any(isinstance(each, Mapping) and (each.get("signature") or each.get("data")) for each in details):
        return None
    parts: list[Part] = [{"type": "reasoning", "text": reasoning, "origin": _origin(maker), "data": {FIELD: list(details)}}]
    if text:
        parts.append({"type": "text", "text": text})
    return parts + [{"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments} for call in calls]


def details_in(part: Mapping[str, Any], maker: str) -> list[Any] | None:
    """The details that a part holds of the same maker; else None."""
    data = part.get("data")
    if part.get("origin") != _origin(maker) or not isinstance(data, Mapping):
        return None
    details = data.get(FIELD)
    return details if isinstance(details, list) else None


def _origin(maker: str) -> str:
    """Of details only: another dialect of the same provider has another form."""
    return f"{maker}/{FIELD}"
