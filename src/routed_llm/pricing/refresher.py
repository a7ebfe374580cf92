"""Fetches newer prices in the background, so that no call waits for them. What fails changes nothing."""

from __future__ import annotations

import os
import random
import threading
import weakref
from collections.abc import Callable
from typing import Protocol

from routed_llm.errors import RefreshFailed
from routed_llm.logs import log

__all__ = ["Refreshed", "Refresher"]

#: many processes that began together do not ask together: each waits so much longer or shorter
JITTER = 0.1
#: seconds after which the first list is asked for at most
_FIRST = 5.0


class Refreshed(Protocol):
    """A router, as far as it is looked at here."""

    def refresh_prices(self) -> object:
        """Fetch, check and take newer prices."""
        ...


class Refresher:
    """Asks for newer prices again and again, from a thread that begins with :meth:`begin`: with the first call of a process.

    It ends with its router. A forked process has none until it makes a call of its own.

    Args:
        router: whose prices they are.
        every: seconds between two tries.
        now: the monotonic clock, in seconds.
    """

    def __init__(self, router: Refreshed, every: float, now: Callable[[], float]) -> None:
        self._router = weakref.ref(router)
        self.every, self._now = every, now
        self._rng = random.Random()  # spreads load, guards nothing
        self._due = now() + self._rng.random() * min(_FIRST, every)
        self._failing = False
        self._renew()
        _all.add(self)

    def _renew(self) -> None:
        self._stop = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether its thread was begun and not ended."""
        return self._thread is not None

    def begin(self) -> None:
        """Start the thread, where it does not run."""
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._stop = stop = threading.Event()
                    given = (weakref.ref(self), stop, min(1.0, self.every))
                    self._thread = threading.Thread(target=_run, args=given, name="routed-llm-prices", daemon=True)
                    self._thread.start()

    def end(self) -> None:
        """Stop the thread; a try under way is not waited for."""
        with self._starting:
            self._stop.set()
            self._thread = None

    def look(self) -> bool:
        """Try where it is time to; whether it was. Never raises for what cannot be had."""
        now = self._now()
        router = self._router()
        if router is None or now < self._due:
            return False
        self._due = now + self.every * (1 + JITTER * (2 * self._rng.random() - 1))
        try:
            router.refresh_prices()
        except RefreshFailed as error:
            if not self._failing:
                log.warning("%s The prices that are known still count; this is tried again and not told again.", error)
            self._failing = True
        else:
            if self._failing:
                log.info("New prices can be had again.")
            self._failing = False
        return True


def _run(found: weakref.ref[Refresher], stop: threading.Event, pause: float) -> None:
    while not stop.wait(pause):
        refresher = found()
        if refresher is None or refresher._router() is None:
            return
        refresher.look()
        del refresher  # while it waits, the thread keeps nobody alive


_all: weakref.WeakSet[Refresher] = weakref.WeakSet()


def _after_fork() -> None:
    for refresher in list(_all):
        refresher._renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
