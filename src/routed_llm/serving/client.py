"""An ``openai`` client whose requests end in a router in this process, instead of on a wire.

Both majors of the package stand on an HTTP client of their own (httpx, and from 3 on httpx2) that takes transports; the two
here belong to whichever it is.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from routed_llm.router import Router
from routed_llm.serving.replies import AsyncEvents, Events, Reply
from routed_llm.serving.routes import Routes

if TYPE_CHECKING:
    import openai

__all__ = ["async_client", "sync_client"]

#: nobody is asked there: every request ends in the router
_NOWHERE = "http://routed-llm.invalid/v1"
_NO_KEY = "none-is-needed"


def sync_client(router: Router, options: dict[str, Any]) -> openai.OpenAI:
    """The client for sync code; ``options`` are arguments of ``openai.OpenAI`` and win."""
    client = _http().Client(transport=_transports()[0](Routes(router)), base_url=_NOWHERE)
    settings = {"base_url": _NOWHERE, "api_key": _NO_KEY, "max_retries": 0, "http_client": client, **options}
    made: openai.OpenAI = _clients()[0](**settings)
    return made


def async_client(router: Router, options: dict[str, Any]) -> openai.AsyncOpenAI:
    """The client for async code."""
    client = _http().AsyncClient(transport=_transports()[1](Routes(router)), base_url=_NOWHERE)
    settings = {"base_url": _NOWHERE, "api_key": _NO_KEY, "max_retries": 0, "http_client": client, **options}
    made: openai.AsyncOpenAI = _clients()[1](**settings)
    return made


@lru_cache(maxsize=1)
def _clients() -> tuple[type[openai.OpenAI], type[openai.AsyncOpenAI]]:
    """The package's own classes, but a deep copy is the client itself: libraries copy settings, and locks have no copies."""
    import openai

    class RoutedOpenAI(openai.OpenAI):
        """Asks a router in this process."""

        def __deepcopy__(self, memo: dict[int, Any]) -> RoutedOpenAI:
            return self

    class RoutedAsyncOpenAI(openai.AsyncOpenAI):
        """The same in async code."""

        def __deepcopy__(self, memo: dict[int, Any]) -> RoutedAsyncOpenAI:
            return self

    return RoutedOpenAI, RoutedAsyncOpenAI


def _patience(request: Any) -> float | None:
    """Seconds that the caller gives the call, by ``timeout=``; None where it is the default of the package."""
    import openai

    seconds = (request.extensions.get("timeout") or {}).get("read")
    default = openai.DEFAULT_TIMEOUT.read
    return None if seconds is None or seconds == default else float(seconds)


def _http() -> Any:
    """The HTTP package under the installed ``openai``."""
    import openai

    base = next(c for c in openai.DefaultHttpxClient.__mro__ if not c.__module__.startswith("openai"))
    return sys.modules[base.__module__.partition(".")[0]]


@lru_cache(maxsize=1)
def _transports() -> tuple[Any, Any]:
    """The two transports, of the classes that the client wants."""
    http = _http()

    class Body(http.SyncByteStream):  # type: ignore[misc, name-defined]  # the package is found at run time
        """Events as the client reads them."""

        def __init__(self, events: Events) -> None:
            self._events = events

        def __iter__(self) -> Iterator[bytes]:
            return self._events

        def close(self) -> None:
            self._events.close()

    class AsyncBody(http.AsyncByteStream):  # type: ignore[misc, name-defined]
        """The same in async code."""

        def __init__(self, events: AsyncEvents) -> None:
            self._events = events

        def __aiter__(self) -> AsyncIterator[bytes]:
            return self._events

        async def aclose(self) -> None:
            await self._events.aclose()

    class InProcess(http.BaseTransport):  # type: ignore[misc, name-defined]
        """Hands requests to the router."""

        def __init__(self, routes: Routes) -> None:
            self._routes = routes

        def handle_request(self, request: Any) -> Any:
            told = self._routes.answer(request.method, request.url.path, request.read(), _patience(request))
            if isinstance(told, Reply):
                return http.Response(told.status, headers=told.headers, content=told.body)
            status, headers, events = told
            return http.Response(status, headers=headers, stream=Body(events))

    class AsyncInProcess(http.AsyncBaseTransport):  # type: ignore[misc, name-defined]
        """The same in async code."""

        def __init__(self, routes: Routes) -> None:
            self._routes = routes

        async def handle_async_request(self, request: Any) -> Any:
            data = await request.aread()
            told = await self._routes.aanswer(request.method, request.url.path, data, _patience(request))
            if isinstance(told, Reply):
                return http.Response(told.status, headers=told.headers, content=told.body)
            status, headers, events = told
            return http.Response(status, headers=headers, stream=AsyncBody(events))

    return InProcess, AsyncInProcess
