"""Markers of restarts, put back where LlamaIndex's engines copy texts.

The response modes ``compact`` and ``refine``, and chat engines with a retriever, take each piece through a pydantic model of
theirs, which makes a plain text of an :class:`~routed_llm.door.anew.Anew`: of a marker the letters are left, and sums hold the
broken answer, too. Both engines show LlamaIndex's handlers what they read before it is read: a query engine the response that
it has made (``SynthesizeEndEvent``), a chat engine the stream that it is about to write to its memory (a span). There the
stream is put into one that hears which markers were given out while a piece was fetched, and puts them in the place of copies.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import Any

from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.base.response.schema import AsyncStreamingResponse, StreamingResponse
from llama_index.core.chat_engine.types import StreamingAgentChatResponse
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.synthesis import SynthesizeEndEvent
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.span_handlers import NullSpanHandler

from routed_llm.door.anew import Anew
from routed_llm.llama_index.markers import hearing, tell

__all__ = ["attend"]

#: where LlamaIndex tells of responses that are made, and of streams that go to a memory
_SYNTHESIS = "llama_index.core.response_synthesizers.base"
_CHAT = "llama_index.core.chat_engine.types"

_END: Any = object()
Restore = Callable[[Any, Anew], Any]


def attend() -> None:
    """Have the engines of this process keep markers; streams without a marker are what they were."""
    synthesis, chat = get_dispatcher(_SYNTHESIS), get_dispatcher(_CHAT)
    if not any(isinstance(each, _Responses) for each in synthesis.event_handlers):
        synthesis.add_event_handler(_Responses())
    if not any(isinstance(each, _ChatStreams) for each in chat.span_handlers):
        chat.add_span_handler(_ChatStreams())


class _Responses(BaseEventHandler):
    """Streams of query engines."""

    @classmethod
    def class_name(cls) -> str:
        return "RoutedResponses"

    def handle(self, event: BaseEvent, **kwargs: Any) -> None:
        response = event.response if isinstance(event, SynthesizeEndEvent) else None
        if isinstance(response, StreamingResponse):
            response.response_gen = _kept(response.response_gen, _text)
        elif isinstance(response, AsyncStreamingResponse):
            response.response_gen = _kept_async(response.response_gen, _text)


class _ChatStreams(NullSpanHandler):
    """Streams of chat engines, before they are written to the memory."""

    @classmethod
    def class_name(cls) -> str:
        return "RoutedChatStreams"

    def span_enter(self, id_: str, bound_args: Any, instance: Any = None, *args: Any, **kwargs: Any) -> None:
        if not isinstance(instance, StreamingAgentChatResponse):
            return
        if instance.chat_stream is not None:
            instance.chat_stream = _kept(instance.chat_stream, _delta)
        if instance.achat_stream is not None:
            instance.achat_stream = _kept_async(instance.achat_stream, _delta)


def _text(piece: str, marker: Anew) -> str:
    return marker if piece == marker else piece


def _delta(piece: ChatResponse, marker: Anew) -> ChatResponse:
    if piece.delta == marker:
        piece.delta = marker
    return piece


def _kept(pieces: Iterator[Any], restore: Restore) -> Generator[Any]:
    """The same pieces, with their markers."""
    try:
        while True:
            with hearing() as markers:
                piece = next(pieces, _END)
            if piece is _END:
                return
            yield _restored(piece, markers, restore)
    finally:
        if isinstance(pieces, Generator):
            pieces.close()


async def _kept_async(pieces: AsyncIterator[Any], restore: Restore) -> AsyncGenerator[Any]:
    """The same pieces, with their markers."""
    try:
        while True:
            with hearing() as markers:
                piece = await anext(pieces, _END)
            if piece is _END:
                return
            yield _restored(piece, markers, restore)
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


def _restored(piece: Any, markers: list[Anew], restore: Restore) -> Any:
    for marker in markers:
        piece = restore(piece, marker)
        tell(marker)  # a chat engine reads what a query engine gives
    return piece
