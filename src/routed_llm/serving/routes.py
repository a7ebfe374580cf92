"""Which path is what: the one place that both an ``openai`` client in this process and a server ask."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing, closing
from typing import Any, Protocol

import orjson

from routed_llm.dispatch.streaming import AsyncStream, Stream
from routed_llm.errors import InvalidCall, RoutedError
from routed_llm.hints import Hints
from routed_llm.router import Router
from routed_llm.serving.chat import Chunks, chat_request, completion
from routed_llm.serving.embeddings import aembeddings, embeddings
from routed_llm.serving.models import model_list
from routed_llm.serving.replies import DONE, AsyncEvents, Events, Reply, event, failure, failure_body

__all__ = ["Routes"]

_STREAM = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class _Pieces(Protocol):
    """What turns a stream's events into OpenAI's."""

    def of(self, event: Any) -> Any: ...

    def last(self, usage: bool) -> Any: ...


class Routes:
    """A router behind the paths of OpenAI's API.

    Both methods give a :class:`Reply`, or status, headers and events of a stream whose first content is there. What goes wrong
    before that is a reply with an error, and later an event.
    """

    def __init__(self, router: Router) -> None:
        self._router = router

    def answer(
        self, method: str, path: str, data: bytes, seconds: float | None = None
    ) -> Reply | tuple[int, dict[str, str], Events]:
        """In sync code; ``seconds`` is the caller's own limit of time, the deadline where no hint gives another."""
        try:
            body, what = _read(method, path, data, seconds)
            if what == "models":
                return Reply.of(model_list(self._router))
            if what == "embeddings":
                return Reply.of(embeddings(self._router, body))
            request = chat_request(body)
            if not request.stream:
                return Reply.of(completion(*self._router.complete(request)))
            stream = self._router.open(request)
        except RoutedError as error:
            return failure(error)
        return 200, dict(_STREAM), _events(stream, Chunks(stream.opened), _wants_usage(body))

    async def aanswer(
        self, method: str, path: str, data: bytes, seconds: float | None = None
    ) -> Reply | tuple[int, dict[str, str], AsyncEvents]:
        """In async code."""
        try:
            body, what = _read(method, path, data, seconds)
            if what == "models":
                return Reply.of(model_list(self._router))
            if what == "embeddings":
                return Reply.of(await aembeddings(self._router, body))
            request = chat_request(body)
            if not request.stream:
                return Reply.of(completion(*await self._router.acomplete(request)))
            stream = await self._router.aopen(request)
        except RoutedError as error:
            return failure(error)
        return 200, dict(_STREAM), _aevents(stream, Chunks(stream.opened), _wants_usage(body))


_PATHS = {
    ("POST", "/chat/completions"): "chat",
    ("POST", "/embeddings"): "embeddings",
    ("GET", "/models"): "models",
}


def _read(method: str, path: str, data: bytes, seconds: float | None) -> tuple[Mapping[str, Any], str]:
    what = _PATHS.get((method.upper(), path.rstrip("/").removeprefix("/v1")))
    if what is None:
        raise InvalidCall(f"{method} {path} is not served. Served are: {', '.join(f'{m} {p}' for m, p in _PATHS)}.")
    if what == "models":
        return {}, what
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InvalidCall(f"The body is no JSON: {error}.") from None
    if not isinstance(body, dict):
        raise InvalidCall("The body must be a JSON object.")
    if seconds is not None:
        body["routing"] = Hints.of(body.get("routing"), {"deadline": seconds}).given
    return body, what


def _wants_usage(body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options")
    return isinstance(options, Mapping) and bool(options.get("include_usage"))


def _events(stream: Stream, pieces: _Pieces, usage: bool) -> Events:
    try:
        # closed explicitly: a consumer that walks away must not leave the connection to the garbage collector
        with closing(iter(stream)) as events:
            for each in events:
                if (told := pieces.of(each)) is not None:
                    yield event(told)
        for told in pieces.last(usage):
            yield event(told)
        yield DONE
    except RoutedError as error:
        yield event(failure_body(error))


async def _aevents(stream: AsyncStream, pieces: _Pieces, usage: bool) -> AsyncEvents:
    try:
        async with aclosing(aiter(stream)) as events:
            async for each in events:
                if (told := pieces.of(each)) is not None:
                    yield event(told)
        for told in pieces.last(usage):
            yield event(told)
        yield DONE
    except RoutedError as error:
        yield event(failure_body(error))
