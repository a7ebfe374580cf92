"""A clock that tests move, instead of waiting."""

from __future__ import annotations

import time

from routed_llm.clock import Clock

__all__ = ["MovableClock"]


class MovableClock(Clock):
    """A clock for ``Router(clock=...)`` that goes on by itself, and further when it is told to.

    Connections go by the computer's clock: what was moved is added to the time limits of later calls. So prove those on a
    clock that was not moved.

    Args:
        wall: the time of day at which it begins, in seconds since 1970 (UTC); None for the computer's.

    Example:
        >>> from routed_llm import Router
        >>> from routed_llm.testing import MovableClock
        >>> clock = MovableClock(wall=1_780_000_000.0)
        >>> router = Router("sandbox", clock=clock)
        >>> clock.move(3_600)  # an hour later
    """

    _moved: list[float]

    def __new__(cls, wall: float | None = None) -> MovableClock:
        """Begin now, or at a time of day."""
        moved, start = [0.0], time.monotonic()

        def now() -> float:
            return time.monotonic() + moved[0]

        def of_day() -> float:
            return time.time() + moved[0] if wall is None else wall + now() - start

        clock = super().__new__(cls, now, of_day)
        clock._moved = moved
        return clock

    def move(self, seconds: float) -> None:
        """So many seconds have passed.

        Raises:
            ValueError: for a number below zero: a monotonic clock never goes back.
        """
        if seconds < 0:
            raise ValueError(f"a clock goes forward, not by {seconds!r} seconds.")
        self._moved[0] += seconds
