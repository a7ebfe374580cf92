"""Streams that may start anew as events of LangChain's streaming protocol (``stream_events(version="v3")``).

The protocol has no word for it, and LangChain's bridge from chunks to events adds up whatever comes. So each answer goes
through the bridge by itself, as a message of its own: a ``restart`` event tells that what came before is void, listeners like
LangGraph's ``run.messages`` see the first message fail and another one begin, and the caller's stream forgets the first.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from typing import Any

from langchain_core.language_models import _compat_bridge as bridge
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from routed_llm.langchain.restartable import restart_of

__all__ = ["Gathered", "aprotocol_events", "protocol_events"]

#: what a stream of LangChain has gathered of an answer, and what it is before anything came
_GATHERED: dict[str, Callable[[], Any]] = {
    "_text_acc": str,
    "_reasoning_acc": str,
    "_text_per_block": dict,
    "_reasoning_per_block": dict,
    "_tool_call_chunks": dict,
    "_quiet_tool_calls": set,
    "_tool_calls_acc": list,
    "_invalid_tool_calls_acc": list,
    "_server_tool_call_chunks": dict,
    "_blocks": dict,
}
#: later releases collect metadata for tracing in an argument that earlier ones do not have
_TELLS = "generation_info" in inspect.signature(bridge.chunks_to_events).parameters


class Gathered:
    """One answer after the other of a stream of chunks. ``marker`` is the chunk with which the next one begins, or None."""

    __slots__ = ("_stream", "begun", "marker")

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.marker: ChatGenerationChunk | None = None
        self.begun = False

    def is_marker(self, chunk: ChatGenerationChunk) -> bool:
        """Note a chunk; tells whether another answer begins with it."""
        message = chunk.message
        found = self.begun and isinstance(message, AIMessageChunk) and restart_of(message) is not None
        self.begun = True
        if found:
            self.marker = chunk
        return found

    def options(self) -> dict[str, Any]:
        """How the bridge is called."""
        marker, told = self.marker, {"generation_info": self._stream._generation_info} if _TELLS else {}
        return {"message_id": self._stream.message_id if marker is None else marker.message.id, **told}

    def anew(self) -> dict[str, Any]:
        """Forget the answer that broke; gives the event that tells it."""
        message: Any = self.marker.message if self.marker is not None else None
        restart = restart_of(message) if message is not None else None
        for name, empty in _GATHERED.items():
            if hasattr(self._stream, name):
                setattr(self._stream, name, empty())
        event = {"event": "restart", "id": message.id if message is not None else None, "restart": restart}
        self._stream.dispatch(event)
        return event


def failed_event(restart: dict[str, Any]) -> dict[str, Any]:
    """What listeners are told of the message that broke: for them it has failed."""
    told = restart["restart"] or {}
    return {
        "event": "error",
        "message": f"the stream of {told.get('from')} broke ({told.get('reason')}); {told.get('to')} starts anew",
        "restart": told,
    }


def protocol_events(chunks: Iterator[ChatGenerationChunk], stream: Any, tell: Callable[[Any], Any]) -> Iterator[Any]:
    """Events of the answers in a stream of chunks.

    Args:
        chunks: of a model's ``_stream``.
        stream: the caller's stream, which is given each event.
        tell: gives an event to the listeners.
    """
    gathered = Gathered(stream)

    def answer() -> Iterator[ChatGenerationChunk]:
        first, gathered.marker = gathered.marker, None
        if first is not None:
            yield first
        for chunk in chunks:
            if gathered.is_marker(chunk):
                return
            yield chunk

    with closing(chunks):  # type: ignore[type-var]  # a model's stream is a generator
        while True:
            for event in bridge.chunks_to_events(answer(), **gathered.options()):
                if gathered.marker is not None:  # the end of an answer that broke is none
                    break
                stream.dispatch(event)
                tell(event)
                yield event
            if gathered.marker is None:
                return
            restart = gathered.anew()
            tell(failed_event(restart))
            yield restart


async def aprotocol_events(
    chunks: AsyncIterator[ChatGenerationChunk], stream: Any, tell: Callable[[Any], Any]
) -> AsyncIterator[Any]:
    """As :func:`protocol_events`, in async code."""
    gathered = Gathered(stream)

    async def answer() -> AsyncIterator[ChatGenerationChunk]:
        first, gathered.marker = gathered.marker, None
        if first is not None:
            yield first
        async for chunk in chunks:
            if gathered.is_marker(chunk):
                return
            yield chunk

    async with aclosing(chunks):  # type: ignore[type-var]  # a model's stream is a generator
        while True:
            async with aclosing(bridge.achunks_to_events(answer(), **gathered.options())) as events:  # type: ignore[type-var]  # so is this
                async for event in events:
                    if gathered.marker is not None:
                        break
                    stream.dispatch(event)
                    await tell(event)
                    yield event
            if gathered.marker is None:
                return
            restart = gathered.anew()
            await tell(failed_event(restart))
            yield restart
