"""Budgets that many processes keep together: each account of each window is one sum, of which all draw."""

from __future__ import annotations

import hashlib
from typing import Literal, cast

from routed_llm.standing import Amounts, Standing
from routed_llm.state.accounts import Account, Hold
from routed_llm.state.budgets import Budget
from routed_llm.state.shared_draws import Draws, SharedDraws, Verdict
from routed_llm.state.store import Store

__all__ = ["AccountDraws", "SharedAccount"]

#: seconds for which what was drawn of a budget without an end is remembered after the last call, and of one with an end
#: after its end
_FOR_GOOD, _LONGER = 365 * 86_400.0, 60.0
_NEVER = float("inf")
_UNITS = ("usd", "tokens", "calls")

When = Literal["local", "refuse"]


class AccountDraws(Draws):
    """What is drawn of one unit of one account in one window."""

    def __init__(self, draws: SharedDraws, name: str, limit: int, seconds: float, lost: When) -> None:
        super().__init__(draws, name, limit)
        self._seconds = seconds
        self._lost = lost

    def correct(self, change: int) -> None:
        """What was drawn turned out to be another amount."""
        if change:
            with self._lock:
                self._note(change, 0.0)

    def _note(self, amount: int, now: float) -> None:
        self.untold += amount
        self._changed()

    def _tell(self, store: Store, need: int) -> Verdict:
        with self._lock:
            untold, self.untold = self.untold, 0
        try:
            granted, drawn = store.draw(self.name, self.limit, need, untold, self._seconds)
        except BaseException:
            with self._lock:
                self.untold += untold
            raise
        with self._lock:
            self.heard, self._at = drawn, self._draws.now()
        return Verdict(granted, drawn, _NEVER)

    def _without(self, amount: int, now: float) -> float | None:
        if self._lost == "refuse" or self.heard + max(0, self.untold) + amount > self.limit:
            return _NEVER
        self._note(amount, now)
        return None


class SharedAccount(Account):
    """An account of many processes. See :class:`~routed_llm.state.accounts.Account`.

    Args:
        budget: of which it is an account.
        of: whose it is.
        draws: of the router.
        lost: what happens while the store does not answer.
    """

    __slots__ = ("_drawn", "_draws", "_lost", "_window")

    def __init__(self, budget: Budget, of: str, draws: SharedDraws, lost: When) -> None:
        super().__init__(budget, of)
        self._draws = draws
        self._lost: When = lost
        self._drawn: tuple[AccountDraws | None, ...] = (None, None, None)
        self._window: float | None = -1.0

    def standing(self, wall: float) -> Standing:
        """How it stands: what others have drawn counts as spent."""
        own = super().standing(wall)
        if self._window != own.starts:
            self._window, self._drawn = own.starts, self._drawn_in(own, wall)
        now = self._draws.now()
        for drawn in self._drawn:
            if drawn is not None:
                drawn.refresh(now)
        spent = tuple(
            mine if drawn is None else max(mine, drawn.heard + drawn.untold - held)
            for mine, held, drawn in zip(own.spent, own.held, self._drawn, strict=True)
        )
        return own._replace(spent=cast("Amounts", spent))

    def _drawn_in(self, own: Standing, wall: float) -> tuple[AccountDraws | None, ...]:
        owner = hashlib.sha256(f"{own.budget}\0{own.of}".encode()).hexdigest()[:24]  # owners are people: not in plain words
        window = "always" if own.starts is None else f"{own.starts:.0f}"
        seconds = _FOR_GOOD if own.ends is None else own.ends - wall + _LONGER
        return tuple(
            None if limit is None else AccountDraws(self._draws, f"budget:{owner}:{window}:{unit}", limit, seconds, self._lost)
            for unit, limit in zip(_UNITS, own.limits, strict=True)
        )

    def claim(self, amounts: Amounts) -> str | None:
        """Draw what an attempt may use; why not, where others have drawn it."""
        now = self._draws.now()
        for unit, (amount, drawn) in enumerate(zip(amounts, self._drawn, strict=True)):
            if drawn is None or not amount or drawn.take(amount, now) is None:
                continue
            for earlier, before in zip(amounts[:unit], self._drawn[:unit], strict=True):
                if before is not None:
                    before.correct(-earlier)
            if self._lost == "refuse" and not self._draws.exchange.connected:
                return f"the shared state that keeps the budget {self.budget.name!r} does not answer"
            return f"other calls have drawn what was left of the budget {self.budget.name!r}"
        return None

    def unclaim(self, amounts: Amounts) -> None:
        """Give back what was claimed for an attempt that does not begin."""
        for amount, drawn in zip(amounts, self._drawn, strict=True):
            if drawn is not None:
                drawn.correct(-amount)

    def _end(self, hold: Hold, nano: int, tokens: int, calls: int, wall: float) -> None:
        super()._end(hold, nano, tokens, calls, wall)
        if self._window != self.starts:
            self.standing(wall)
        begun_here = self.starts is None or hold.begun >= self.starts
        for used, held, drawn in zip((nano, tokens, calls), hold.amounts, self._drawn, strict=True):
            if drawn is not None:
                drawn.correct(used - held if begun_here else used)
