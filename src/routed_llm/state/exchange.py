"""What processes tell each other, and how a thread in the background does it, so that no call waits for the store.

The thread has a beat. At each beat every part (:class:`~routed_llm.state.store.Part`) tells what is new and hears what others
told. Between beats it does what it is handed: what must be known at once, such as that a deployment is left alone. Only where
one process alone may do something (try a deployment again, draw the last of a limit, go on with a conversation of another) a
call asks and waits, :data:`PATIENCE` at most, in async code too: a millisecond or less where the store is well, which is what a
hand-off to the event loop would cost. Who gets no answer in time goes on by what this process knows; after each such answer
nobody asks for a while, so that a call is not held up twice.

In a forked process the thread and its connection are made anew, and what the parent told stays the parent's.
"""

from __future__ import annotations

import atexit
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from routed_llm.logs import log
from routed_llm.state.store import Lost, Part, Refused, Store

__all__ = ["PATIENCE", "Exchange"]


#: seconds that a call waits for the store at most; a thread that has waited may need another millisecond to go on
PATIENCE = 0.004
#: seconds for which nobody asks after an answer that came too late, doubling with each to the second
_PAUSE, _LONGEST_PAUSE = 0.02, 5.0
#: jobs that wait at most; more are dropped and counted
_MOST_JOBS = 10_000
#: seconds that the end waits for the last words of this process
_LAST_WORDS = 0.5


class _Job(NamedTuple):
    """What the thread is to do. Where somebody waits, ``done`` is released at its end; ``did`` tells whether it was done."""

    run: Callable[[Store], None]
    done: Any = None
    did: Any = None


class Exchange:
    """The thread of one router in one process, and what its callers hand it.

    Args:
        open_store: makes the store, without connecting; called in the thread.
        every: seconds between beats.
    """

    def __init__(self, open_store: Callable[[], Store], every: float) -> None:
        self._open_store = open_store
        self.every = every
        self.parts: Sequence[Part] = ()
        #: what was ignored, because somebody else wrote it
        self.foreign = 0
        #: errors that the store answered with, and times that it was lost
        self.refused = self.losses = 0
        #: answers for which a call did not wait any longer, and jobs that were dropped
        self.late = self.dropped = 0
        self._renew()

    def _renew(self) -> None:
        #: names this router of this process among all
        self.process = os.urandom(16).hex()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._store: Store | None = None
        self._heard: float | None = None
        #: what the store's time is ahead of the monotonic one, in seconds; None before it was heard
        self.ahead: float | None = None
        self._pause, self._silent_until = _PAUSE, 0.0
        self.connected = self._told_lost = False

    # callers ---------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the thread where it does not run."""
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    _running.add(self)
                    given = (weakref.ref(self), self._jobs)
                    self._thread = threading.Thread(target=_run, args=given, name="routed-llm-shared", daemon=True)
                    self._thread.start()

    def soon(self, job: Callable[[Store], None]) -> None:
        """Hand the thread a job, and do not wait. It is dropped without a connection. Safe at any point of any code."""
        self._hand(_Job(job))

    def _hand(self, job: _Job) -> bool:
        if self._thread is not None and self._jobs.qsize() < _MOST_JOBS:
            self._jobs.put(job)
            return True
        self.dropped += 1
        return False

    @property
    def answering(self) -> bool:
        """Whether an answer may be expected in time."""
        return self.connected and time.monotonic() >= self._silent_until

    def ask(self, job: Callable[[Store], None]) -> bool:
        """Hand the thread a job and wait for its end, :data:`PATIENCE` at most; False where it was not done until then.

        A job whose caller waits no longer is done all the same.
        """
        if not self.answering or threading.current_thread() is self._thread:
            return False
        done, did = threading.Lock(), [False]
        done.acquire()  # released by the thread
        if not self._hand(_Job(job, done, did)):
            return False
        if done.acquire(timeout=PATIENCE):
            self._pause = _PAUSE
            return did[0]
        self.late += 1
        self._silent_until = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return False

    def end(self) -> None:
        """Tell that this process is gone, give back what it drew, and stop the thread. A later call starts anew."""
        with self._starting:
            thread, self._thread = self._thread, None
            if thread is not None and thread is not threading.current_thread():
                self._jobs.put(None)
                thread.join(_LAST_WORDS)
            self._jobs = queue.SimpleQueue()
            self.connected = False
        _running.discard(self)

    def view(self) -> dict[str, Any]:
        """How the exchange stands, as plain data: see docs/shared-state.md."""
        return {
            "where": self._store.where if self._store is not None else None,
            "connected": self.connected,
            "behind": None if self._heard is None else time.monotonic() - self._heard,
            **{name: getattr(self, name) for name in ("losses", "refused", "foreign", "late", "dropped")},
        }

    def after_fork(self) -> None:
        """In the child: a process of its own, with a thread and a connection of its own."""
        running = self._thread is not None
        self._renew()
        for part in self.parts:
            part.after_fork()
        if running:
            self.begin()

    # the thread ------------------------------------------------------------------------------------------------------

    def _at_hand(self) -> Store:
        if self._store is None:
            self._store = self._open_store()
        return self._store

    def _do(self, job: _Job) -> None:
        """One job."""
        did = self.connected and self._attempt(job.run)
        if job.done is not None:
            job.did[0] = did
            job.done.release()

    def _beat(self, number: int) -> None:
        """Every part whose turn it is, until the store is lost."""
        losses = self.losses
        for part in self.parts:
            if number % part.pace == 0 and not self._attempt(part.beat) and self.losses > losses:
                return
        self._heard = time.monotonic()
        self.connected = True
        if self._told_lost:
            self._told_lost = False
            log.info("The shared state at %s answers again.", self._at_hand().where)

    def _attempt(self, job: Callable[[Store], None]) -> bool:
        """Do it; False where it could not be done."""
        store = self._at_hand()
        try:
            job(store)
        except Refused as error:
            self.refused += 1
            log.debug("The shared state at %s refused: %s.", store.where, error)
            return False
        except Lost as error:
            self._lose(store, error)
            return False
        return True

    def _lose(self, store: Store, error: Lost) -> None:
        self.connected = False
        self.losses += 1
        store.close()
        for part in self.parts:
            part.lost()
        if not self._told_lost:
            self._told_lost = True
            log.warning(
                "The shared state at %s is lost (%s): this process goes on by what it knows itself.", store.where, error
            )

    def _last_words(self) -> None:
        for part in self.parts:
            if self.connected:
                self._attempt(part.end)
        if self._store is not None:
            self._store.close()


def _run(found: weakref.ref[Exchange], jobs: queue.SimpleQueue[_Job | None]) -> None:
    """The thread: a beat when it is time, jobs between. It ends with its exchange."""
    number, due = 0, time.monotonic()
    while True:
        exchange = found()
        if exchange is None or exchange._jobs is not jobs:
            return
        if time.monotonic() >= due:
            exchange._beat(number)
            number, due = number + 1, time.monotonic() + exchange.every / 4
        del exchange  # while it waits, the thread keeps nobody alive
        try:
            job = jobs.get(timeout=max(0.0, due - time.monotonic()))
        except queue.Empty:
            continue
        exchange = found()
        if exchange is None:
            return
        if job is None:
            exchange._last_words()
            return
        exchange._do(job)
        del job


_running: weakref.WeakSet[Exchange] = weakref.WeakSet()


def _at_exit() -> None:
    for exchange in list(_running):
        exchange.end()


def _after_fork() -> None:
    for exchange in list(_running):
        exchange.after_fork()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
