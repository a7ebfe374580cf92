"""Opened streams of chat model objects."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from langchain_core.outputs import ChatGenerationChunk

from routed_llm.providers.blocking import within
from routed_llm.providers.langchain_chunks import ChunkReader
from routed_llm.providers.langchain_runs import Run
from routed_llm.providers.sdk_errors import aguarded, guarded
from routed_llm.providers.secret_texts import Secrets
from routed_llm.results import Event

__all__ = ["AsyncChunkSource", "ChunkSource"]

_END: Any = object()
#: what each wait for a chunk happens in
Around = Callable[[], contextlib.AbstractContextManager[None]]


class ChunkSource:
    """A sync stream. A wait for the next chunk cannot be cut short from here; the object's own time limits end it."""

    __slots__ = ("_chunks", "_done", "_inside", "_reader", "_run", "_secrets")

    def __init__(
        self,
        chunks: Iterator[ChatGenerationChunk],
        reader: ChunkReader,
        run: Run,
        secrets: Secrets,
        inside: Around = contextlib.nullcontext,
    ) -> None:
        self._chunks = chunks
        self._reader = reader
        self._run = run
        self._secrets = secrets
        self._inside = inside
        self._done = False

    def read(self, until: float) -> Sequence[Event] | None:
        """The events of the next chunk."""
        return None if self._done else guarded(self._next, self._secrets)

    def _next(self) -> Sequence[Event]:
        try:
            with self._inside():
                chunk = next(self._chunks, _END)
            if chunk is _END:
                self._done = True
                events = self._reader.end()
                self._run.ended()
                return events
            chunk = self._reader.complete(chunk)
            self._run.token(chunk)
            return self._reader.feed(chunk)
        except BaseException as error:
            self._run.failed(error)
            raise

    def close(self) -> None:
        """End the object's stream where it stands."""
        self._done = True
        close = getattr(self._chunks, "close", None)
        if close is not None:
            with contextlib.suppress(ValueError, RuntimeError):  # another thread is inside of it
                close()
        self._run.failed(GeneratorExit())


class AsyncChunkSource:
    """An async stream; see :class:`ChunkSource`."""

    __slots__ = ("_chunks", "_done", "_inside", "_reader", "_run", "_secrets")

    def __init__(
        self,
        chunks: AsyncIterator[ChatGenerationChunk],
        reader: ChunkReader,
        run: Run,
        secrets: Secrets,
        inside: Around = contextlib.nullcontext,
    ) -> None:
        self._chunks = chunks
        self._reader = reader
        self._run = run
        self._secrets = secrets
        self._inside = inside
        self._done = False

    async def read(self, until: float) -> Sequence[Event] | None:
        """The events of the next chunk."""
        return None if self._done else await aguarded(self._next(until), self._secrets)

    async def _next(self, until: float) -> Sequence[Event]:
        try:
            with self._inside():
                chunk = await within(until, anext(self._chunks, _END), "stream")
            if chunk is _END:
                self._done = True
                events = self._reader.end()
                await self._run.aended()
                return events
            chunk = self._reader.complete(chunk)
            await self._run.atoken(chunk)
            return self._reader.feed(chunk)
        except BaseException as error:
            await self._run.afailed(error)
            raise

    async def close(self) -> None:
        """End the object's stream where it stands."""
        self._done = True
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            with contextlib.suppress(RuntimeError):  # it is running in another task
                await close()
        await self._run.afailed(GeneratorExit())
