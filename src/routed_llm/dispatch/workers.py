"""Threads in which sync code does several things at once. They are kept for a while, because the next call wants one again.

They are daemons: a call that cannot be ended, such as one in a framework's object, does not hold up the end of the program.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

__all__ = ["run"]

#: seconds for which a thread waits for the next job
IDLE_SECONDS = 5.0

Job = Callable[[], None]


class _Workers:
    """Threads that wait for a job, the last used on top."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[SimpleQueue[Job]] = []

    def run(self, job: Job) -> None:
        """Do a job, which raises nothing, in another thread; in this one where no thread can be made."""
        with self._lock:
            box = self._idle.pop() if self._idle else None
        if box is None:
            box = SimpleQueue()
            try:
                threading.Thread(target=self._serve, args=(box,), name="routed-llm-lane", daemon=True).start()
            except RuntimeError:  # the system's limit, or the program ends
                job()
                return
        box.put(job)

    def _serve(self, box: SimpleQueue[Job]) -> None:
        while (job := self._next(box)) is not None:
            job()
            del job  # it holds a prompt
            with self._lock:
                self._idle.append(box)

    def _next(self, box: SimpleQueue[Job]) -> Job | None:
        try:
            return box.get(timeout=IDLE_SECONDS)
        except Empty:
            with self._lock:
                if box in self._idle:
                    self._idle.remove(box)
                    return None
            return box.get()  # somebody took it just now


_workers = _Workers()


def run(job: Job) -> None:
    """Do a job, which raises nothing, in another thread; in this one where no thread can be made."""
    _workers.run(job)


def _after_fork() -> None:
    """In the child there are none of the parent's threads, and the lock may be held for ever."""
    global _workers
    _workers = _Workers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
