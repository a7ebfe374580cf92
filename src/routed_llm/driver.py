"""The two seams of the core: the :class:`Driver` that does all waiting, and the :class:`Endpoint` that is called.

The core is written once, as coroutines that await nothing but the driver. In async code the driver really waits; in
sync code its operations block and never suspend, so that one ``send(None)`` runs the whole coroutine.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from routed_llm.requests import Mode, Request
from routed_llm.results import Answer, Event

__all__ = ["UNSENT", "AsyncSource", "Beside", "Driver", "Endpoint", "Patience", "Source", "Waiter"]

T = TypeVar("T")

#: attribute of an exception that ends a call from outside (a cancellation, an interrupt) before anything of it was sent
UNSENT = "nothing_was_sent"


class Patience(NamedTuple):
    """How long one attempt may take, as absolute times of the monotonic clock (seconds).

    ``first`` bounds the first content (of a call without stream: the whole answer), ``total`` the whole stream, and
    ``gap`` is the longest pause in seconds between two pieces of content.
    """

    first: float
    total: float
    gap: float
    #: the request is to reach the provider once at most: nothing may send it again, not even on a new connection
    once: bool = False
    #: called when a dead connection is replaced beneath the attempt, and the request leaves once more
    resent: Callable[[], object] | None = None


class Source(Protocol):
    """An opened stream in sync code."""

    def read(self, until: float) -> Sequence[Event] | None:
        """The next events, or None at a proper end.

        Raises:
            ProviderError: when the stream breaks, holds an error, ends without a finish, or is late.
        """
        ...

    def close(self) -> None:
        """Close the connection; allowed at any time, more than once, and from another thread."""
        ...


class AsyncSource(Protocol):
    """An opened stream in async code; see :class:`Source`."""

    async def read(self, until: float) -> Sequence[Event] | None:
        """The next events, or None at a proper end; raises like :meth:`Source.read`."""
        ...

    async def close(self) -> None:
        """Close the connection; allowed at any time and more than once."""
        ...


class Endpoint(Protocol):
    """Something that answers: a deployment behind HTTP, or a framework's own object.

    All four methods raise :class:`~routed_llm.errors.ProviderError` and nothing else for a provider's failure.
    ``modes`` tells which of sync and async it can serve without blocking; ``fingerprint`` tells, without secrets, what
    decides its answers, so that caches can tell endpoints apart.
    """

    modes: frozenset[Mode]

    @property
    def fingerprint(self) -> str:
        """The same text for endpoints that answer alike, in every process."""
        ...

    def call(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in sync code."""
        ...

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in async code."""
        ...

    def open(self, request: Request, patience: Patience) -> Source:
        """Begin a stream, in sync code."""
        ...

    async def aopen(self, request: Request, patience: Patience) -> AsyncSource:
        """Begin a stream, in async code."""
        ...


class Waiter(Protocol):
    """One caller's place to wait at. Only whoever made it waits; everybody may wake it."""

    async def wait(self, until: float) -> bool:
        """Wait until somebody wakes it, or until a monotonic time; tells whether somebody did, before or meanwhile."""
        ...

    def wake(self) -> bool:
        """Wake it, from any thread or event loop, also out of the garbage collector; False when nobody waits there any more."""
        ...


class Beside(Protocol):
    """Work that runs beside the caller's; it keeps what comes of it for whoever waits."""

    async def run(self) -> None:
        """Do the work; raises nothing."""
        ...

    def begun(self, cancel: Callable[[], object]) -> None:
        """It runs in a task, which ``cancel`` ends."""
        ...

    def finished(self, task: object) -> None:
        """Its task is over."""
        ...


class Driver(Protocol):
    """All waiting of the core goes through these operations."""

    mode: Mode

    def now(self) -> float:
        """The monotonic clock, in seconds."""
        ...

    def wall(self) -> float:
        """The time of day, as seconds since 1970 (UTC)."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def waiter(self) -> Waiter:
        """A place to wait at until somebody says a word."""
        ...

    def launch(self, work: Beside) -> None:
        """Let work run beside the caller's, in a copy of its context: in a task in async code, in a thread in sync code."""
        ...

    async def call(self, endpoint: Endpoint, request: Request, patience: Patience) -> Answer:
        """Ask an endpoint for a whole answer."""
        ...

    async def open(self, endpoint: Endpoint, request: Request, patience: Patience) -> Any:
        """Ask an endpoint for a stream; gives a source that :meth:`read` and :meth:`close` take."""
        ...

    async def read(self, source: Any, until: float) -> Sequence[Event] | None:
        """The next events of a source."""
        ...

    async def close(self, source: Any) -> None:
        """Close a source."""
        ...

    async def run(self, function: Callable[..., T | Awaitable[T]], *args: Any) -> T:
        """Call a piece that the user gave, sync or async.

        Raises:
            AsyncOnly: in sync code, when the piece really has to wait.
        """
        ...
