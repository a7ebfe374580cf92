"""The two drivers: the only places of the core that wait.

In sync code a coroutine of the core is run by one ``send(None)``: the sync driver's operations block and never suspend.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

from routed_llm.clock import Clock
from routed_llm.dispatch.held_up import watched
from routed_llm.dispatch.waiters import AsyncWaiter, SyncWaiter
from routed_llm.dispatch.workers import run
from routed_llm.driver import AsyncSource, Beside, Endpoint, Patience, Source
from routed_llm.errors import AsyncOnly
from routed_llm.requests import Mode, Request
from routed_llm.results import Answer, Event

__all__ = ["AsyncDriver", "SyncDriver", "drive"]

T = TypeVar("T")


_CLOCK = Clock()
#: an event loop holds its tasks weakly
_tasks: set[asyncio.Task[None]] = set()


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends.

    Raises:
        AsyncOnly: when it does suspend; it is closed first.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("T", stop.value)
    coroutine.close()
    raise AsyncOnly("A piece of this router waits in a way that only async code can; use ainvoke or astream.")


class SyncDriver:
    """Waits by blocking the calling thread."""

    mode: Mode = "sync"

    def __init__(self, clock: Clock = _CLOCK) -> None:
        self.now, self.wall = clock

    async def sleep(self, seconds: float) -> None:
        """Block for some seconds."""
        time.sleep(seconds)  # noqa: ASYNC251  # this driver is for sync code: blocking is its purpose

    def waiter(self) -> SyncWaiter:
        """A place to wait at."""
        return SyncWaiter(self.now)

    def launch(self, work: Beside) -> None:
        """Let work run in a thread."""

        def job() -> None:
            with suppress(AsyncOnly):  # the work keeps it
                drive(work.run())

        context = contextvars.copy_context()
        run(lambda: context.run(job))

    async def call(self, endpoint: Endpoint, request: Request, patience: Patience) -> Answer:
        """A whole answer."""
        return endpoint.call(request, patience)

    async def open(self, endpoint: Endpoint, request: Request, patience: Patience) -> Source:
        """Begin a stream."""
        return endpoint.open(request, patience)

    async def read(self, source: Source, until: float) -> Sequence[Event] | None:
        """The next events."""
        return source.read(until)

    async def close(self, source: Source) -> None:
        """Close a stream."""
        source.close()

    async def run(self, function: Callable[..., T | Awaitable[T]], *args: Any) -> T:
        """Call a user's piece; a coroutine must not suspend."""
        result = function(*args)
        if not inspect.isawaitable(result):
            return result
        if not inspect.iscoroutine(result):
            raise AsyncOnly(f"{_name(function)} gives an awaitable that only async code can wait for; use ainvoke or astream.")
        try:
            return drive(cast("Coroutine[Any, Any, T]", result))
        except (AsyncOnly, RuntimeError) as error:
            # asyncio's own functions say so themselves: "no running event loop"
            if not isinstance(error, AsyncOnly) and "event loop" not in str(error):
                raise
            raise AsyncOnly(f"{_name(function)} waits in a way that only async code can; use ainvoke or astream.") from None


class AsyncDriver:
    """Waits by suspending."""

    mode: Mode = "async"

    def __init__(self, clock: Clock = _CLOCK) -> None:
        self.now, self.wall = clock

    async def sleep(self, seconds: float) -> None:
        """Suspend for some seconds."""
        await asyncio.sleep(seconds)

    def waiter(self) -> AsyncWaiter:
        """A place to wait at, in the running event loop."""
        return AsyncWaiter(self.now)

    def launch(self, work: Beside) -> None:
        """Let work run in a task."""
        task = asyncio.create_task(work.run())
        _tasks.add(task)
        work.begun(task.cancel)
        task.add_done_callback(_tasks.discard)
        task.add_done_callback(work.finished)

    async def call(self, endpoint: Endpoint, request: Request, patience: Patience) -> Answer:
        """A whole answer."""
        watch = watched()
        watch.begin()
        try:
            return await endpoint.acall(request, patience)
        finally:
            watch.busy -= 1

    async def open(self, endpoint: Endpoint, request: Request, patience: Patience) -> AsyncSource:
        """Begin a stream."""
        watch = watched()
        watch.begin()
        try:
            return await endpoint.aopen(request, patience)
        finally:
            watch.busy -= 1

    async def read(self, source: AsyncSource, until: float) -> Sequence[Event] | None:
        """The next events."""
        return await source.read(until)

    async def close(self, source: AsyncSource) -> None:
        """Close a stream."""
        await source.close()

    async def run(self, function: Callable[..., T | Awaitable[T]], *args: Any) -> T:
        """Call a user's piece."""
        result = function(*args)
        return await result if inspect.isawaitable(result) else result


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", None) or type(function).__name__
