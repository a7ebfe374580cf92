"""Accounts of budgets: what is spent, and what calls under way hold. Reserve when an attempt begins, settle when it ends.

A reservation looks at all accounts of a call at once, under one lock for all budgets of the process, which is held for
microseconds. Settling takes no lock: the garbage collector may close a forgotten stream, and thereby end its attempt, at any
point of this very code. What has ended is put down, and booked by whoever comes next.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.standing import NOTHING, Amounts, Standing
from routed_llm.state.budgets import Budget, window

__all__ = ["Account", "Hold", "reserve", "settle", "standings"]

#: how fast the margin forgets that calls cost more than expected; it rises at once
_FORGET = 0.1
#: no single call is taken to prove more than this
_HIGHEST_MARGIN = 4.0
#: seconds by which the time of day must be before a window to have been set back: calls that overlap are apart by less
_SET_BACK = 60.0

_lock = threading.Lock()
_ended: deque[tuple[Hold, int | None, int | None, int, float]] = deque()
#: grows in a forked process: what is held is the parent's
_process = 0


def _after_fork() -> None:
    global _lock, _process
    _lock = threading.Lock()
    _book_ended()
    _process += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Account:
    """What one owner has spent of a budget, and what calls under way hold."""

    __slots__ = ("budget", "ends", "held", "margin", "of", "process", "spent", "starts")

    def __init__(self, budget: Budget, of: str = "") -> None:
        self.budget = budget
        self.of = of
        self.spent: Amounts = NOTHING
        self.held: Amounts = NOTHING
        self.starts: float | None = None
        self.ends: float | None = None
        self.margin = 1.0
        self.process = _process

    def standing(self, wall: float) -> Standing:
        """How it stands at a time; a window that is over begins anew. Only under the lock.

        Where the clock was set back, the window is that of the new time, and what was spent stays so.
        """
        if self.process != _process:
            self.process, self.held = _process, NOTHING
        budget = self.budget
        if budget.per is not None:
            if self.starts is None or self.ends is None or wall >= self.ends:
                self.starts, self.ends = window(budget.per, wall)
                self.spent = NOTHING
            elif wall < self.starts - _SET_BACK:  # else it would last until the clock has caught up
                self.starts, self.ends = window(budget.per, wall)
        models = tuple(budget.models)
        return Standing(budget.name, self.of, budget.caps, self.spent, self.held, self.starts, self.ends, models, self.margin)

    def claim(self, amounts: Amounts) -> str | None:
        """Ask whoever else keeps it, too, for what an attempt may use; why not. Only under the lock."""
        return None

    def unclaim(self, amounts: Amounts) -> None:
        """Give back what was claimed for an attempt that does not begin. Only under the lock."""

    def _end(self, hold: Hold, nano: int, tokens: int, calls: int, wall: float) -> None:
        """Book what a call really used, in the window in which it ended."""
        if self.ends is not None and wall >= self.ends:
            self.standing(wall)
        held, spent = self.held, self.spent
        if self.process == hold.process:
            mine = hold.amounts
            self.held = (max(0, held[0] - mine[0]), max(0, held[1] - mine[1]), max(0, held[2] - mine[2]))
        self.spent = (spent[0] + nano, spent[1] + tokens, spent[2] + calls)
        expected, real = (hold.expected[0], nano) if self.budget.caps[0] is not None else (hold.expected[1], tokens)
        if expected and real:
            ratio = min(real / expected, _HIGHEST_MARGIN)
            self.margin = max(1.0, ratio, self.margin + _FORGET * (ratio - self.margin))


class Hold:
    """What one attempt holds of its accounts until it ends."""

    __slots__ = ("accounts", "amounts", "begun", "expected", "process")

    def __init__(self, accounts: Sequence[Account], expected: Amounts, amounts: Amounts, begun: float) -> None:
        self.accounts = accounts
        #: when, in seconds since 1970 (UTC)
        self.begun = begun
        #: what was expected, and what is held for it, with the margin
        self.expected, self.amounts = expected, amounts
        self.process = _process


def standings(accounts: Sequence[Account], wall: float) -> tuple[Standing, ...]:
    """How accounts stand at a time, all at one moment."""
    with _lock:
        _book_ended()
        return tuple(account.standing(wall) for account in accounts)


def reserve(accounts: Sequence[Account], deployment: Deployment, nano: int | None, tokens: int, wall: float) -> Hold | str:
    """Hold what an attempt is expected to use, in every account that counts it; why not, where it does not fit one.

    Args:
        accounts: of the call.
        deployment: who is to be asked.
        nano: expected cost in nano-dollars; None where the price is unknown.
        tokens: expected tokens of prompt and answer.
        wall: the time of day, in seconds since 1970 (UTC).
    """
    with _lock:
        _book_ended()
        told = [(account, standing) for account in accounts if (standing := account.standing(wall)).counts(deployment)]
        for _, standing in told:
            if (why := standing.lacks(nano, tokens)) is not None:
                return why
        margin = max((standing.margin for _, standing in told), default=1.0)
        amounts = (round((nano or 0) * margin), round(tokens * margin), 1)
        for number, (account, _) in enumerate(told):
            if (refusal := account.claim(amounts)) is not None:
                for claimed, _ in told[:number]:
                    claimed.unclaim(amounts)
                return refusal
        for account, standing in told:
            held = standing.held
            account.held = (held[0] + amounts[0], held[1] + amounts[1], held[2] + amounts[2])
        return Hold([account for account, _ in told], (nano or 0, tokens, 1), amounts, wall)


def settle(hold: Hold, nano: int | None, tokens: int | None, calls: int = 1, seconds: float = 0.0) -> None:
    """An attempt has ended: what it really used takes the place of what it held.

    Args:
        hold: from :func:`reserve`; settled once.
        nano: nano-dollars; None where the bill is unknown: then it counts with what was expected.
        tokens: tokens; None where they are unknown.
        calls: 0 for an attempt that never reached its provider.
        seconds: that it took.
    """
    _ended.append((hold, nano, tokens, calls, seconds))
    lock = _lock
    if lock.acquire(blocking=False):
        try:
            _book_ended()
        finally:
            lock.release()


def _book_ended() -> None:
    while _ended:
        hold, nano, tokens, calls, seconds = _ended.popleft()
        if hold.process != _process:
            continue  # a call of the process that forked this one: it is booked there
        nano = hold.expected[0] if nano is None else nano
        tokens = hold.expected[1] if tokens is None else tokens
        for account in hold.accounts:
            account._end(hold, nano, tokens, calls, hold.begun + seconds)
