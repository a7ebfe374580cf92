"""A deployment behind HTTP: one model in one dialect, our own wire over the transport seam."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import TypeVar

import orjson

from routed_llm.dialects.dialect import Dialect, StreamReader
from routed_llm.dialects.media import Carrier, Media
from routed_llm.dialects.room import Room
from routed_llm.dialects.speaking import dialect_of
from routed_llm.dialects.taking import unserved, untaken
from routed_llm.dialects.wire import Wire
from routed_llm.driver import Patience
from routed_llm.errors import InvalidCall, ProviderError
from routed_llm.providers.credentials import Credential, Key
from routed_llm.providers.http_line import HttpLine, Transports, error_of_fault, holds_answer
from routed_llm.providers.transport import ABORT, AsyncByteStream, ByteStream, Fault, Reply, Target
from routed_llm.requests import Request
from routed_llm.results import Answer, Event

__all__ = ["HttpEndpoint"]

R = TypeVar("R")

#: seconds for which the end of a body is waited for after the answer said that it is whole
BLINK = 0.05


class HttpEndpoint(HttpLine):
    """One model at one URL.

    Args:
        url: where requests for whole answers are posted.
        wire: how the model wants to be spoken to.
        credential: its keys; None where it needs none.
        dialect: the language; OpenAI's chat completions by default.
        stream_url: where requests for streams are posted, if somewhere else.
        key_header: ``Authorization`` (with ``Bearer``) or the bare header that carries the key.
        headers: further headers.
        transports: the transports to use.
    """

    def __init__(
        self,
        url: str,
        wire: Wire,
        credential: Credential | None,
        *,
        dialect: Dialect | None = None,
        stream_url: str | None = None,
        key_header: str = "Authorization",
        headers: Mapping[str, str] | None = None,
        transports: Transports | None = None,
    ) -> None:
        self.dialect = dialect or dialect_of("openai.chat")
        self.wire = wire
        self._carrier = Carrier(self.dialect, wire)
        own = self.dialect.headers(wire)
        super().__init__(url, credential, key_header=key_header, headers={**own, **(headers or {})}, transports=transports)
        self.stream_url = self.url if stream_url is None else Target(stream_url).url  # without credentials in it

    def __repr__(self) -> str:
        return f"<HttpEndpoint {self.wire.model} at {self.url.partition('?')[0]}>"

    @property
    def fingerprint(self) -> str:
        """URL and the way the model is spoken to."""
        language = "" if self.dialect.name == "openai.chat" else f" {self.dialect.name}"
        return f"{self.url.partition('?')[0]}{language} {self.wire.fingerprint()}"

    def _body(self, request: Request) -> bytes:
        body = self.dialect.body(request, self.wire)
        try:
            return orjson.dumps(body)
        except TypeError as error:
            raise InvalidCall(
                f"The request cannot be written as JSON: {error}. Check parameters, tools and messages."
            ) from None

    def untaken(self, request: Request) -> list[str]:
        """What would be lost of a request's parameters, in words."""
        return untaken(self.dialect, self.wire, request.params, request.tools and request.tools.parallel)

    def unserved(self, request: Request) -> list[str]:
        """What the model cannot be given of a request's own tools and files of a provider, in words."""
        tools = request.tools.server_tools if request.tools is not None else ()
        return unserved(self.dialect, self.wire, tools, request.view.kept_files())

    def uncarried(self, request: Request, media: Media) -> list[str]:
        """What the model cannot be given of a call's media, in words."""
        return self._carrier.lost(media)

    def _answer(self, request: Request) -> Callable[[bytes], Answer]:
        """Reads the body of the answer to a request."""
        return lambda body: self.dialect.answer(body, request, self.wire)

    def _reader(self, request: Request) -> StreamReader:
        return self.dialect.reader(request, self.wire)

    def _error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return self.dialect.error(status, headers, body)

    def _read(self, reply: Reply, key: Key, read: Callable[[bytes], R]) -> R:
        answer = super()._read(reply, key, read)
        if (room := self.dialect.room(reply.headers)) is not None and isinstance(answer, Answer):
            answer.room = room
        return answer

    def call(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in sync code."""
        # the body comes before the key: a request that cannot be written takes nobody's turn
        return self._post(
            self._body(request), patience.first, self._answer(request), once=patience.once, resent=patience.resent
        )

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in async code."""
        return await self._apost(
            self._body(request), patience.first, self._answer(request), once=patience.once, resent=patience.resent
        )

    def open(self, request: Request, patience: Patience) -> HttpSource:
        """Begin a stream, in sync code."""
        body = self._body(request)  # before the key is read: a request that cannot be written takes nobody's turn
        key = self._key(patience.first)
        try:
            stream = self._transports.sync().stream(
                self._addressed(key, self.stream_url, body),
                body,
                patience.first,
                ABORT.get(),
                once=patience.once,
                resent=patience.resent,
            )
        except Fault as fault:
            raise error_of_fault(fault) from None
        if holds_answer(stream.status):
            room = self.dialect.room(stream.headers)
            return HttpSource(stream, self._reader(request), lambda error: self._refused(error, key), room)
        parts: list[bytes] = []
        try:
            while len(parts) < 64 and (data := stream.read(patience.first)):
                parts.append(data)
        except Fault as fault:
            raise error_of_fault(fault) from None
        finally:
            stream.close()
        raise self._refused(self._told(stream.status, stream.headers, b"".join(parts), key), key)

    async def aopen(self, request: Request, patience: Patience) -> AsyncHttpSource:
        """Begin a stream, in async code."""
        body = self._body(request)
        key = await self._akey(patience.first)
        try:
            stream = await self._transports.asynchronous().stream(
                self._addressed(key, self.stream_url, body), body, patience.first, once=patience.once, resent=patience.resent
            )
        except Fault as fault:
            raise error_of_fault(fault) from None
        if holds_answer(stream.status):
            room = self.dialect.room(stream.headers)
            return AsyncHttpSource(stream, self._reader(request), lambda error: self._refused(error, key), room)
        parts: list[bytes] = []
        try:
            while len(parts) < 64 and (data := await stream.read(patience.first)):
                parts.append(data)
        except Fault as fault:
            raise error_of_fault(fault) from None
        finally:
            await stream.close()
        raise self._refused(self._told(stream.status, stream.headers, b"".join(parts), key), key)


class HttpSource:
    """Moves a stream's bytes through the reader, in sync code."""

    __slots__ = ("_done", "_reader", "_refused", "_stream", "room")

    def __init__(
        self,
        stream: ByteStream,
        reader: StreamReader,
        refused: Callable[[ProviderError], ProviderError],
        room: Room | None,
    ) -> None:
        self._stream = stream
        self._reader = reader
        self._refused = refused
        self._done = False
        self.room = room

    def read(self, until: float) -> Sequence[Event] | None:
        """The next events; comments and empty chunks do not hold the call open beyond ``until``."""
        if self._done:
            return None
        reader = self._reader
        try:
            while not reader.done:
                if not (data := self._stream.read(until)):
                    break
                if events := reader.feed(data):
                    return events
            else:
                self._let_end(until)
            self._done = True
            return reader.end()
        except Fault as fault:
            if not reader.finished:
                raise error_of_fault(fault, "stream") from None
        except ProviderError as error:
            raise self._refused(error) from None
        self._done = True  # the connection broke, but the answer was whole
        return reader.end()

    def _let_end(self, until: float) -> None:
        """Nothing is to come: read to the end of the body if it is there at once, so that the connection is kept."""
        until = min(until, monotonic() + BLINK)
        with suppress(Fault):
            while self._stream.read(until):
                pass

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()


class AsyncHttpSource:
    """Moves a stream's bytes through the reader, in async code."""

    __slots__ = ("_done", "_reader", "_refused", "_stream", "room")

    def __init__(
        self,
        stream: AsyncByteStream,
        reader: StreamReader,
        refused: Callable[[ProviderError], ProviderError],
        room: Room | None,
    ) -> None:
        self._stream = stream
        self._reader = reader
        self._refused = refused
        self._done = False
        self.room = room

    async def read(self, until: float) -> Sequence[Event] | None:
        """The next events; see :meth:`HttpSource.read`."""
        if self._done:
            return None
        reader = self._reader
        try:
            while not reader.done:
                if not (data := await self._stream.read(until)):
                    break
                if events := reader.feed(data):
                    return events
            else:
                await self._let_end(until)
            self._done = True
            return reader.end()
        except Fault as fault:
            if not reader.finished:
                raise error_of_fault(fault, "stream") from None
        except ProviderError as error:
            raise self._refused(error) from None
        self._done = True  # the connection broke, but the answer was whole
        return reader.end()

    async def _let_end(self, until: float) -> None:
        """As in sync code."""
        until = min(until, monotonic() + BLINK)
        with suppress(Fault):
            while await self._stream.read(until):
                pass

    async def close(self) -> None:
        """Close the connection."""
        await self._stream.close()
