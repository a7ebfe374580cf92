"""A user's own ``openai`` client as an endpoint: its address, authentication, headers and HTTP client are used as they are.

Only its typed layer is left out: the body is ours, and the bytes of the answer are read by our own dialect. Retries and
redirects are off for our requests; the client itself is not changed. Works with ``openai`` 2 and 3, which stand on different
HTTP libraries.

A sync client serves async calls from a bounded pool of threads. Sync code cannot be interrupted: a call's time limits go to
the HTTP client, where they bound each wait for the network.
"""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import lru_cache
from typing import Any

from routed_llm.dialects.media import Carrier, Media
from routed_llm.dialects.openai_chat.body import build_body, schema_tool
from routed_llm.dialects.openai_chat.reader import Reader, read_answer
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.taking import unserved, untaken
from routed_llm.dialects.wire import Wire
from routed_llm.driver import AsyncSource, Patience, Source
from routed_llm.errors import ConfigurationError, ProviderError
from routed_llm.providers.blocking import ThreadedSource, Threads, within
from routed_llm.providers.sdk_clients import limited, provider_at
from routed_llm.providers.sdk_errors import Hidden, aguarded, guarded
from routed_llm.providers.secret_texts import Secrets, secrets_in
from routed_llm.requests import Mode, Request
from routed_llm.results import Answer, Event

__all__ = ["OpenAIClientEndpoint", "describe_client"]

_PATH = "/chat/completions"


@lru_cache(maxsize=1)
def _response_class() -> Any:
    """The class by which this ``openai`` is asked for the raw answer: httpx2's from 3 on, before that httpx's."""
    import openai

    library = "httpx2" if int(openai.__version__.split(".", 1)[0]) >= 3 else "httpx"
    return importlib.import_module(library).Response


def describe_client(client: Any) -> tuple[str, str]:
    """Provider (in the words of the provider rows) and base URL of a client; ``openai`` where the address is of no row."""
    url = str(client.base_url)
    return provider_at(url, "azure_openai" if "Azure" in type(client).__name__ else "openai"), url


class OpenAIClientEndpoint:
    """One model behind a user's client.

    Args:
        client: an ``OpenAI``, ``AsyncOpenAI``, ``AzureOpenAI`` or ``AsyncAzureOpenAI``. An async client serves only async
            calls; that it is not shared between event loops is its owner's care.
        wire: how the model wants to be spoken to.
    """

    def __init__(self, client: Any, wire: Wire) -> None:
        import openai

        self.client = client
        self.wire = wire
        self._carrier = Carrier(dialect_of("openai.chat"), wire)
        self._async = isinstance(client, openai.AsyncOpenAI)
        self.modes: frozenset[Mode] = frozenset({"async"}) if self._async else frozenset({"sync", "async"})
        self._threads = Threads()

    def __repr__(self) -> str:
        return f"<OpenAIClientEndpoint {self.wire.model} by {type(self.client).__name__}>"

    @property
    def fingerprint(self) -> str:
        """The client's address and the way the model is spoken to."""
        return f"{str(self.client.base_url).partition('?')[0]} {self.wire.fingerprint()}"

    def __deepcopy__(self, memo: dict[int, Any]) -> OpenAIClientEndpoint:
        return self

    def __reduce__(self) -> Any:
        raise ConfigurationError(
            f"a router that holds an {type(self.client).__name__} client cannot be pickled; "
            "let it be made where it is needed: Model(factory=..., name=...)."
        )

    def _secrets(self) -> Secrets:
        """The client's key, which may be another one after each call, and what its user put into headers."""
        client = self.client
        told = (getattr(client, name, None) for name in ("api_key", "organization", "project"))
        headers = getattr(client, "_custom_headers", None) or {}
        return secrets_in((text for text in told if isinstance(text, str)), headers, (str(client.base_url),))

    def _post(self, request: Request, seconds: float) -> Any:
        """The response, or its awaitable; its bytes are still to be read where a stream is asked for."""
        options = {"follow_redirects": False, "max_retries": 0, "timeout": limited(self.client, seconds)}
        cls = _response_class()
        body = build_body(request, self.wire)
        if not request.stream:
            return self.client.post(_PATH, cast_to=cls, body=body, options=options)
        return self.client.post(
            _PATH, cast_to=cls, body=body, options=options, stream=True, stream_cls=_stream_class(self._async)
        )

    def untaken(self, request: Request) -> list[str]:
        """What would be lost of a request's parameters, in words."""
        return untaken(dialect_of("openai.chat"), self.wire, request.params, request.tools and request.tools.parallel)

    def unserved(self, request: Request) -> list[str]:
        """What the model cannot be given of a request's own tools and files of a provider, in words."""
        tools = request.tools.server_tools if request.tools is not None else ()
        return unserved(dialect_of("openai.chat"), self.wire, tools, request.view.kept_files())

    def uncarried(self, request: Request, media: Media) -> list[str]:
        """What the model cannot be given of a call's media, in words."""
        return self._carrier.lost(media)

    def _tool(self, request: Request) -> str | None:
        return schema_tool(request, self.wire)

    def _answer(self, data: bytes, request: Request) -> Answer:
        return read_answer(data, reasoning_fields=self.wire.reasoning_fields, schema_tool=self._tool(request))

    def _reader(self, request: Request) -> Reader:
        return Reader(reasoning_fields=self.wire.reasoning_fields, schema_tool=self._tool(request))

    def call(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in sync code."""

        def ask() -> Answer:
            return self._answer(self._post(request, _left(patience.first)).content, request)

        return guarded(ask, self._secrets)

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in async code."""
        if not self._async:
            return await self._threads.run(patience.first, self.call, request, patience)

        async def ask() -> Answer:
            response = await within(patience.first, self._post(request, _left(patience.first)))
            return self._answer(response.content, request)

        return await aguarded(ask(), self._secrets)

    def open(self, request: Request, patience: Patience) -> Source:
        """Begin a stream, in sync code."""
        seconds = max(_left(patience.first), patience.gap)
        response = guarded(lambda: self._post(request, seconds), self._secrets)
        return ClientSource(response, self._reader(request), self._secrets)

    async def aopen(self, request: Request, patience: Patience) -> AsyncSource:
        """Begin a stream, in async code."""
        if not self._async:
            return ThreadedSource(await self._threads.run(patience.first, self.open, request, patience), self._threads)
        asked = within(patience.first, self._post(request, _left(patience.total)))
        return AsyncClientSource(await aguarded(asked, self._secrets), self._reader(request), self._secrets)


def _left(until: float) -> float:
    return max(0.001, until - time.monotonic())


def _stream_class(is_async: bool) -> Any:
    import openai

    return openai.AsyncStream if is_async else openai.Stream


class ClientSource:
    """Moves a sync response's bytes through the reader."""

    __slots__ = ("_bytes", "_done", "_reader", "_response", "_secrets")

    def __init__(self, response: Any, reader: Reader, secrets: Hidden) -> None:
        self._response = response
        self._bytes: Iterator[bytes] = response.iter_bytes()
        self._reader = reader
        self._secrets = secrets
        self._done = False

    def read(self, until: float) -> Sequence[Event] | None:
        """The next events; see :class:`~routed_llm.driver.Source`."""
        if self._done:
            return None
        try:
            return guarded(self._next, self._secrets)
        except ProviderError:
            if not self._reader.finished:
                raise
        self._done = True  # the connection broke, but the answer was whole
        return self._reader.end()

    def _next(self) -> Sequence[Event]:
        while not self._reader.done and (data := next(self._bytes, b"")):
            if events := self._reader.feed(data):
                return events
        self._done = True
        return self._reader.end()

    def close(self) -> None:
        """Close the connection's part in this."""
        self._done = True
        with contextlib.suppress(RuntimeError):  # another thread is reading
            self._response.close()


class AsyncClientSource:
    """Moves an async response's bytes through the reader."""

    __slots__ = ("_bytes", "_done", "_reader", "_response", "_secrets")

    def __init__(self, response: Any, reader: Reader, secrets: Hidden) -> None:
        self._response = response
        self._bytes: AsyncIterator[bytes] = response.aiter_bytes()
        self._reader = reader
        self._secrets = secrets
        self._done = False

    async def read(self, until: float) -> Sequence[Event] | None:
        """The next events; see :class:`~routed_llm.driver.AsyncSource`."""
        if self._done:
            return None
        try:
            return await aguarded(within(until, self._next(), "stream"), self._secrets)
        except ProviderError:
            if not self._reader.finished:
                raise
        self._done = True  # the connection broke, but the answer was whole
        return self._reader.end()

    async def _next(self) -> Sequence[Event]:
        while not self._reader.done and (data := await anext(self._bytes, b"")):
            if events := self._reader.feed(data):
                return events
        self._done = True
        return self._reader.end()

    async def close(self) -> None:
        """Close the connection's part in this."""
        self._done = True
        with contextlib.suppress(RuntimeError):  # another task is reading
            await self._response.aclose()
