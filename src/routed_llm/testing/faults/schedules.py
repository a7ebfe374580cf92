"""Faults over time: which one a request meets by when it arrives and how many came before it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from routed_llm.testing.faults.catalogue import Named, found
from routed_llm.testing.faults.fault import Fault, http_error, slow_answer

__all__ = ["Schedule", "brownout", "every", "flapping", "outage", "rate_limit_storm"]

#: takes seconds since the schedule began and the number of the request, from 1; gives the fault, or None for a right answer.
#: It is called by one thread at a time
Schedule: TypeAlias = Callable[[float, int], Fault | None]


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} is a positive number, not {value!r}")


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is between 0 and 1, not {value!r}")


def flapping(up: float = 1.0, down: float = 1.0, fault: Named = "internal_error_500") -> Schedule:
    """Right for ``up`` seconds, then failing for ``down`` seconds, and so on.

    Raises:
        ValueError: for times that are not positive, or an unknown fault.
    """
    _positive("up", up)
    _positive("down", down)
    failing = found(fault)
    return lambda at, number: None if at % (up + down) < up else failing


def brownout(
    error_share: float = 0.3,
    slow_share: float = 0.4,
    slow: float = 0.5,
    seed: int = 0,
    fault: Named = "internal_error_500",
) -> Schedule:
    """A share of the requests fails, another is answered ``slow`` seconds late; drawn by ``seed``, so each run is the same.

    Raises:
        ValueError: for shares that are none or sum to more than 1, or an unknown fault.
    """
    _share("error_share", error_share)
    _share("slow_share", slow_share)
    _share("the sum of both shares", error_share + slow_share)
    failing, late = found(fault), slow_answer(slow)

    def meets(at: float, number: int) -> Fault | None:
        drawn = random.Random(f"{seed}:{number}").random()
        return failing if drawn < error_share else late if drawn < error_share + slow_share else None

    return meets


def outage(start: float = 0.0, seconds: float = 4.0, fault: Named = "unavailable_503") -> Schedule:
    """Fails from ``start`` on for ``seconds``; right before and after.

    Raises:
        ValueError: for a time that is not positive, or an unknown fault.
    """
    _positive("seconds", seconds)
    failing = found(fault)
    return lambda at, number: failing if start <= at < start + seconds else None


def rate_limit_storm(per_second: int = 5, retry_after: float = 2) -> Schedule:
    """Right for ``per_second`` requests of any one second, 429 with ``retry-after`` for the others. It counts: make one a use.

    Raises:
        ValueError: for numbers that are not positive.
    """
    _positive("per_second", per_second)
    _positive("retry_after", retry_after)
    refused = http_error(429, "rate_limit_exceeded", "Rate limit reached.", {"retry-after": f"{retry_after:g}"})
    served: deque[float] = deque()

    def meets(at: float, number: int) -> Fault | None:
        while served and served[0] <= at - 1:
            served.popleft()
        if len(served) >= per_second:
            return refused
        served.append(at)
        return None

    return meets


def every(n: int, fault: Named) -> Schedule:
    """Every ``n``-th request meets the fault, beginning with the ``n``-th.

    Raises:
        ValueError: for an ``n`` below 1, or an unknown fault.
    """
    _positive("n", n)
    failing = found(fault)
    return lambda at, number: failing if number % n == 0 else None
