"""The sandbox without a socket: its replies through the transport seam, so that everything above it is the real thing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Set
from urllib.parse import urlsplit

from routed_llm.providers.http_line import Transports
from routed_llm.providers.sandbox import Reply as SandboxReply
from routed_llm.providers.sandbox import Sandbox
from routed_llm.providers.transport import Abort, Fault, Origin, Reply, Resent, Target, TransportOptions

__all__ = ["TwinTransports"]


class TwinTransports(Transports):
    """The twin's two forms, over one sandbox."""

    __slots__ = ("sandbox",)

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(TransportOptions())
        self.sandbox = sandbox
        self._sync = Twin(sandbox)
        self._async = AsyncTwin(sandbox)

    def close(self) -> None:
        """There are no connections."""

    async def aclose(self) -> None:
        """There are no connections."""


def _ask(sandbox: Sandbox, method: str, target: Target, body: bytes) -> SandboxReply:
    url = urlsplit(target.url)
    return sandbox.handle(method, f"{url.path}?{url.query}" if url.query else url.path, target.headers, body)


def _left(wait: float, until: float) -> float:
    """The wait, when it fits before ``until``."""
    left = until - time.monotonic()
    if wait >= left:
        raise Fault("timeout", "body", "the simulated model took too long", sent=True)
    return wait


def _broken(ending: str, status: int) -> Fault | None:
    """The fault that an ending means."""
    if ending == "complete" and status:
        return None
    if ending == "hang":
        return Fault("timeout", "headers", "the simulated model did not answer", sent=True)
    return Fault("connection", "body" if status else "headers", "the simulated connection broke", sent=True)


class _Stream:
    """A streamed reply, part by part; the waiting is done by the two forms below."""

    __slots__ = ("_closed", "_parts", "headers", "reply", "status")

    def __init__(self, reply: SandboxReply) -> None:
        self.reply = reply
        self.status = reply.status
        self.headers: Mapping[str, str] = reply.headers
        self._parts: Iterator[tuple[float, bytes]] = iter(reply.parts)
        self._closed = False

    def take(self) -> tuple[float, bytes] | None:
        """The next part with its wait; None at the end."""
        part = None if self._closed else next(self._parts, None)
        if part is None and (fault := _broken(self.reply.ending, self.status)) is not None:
            raise fault
        return part


class TwinStream(_Stream):
    """A stream in sync code."""

    __slots__ = ()

    def read(self, until: float) -> bytes:
        """The next part, after its wait."""
        part = self.take()
        if part is None:
            return b""
        if part[0] > 0:
            time.sleep(_left(part[0], until))
        return part[1]

    def close(self) -> None:
        """Nothing more is taken."""
        self._closed = True


class AsyncTwinStream(_Stream):
    """A stream in async code."""

    __slots__ = ()

    async def read(self, until: float) -> bytes:
        """The next part, after its wait."""
        part = self.take()
        if part is None:
            return b""
        if part[0] > 0:
            await asyncio.sleep(_left(part[0], until))
        return part[1]

    async def close(self) -> None:
        """Nothing more is taken."""
        self._closed = True


class Twin:
    """The transport's sync form."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def post(
        self, target: Target, body: bytes, until: float, abort: Abort | None = None, *, once: bool = False,
        resent: Resent = None,
    ) -> Reply:  # fmt: skip
        """A whole answer."""
        return self._whole(_ask(self._sandbox, "POST", target, body), until)

    def get(self, target: Target, until: float, abort: Abort | None = None) -> Reply:
        """A whole answer."""
        return self._whole(_ask(self._sandbox, "GET", target, b""), until)

    def _whole(self, reply: SandboxReply, until: float) -> Reply:
        stream = TwinStream(reply)
        body = b"".join(iter(lambda: stream.read(until), b""))
        return Reply(reply.status, reply.headers, body)

    def stream(
        self, target: Target, body: bytes, until: float, abort: Abort | None = None, *, once: bool = False,
        resent: Resent = None,
    ) -> TwinStream:  # fmt: skip
        """A stream."""
        return TwinStream(_ask(self._sandbox, "POST", target, body))

    def keep_only(self, origins: Set[Origin] | None) -> None:
        """There are no connections."""

    def close(self) -> None:
        """Nothing is open."""


class AsyncTwin:
    """The transport's async form."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def post(self, target: Target, body: bytes, until: float, *, once: bool = False, resent: Resent = None) -> Reply:
        """A whole answer."""
        return await self._whole(_ask(self._sandbox, "POST", target, body), until)

    async def get(self, target: Target, until: float) -> Reply:
        """A whole answer."""
        return await self._whole(_ask(self._sandbox, "GET", target, b""), until)

    async def _whole(self, reply: SandboxReply, until: float) -> Reply:
        stream = AsyncTwinStream(reply)
        parts = []
        while data := await stream.read(until):
            parts.append(data)
        return Reply(reply.status, reply.headers, b"".join(parts))

    async def stream(
        self, target: Target, body: bytes, until: float, *, once: bool = False, resent: Resent = None
    ) -> AsyncTwinStream:
        """A stream."""
        return AsyncTwinStream(_ask(self._sandbox, "POST", target, body))

    def keep_only(self, origins: Set[Origin] | None) -> None:
        """There are no connections."""

    async def close(self) -> None:
        """Nothing is open."""

    def end(self) -> None:
        """There are no connections."""
