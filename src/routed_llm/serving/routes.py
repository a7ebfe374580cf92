"""Which path is what: the one place that both an ``openai`` client in this process and a server ask."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing, closing
from typing import Any, Protocol

import orjson

from routed_llm.dispatch.journey import Completed
from routed_llm.dispatch.streaming import AsyncStream, Opened, Stream
from routed_llm.errors import InvalidCall, RoutedError
from routed_llm.hints import Hints
from routed_llm.requests import Request
from routed_llm.router import Router
from routed_llm.serving.chat import Chunks, chat_request, completion
from routed_llm.serving.embeddings import aembeddings, embeddings
from routed_llm.serving.models import model_list
from routed_llm.serving.replies import AsyncEvents, Events, Reply, failure
from routed_llm.serving.response_request import response_request
from routed_llm.serving.responses import ResponseEvents, response

__all__ = ["Routes"]

_STREAM = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class _Pieces(Protocol):
    """What turns a stream's events into OpenAI's, as bytes."""

    def of(self, event: Any) -> bytes: ...

    def last(self) -> bytes: ...

    def failed(self, error: RoutedError) -> bytes: ...


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
            request = self._request(what, body)
            if not request.stream:
                return Reply.of(_whole(self._router.complete(request), request, what, body))
            stream = self._router.open(request)
        except RoutedError as error:
            return failure(error)
        return 200, dict(_STREAM), _events(stream, _pieces(stream.opened, request, what, body))

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
            request = self._request(what, body)
            if not request.stream:
                return Reply.of(_whole(await self._router.acomplete(request), request, what, body))
            stream = await self._router.aopen(request)
        except RoutedError as error:
            return failure(error)
        return 200, dict(_STREAM), _aevents(stream, _pieces(stream.opened, request, what, body))

    def _request(self, what: str, body: Mapping[str, Any]) -> Request:
        return response_request(self._router, body) if what == "responses" else chat_request(body)


def _whole(done: Completed, request: Request, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return response(*done, request, body) if what == "responses" else completion(*done)


def _pieces(opened: Opened, request: Request, what: str, body: Mapping[str, Any]) -> _Pieces:
    return ResponseEvents(opened, request, body) if what == "responses" else Chunks(opened, _wants_usage(body))


_PATHS = {
    ("POST", "/chat/completions"): "chat",
    ("POST", "/responses"): "responses",
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


def _events(stream: Stream, pieces: _Pieces) -> Events:
    try:
        # closed explicitly: a consumer that walks away must not leave the connection to the garbage collector
        with closing(iter(stream)) as events:
            for each in events:
                if told := pieces.of(each):
                    yield told
        yield pieces.last()
    except RoutedError as error:
        yield pieces.failed(error)


async def _aevents(stream: AsyncStream, pieces: _Pieces) -> AsyncEvents:
    try:
        async with aclosing(aiter(stream)) as events:
            async for each in events:
                if told := pieces.of(each):
                    yield told
        yield pieces.last()
    except RoutedError as error:
        yield pieces.failed(error)
