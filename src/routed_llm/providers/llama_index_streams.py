"""Opened streams of LlamaIndex LLMs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from routed_llm.providers.blocking import within
from routed_llm.providers.llama_index_chunks import ChunkReader
from routed_llm.providers.sdk_errors import aguarded, guarded
from routed_llm.providers.secret_texts import Secrets
from routed_llm.results import Event

__all__ = ["AsyncChunkSource", "ChunkSource"]

_END: Any = object()
#: what each wait for a chunk, and the closing, happens in
Around = Callable[[], contextlib.AbstractContextManager[None]]


class ChunkSource:
    """A sync stream. A wait for the next chunk cannot be cut short from here; the object's own time limits end it."""

    __slots__ = ("_around", "_chunks", "_done", "_reader", "_secrets")

    def __init__(self, chunks: Iterator[Any], reader: ChunkReader, secrets: Secrets, around: Around) -> None:
        self._chunks = chunks
        self._reader = reader
        self._secrets = secrets
        self._around = around
        self._done = False

    def read(self, until: float) -> Sequence[Event] | None:
        """The events of the next chunk."""
        return None if self._done else guarded(self._next, self._secrets)

    def _next(self) -> Sequence[Event]:
        with self._around():
            chunk = next(self._chunks, _END)
        if chunk is _END:
            self._done = True
            return self._reader.end()
        return self._reader.feed(chunk)

    def close(self) -> None:
        """End the object's stream where it stands."""
        self._done = True
        close = getattr(self._chunks, "close", None)
        if close is not None:
            # ValueError, RuntimeError: another thread is inside of it
            with contextlib.suppress(ValueError, RuntimeError), self._around():
                close()


class AsyncChunkSource:
    """An async stream; see :class:`ChunkSource`."""

    __slots__ = ("_around", "_chunks", "_done", "_reader", "_secrets")

    def __init__(self, chunks: AsyncIterator[Any], reader: ChunkReader, secrets: Secrets, around: Around) -> None:
        self._chunks = chunks
        self._reader = reader
        self._secrets = secrets
        self._around = around
        self._done = False

    async def read(self, until: float) -> Sequence[Event] | None:
        """The events of the next chunk."""
        return None if self._done else await aguarded(self._next(until), self._secrets)

    async def _next(self, until: float) -> Sequence[Event]:
        with self._around():
            chunk = await within(until, anext(self._chunks, _END), "stream")
        if chunk is _END:
            self._done = True
            return self._reader.end()
        return self._reader.feed(chunk)

    async def close(self) -> None:
        """End the object's stream where it stands."""
        self._done = True
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            with contextlib.suppress(RuntimeError), self._around():  # RuntimeError: it is running in another task
                await close()
