"""What arrived at a faulty provider, connection by connection and request by request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Arrival", "Connection", "Journal"]


@dataclass(slots=True)
class Connection:
    """One accepted connection; times are seconds since the provider started.

    ``secure``: it began with TLS. ``closed`` is None while it is open; ``closed_by`` tells who ended it.
    """

    number: int
    opened: float
    secure: bool = False
    requests: int = 0
    closed: float | None = None
    closed_by: Literal["client", "server"] | None = None


@dataclass(slots=True)
class Arrival:
    """One request as it arrived; headers and raw bytes may hold keys and are never shown by ``repr``.

    ``at``: seconds since the provider started. ``body``: its JSON, or None. ``whole``: whether all announced bytes came.
    ``fault``: name of the fault that it met, None for a healthy answer; ``wait``: the ``retry-after`` that it was told.
    ``foreign``: it arrived at the foreign origin of a redirect. ``complete``: a whole, right answer was sent. ``left``: the
    client went before the script was at its end; ``left_after``: so many seconds after the request's arrival. ``done``: the
    script ended.
    """

    number: int
    connection: int
    at: float
    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    raw: bytes = field(repr=False)
    body: Any = field(repr=False)
    whole: bool = True
    reused: bool = False
    fault: str | None = None
    wait: float | None = None
    foreign: bool = False
    complete: bool = False
    left: bool = False
    left_after: float | None = None
    done: bool = False

    @property
    def model(self) -> str | None:
        """The model that was asked for."""
        return self.body.get("model") if isinstance(self.body, dict) else None


class Journal:
    """All that happened, oldest first. May be read while the provider serves; ``wait_until`` waits for what must come.

    Iterating, ``len`` and indexing go over :attr:`requests`.
    """

    def __init__(self) -> None:
        self._connections: list[Connection] = []
        self._arrivals: list[Arrival] = []
        self._changed = threading.Condition()

    @property
    def connections(self) -> list[Connection]:
        """All accepted connections."""
        with self._changed:
            return list(self._connections)

    @property
    def requests(self) -> list[Arrival]:
        """The requests for chat or embeddings, without those for lists of models and those at the foreign origin."""
        with self._changed:
            return [told for told in self._arrivals if not told.foreign and not told.path.endswith("/models")]

    @property
    def all_requests(self) -> list[Arrival]:
        """Whatever arrived, at either origin."""
        with self._changed:
            return list(self._arrivals)

    @property
    def foreign(self) -> list[Arrival]:
        """What arrived at the foreign origin of a redirect: keys and prompts that were given away."""
        return [told for told in self.all_requests if told.foreign]

    @property
    def complete_answers(self) -> int:
        """How many whole, right answers were sent."""
        return sum(told.complete for told in self.requests)

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return sum(told.closed is None for told in self.connections)

    def early_calls(self, grace: float = 0.05) -> list[Arrival]:
        """The requests inside a wait that an earlier answer told.

        Args:
            grace: seconds after such an answer in which requests count as under way already.
        """
        early, asked = [], self.requests
        for told in asked:
            waits = [(before.at + grace, before.at + before.wait) for before in asked if before.wait is not None]
            if any(begin < told.at < end for begin, end in waits):
                early.append(told)
        return early

    def wait_until(self, true: str, at_least: int = 1, seconds: float = 2.0) -> bool:
        """Wait until a count is reached; False if it is not in time.

        Args:
            true: ``requests``, ``connections``, ``done`` (requests whose script ended), ``left`` (requests whose client went
                early), ``complete_answers``, or ``closed`` (connections).
            at_least: the count.
            seconds: the longest wait.

        Raises:
            ValueError: for another word.
        """
        if true not in _COUNTS:
            raise ValueError(f"unknown count {true!r}; there are {', '.join(_COUNTS)}")
        with self._changed:
            return self._changed.wait_for(lambda: self._count(true) >= at_least, seconds)

    def _count(self, true: str) -> int:
        if true == "connections":
            return len(self._connections)
        if true == "closed":
            return sum(told.closed is not None for told in self._connections)
        own = [told for told in self._arrivals if not told.foreign and not told.path.endswith("/models")]
        if true == "requests":
            return len(own)
        return sum(told.complete if true == "complete_answers" else told.left if true == "left" else told.done for told in own)

    def clear(self) -> None:
        """Forget all requests, and all connections that are closed."""
        with self._changed:
            self._arrivals.clear()
            self._connections[:] = [told for told in self._connections if told.closed is None]

    def note_connection(self, connection: Connection) -> None:
        """A connection was accepted."""
        with self._changed:
            self._connections.append(connection)
            self._changed.notify_all()

    def note(self, arrival: Arrival) -> None:
        """A request arrived."""
        with self._changed:
            self._arrivals.append(arrival)
            self._changed.notify_all()

    def changed(self) -> None:
        """Something noted before is different now."""
        with self._changed:
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Arrival]:
        return iter(self.requests)

    def __len__(self) -> int:
        return len(self.requests)

    def __getitem__(self, index: int) -> Arrival:
        return self.requests[index]


_COUNTS = ("requests", "connections", "done", "left", "complete_answers", "closed")
