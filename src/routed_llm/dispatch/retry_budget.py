"""How often calls may be repeated, over all calls of a process: repeats never make an outage worse.

A repeat on the same deployment is paid for from a budget that calls fill: a fifth of a repeat each, and three repeats a second
beside that, so that few calls can be repeated, too. The form is that of Finagle's retry budget, the figures are a choice.
"""

from __future__ import annotations

import os

__all__ = ["PROCESS", "RetryBudget"]

#: repeats that each call adds, and that each second adds
SHARE, PER_SECOND = 0.2, 3.0
#: repeats that calls save up at most: those of 50 calls. Seconds save up no more than one second's.
SAVED = 10.0


class RetryBudget:
    """Repeats that may still be made.

    It takes no lock: a race may lose a fraction of a repeat, or let one through, which is of no concern.
    """

    __slots__ = ("_by_calls", "_by_time", "_since")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Nothing was saved up yet."""
        self._by_calls = 0.0
        self._by_time = PER_SECOND
        self._since: float | None = None

    def call(self) -> None:
        """A call began."""
        saved = self._by_calls + SHARE
        self._by_calls = saved if saved < SAVED else SAVED

    def take(self, now: float) -> bool:
        """Pay for one repeat at a monotonic time (seconds); False where that is not possible, and then nothing is paid."""
        since, self._since = self._since, now
        if since is not None and now > since:
            self._by_time = min(PER_SECOND, self._by_time + (now - since) * PER_SECOND)
        if self._by_time >= 1:
            self._by_time -= 1
        elif self._by_calls >= 1:
            self._by_calls -= 1
        else:
            return False
        return True


#: what all routers of this process that go by its clock pay from; a forked process has one of its own
PROCESS = RetryBudget()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=PROCESS.begin)
