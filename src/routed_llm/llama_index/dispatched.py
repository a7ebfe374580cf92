"""LlamaIndex's dispatcher: its events, handed on to those who count."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.embedding import EmbeddingEndEvent, EmbeddingStartEvent
from llama_index.core.instrumentation.events.exception import ExceptionEvent
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatInProgressEvent,
    LLMChatStartEvent,
    LLMCompletionEndEvent,
    LLMCompletionInProgressEvent,
    LLMCompletionStartEvent,
)
from llama_index_instrumentation.events.span import SpanDropEvent
from pydantic import PrivateAttr

from routed_llm.llama_index.counting import MOST_OPEN, Calls
from routed_llm.llama_index.places import keep

__all__ = ["CostCountingEvents"]

Counting = Callable[[], tuple[Calls, ...]]


class _Desk:
    """Whose call each one is: its events go to those who counted when it began."""

    __slots__ = ("counting", "idle", "open")

    def __init__(self, counting: Counting, idle: Callable[[], None] | None) -> None:
        self.counting = counting
        self.idle = idle
        self.open: dict[str, tuple[Calls, ...]] = {}

    def start(self, span_id: str, event: Any) -> None:
        self._begin(span_id, tuple(calls for calls in self.counting() if calls.begin(span_id)))

    def start_embedding(self, span_id: str, event: Any) -> None:
        self._begin(span_id, tuple(calls for calls in self.counting() if calls.begin_embedding(span_id)))

    def show(self, span_id: str, event: Any) -> None:
        for calls in self.open.get(span_id, ()):
            calls.show(span_id, event.response)

    def end(self, span_id: str, event: Any) -> None:
        for calls in self._close(span_id):
            calls.end(span_id, event.response)

    def end_embedding(self, span_id: str, event: Any) -> None:
        for calls in self._close(span_id):
            calls.end(span_id, None)

    def break_off(self, span_id: str, event: Any) -> None:
        for calls in self._close(span_id):
            calls.fail(span_id, event.exception)

    def drop(self, span_id: str, event: Any) -> None:
        # the event holds a text only, but is always sent while the error is being handled
        error = sys.exc_info()[1]
        for calls in self._close(span_id):
            calls.fail(span_id, error)

    def _begin(self, span_id: str, counting: tuple[Calls, ...]) -> None:
        if counting:
            keep(self.open, span_id, counting, MOST_OPEN)

    def _close(self, span_id: str) -> tuple[Calls, ...]:
        found = self.open.pop(span_id, ())
        if found and not self.open and self.idle is not None:
            self.idle()
        return found


class CostCountingEvents(BaseEventHandler):
    """Hands events on: those of a call to whoever counted when it began.

    Args:
        counting: who counts here and now.
        idle: called when a call has ended and the end of no other is awaited.
    """

    # a plain object behind one private attribute, because pydantic looks each of them up slowly
    _desk: _Desk = PrivateAttr()

    def __init__(self, counting: Counting, idle: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._desk = _Desk(counting, idle)

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex shows."""
        return "CostCountingEvents"

    @property
    def busy(self) -> bool:
        """Whether the end of a call is still awaited."""
        return bool(self._desk.open)

    def handle(self, event: BaseEvent, **kwargs: Any) -> None:
        """Take an event."""
        act = _ACTS.get(type(event))
        if act is not None and event.span_id is not None:
            act(self._desk, event.span_id, event)


_ACTS: dict[type[BaseEvent], Callable[[_Desk, str, Any], None]] = {
    LLMChatStartEvent: _Desk.start,
    LLMCompletionStartEvent: _Desk.start,
    EmbeddingStartEvent: _Desk.start_embedding,
    EmbeddingEndEvent: _Desk.end_embedding,
    LLMChatInProgressEvent: _Desk.show,
    LLMCompletionInProgressEvent: _Desk.show,
    LLMChatEndEvent: _Desk.end,
    LLMCompletionEndEvent: _Desk.end,
    ExceptionEvent: _Desk.break_off,
    SpanDropEvent: _Desk.drop,
}
