"""A deployment behind HTTP that speaks OpenAI's chat completions: our own wire over the transport seam."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, NoReturn

import orjson

from routed_llm.dialects.errors import error_of
from routed_llm.dialects.openai_chat.body import build_body, schema_tool
from routed_llm.dialects.openai_chat.reader import Reader, read_answer
from routed_llm.dialects.openai_chat.wire import Wire
from routed_llm.driver import Patience
from routed_llm.errors import ConfigurationError, InvalidCall, ProviderError
from routed_llm.providers.credentials import RENEW, Credential, Key
from routed_llm.providers.transport import (
    AsyncByteStream,
    AsyncTransport,
    ByteStream,
    Fault,
    Reply,
    Target,
    Transport,
    TransportOptions,
    get_async,
    get_sync,
)
from routed_llm.requests import Mode, Request
from routed_llm.results import Answer, Event

__all__ = ["HttpEndpoint", "Transports"]

#: seconds for which a key is set aside after its account ran out of money, and after any other refusal
QUOTA_ASIDE, REFUSED_ASIDE = 600.0, float("inf")
NO_KEY = Key(0, "")
#: seconds for which the end of a body is waited for after the answer said that it is whole
BLINK = 0.05


class Transports:
    """The sync and the async transport of an endpoint, made when first used."""

    __slots__ = ("_async", "_sync", "options")

    def __init__(self, options: TransportOptions) -> None:
        self.options = options
        self._sync: Transport | None = None
        self._async: AsyncTransport | None = None

    def sync(self) -> Transport:
        """The sync form."""
        if self._sync is None:
            self._sync = get_sync(self.options)
        return self._sync

    def asynchronous(self) -> AsyncTransport:
        """The async form."""
        if self._async is None:
            self._async = get_async(self.options)
        return self._async

    def __reduce__(self) -> tuple[Any, ...]:
        raise ConfigurationError("connections, and the passwords of proxies, are not pickled; pickle the router.")


class _Targets:
    """What was made for each key; no representation shows the keys."""

    __slots__ = ("made",)

    def __init__(self) -> None:
        self.made: dict[str, Target] = {}


class HttpEndpoint:
    """One model at one URL.

    Args:
        url: where chat completions are posted.
        wire: how the model wants to be spoken to.
        credential: its keys; None where it needs none.
        key_header: ``Authorization`` (with ``Bearer``) or the bare header that carries the key.
        headers: further headers.
        transports: the transports to use.
    """

    modes: frozenset[Mode] = frozenset({"sync", "async"})

    def __init__(
        self,
        url: str,
        wire: Wire,
        credential: Credential | None,
        *,
        key_header: str = "Authorization",
        headers: Mapping[str, str] | None = None,
        transports: Transports | None = None,
    ) -> None:
        # made once without a key, so that a URL or a header that cannot be sent is refused now
        self._plain = Target(url, {"content-type": "application/json", **(headers or {})})
        self.url = self._plain.url
        self.wire = wire
        self.credential = credential
        self._key_header = key_header.lower()
        self._transports = transports or Transports(TransportOptions())
        self._targets = _Targets()

    def __repr__(self) -> str:
        return f"<HttpEndpoint {self.wire.model} at {self.url.partition('?')[0]}>"

    @property
    def fingerprint(self) -> str:
        """URL and the way the model is spoken to."""
        return f"{self.url.partition('?')[0]} {self.wire.fingerprint()}"

    def __deepcopy__(self, memo: object) -> HttpEndpoint:
        return self

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError("an endpoint holds keys and connections and is not pickled; pickle the router.")

    def _key(self, until: float) -> Key:
        return self.credential.get(until) if self.credential is not None else NO_KEY

    async def _akey(self, until: float) -> Key:
        return await self.credential.aget(until) if self.credential is not None else NO_KEY

    def _target(self, key: Key) -> Target:
        made = self._targets.made
        target = made.get(key.value)
        if target is None:
            if len(made) > 64:  # tokens that change by the hour must not pile up
                made.clear()
            target = made[key.value] = self._made(key)
        return target

    def _made(self, key: Key) -> Target:
        if not key.value:
            return self._plain
        bearer = self._key_header == "authorization"
        return Target(self.url, {**self._plain.headers, self._key_header: f"Bearer {key.value}" if bearer else key.value})

    def _body(self, request: Request) -> bytes:
        body = build_body(request, self.wire)
        try:
            return orjson.dumps(body)
        except TypeError as error:
            raise InvalidCall(
                f"The request cannot be written as JSON: {error}. Check parameters, tools and messages."
            ) from None

    def _answer(self, reply: Reply, request: Request, key: Key) -> Answer:
        if not _holds_answer(reply.status):
            raise self._refused(error_of(reply.status, reply.headers, reply.body), key)
        try:
            return read_answer(
                reply.body, reasoning_fields=self.wire.reasoning_fields, schema_tool=schema_tool(request, self.wire)
            )
        except ProviderError as error:
            raise self._refused(error, key) from None

    def _refused(self, error: ProviderError, key: Key) -> ProviderError:
        """Set the key aside that was refused, and tell whether another one is left."""
        if self.credential is not None and error.kind in ("auth", "quota", "rate_limit"):
            aside = {"auth": REFUSED_ASIDE, "quota": QUOTA_ASIDE}.get(error.kind, min(error.retry_after or 1.0, 60.0))
            error.again_at_once = self.credential.refuse(key, aside)
            if error.kind == "auth" and self.credential.is_renewable(key.number):
                error.retry_after = RENEW  # a new key may come; until then the deployment is left alone, not for good
        return error

    def _reader(self, request: Request) -> Reader:
        return Reader(reasoning_fields=self.wire.reasoning_fields, schema_tool=schema_tool(request, self.wire))

    def call(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in sync code."""
        body = self._body(request)  # before the key is read: a request that cannot be written takes nobody's turn
        key = self._key(patience.first)
        try:
            reply = self._transports.sync().post(self._target(key), body, patience.first)
        except Fault as fault:
            raise _error_of_fault(fault) from None
        return self._answer(reply, request, key)

    async def acall(self, request: Request, patience: Patience) -> Answer:
        """A whole answer, in async code."""
        body = self._body(request)
        key = await self._akey(patience.first)
        try:
            reply = await self._transports.asynchronous().post(self._target(key), body, patience.first)
        except Fault as fault:
            raise _error_of_fault(fault) from None
        return self._answer(reply, request, key)

    def open(self, request: Request, patience: Patience) -> HttpSource:
        """Begin a stream, in sync code."""
        body = self._body(request)  # before the key is read: a request that cannot be written takes nobody's turn
        key = self._key(patience.first)
        try:
            stream = self._transports.sync().stream(self._target(key), body, patience.first)
        except Fault as fault:
            raise _error_of_fault(fault) from None
        if _holds_answer(stream.status):
            return HttpSource(stream, self._reader(request), lambda error: self._refused(error, key))
        parts: list[bytes] = []
        try:
            while len(parts) < 64 and (data := stream.read(patience.first)):
                parts.append(data)
        except Fault as fault:
            raise _error_of_fault(fault) from None
        finally:
            stream.close()
        raise self._refused(error_of(stream.status, stream.headers, b"".join(parts)), key)

    async def aopen(self, request: Request, patience: Patience) -> AsyncHttpSource:
        """Begin a stream, in async code."""
        body = self._body(request)
        key = await self._akey(patience.first)
        try:
            stream = await self._transports.asynchronous().stream(self._target(key), body, patience.first)
        except Fault as fault:
            raise _error_of_fault(fault) from None
        if _holds_answer(stream.status):
            return AsyncHttpSource(stream, self._reader(request), lambda error: self._refused(error, key))
        parts: list[bytes] = []
        try:
            while len(parts) < 64 and (data := await stream.read(patience.first)):
                parts.append(data)
        except Fault as fault:
            raise _error_of_fault(fault) from None
        finally:
            await stream.close()
        raise self._refused(error_of(stream.status, stream.headers, b"".join(parts)), key)


class HttpSource:
    """Moves a stream's bytes through the reader, in sync code."""

    __slots__ = ("_done", "_reader", "_refused", "_stream")

    def __init__(self, stream: ByteStream, reader: Reader, refused: Callable[[ProviderError], ProviderError]) -> None:
        self._stream = stream
        self._reader = reader
        self._refused = refused
        self._done = False

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
                raise _error_of_fault(fault, "stream") from None
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

    __slots__ = ("_done", "_reader", "_refused", "_stream")

    def __init__(self, stream: AsyncByteStream, reader: Reader, refused: Callable[[ProviderError], ProviderError]) -> None:
        self._stream = stream
        self._reader = reader
        self._refused = refused
        self._done = False

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
                raise _error_of_fault(fault, "stream") from None
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


def _holds_answer(status: int) -> bool:
    """Whether an answer comes with this status: proxies say 203 and some servers 201; 202 and 204 have none."""
    return status == 200 or (200 < status < 300 and status not in (202, 204))


def _error_of_fault(fault: Fault, phase: str | None = None) -> ProviderError:
    return ProviderError(fault.kind, fault.detail, phase=phase or fault.phase, sent=fault.sent)
