"""The :class:`Clock` by which a router decides."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Clock"]


class Clock(NamedTuple):
    """What time it is, for ``Router(clock=...)``; by default the computer's.

    Cool-downs, windows of limits and budgets, rules about the hour and prices that change with it go by this clock. The
    deadlines of connections are those of ``time.monotonic``, so another ``now`` must run at its pace.

    Args:
        now: gives the monotonic time, in seconds.
        wall: gives the time of day, in seconds since 1970 (UTC).

    Example:
        >>> from routed_llm import Clock, Router
        >>> router = Router("sandbox", clock=Clock(wall=lambda: 1_780_000_000.0))
    """

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
