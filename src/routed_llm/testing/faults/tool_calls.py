"""Faults of tool calls: deltas in odd orders, and arguments that are none (rows 49 and 50)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from routed_llm.testing.faults.answers import Healthy, pieces
from routed_llm.testing.faults.bodies import STREAM, UNARY
from routed_llm.testing.faults.fault import Asked, Fault, Play
from routed_llm.testing.faults.wire import ARRIVE, Step, event, streamed

__all__ = ["TOOL_CALLS", "TOOL_FAULTS"]

#: the calls of these faults where the provider's answer has none
TOOL_CALLS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("get_weather", {"city": "Paris"}),
    ("get_time", {"zone": "Europe/Paris"}),
)
_DEEP = 20_000
_Deltas = list[dict[str, Any]]


def _calls(asked: Asked) -> list[dict[str, Any]]:
    return replace(asked.answer, tool_calls=asked.answer.tool_calls or TOOL_CALLS).calls()


def _deltas(index: int, call: dict[str, Any]) -> _Deltas:
    """A call as deltas: id and name first, then the arguments in pieces."""
    function = call["function"]
    first = {"index": index, **call, "function": {"name": function["name"], "arguments": ""}}
    return [first, *({"index": index, "function": {"arguments": piece}} for piece in pieces(function["arguments"]))]


def _spelled(order: Callable[[list[dict[str, Any]]], Iterable[dict[str, Any] | float]]) -> Play:
    """A stream of two tool calls whose deltas come as ``order`` makes them of the calls; numbers are pauses."""

    def play(asked: Asked) -> Iterator[Step]:
        asked.answer = replace(asked.answer, text=None, tool_calls=(), finish="tool_calls")
        role, finish, *rest = asked.chunks()
        told = [
            delta if isinstance(delta, float) else event(_with(role, {"tool_calls": [delta]})) for delta in order(_calls(asked))
        ]
        yield from streamed([event(role), *told, event(finish), *map(event, rest), event("[DONE]")])

    return play


def _with(chunk: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    return {**chunk, "choices": [{**chunk["choices"][0], "delta": delta}]}


def _repeated(calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for index, call in enumerate(calls):
        for delta in _deltas(index, call):
            yield {
                **delta,
                "id": call["id"],
                "type": "function",
                "function": {**delta["function"], "name": call["function"]["name"]},
            }


def _out_of_order(calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The last call begins, and the deltas of all take turns."""
    waiting = [_deltas(index, call) for index, call in enumerate(calls)][::-1]
    while any(waiting):
        for deltas in waiting:
            if deltas:
                yield deltas.pop(0)


def _without_index(calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for call in calls:
        for delta in _deltas(0, call):
            yield {key: part for key, part in delta.items() if key != "index"}


def _late_id(calls: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for index, call in enumerate(calls):
        first, *rest = _deltas(index, call)
        yield {key: part for key, part in first.items() if key != "id"}
        yield from rest[:-1]
        yield {**rest[-1], "id": call["id"]}


def _contradicting(calls: list[dict[str, Any]]) -> Iterator[dict[str, Any] | float]:
    """In the middle of the first call its name changes, under the same index and id."""
    first, *rest = _deltas(0, calls[0])
    yield first
    yield rest[0]
    yield ARRIVE
    yield {"index": 0, "id": calls[0]["id"], "function": {"name": "delete_everything", "arguments": ""}}
    yield from rest[1:]


def _arguments(make: Callable[[], str]) -> Play:
    """One tool call with these arguments, whole or streamed."""

    def play(asked: Asked) -> Iterator[Step]:
        name = (asked.answer.tool_calls or TOOL_CALLS)[0][0]
        asked.answer = Healthy(None, ((name, make()),), delay=asked.answer.delay)
        yield from asked.healthy()
        asked.complete = False

    return play


def _invalid() -> str:
    return '{"city": "Par'


def _huge() -> str:
    return json.dumps({"city": "Paris " * 180_000})


def _deep() -> str:
    return '{"city": ' + "[" * _DEEP + "]" * _DEEP + "}"


def _taken(name: str, does: str, play: Play) -> Fault:
    return Fault(name, does, "TAKE: assembled by index", "take", play, (49,), STREAM, "never", needs="tools")


_UNFIT = "NEXT; if every deployment says so, the raw text is in invalid_tool_calls"
_RAW = "TAKE: the raw text is in invalid_tool_calls"

TOOL_FAULTS = (
    _taken("tool_calls_repeated", "every delta repeats id and name", _spelled(_repeated)),
    _taken("tool_calls_out_of_order", "the deltas of two calls take turns, the last call first", _spelled(_out_of_order)),
    _taken("tool_calls_without_index", "no delta has an index", _spelled(_without_index)),
    _taken("tool_calls_late_id", "the id comes with the last delta", _spelled(_late_id)),
    Fault("tool_calls_contradicting", "the name changes in the middle of a call", "CUT", "cut", _spelled(_contradicting),
          (49,), STREAM, "after", needs="tools"),
    Fault("tool_arguments_invalid", "arguments that are no JSON", _UNFIT, "next", _arguments(_invalid), (50,), UNARY,
          needs="tools"),
    Fault("stream_tool_arguments_invalid", "arguments that are no JSON", _RAW, "take", _arguments(_invalid), (50,), STREAM,
          "never", needs="tools"),
    Fault("tool_arguments_huge", "1 MiB of arguments", "TAKE", "take", _arguments(_huge), (50,), strikes="never",
          needs="tools"),
    Fault("tool_arguments_deep", "arguments 20,000 levels deep", _UNFIT, "next", _arguments(_deep), (50,), UNARY,
          needs="tools"),
    Fault("stream_tool_arguments_deep", "arguments 20,000 levels deep", _RAW, "take", _arguments(_deep), (50,), STREAM,
          "never", needs="tools"),
)  # fmt: skip
