"""Answers of generateContent: whole bodies, and streams as bytes come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from routed_llm.dialects.beginning import Beginning
from routed_llm.dialects.errors import error_of
from routed_llm.dialects.gemini_generate.gathering import Gathering
from routed_llm.dialects.parse import ODD, Halves, parse
from routed_llm.dialects.sse import Lines
from routed_llm.errors import ProviderError
from routed_llm.results import Answer, Event, Finish, Opaque, Served, ToolCall

__all__ = ["Reader", "read_answer"]


def _malformed(what: str, phase: str) -> ProviderError:
    return ProviderError("malformed", what, phase=phase)


def _odd(error: Exception, data: bytes, phase: str) -> ProviderError:
    return _malformed(f"an answer in an unknown form ({error}): {_shown(data)}", phase)


def _shown(data: bytes) -> str:
    return repr(data[:80].decode("utf-8", "replace"))


def _object(data: bytes, phase: str) -> Any:
    try:
        return parse(data)
    except ValueError:
        raise _malformed(f"not JSON: {_shown(data)}", phase) from None


def read_answer(data: bytes, maker: str, schema_tool: str | None = None) -> Answer:
    """A whole answer.

    Args:
        data: the body; a list of chunks is read, too.
        maker: whose signatures these are.
        schema_tool: the tool that stands for the typed answer: its arguments become the text.

    Raises:
        ProviderError: for an error object under status 200 and what is no answer.
    """
    try:
        told = _object(data, "body")
        gathered = Gathering(maker, schema_tool)
        for chunk in told if isinstance(told, list) else [told]:
            if chunk.get("error"):
                raise error_of(200, {}, data)
            gathered.take(chunk, [])
        if not (gathered.candidate or gathered.parts or gathered.texts):
            raise _malformed("an answer without candidates", "body")
        return _answer(gathered, told)
    except ODD as error:
        raise _odd(error, data, "body") from None


def _answer(gathered: Gathering, told: Any) -> Answer:
    extras = gathered.extras()
    if gathered.counting.tier:
        extras["service_tier"] = gathered.counting.tier
    candidates = told.get("candidates") or () if isinstance(told, Mapping) else ()
    if len(candidates) > 1:
        extras["other_choices"] = [_choice(each, gathered.maker) for each in candidates if each.get("index")]
    return Answer(
        "".join(gathered.texts),
        reasoning="".join(gathered.reasoning),
        tool_calls=[ToolCall(*call) for call in gathered.calls],
        usage=gathered.usage(),
        model=gathered.model,
        id=gathered.id or None,
        finish=gathered.finish,
        finish_raw=gathered.finish_raw,
        extras=extras,
    )


def _choice(candidate: Mapping[str, Any], maker: str) -> dict[str, Any]:
    """A further candidate as a choice in OpenAI's form."""
    gathered = Gathering(maker, None)
    gathered.take({"candidates": [{**candidate, "index": 0}]}, [])
    message: dict[str, Any] = {"role": "assistant", "content": "".join(gathered.texts)}
    if gathered.calls:
        message["tool_calls"] = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for call_id, name, arguments in gathered.calls
        ]
    return {"index": candidate["index"], "message": message, "finish_reason": gathered.finish}


class Reader:
    """Reads a stream: bytes in, events out; strict about its end.

    A stream of Google's has no mark of its end: it is whole when a finish reason has come, and it just ends. Without
    ``alt=sse`` it is a JSON array, which is read at its end.

    Raises:
        ProviderError: for error objects, unreadable chunks, and an end without finish reason.
    """

    __slots__ = ("_beginning", "_gathered", "_halves", "_lines", "_served", "done")

    def __init__(self, maker: str, schema_tool: str | None = None) -> None:
        self._gathered = Gathering(maker, schema_tool)
        self._lines = Lines()
        self._beginning = Beginning(b"{[")
        self._served = False
        self._halves: Halves | None = None
        #: only the end of the body tells that nothing is to come
        self.done = False

    @property
    def finished(self) -> bool:
        """Whether a finish reason has come."""
        return bool(self._gathered.finish_raw)

    def feed(self, data: bytes) -> list[Event]:
        """The events in these bytes."""
        if not self._beginning.over:
            data = self._beginning.feed(data)
        events: list[Event] = []
        try:
            for _, payload in self._lines.feed(data):
                self._take(payload, events)
        except ODD as error:
            raise _odd(error, data, "stream") from None
        return events

    def end(self) -> list[Event]:
        """The last events; the body has ended."""
        events: list[Event] = []
        try:
            if (whole := self._beginning.json()) is not None:
                told = _object(whole, "stream")
                for chunk in told if isinstance(told, list) else [told]:
                    self._chunk(chunk, orjson.dumps(chunk), events)
            for _, payload in self._lines.end():
                self._take(payload, events)
            gathered = self._gathered
            if not gathered.finish_raw:
                raise _malformed("the stream ended without a finish reason: it is cut", "stream")
            events += [Opaque(name, value) for name, value in gathered.extras().items()]
            if gathered.counting.tier:
                events.append(Opaque("_service_tier", gathered.counting.tier))
            if (usage := gathered.usage()) is not None:
                events.append(usage)
            events.append(Finish(gathered.finish, gathered.finish_raw))
        except ODD as error:
            raise _odd(error, b"", "stream") from None
        return events

    def _take(self, payload: bytes, events: list[Event]) -> None:
        try:
            chunk = orjson.loads(payload)
        except orjson.JSONDecodeError:
            if not payload.strip() or payload.strip() == b"[DONE]":  # as gateways in between add it
                return
            chunk = self._patient(payload)
        if chunk is not None:
            self._chunk(chunk, payload, events)

    def _patient(self, payload: bytes) -> Any:
        if self._halves is None:
            self._halves = Halves()
        try:
            return self._halves.parse(payload)
        except ValueError:
            raise _malformed(f"not JSON: {_shown(payload)}", "stream") from None

    def _chunk(self, chunk: Mapping[str, Any], payload: bytes, events: list[Event]) -> None:
        if chunk.get("error"):
            raise error_of(200, {}, payload, phase="stream")
        if self._served:
            self._gathered.take(chunk, events)
            return
        told: list[Event] = []
        self._gathered.take(chunk, told)
        self._served = True
        events.append(Served(self._gathered.model, self._gathered.id or None))
        events += told
