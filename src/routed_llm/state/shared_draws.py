"""What many processes draw of one limit: a rate window, or one unit of a budget in its window.

Far from the limit each process draws by itself, and tells so with the beat, or at once where it is more than a little or half
of the limit is gone. In the last quarter it asks before it draws, so that nothing is granted twice. Who gets no answer in time
draws a part of its share of what was left when the others were last heard; who has lost the store goes on by what this process
knows.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

from routed_llm.state.exchange import Exchange
from routed_llm.state.store import Refused, Store

__all__ = ["Draws", "SharedDraws", "Verdict"]

#: seconds for which a refusal is believed without asking again
_BELIEVED = 0.05
#: the last part of a limit, in which nobody draws without asking; a choice
_ASKING = 0.25
#: the part of a limit that all processes together may have drawn without telling at once; a choice
_UNTOLD = 0.02


class Verdict(NamedTuple):
    """What the store says: whether it was granted, what is drawn by all, and the seconds until enough is free."""

    granted: bool
    drawn: int
    wait: float


class _Question:
    """One question to the store, whose caller may have gone when the answer comes."""

    __slots__ = ("gone", "verdict")

    def __init__(self) -> None:
        self.verdict: Verdict | None = None
        self.gone = False


class SharedDraws:
    """All limits of one router of which something was drawn since the last beat.

    Args:
        exchange: that tells it.
        processes: how many processes draw.
        now: the monotonic clock.
    """

    pace = 2

    def __init__(self, exchange: Exchange, processes: Callable[[], int], now: Callable[[], float]) -> None:
        self.exchange = exchange
        self.processes = processes
        self.now = now
        self._untold: dict[Draws, None] = {}

    def changed(self, draws: Draws) -> None:
        """Something is to be told."""
        self._untold[draws] = None

    def beat(self, store: Store) -> None:
        """Tell what was drawn, and hear what all have drawn."""
        refused: Refused | None = None
        for draws in list(self._untold):
            try:
                draws.tell(store)
            except Refused as error:  # of one key; the others may do
                refused = error
            else:
                if not draws.untold:
                    self._untold.pop(draws, None)
        if refused is not None:
            raise refused

    def lost(self) -> None:
        """What was drawn meanwhile is told when the store is there again."""

    def end(self, store: Store) -> None:
        """Tell the rest."""
        self.beat(store)

    def after_fork(self) -> None:
        """In the child: the parent tells what it drew."""
        for draws in list(self._untold):
            draws.after_fork()
        self._untold = {}


class Draws(ABC):
    """What is drawn of one limit.

    Args:
        draws: of the router.
        name: of the limit among all processes.
        limit: most that all may draw together.
    """

    def __init__(self, draws: SharedDraws, name: str, limit: int) -> None:
        self._draws = draws
        self.name = name
        self.limit = limit
        # re-entrant, because the garbage collector may end an attempt at any point of a thread that holds it
        self._lock = threading.RLock()
        #: drawn by all when they were heard, own draws included that were told; what was drawn since is ``untold``
        self.heard = self.untold = 0
        self._at: float | None = None
        self._refused: tuple[int, float, float] | None = None
        #: whether the thread was told to tell at once
        self._soon = False

    def take(self, amount: int, now: float) -> float | None:
        """Draw an amount; None when it was granted, else the monotonic time from which it may be tried again."""
        with self._lock:
            if self._surely(amount, now):
                self._note(amount, now)
                return None
            if self._refused is not None and amount >= self._refused[0] and now < self._refused[1]:
                return self._refused[2]
        verdict = self._ask(amount)
        with self._lock:
            if verdict is None:
                return self._alone(amount, now)
            if verdict.granted:
                self._granted(amount, now)
                return None
            until = now + verdict.wait
            self._refused = (amount, min(now + _BELIEVED, until), until)
            return until

    def _surely(self, amount: int, now: float) -> bool:
        """Whether there is enough, however much others draw until they are heard again."""
        exchange = self._draws.exchange
        if self._at is None or not exchange.connected or now - self._at > 3 * exchange.every:
            return False
        left = self.limit - self.heard
        return left > _ASKING * self.limit and 4 * self._draws.processes() * (max(0, self.untold) + amount) <= left

    def _alone(self, amount: int, now: float) -> float | None:
        """Draw by what this process knows; see :meth:`take`."""
        if not self._draws.exchange.connected:
            return self._without(amount, now)
        others = 2 * self._draws.processes() if self._draws.processes() > 1 else 1  # who is alone shares with nobody
        if others * (max(0, self.untold) + amount) > self.limit - self.heard:
            return now + _BELIEVED
        self._note(amount, now)
        return None

    def _changed(self) -> None:
        """Something is to be told: at once, when much was drawn already, by all or without telling."""
        self._draws.changed(self)
        much = 2 * self.heard > self.limit or self._draws.processes() * self.untold > _UNTOLD * self.limit
        if much and not self._soon:
            self._soon = True
            self._draws.exchange.soon(self._tell_soon)

    def _tell_soon(self, store: Store) -> None:
        self.tell(store)

    def _ask(self, amount: int) -> Verdict | None:
        """What the store says; None where it says nothing in time. What it grants later is given back."""
        question = _Question()

        def ask(store: Store) -> None:
            verdict = self._tell(store, amount)
            with self._lock:
                question.verdict = verdict
                if question.gone and verdict.granted:
                    self._granted(amount, self._draws.now())
                    self._note(-amount, self._draws.now())

        self._draws.exchange.ask(ask)
        with self._lock:
            question.gone = question.verdict is None
            return question.verdict

    def refresh(self, now: float) -> None:
        """Hear with the next beat what all have drawn, where that was not heard lately."""
        if self._at is None or now - self._at > self._draws.exchange.every:
            self._draws.changed(self)

    def tell(self, store: Store) -> None:
        """Tell what was drawn without asking."""
        self._soon = False
        self._tell(store, 0)

    @abstractmethod
    def _tell(self, store: Store, need: int) -> Verdict:
        """The same, and draw what is needed."""

    @abstractmethod
    def _note(self, amount: int, now: float) -> None:
        """An amount was drawn without asking, or is given back."""

    def _granted(self, amount: int, now: float) -> None:  # noqa: B027  # most have nothing to note
        """The store granted an amount, which needs not be told."""

    @abstractmethod
    def _without(self, amount: int, now: float) -> float | None:
        """Draw without the store; see :meth:`take`."""

    def after_fork(self) -> None:
        """In the child: what was not told yet is the parent's to tell."""
        self._lock = threading.RLock()
        self.untold, self._at, self._soon = 0, None, False
