"""The queue before deployments that are at their limit: fair, with priorities, for all threads and event loops of a process.

- Who comes stands in line by the time when its call began, a lower priority as if it had begun :data:`AGEING` seconds later. So
  within a priority the first comes first, and nobody starves.
- Nobody overtakes: room goes to the first in line who may use it, and what the first waits for is not given to those behind.
- Who ends an attempt hands its place over; when the window of a rate limit opens, the first in line hands out what is there: it
  sleeps until then. Everybody else sleeps until it is woken.
- Ending an attempt and leaving the line take no lock: the garbage collector may close a forgotten stream, or a task that nobody
  will ever finish, at any point of this very code. They are put down, and done by whoever holds the lock.
"""

from __future__ import annotations

import os
import threading
import weakref
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.driver import Waiter
from routed_llm.state.limiter import Full, LimitStore, Place

__all__ = ["AGEING", "LONGEST", "Queue", "InLine", "Wanted", "rank"]

#: seconds of seniority that one step of priority is worth; a choice: within the minute of a rate limit everybody has its turn
AGEING = 15.0
#: how many may stand in line; a choice: some 10 MB. Beyond it a call fails at once.
LONGEST = 10_000
#: seconds after which anybody in line looks for itself, should the first in line be held up (a blocked event loop)
LOOK = 5.0

_RANKS = {"critical": 0, "high": 1, None: 2, "normal": 2, "low": 3}
_NEVER = float("-inf")


def rank(priority: str | None, begun: float) -> float:
    """The place in line of a call that began at a monotonic time: the lowest is the first."""
    return begun + _RANKS[priority] * AGEING


class Wanted(NamedTuple):
    """A deployment that may serve a call, and the tokens that the call is expected to use there."""

    deployment: Deployment
    tokens: int


class InLine:
    """One caller in line.

    ``until``: it goes at this monotonic time. ``latest``: it waits for windows that open until then; minus infinity for a
    caller who waits for a free place only. Once it is out of the line, it has either a ``place`` at a deployment, or was
    ``turned_away``, or neither when its time was up.
    """

    __slots__ = ("asleep", "in_line", "latest", "number", "place", "rank", "turned_away", "until", "waiter", "wanted")

    def __init__(self, wanted: Sequence[Wanted], rank: float, until: float, waiter: Waiter, *, latest: float) -> None:
        self.wanted = wanted
        self.rank = rank
        self.until = until
        self.waiter = waiter
        self.latest = latest
        self.number = 0
        self.in_line = False
        #: until when it sleeps, unless it is woken
        self.asleep = _NEVER
        self.place: Place | None = None
        self.turned_away = False

    def __lt__(self, other: InLine) -> bool:
        return (self.rank, self.number) < (other.rank, other.number)


class Queue:
    """Gives places at deployments out of a store of limits, in the order of the line."""

    def __init__(self, limits: Callable[[], LimitStore]) -> None:
        self._limits = limits
        self._count = 0
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._line: list[InLine] = []
        #: how many in line want a deployment, by its id
        self._wanting: dict[str, int] = {}
        #: what stands in the way of those in line, by deployment, and when the earliest window opens of those
        self._full: dict[str, Full] = {}
        self._opens = float("inf")
        self._put_down: deque[InLine | tuple[Place, int, int | None]] = deque()

    def __len__(self) -> int:
        return len(self._line)

    def enter(self, wanted: Wanted, rank: float, now: float, *, heeding: bool = True) -> Place | Full:
        """A place for a call that does not stand in line, unless there is no room but for those who do.

        Args:
            wanted: where.
            rank: its place in line, if it stood there.
            now: the monotonic time.
            heeding: whether the provider's word that nothing is left counts.
        """
        with self._lock:
            limits = self._limits()
            before = None
            if self._line:
                self._serve(now)
                before = self._before(wanted.deployment.id, rank)
            found = limits.take(*wanted, now, heeding=heeding)
            if before is not None and isinstance(found, Place):
                limits.settle(found, 0, 0)  # the room is kept for somebody in line who needs more
                found = Full("line", min(self._opens, before.until))
        self._tidy(now)
        return found

    def join(self, caller: InLine, now: float) -> bool:
        """Stand in line; False when that is too long. Who stands there must :meth:`look`, or :meth:`leave` when stopped."""
        with self._lock:
            if len(self._line) >= LONGEST:
                return False
            self._count += 1
            caller.number, caller.in_line = self._count, True
            insort(self._line, caller)
            for wanted in caller.wanted:
                self._wanting[wanted.deployment.id] = self._wanting.get(wanted.deployment.id, 0) + 1
        self._tidy(now)
        return True

    def look(self, caller: InLine, now: float) -> float | None:
        """Until when to sleep; None for who is out of the line: served, turned away, or at the end of its time."""
        with self._lock:
            if caller.in_line:
                self._serve(now)
            if caller.in_line:
                caller.turned_away = self._turns_away(caller, self._full)
                if caller.turned_away or now >= caller.until:
                    self._remove(caller)
                    self._serve(now)
            asleep = None
            if caller.in_line:
                first = caller is self._line[0]
                asleep = caller.asleep = min(caller.until, now + LOOK, self._opens if first else now + LOOK)
        self._tidy(now)
        return asleep

    def leave(self, caller: InLine, now: float) -> None:
        """Go, whatever was given meanwhile: that goes to the next."""
        self._put_down.append(caller)
        self._tidy(now)

    def end(self, place: Place, requests: int, tokens: int | None, now: float) -> None:
        """An attempt has ended: its place goes to the next. See :meth:`routed_llm.state.limiter.LimitStore.settle`."""
        self._put_down.append((place, requests, tokens))
        self._tidy(now)

    def told_empty(self, deployment_id: str, until: float, now: float) -> None:
        """The provider told that it takes nothing more before a monotonic time; one that is past takes the word back."""
        with self._lock:
            self._limits().told_empty(deployment_id, until)
            if until <= now:
                self._serve(now)
        self._tidy(now)

    def told_left(self, deployment_id: str, room: tuple[float, float], until: float, now: float, place: Place | None) -> None:
        """The provider told how many requests and tokens it still takes; see :class:`~routed_llm.state.limiter.LimitStore`."""
        requests, tokens = room
        with self._lock:
            self._limits().told_left(deployment_id, requests, until, place, tokens=tokens)
            self._serve(now)
        self._tidy(now)

    def renew(self, deployment_ids: Iterable[str], now: float) -> None:
        """Other deployments have these ids now; see :meth:`routed_llm.state.limiter.LimitStore.renew`."""
        with self._lock:
            for deployment_id in deployment_ids:
                self._limits().renew(deployment_id)
            self._serve(now)
        self._tidy(now)

    # under the lock --------------------------------------------------------------------------------------------------

    def _tidy(self, now: float) -> None:
        """Do what was put down, unless somebody holds the lock: that one looks here after letting go of it."""
        while self._put_down and self._lock.acquire(blocking=False):
            try:
                while self._put_down:
                    self._do(self._put_down.popleft())
                self._serve(now)
            finally:
                self._lock.release()

    def _do(self, put_down: InLine | tuple[Place, int, int | None]) -> None:
        if isinstance(put_down, tuple):
            self._limits().settle(*put_down)
        elif put_down.in_line:
            self._remove(put_down)
        elif put_down.place is not None:
            place, put_down.place = put_down.place, None
            self._limits().settle(place, 0, 0)

    def _remove(self, caller: InLine) -> None:
        caller.in_line = False
        del self._line[bisect_left(self._line, caller)]
        for wanted in caller.wanted:
            left = self._wanting[wanted.deployment.id] = self._wanting[wanted.deployment.id] - 1
            if not left:
                del self._wanting[wanted.deployment.id]

    def _before(self, deployment_id: str, rank: float) -> InLine | None:
        """Who in line comes before a call at a deployment."""
        if deployment_id in self._wanting:
            for caller in self._line:
                if caller.rank > rank:
                    break
                if any(wanted.deployment.id == deployment_id for wanted in caller.wanted):
                    return caller
        return None

    def _serve(self, now: float) -> None:
        """Give what there is to the first in line who may use it, and turn away who may not wait for what it would have to."""
        full: dict[str, Full] = {}
        line, at = self._line, 0
        while at < len(line) and not self._wanting.keys() <= full.keys():
            caller = line[at]
            caller.place = self._given(caller, full, now)
            if caller.place is None and not self._turns_away(caller, full):
                at += 1
                continue
            caller.turned_away = caller.place is None
            self._remove(caller)
            if not caller.waiter.wake() and caller.place is not None:
                self._limits().settle(caller.place, 0, 0)
                caller.place = None
        self._full = full
        self._opens = min((each.until for each in full.values() if each.until is not None), default=float("inf"))
        if line and self._opens < line[0].asleep:
            line[0].asleep = _NEVER
            line[0].waiter.wake()

    def _given(self, caller: InLine, full: dict[str, Full], now: float) -> Place | None:
        """A place at the first deployment that has room for a caller; what has none is noted."""
        for wanted in caller.wanted:
            if wanted.deployment.id not in full:
                found = self._limits().take(*wanted, now)
                if isinstance(found, Place):
                    return found
                if found.why != "never":  # that one alone is too large
                    full[wanted.deployment.id] = found
        return None

    @staticmethod
    def _turns_away(caller: InLine, full: dict[str, Full]) -> bool:
        """Whether a caller would have to wait for what it may not wait for: windows that open too late."""
        latest = caller.latest
        for wanted in caller.wanted:
            found = full.get(wanted.deployment.id)
            if found is None or found.until is None or found.until <= latest:
                return False
        return True

    def after_fork(self) -> None:
        """In the child nobody stands in line, and another thread of the parent may have held the lock."""
        for caller in self._line:
            caller.in_line = False
        self._begin()


_all: weakref.WeakSet[Queue] = weakref.WeakSet()


def _after_fork() -> None:
    for queue in list(_all):
        queue.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
