"""The call budget: time and attempts that one call may use over everything below it."""

from __future__ import annotations

from typing import NamedTuple

from routed_llm.driver import Patience
from routed_llm.errors import ConfigurationError, ProviderError
from routed_llm.events import Attempt

__all__ = ["CallBudget", "Limits"]

#: seconds before which a missing answer says nothing of the deployment, only of the caller's hurry
TELLING = 1.0


class Limits(NamedTuple):
    """Limits of one call, in seconds and counts.

    ``first``: to the first content over all attempts; ``total``: a whole stream; ``attempts``: calls to providers;
    ``gap``: between two pieces of a stream; ``attempt``: one attempt (None: what is left of ``first``); ``same``:
    repeats on one deployment when no other is left.
    """

    first: float = 120.0
    total: float = 600.0
    attempts: int = 5
    gap: float = 60.0
    attempt: float | None = None
    same: int = 2

    @classmethod
    def of(cls, limits: object) -> Limits:
        """Checked limits; None are the defaults.

        Raises:
            ConfigurationError: for what are no limits, or a value that cannot be meant, with its name.
        """
        if limits is None:
            return cls()
        if not isinstance(limits, Limits):
            raise ConfigurationError(f"must be Limits({', '.join(cls._fields)}), not {limits!r}.", path="limits")
        for name, least in (("attempts", 1), ("same", 0)):
            count = getattr(limits, name)
            if type(count) is not int or count < least:
                told = f"must be a whole number of at least {least}, not {count!r}."
                raise ConfigurationError(told, path=f"limits.{name}")
        for name in ("first", "total", "gap", "attempt"):
            seconds = getattr(limits, name)
            if seconds is None and name == "attempt":
                continue
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:  # NaN is not, either
                told = f"must be a number of seconds above zero, not {seconds!r}."
                raise ConfigurationError(told, path=f"limits.{name}")
        return limits


class CallBudget:
    """What is left for one call. ``deadline`` is True when the caller gave one: only then may recovery be waited for."""

    __slots__ = ("attempts_left", "deadline", "first", "hurried", "limits", "same_left", "started", "total")

    def __init__(self, limits: Limits, now: float, deadline: float | None) -> None:
        self.limits = limits
        self.started = now
        self.deadline = deadline is not None
        #: whether the caller's deadline is shorter than what calls get else
        self.hurried = deadline is not None and deadline < limits.first
        self.first = now + (limits.first if deadline is None else min(limits.first, deadline))
        self.total = now + (limits.total if deadline is None else min(limits.total, deadline))
        self.attempts_left = limits.attempts
        self.same_left = limits.same

    def renew(self, now: float) -> None:
        """An answer begins anew after its first content had come: that may take as long again, within the call's total.

        It begins at somebody who was not asked yet: nobody is asked twice for what has been seen to break.
        """
        self.first = min(self.total, max(self.first, now + self.limits.first))
        self.same_left = 0

    def too_short(self, error: ProviderError, patience: Patience, started: float, usual: float | None) -> bool:
        """Whether a deployment was given less time than could tell anything of it, and only by the caller's own deadline.

        That is less than it ``usual`` takes, in seconds, where that is known, and in any case less than :data:`TELLING`. One
        that never answered has no such excuse: else nobody would ever find out that it does not.
        """
        if error.kind != "timeout" or not self.hurried:
            return False
        given, limit = patience.first - started, self.limits.attempt
        return given < max(TELLING, usual or 0.0) and (limit is None or given < limit)

    def patience(self, attempt: Attempt, once: bool) -> Patience:
        """How long the attempt that begins may take, and whether it may reach the provider ``once`` at most."""
        most = self.limits.attempt
        if most is None:
            return Patience(self.first, self.total, self.limits.gap, once, attempt.sent_again)
        first = min(self.first, attempt.started + most)
        return Patience(first, self.total, min(self.limits.gap, most), once, attempt.sent_again)
