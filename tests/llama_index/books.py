"""The four books of money and tokens, and what both of LlamaIndex's event systems tell of the calls they sum."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llama_index.core import Settings
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload, TokenCountingHandler
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index_instrumentation import get_dispatcher
from pydantic import Field

from routed_llm.llama_index import CostCountingHandler, track_queries

__all__ = ["Books", "listening", "open_books"]


class OldEvents(BaseCallbackHandler):
    """Starts and ends of calls as the callback manager tells them."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.starts: list[str] = []
        self.ends: dict[str, Any] = {}
        self.told: dict[str, tuple[str, str]] = {}

    def around(self, event_id: str) -> list[str]:
        """The kinds of an event and of those around it, the innermost first."""
        kinds = []
        while event_id in self.told:
            kind, event_id = self.told[event_id]
            kinds.append(kind)
        return kinds

    def on_event_start(self, event_type: Any, payload: Any = None, event_id: str = "", parent_id: str = "", **kw: Any) -> str:
        self.told[event_id] = (event_type.value, parent_id)
        if event_type is CBEventType.LLM:
            self.starts.append(event_id)
        return event_id

    def on_event_end(self, event_type: Any, payload: Any = None, event_id: str = "", **kw: Any) -> None:
        if event_type is CBEventType.LLM:
            assert event_id not in self.ends, "a call ended twice"
            told = payload or {}
            self.ends[event_id] = (
                told.get(EventPayload.RESPONSE) or told.get(EventPayload.COMPLETION) or told[EventPayload.EXCEPTION]
            )

    def start_trace(self, trace_id: str | None = None) -> None: ...

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None: ...


class NewEvents(BaseEventHandler):
    """Starts and ends of calls as the dispatcher tells them, by the id of their span."""

    starts: list[str] = Field(default_factory=list)
    ends: dict[str, Any] = Field(default_factory=dict)

    def handle(self, event: Any, **kwargs: Any) -> None:
        name = type(event).__name__
        if name in ("LLMChatStartEvent", "LLMCompletionStartEvent"):
            self.starts.append(event.span_id)
        elif name in ("LLMChatEndEvent", "LLMCompletionEndEvent", "ExceptionEvent"):
            self._end(event.span_id, event.exception if name == "ExceptionEvent" else event.response)
        elif name == "SpanDropEvent" and event.span_id in self.starts:
            self._end(event.span_id, event.err_str)

    def _end(self, span_id: str, how: Any) -> None:
        self.ends[span_id] = "twice" if span_id in self.ends else how


class Spans(BaseSpanHandler[Any]):
    """The parents of spans."""

    parents: dict[str, str | None] = Field(default_factory=dict)

    def span_enter(self, id_: str, bound_args: Any, instance: Any = None, parent_id: str | None = None, **kwargs: Any) -> None:
        self.parents[id_] = parent_id

    def span_exit(self, id_: str, *args: Any, **kwargs: Any) -> None: ...

    def span_drop(self, id_: str, *args: Any, **kwargs: Any) -> None: ...

    def new_span(self, *args: Any, **kwargs: Any) -> None: ...

    def prepare_to_exit_span(self, *args: Any, **kwargs: Any) -> None: ...

    def prepare_to_drop_span(self, *args: Any, **kwargs: Any) -> None: ...

    def around(self, id_: str | None) -> list[str]:
        """The names of a span and of those around it, the innermost first."""
        names = []
        while id_ is not None:
            names.append(id_.rsplit("-", 5)[0])
            id_ = self.parents.get(id_)
        return names


class Books:
    """Everything that counts, attached at once."""

    def __init__(self) -> None:
        self.tokens = TokenCountingHandler(tokenizer=lambda text: text.split() * 1000)
        self.old, self.new, self.both = CostCountingHandler(), CostCountingHandler(), CostCountingHandler()
        self.old_events, self.new_events, self.spans = OldEvents(), NewEvents(), Spans()
        self.manager = CallbackManager([self.tokens, self.old, self.both, self.old_events])
        self.block: CostCountingHandler

    @property
    def ours(self) -> tuple[CostCountingHandler, ...]:
        return self.old, self.new, self.both, self.block


@contextmanager
def listening(events: list[Any], spans: list[Any]) -> Iterator[None]:
    """Handlers at the root dispatcher for a while."""
    root = get_dispatcher()
    before = root.event_handlers, root.span_handlers
    root.event_handlers, root.span_handlers = [*before[0], *events], [*before[1], *spans]
    try:
        yield
    finally:
        root.event_handlers = [each for each in root.event_handlers if all(each is not one for one in events)]
        root.span_handlers = [each for each in root.span_handlers if all(each is not one for one in spans)]


@contextmanager
def open_books(llm: Any) -> Iterator[Books]:
    """Books over what a block does with an LLM; engines ask LlamaIndex's settings for the callback manager."""
    books = Books()
    before = Settings._callback_manager
    Settings.callback_manager = llm.callback_manager = books.manager
    events = [books.new.events, books.both.events, books.new_events]
    try:
        with listening(events, [books.spans]), track_queries() as books.block:
            yield books
    finally:
        Settings._callback_manager = before
        books.manager.set_handlers([])  # the settings keep a node parser that keeps the manager
