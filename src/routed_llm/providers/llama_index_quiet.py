"""Calls of a LlamaIndex object that neither of LlamaIndex's event systems sees.

The door reports each call once, with the model that answered. An LLM reports itself too, through the ``CallbackManager`` it
holds and through the process's ``Dispatcher`` tree, so that handlers would book every token twice. For the first, a copy of
the object holds a manager that tells nobody. The second belongs to the process and has no switch of its own; its five
methods are therefore taught, once, to do nothing where the context variable set by :func:`quiet` is on, and so are those of
``CallbackManager`` for what cannot be copied, such as the LLMs deep inside an engine. Context variables follow a task or a
thread and what these begin, so calls made beside a quiet one report themselves as ever.
"""

from __future__ import annotations

import functools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from llama_index.core.callbacks import CallbackManager
from llama_index.core.callbacks.base_handler import BaseCallbackHandler
from llama_index.core.instrumentation.dispatcher import Dispatcher  # type: ignore[attr-defined]  # re-exported
from llama_index.core.llms import LLM

__all__ = ["Silent", "quiet", "silenced", "teach_quiet"]

#: who is told of an event instead of the dispatchers
Hearing = Callable[[Any], None]


def _nobody(event: Any) -> None:
    """Tell nobody."""


_quiet: ContextVar[Hearing | None] = ContextVar("routed_llm_quiet", default=None)
_lock = threading.Lock()
_taught = False


@contextmanager
def quiet(heard: Hearing = _nobody) -> Iterator[None]:
    """Nothing that happens in this block, or in tasks and threads begun in it, is told to LlamaIndex's event systems.

    ``heard`` gets each event of the dispatchers instead.
    """
    token = _quiet.set(heard)
    try:
        yield
    finally:
        _quiet.reset(token)


def teach_quiet() -> None:
    """Make the dispatchers heed :func:`quiet`; once for the process, allowed any number of times."""
    global _taught
    with _lock:
        if not _taught:
            Dispatcher.event = _heard_if_quiet(Dispatcher.event)  # type: ignore[method-assign]  # see the module's text
            for name in ("span_enter", "span_exit", "span_drop"):
                setattr(Dispatcher, name, _unless_quiet(getattr(Dispatcher, name)))
            for name in ("on_event_end", "start_trace", "end_trace"):
                setattr(CallbackManager, name, _unless_quiet(getattr(CallbackManager, name)))
            CallbackManager.on_event_start = _unless_quiet_named(CallbackManager.on_event_start)  # type: ignore[method-assign]
            if hasattr(Dispatcher, "aevent"):
                Dispatcher.aevent = _aheard_if_quiet(Dispatcher.aevent)  # type: ignore[method-assign]  # see the module's text
            _taught = True


def _unless_quiet(method: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(method)
    def told(self: Any, *args: Any, **kwargs: Any) -> None:
        if _quiet.get() is None:
            method(self, *args, **kwargs)

    return told


def _heard_if_quiet(method: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(method)
    def told(self: Any, event: Any, **kwargs: Any) -> None:
        hearing = _quiet.get()
        if hearing is None:
            method(self, event, **kwargs)
        else:
            hearing(event)

    return told


def _unless_quiet_named(method: Callable[..., str]) -> Callable[..., str]:
    """The same for the one method that gives the name of what began."""

    @functools.wraps(method)
    def told(self: Any, *args: Any, **kwargs: Any) -> str:
        return method(self, *args, **kwargs) if _quiet.get() is None else str(kwargs.get("event_id") or "")

    return told


def _aheard_if_quiet(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def told(self: Any, event: Any, **kwargs: Any) -> None:
        hearing = _quiet.get()
        if hearing is None:
            await method(self, event, **kwargs)
        else:
            hearing(event)

    return told


def silenced(model: LLM) -> LLM:
    """A copy without handlers; LLMs that it holds in fields (``StructuredLLM``'s own, for one) are such copies too."""
    changes: dict[str, Any] = {name: silenced(value) for name, value in model.__dict__.items() if isinstance(value, LLM)}
    return model.model_copy(update={**changes, "callback_manager": Silent()})


class Silent(CallbackManager):
    """A callback manager that has no handlers, takes none from the settings, and leaves the caller's trace alone."""

    def __init__(self) -> None:
        BaseCallbackHandler.__init__(self, [], [])
        self.handlers: list[BaseCallbackHandler] = []
        self._trace_map: dict[str, list[str]] = defaultdict(list)

    def on_event_start(
        self,
        event_type: Any,
        payload: dict[str, Any] | None = None,
        event_id: str | None = None,
        parent_id: str | None = None,
        **kwargs: Any,
    ) -> str:
        """Tell nobody."""
        return event_id or ""

    def on_event_end(
        self, event_type: Any, payload: dict[str, Any] | None = None, event_id: str | None = None, **kwargs: Any
    ) -> None:
        """Tell nobody."""

    def start_trace(self, trace_id: str | None = None) -> None:
        """Begin nothing."""

    def end_trace(self, trace_id: str | None = None, trace_map: dict[str, list[str]] | None = None) -> None:
        """End nothing."""
