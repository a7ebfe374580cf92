"""The chunks of a stream that is more than text: it may call tools, or start anew.

Where it starts anew it is marked, with one message id for each answer.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessageChunk

from routed_llm.dispatch.streaming import Opened
from routed_llm.door.anew import restart_facts
from routed_llm.langchain.answers import usage_metadata
from routed_llm.langchain.chunks import Chunks
from routed_llm.langchain.own_chunks import StrictChunk, strict
from routed_llm.langchain.restartable import RestartableChunk, restartable
from routed_llm.results import Event, Restart

__all__ = ["RestartableChunks", "StrictChunks", "chunks_of"]


class StrictChunks(Chunks):
    """As :class:`~routed_llm.langchain.chunks.Chunks`, of a class whose sum tells tool calls that cannot be read."""

    kind = StrictChunk

    __slots__ = ()

    def of(self, event: Event) -> AIMessageChunk | None:
        """The chunk for an event; None for events that only the last chunk tells of."""
        chunk = super().of(event)
        return None if chunk is None else strict(chunk)


class RestartableChunks(Chunks):
    """As :class:`~routed_llm.langchain.chunks.Chunks`, of a class whose sum starts anew at the marker."""

    kind = RestartableChunk

    __slots__ = ("_anew",)

    def __init__(self, opened: Opened, message_id: str | None) -> None:
        super().__init__(opened, message_id)
        self._anew: dict[str, Any] = {}

    def of(self, event: Event) -> AIMessageChunk | None:
        """The chunk for an event; None for events that only the last chunk tells of."""
        if isinstance(event, Restart):
            return self._marker(event)
        chunk = super().of(event)
        return None if chunk is None else restartable(chunk, **self._anew)

    def last(self) -> AIMessageChunk:
        """The chunk that tells what happened; only after the stream has ended."""
        return restartable(super().last(), **self._anew)

    def _marker(self, event: Restart) -> RestartableChunk:
        """The chunk with which another answer begins."""
        used = None if self._usage_seen or event.usage is None else usage_metadata(event.usage)
        content: Any = [] if self._list_content else ""
        self._begin(f"lc_run--{uuid4()}")
        # an object's own ids must not show through: two objects may give the same
        self._anew = {"id": self._id}
        return RestartableChunk(
            content=content,
            response_metadata={"routing": {"restart": restart_facts(event)}},
            usage_metadata=used,
            id=self._id,
        )


def chunks_of(opened: Opened, message_id: str | None) -> Chunks:
    """What turns a stream's events into chunks: plain ones, unless it may start anew, or call tools."""
    if opened.act is not None:
        return RestartableChunks(opened, message_id)
    return Chunks(opened, message_id) if opened.request.tools is None else StrictChunks(opened, message_id)
