"""Endpoints under both of LlamaIndex's event systems, and the short cut when nobody listens to either.

A call that is reported costs LlamaIndex itself 50 microseconds, and a chunk 8; with no handler anywhere nothing of it can be
seen, so then the endpoint's own function is called at once. LlamaIndex's own decorators do the reporting.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import DISPATCHER_SPAN_DECORATED_ATTR, Dispatcher
from llama_index_instrumentation.event_handlers import NullEventHandler
from llama_index_instrumentation.span_handlers import NullSpanHandler

from routed_llm.llama_index.closing import closes, closes_async
from routed_llm.llama_index.given import check_messages, check_prompt

__all__ = ["chat_endpoint", "completion_endpoint", "nobody_listens"]

Endpoint = Callable[..., Any]
Check = Callable[[object], None]

#: where LlamaIndex's decorators send events, and where this door's spans go
_EVENTS = get_dispatcher("llama_index.core.llms.callbacks")
_SPANS = get_dispatcher("routed_llm.llama_index.calls")


def nobody_listens(llm: Any) -> bool:
    """Whether no handler of either event system would hear of a call."""
    manager = llm.callback_manager
    return isinstance(manager, CallbackManager) and not manager.handlers and _deaf(_EVENTS) and _deaf(_SPANS)


def _deaf(dispatcher: Dispatcher) -> bool:
    """Whether nothing that a dispatcher is told reaches a handler."""
    while True:
        for event_handler in dispatcher.event_handlers:
            if type(event_handler) is not NullEventHandler:
                return False
        for span_handler in dispatcher.span_handlers:
            if type(span_handler) is not NullSpanHandler:
                return False
        if not dispatcher.propagate:
            return True
        dispatcher = dispatcher.parent


def chat_endpoint(*, stream: bool = False) -> Callable[[Endpoint], Endpoint]:
    """Make an endpoint of a method that takes messages; ``stream`` when it gives a generator."""
    return functools.partial(_endpoint, llm_chat_callback(), check_messages, stream)


def completion_endpoint(*, stream: bool = False) -> Callable[[Endpoint], Endpoint]:
    """Make an endpoint of a method that takes a text; ``stream`` when it gives a generator."""
    return functools.partial(_endpoint, llm_completion_callback(), check_prompt, stream)


def _endpoint(callback: Callable[[Endpoint], Endpoint], check: Check, stream: bool, plain: Endpoint) -> Endpoint:
    signature = inspect.signature(plain)  # before LlamaIndex's decorator, which leaves a mark on the function
    reported = callback(plain)
    if stream:
        reported = closes_async(reported) if inspect.iscoroutinefunction(plain) else closes(reported)
    # spans ask for the signature at every call; kept on the function it need not be read from its code again
    reported.__signature__ = signature  # type: ignore[attr-defined]
    heard = _checked(check, list(signature.parameters)[1], _SPANS.span(reported))
    endpoint = _in_async(plain, heard) if inspect.iscoroutinefunction(plain) else _in_sync(plain, heard)
    endpoint.__signature__ = signature  # type: ignore[attr-defined]
    setattr(endpoint, DISPATCHER_SPAN_DECORATED_ATTR, True)  # LlamaIndex's class machinery would add a second span
    return endpoint


def _checked(check: Check, first: str, heard: Any) -> Endpoint:
    """The same, after a look at its first argument: events of what cannot be meant would raise pydantic's errors."""

    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args or first in kwargs:
            check(args[0] if args else kwargs[first])
        return heard.__get__(self, type(self))(*args, **kwargs)

    return checked


def _limiter(llm: Any) -> Any:
    """LlamaIndex's rate limiter; earlier releases of it have none."""
    return getattr(llm, "rate_limiter", None)


def _in_sync(plain: Endpoint, heard: Endpoint) -> Endpoint:
    @functools.wraps(plain)
    def endpoint(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not nobody_listens(self):
            return heard(self, *args, **kwargs)
        if (limiter := _limiter(self)) is not None:
            limiter.acquire()
        return plain(self, *args, **kwargs)

    return endpoint


def _in_async(plain: Endpoint, heard: Endpoint) -> Endpoint:
    @functools.wraps(plain)
    async def endpoint(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not nobody_listens(self):
            return await heard(self, *args, **kwargs)
        if (limiter := _limiter(self)) is not None:
            await limiter.async_acquire()
        return await plain(self, *args, **kwargs)

    return endpoint
