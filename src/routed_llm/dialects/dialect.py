"""What a language of the wire is: how a request is written, and what answers and streams say. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from routed_llm.dialects.errors import error_of
from routed_llm.dialects.hub import Conversation
from routed_llm.dialects.room import Room, room_of
from routed_llm.dialects.wire import Wire
from routed_llm.errors import ProviderError
from routed_llm.requests import Request
from routed_llm.results import Answer, Event

__all__ = ["Dialect", "Headers", "StreamReader", "Wire"]

Headers = Mapping[str, str]


class StreamReader(Protocol):
    """Reads one stream: bytes in, events out. It knows when the answer is whole.

    ``done`` tells that nothing is to come, so that the connection can be kept; ``finished`` that the answer is whole, so that a
    connection that breaks now takes nothing from it.
    """

    @property
    def done(self) -> bool:
        """Whether the server said that this was all."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the answer is whole."""
        ...

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete.

        Raises:
            ProviderError: for error objects in the stream, and for what cannot be read.
        """
        ...

    def end(self) -> list[Event]:
        """The last events; the body has ended.

        Raises:
            ProviderError: ``malformed`` where it ended without a finish: it is cut.
        """
        ...


class Dialect(Protocol):
    """One language. Stateless: one object serves every endpoint that speaks it."""

    #: as users and rows name it, such as ``anthropic.messages``
    name: str
    #: header of the key at a server that no row describes
    key_header: str

    def paths(self, wire: Wire) -> tuple[str, str]:
        """What is added to the base URL for a whole answer and for a stream."""
        ...

    def headers(self, wire: Wire) -> Headers:
        """Headers of every request, beside the key."""
        ...

    def body(self, request: Request, wire: Wire) -> dict[str, Any]:
        """The request as plain data; what the model does not take is left out and noted in ``request.losses``."""
        ...

    def conversation(self, body: Mapping[str, Any]) -> Conversation:
        """What a body asks for, in the hub's form: the way back of :meth:`body`.

        Raises:
            InvalidCall: for a body that this dialect does not allow.
        """
        ...

    def answer(self, data: bytes, request: Request, wire: Wire) -> Answer:
        """A whole answer.

        Raises:
            ProviderError: for an error object under status 200, and for what is no answer.
        """
        ...

    def reader(self, request: Request, wire: Wire) -> StreamReader:
        """What reads the stream of an answer."""
        ...

    def error(self, status: int, headers: Headers, data: bytes) -> ProviderError:
        """The error that an answer with another status than 200 tells of."""
        ...

    def room(self, headers: Headers) -> Room | None:
        """What is still taken before the rate limit, as headers tell it."""
        ...


class Common:
    """What most dialects share: where the key goes, the error table and the rate-limit headers."""

    #: header of the key at a server that no row describes; in ``Authorization`` it is a bearer token
    key_header = "Authorization"

    def headers(self, wire: Wire) -> Headers:
        """None."""
        return {}

    def error(self, status: int, headers: Headers, data: bytes) -> ProviderError:
        """By the table of recorded errors; see :mod:`routed_llm.dialects.errors`."""
        return error_of(status, headers, data)

    def room(self, headers: Headers) -> Room | None:
        """By OpenAI's headers; see :mod:`routed_llm.dialects.room`."""
        return room_of(headers)
