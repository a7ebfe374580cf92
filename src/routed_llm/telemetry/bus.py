"""The event bus: hands every finished call to subscribers, in a thread of its own, and never makes a call wait.

What it must drop is counted. Money is summed elsewhere (:mod:`routed_llm.telemetry.spend`) and never dropped.
"""

from __future__ import annotations

import atexit
import inspect
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextvars import Context
from queue import SimpleQueue
from typing import Any, Literal

from routed_llm.errors import ConfigurationError
from routed_llm.events import CallRecord, Notice
from routed_llm.logs import log

__all__ = ["Bus", "Subscription", "Topic"]


Listener = Callable[[Any], object]
#: what a listener hears: records of calls, or notices of what happens beside them
Topic = Literal["calls", "notices"]

#: seconds that the end of the program waits for records still on their way
AT_EXIT = 2.0

# Re-entrant, because the garbage collector may close a forgotten stream, which publishes its call, at any point.
_counting = threading.RLock()


class Subscription:
    """One listener with its bounded queue; made by :meth:`Bus.subscribe`.

    ``dropped`` counts records that found the queue full or were discarded at the end, ``errors`` those at which the
    listener raised; ``seconds`` is the time that it took for all of them, ``slowest`` for one. A context manager that closes
    itself.
    """

    __slots__ = ("_bus", "_queue", "closed", "dropped", "errors", "listener", "maxsize", "seconds", "slowest", "topic")

    def __init__(self, bus: Bus, listener: Listener, maxsize: int, topic: Topic) -> None:
        self._bus = bus
        self._queue: deque[CallRecord | Notice] = deque()
        self.topic: Topic = topic
        self.listener = listener
        self.maxsize = maxsize
        self.closed = False
        self.dropped = 0
        self.errors = 0
        self.seconds = self.slowest = 0.0

    def close(self, timeout: float = 5.0) -> None:
        """Take no more records, wait at most ``timeout`` seconds for those already taken, and discard the rest."""
        self._bus._leave(self, timeout)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{len(self._queue)} waiting"
        return f"<Subscription of {_name(self.listener)}: {state}, {self.dropped} dropped, {self.errors} errors>"

    def _drop(self, count: int) -> None:
        with _counting:
            first, self.dropped = not self.dropped, self.dropped + count
        if first:
            log.warning("Records for %s are dropped: it is slower than the calls. See .dropped.", _name(self.listener))

    def _discard(self) -> None:
        count = len(self._queue)
        self._queue.clear()
        if count:
            self._drop(count)

    def _deliver(self) -> None:
        try:
            record = self._queue.popleft()
        except IndexError:  # discarded meanwhile
            return
        began = time.monotonic()
        try:
            self.listener(record.copy())  # what a listener does to a record is seen by nobody else
        except BaseException:  # noqa: BLE001  # nothing that a listener does may end the thread of all listeners
            self.errors += 1
            if self.errors == 1:
                log.warning("%s failed at a record; further errors are only counted.", _name(self.listener), exc_info=True)
        took = time.monotonic() - began
        self.seconds, self.slowest = self.seconds + took, max(self.slowest, took)


class Bus:
    """Takes records from callers and hands them to listeners; safe for threads, renewed after a fork.

    ``listening`` tells whether there is anybody to publish to: one attribute, so that nobody pays for what nobody reads.
    The thread begins with the first subscription and ends with the last.
    """

    def __init__(self) -> None:
        self.listening = False
        self._subscriptions: tuple[Subscription, ...] = ()
        self._lock = threading.RLock()
        self._jobs: SimpleQueue[Any] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stop: weakref.finalize[Any, Bus] | None = None
        self._counted = [0, 0]

    @property
    def dropped(self) -> int:
        """Records that could not be handed over, over all subscriptions there ever were."""
        return self._counted[0] + sum(subscription.dropped for subscription in self._subscriptions)

    @property
    def errors(self) -> int:
        """Records at which a listener raised, over all subscriptions there ever were."""
        return self._counted[1] + sum(subscription.errors for subscription in self._subscriptions)

    def subscribe(self, listener: Listener, *, maxsize: int = 10_000, to: Topic = "calls") -> Subscription:
        """Hand every record from now on to ``listener``, in the bus's thread.

        Args:
            listener: called with a copy of each :class:`~routed_llm.events.CallRecord`, or
                :class:`~routed_llm.events.Notice`; what it raises is counted and logged
                once, and its time is counted too.
            maxsize: most records that may wait for it; further ones are dropped and counted.
            to: ``calls``, or ``notices`` of what happens beside them.

        Raises:
            ConfigurationError: for a listener that cannot be called in a thread, a size below 1, or another topic.
        """
        if not callable(listener) or inspect.iscoroutinefunction(listener):
            raise ConfigurationError(f"must be a plain function, not {listener!r}.", path="listener")
        if maxsize < 1:
            raise ConfigurationError(f"must be at least 1, not {maxsize!r}.", path="maxsize")
        if to not in ("calls", "notices"):
            raise ConfigurationError(f"must be 'calls' or 'notices', not {to!r}.", path="to")
        subscription = Subscription(self, listener, maxsize, to)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
            self._start()
            self.listening = self._heard()
        return subscription

    def _heard(self) -> bool:
        """Whether anybody listens to calls."""
        return any(subscription.topic == "calls" for subscription in self._subscriptions)

    def publish(self, record: CallRecord | Notice) -> None:
        """Hand a record to every listener of its topic; never waits and never raises."""
        topic = "notices" if isinstance(record, Notice) else "calls"
        for subscription in self._subscriptions:
            if subscription.topic != topic:
                continue
            if len(subscription._queue) >= subscription.maxsize:
                subscription._drop(1)
            else:
                subscription._queue.append(record)
                self._jobs.put(subscription)
        if self._thread is None and self._subscriptions:
            self._start()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything published so far was handed over; False when ``timeout`` seconds were not enough."""
        thread = self._thread
        if thread is None:
            return True
        if thread is threading.current_thread():
            return False
        done = threading.Event()
        self._jobs.put(done)
        return done.wait(timeout)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=_work, args=(self._jobs,), name="routed-llm-bus", daemon=True)
                # the thread holds only the queue, so a bus that nobody holds any more ends it
                self._stop = weakref.finalize(self, self._jobs.put, None)
                self._stop.atexit = False
                _all.add(self)
                # an empty context: what listeners call is no part of what the first subscriber is doing
                Context().run(self._thread.start)

    def _leave(self, subscription: Subscription, timeout: float) -> None:
        with self._lock:
            if subscription.closed:
                return
            subscription.closed = True
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)
            self.listening = self._heard()
        if subscription._queue:
            self.flush(timeout)
        subscription._discard()
        with self._lock:
            self._counted[0] += subscription.dropped
            self._counted[1] += subscription.errors
            if not self._subscriptions and self._stop is not None:
                self._stop()
                self._jobs, self._thread, self._stop = SimpleQueue(), None, None

    def _renew(self) -> None:
        """After a fork: the thread, and what waits for it, belong to the parent."""
        self._lock, self._jobs, self._thread = threading.RLock(), SimpleQueue(), None
        if self._stop is not None:
            self._stop.detach()
            self._stop = None
        for subscription in self._subscriptions:
            subscription._queue = deque()


def _work(jobs: SimpleQueue[Any]) -> None:
    while _step(jobs.get()):
        pass


def _step(job: Any) -> bool:
    """One job of the thread: a subscription to serve, an event to set, or None to end."""
    if isinstance(job, Subscription):
        job._deliver()
    elif job is not None:
        job.set()
    return job is not None


def _name(listener: Listener) -> str:
    return getattr(listener, "__qualname__", None) or type(listener).__qualname__


_all: weakref.WeakSet[Bus] = weakref.WeakSet()


def _after_fork() -> None:
    global _counting
    _counting = threading.RLock()
    for bus in list(_all):
        bus._renew()


def _at_exit() -> None:
    until = time.monotonic() + AT_EXIT
    for bus in list(_all):
        if bus.listening:
            bus.flush(max(0.0, until - time.monotonic()))


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
