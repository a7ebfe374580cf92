"""Streams that end when their consumer does.

LlamaIndex's callbacks wrap the generator that an endpoint returns and leave it to the garbage collector when the consumer
walks away; an event handler that keeps the exception keeps the connection open with it. These decorators go around the
callbacks: they remember the endpoint's own generator and close it.

The first piece is taken at once (it is there when an endpoint returns): what was never begun cannot be ended, so of a stream
that nobody reads LlamaIndex's handlers would hear a start and no end.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any

__all__ = ["closes", "closes_async", "remember"]

_END: Any = object()
_begun: ContextVar[list[Any] | None] = ContextVar("routed_llm_begun", default=None)


def remember(pieces: Any) -> Any:
    """Note the generator of the endpoint that runs here."""
    found = _begun.get()
    if found is not None:
        found.append(pieces)
    return pieces


def closes(endpoint: Callable[..., Generator[Any]]) -> Callable[..., Generator[Any]]:
    """An endpoint whose stream is closed with the consumer's."""

    @functools.wraps(endpoint)
    def stream(self: Any, *args: Any, **kwargs: Any) -> Generator[Any]:
        begun: list[Any] = []
        token = _begun.set(begun)
        try:
            pieces = endpoint(self, *args, **kwargs)
        finally:
            _begun.reset(token)
        return _until_closed(next(pieces, _END), pieces, begun)

    return stream


def closes_async(
    endpoint: Callable[..., Coroutine[Any, Any, AsyncGenerator[Any]]],
) -> Callable[..., Coroutine[Any, Any, AsyncGenerator[Any]]]:
    """An endpoint of async code whose stream is closed with the consumer's."""

    @functools.wraps(endpoint)
    async def stream(self: Any, *args: Any, **kwargs: Any) -> AsyncGenerator[Any]:
        begun: list[Any] = []
        token = _begun.set(begun)
        try:
            pieces = await endpoint(self, *args, **kwargs)
        finally:
            _begun.reset(token)
        return _until_closed_async(await anext(pieces, _END), pieces, begun)

    return stream


def _until_closed(first: Any, pieces: Generator[Any], begun: list[Any]) -> Generator[Any]:
    try:
        if first is not _END:
            yield first
        yield from pieces
    finally:
        pieces.close()
        for each in begun:
            each.close()


async def _until_closed_async(first: Any, pieces: AsyncGenerator[Any], begun: list[Any]) -> AsyncGenerator[Any]:
    try:
        if first is not _END:
            yield first
        async for piece in pieces:
            yield piece
    finally:
        await pieces.aclose()
        for each in begun:
            await each.aclose()
