"""What routed calls cost, summed in LlamaIndex's own way: per model, query, engine, agent, step, user and tag.

::

    with track_queries() as costs:
        engine.query("What changed?")
    print(costs)
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.callbacks.schema import CBEventType, EventPayload
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span import active_span_id
from llama_index_instrumentation import get_dispatcher

from routed_llm.llama_index.counting import MOST_OPEN, Calls, new_book
from routed_llm.llama_index.dispatched import CostCountingEvents
from routed_llm.llama_index.places import follow, keep
from routed_llm.telemetry.reading import Reading
from routed_llm.telemetry.sums import Sums

__all__ = ["CostCountingHandler", "track_queries"]

_IGNORED: list[CBEventType] = [kind for kind in CBEventType if kind not in (CBEventType.LLM, CBEventType.EMBEDDING)]


class CostCountingHandler(Reading, BaseCallbackHandler):
    """Sums money and tokens of routed calls, for both of LlamaIndex's event systems; :func:`track_queries` is for blocks.

    Give it to a callback manager (``Settings.callback_manager = CallbackManager([handler])``), or give ``handler.events``
    to the dispatcher (``get_dispatcher().add_event_handler(handler.events)``), where it sees all calls of the process. With
    both, a call still counts once. Answers of models that are not routed are not counted, nor is a router inside a router:
    the outer one tells what the inner one spent.

    As long as the handler lives it listens to LlamaIndex's spans, which say what a call belongs to. ``by_tag`` goes by the
    hint ``tags``, and by LlamaIndex's ``instrument_tags({"team": "search"})``, which becomes the tag ``team=search``.

    Args:
        max_queries: most queries, and most agents, steps and tags, that are kept one by one; beyond it the oldest is
            forgotten. The totals forget nothing.
    """

    def __init__(self, *, max_queries: int = 10_000) -> None:
        super().__init__(event_starts_to_ignore=_IGNORED, event_ends_to_ignore=_IGNORED)
        self._book = new_book(max_queries)
        self._calls = Calls(self._book)
        self._spans: dict[str, str] = {}
        self._unfollow = follow(self)

    @property
    def by_query(self) -> dict[str, Sums]:
        """By the id of the outermost span, which begins with its name: ``RetrieverQueryEngine.query-<UUID>``."""
        return self._book.by("query")

    @property
    def by_engine(self) -> dict[str, Sums]:
        """By class of query and chat engine; a call of an engine inside another counts under both."""
        return self._book.by("engine")

    @property
    def by_agent(self) -> dict[str, Sums]:
        """By name of the agent; a call of an agent inside a tool of another counts under both."""
        return self._book.by("agent")

    @property
    def by_step(self) -> dict[str, Sums]:
        """By workflow and step, agents included: ``FunctionAgent.run_agent_step``."""
        return self._book.by("step")

    @property
    def events(self) -> BaseEventHandler:
        """What to give to LlamaIndex's dispatcher."""
        return CostCountingEvents(lambda: (self._calls,))

    def __deepcopy__(self, memo: object) -> CostCountingHandler:
        """The same handler: the copy of a model goes on counting here."""
        return self

    def __repr__(self) -> str:
        return f"<CostCountingHandler: {self._book.headline()}>"

    # the callback manager --------------------------------------------------------------------------------------------

    def on_event_start(
        self,
        event_type: CBEventType,
        payload: dict[str, Any] | None = None,
        event_id: str = "",
        parent_id: str = "",
        **kwargs: Any,
    ) -> str:
        """Note a call; its span is the active one, as in the dispatcher's events."""
        span_id = active_span_id.get() or event_id
        begin = self._calls.begin if event_type is CBEventType.LLM else self._calls.begin_embedding
        if begin(span_id):
            keep(self._spans, event_id, span_id, MOST_OPEN)
        return event_id

    def on_event_end(
        self, event_type: CBEventType, payload: dict[str, Any] | None = None, event_id: str = "", **kwargs: Any
    ) -> None:
        """Book how it ended."""
        span_id = self._spans.pop(event_id, None)
        if span_id is None:
            return
        told: Mapping[Any, Any] = payload or {}
        if EventPayload.EXCEPTION in told:
            self._calls.fail(span_id, told[EventPayload.EXCEPTION])
        else:
            self._calls.end(span_id, told.get(EventPayload.RESPONSE) or told.get(EventPayload.COMPLETION))

    def start_trace(self, trace_id: str | None = None) -> None:
        """Not needed: spans tell where a call belongs."""

    def end_trace(self, trace_id: str | None = None, trace_map: dict[str, list[str]] | None = None) -> None:
        """Not needed."""


# blocks -----------------------------------------------------------------------------------------------------------------

_tracking: ContextVar[tuple[CostCountingHandler, ...]] = ContextVar("routed_llm_queries", default=())
_blocks = 0
_lock = threading.RLock()  # the garbage collector may end a forgotten stream at any point of this code


def _new_lock() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


def _retire() -> None:
    """Leave the dispatcher when there are no blocks any more, and no calls that were begun in one."""
    root = get_dispatcher()
    with _lock:
        if not _blocks and not _events.busy:
            root.event_handlers = [each for each in root.event_handlers if each is not _events]


#: one for all blocks
_events = CostCountingEvents(lambda: tuple(costs._calls for costs in _tracking.get()), _retire)


@contextmanager
def track_queries(*, max_queries: int = 10_000) -> Iterator[CostCountingHandler]:
    """Sum the routed calls of a ``with`` block, in sync and async code; nested blocks all count.

    It follows tasks, workflows that are run inside it, and LlamaIndex's own threads. Calls of others at the same time are
    never counted; a call that was begun in the block and ends after it is.

    Args:
        max_queries: as for :class:`CostCountingHandler`.

    Yields:
        The handler. For threads of your own give it to a callback manager, or ``handler.events`` to the dispatcher.
    """
    global _blocks
    costs = CostCountingHandler(max_queries=max_queries)
    _tracking.set((*_tracking.get(), costs))
    root = get_dispatcher()
    with _lock:
        _blocks += 1
        if not any(each is _events for each in root.event_handlers):
            # a new list each time: another thread may be going through the present one
            root.event_handlers = [*root.event_handlers, _events]
    try:
        yield costs
    finally:
        # by value, not by token: a block may be left in another context than it was entered in
        _tracking.set(tuple(each for each in _tracking.get() if each is not costs))
        costs._unfollow()
        with _lock:
            _blocks -= 1
        _retire()
