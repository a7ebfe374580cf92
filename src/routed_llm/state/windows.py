"""A sliding window over the last minute: how much was used in it, and when there is room again."""

from __future__ import annotations

__all__ = ["MINUTE", "STEP", "Window"]

#: seconds that a limit "per minute" is about, in any of which no more may be used
MINUTE = 60.0
#: seconds of one step of the window. What was used in a step counts until the whole step is a minute old, so the limit is never
#: passed, and at least MINUTE / (MINUTE + STEP) = 99.2 % of it can be used.
STEP = 0.5
_STEPS = int(MINUTE / STEP)


class Window:
    """Amounts by step. A token bucket would let through a whole bucket beside what flows in: twice the limit in a minute."""

    __slots__ = ("_steps", "used")

    def __init__(self) -> None:
        #: step -> amount, the oldest first; at most one more than a minute has
        self._steps: dict[int, int] = {}
        self.used = 0

    def add(self, amount: int, now: float) -> int:
        """Use an amount at a monotonic time (seconds); gives the step, for :meth:`correct`."""
        step = int(now // STEP)
        self._steps[step] = self._steps.get(step, 0) + amount
        self.used += amount
        return step

    def correct(self, step: int, change: int) -> None:
        """An amount turned out to be another; what is out of the window is of no concern any more."""
        amount = self._steps.get(step)
        if amount is not None:
            change = max(change, -amount)
            self._steps[step] = amount + change
            self.used += change

    def room_at(self, amount: int, limit: int, now: float) -> float:
        """The monotonic time from which an amount fits below a limit: ``now`` where it fits at once, infinity where never."""
        steps, current = self._steps, int(now // STEP)
        while steps and (oldest := next(iter(steps))) < current - _STEPS:
            self.used -= steps.pop(oldest)
        if self.used + amount <= limit:
            return now
        if amount > limit:
            return float("inf")
        excess = self.used + amount - limit
        for step, used in steps.items():
            excess -= used
            if excess <= 0:
                return (step + _STEPS + 1) * STEP
        return now
