"""How many calls may be asked of a second deployment: a share of all, so that hedging never doubles the load of a slow hour."""

from __future__ import annotations

from collections import deque
from itertools import count

__all__ = ["HedgeBudget"]

#: extra calls that are saved up at most: late calls come in bunches, but a pool that became slow is not asked twice for long
SAVED = 10
#: so much of a call may be lost to rounding
_ROUNDING = 1e-9


class HedgeBudget:
    """Extra calls that may still be made: each call adds its ``share`` of one, at the start there is none.

    So of any number of calls since the start at most that share is made twice. Safe for threads and forks without a lock: each
    of its steps is one of the interpreter's.
    """

    __slots__ = ("_calls", "_saved")

    def __init__(self) -> None:
        self._calls = count(1)
        self._saved: deque[None] = deque(maxlen=SAVED)

    def call(self, share: float) -> None:
        """A call began that may be hedged."""
        number = next(self._calls)
        if int(number * share + _ROUNDING) > int((number - 1) * share + _ROUNDING):
            self._saved.append(None)

    def take(self) -> bool:
        """Pay for one extra call; False where there is none left."""
        try:
            self._saved.pop()
        except IndexError:
            return False
        return True

    def give_back(self) -> None:
        """An extra call was paid for that nobody could be asked."""
        self._saved.append(None)
