"""Hedging: a second deployment is asked when the first is late, and the first good answer is taken.

After Dean and Barroso, "The Tail at Scale" (2013): few calls are very late, and a second one, sent when the first is later than
95 of 100, is hardly ever late as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from routed_llm.dispatch.admission import admit
from routed_llm.dispatch.failure import Failed
from routed_llm.dispatch.holding import release
from routed_llm.dispatch.lanes import Lane, first_good, leave
from routed_llm.dispatch.limiting import give_back
from routed_llm.dispatch.reactions import REACTIONS
from routed_llm.dispatch.settle import book_unseen
from routed_llm.events import Attempt
from routed_llm.logs import log
from routed_llm.providers.transport import ABORT

if TYPE_CHECKING:
    from routed_llm.dispatch.execute import Act, Carrying

__all__ = ["hedged"]

R = TypeVar("R")
Ask = Callable[["Carrying", Attempt, "Act[R]"], Awaitable["R | Failed"]]

_EVER = float("inf")


async def hedged(carrying: Carrying, attempt: Attempt, act: Act[R], ask: Ask[R]) -> R | Failed:
    """What ``ask`` gives for an attempt that has begun, or for a second one, begun when the first was late.

    The attempt that answered stands last in the call's attempts then, as everywhere.
    """
    late = _late(carrying, attempt)
    if late is None:
        return await ask(carrying, attempt, act)
    return await _Race(carrying, act, ask).run(attempt, late)


def _late(carrying: Carrying, attempt: Attempt) -> float | None:
    """The monotonic time from which an attempt is late; None where nobody may be asked beside it, or that is not known."""
    hedge, core, budget = carrying.resilience.hedge, carrying.core, carrying.budget
    if hedge is None or carrying.resilience.at_most_once:
        return None
    if len(carrying.attempts) == 1:
        core.hedges.call(hedge.share)
    if not carrying.waiting or budget.attempts_left <= 0:
        return None
    seconds = hedge.after
    if seconds is None:
        seconds = core.live.of(attempt.deployment.id).late_after(carrying.decision.ask.stream)
    if seconds is None or attempt.started + seconds >= budget.first:
        return None
    return attempt.started + seconds


async def _drop(result: object) -> None:
    """Let go of an answer that nobody takes; an opened stream has to be closed."""
    if (drop := getattr(result, "drop", None)) is not None:
        await drop()


class _Race(Generic[R]):
    """The attempts that run at once, each with its lane."""

    def __init__(self, carrying: Carrying, act: Act[R], ask: Ask[R]) -> None:
        self._carrying, self._act, self._ask = carrying, act, ask
        self._waiter = carrying.driver.waiter()
        self._attempts: list[Attempt] = []
        self._closed: list[Attempt] = []
        self._lanes: list[Lane[R | Failed]] = []

    async def run(self, attempt: Attempt, late: float) -> R | Failed:
        """Start the first, from ``late`` on the second, and give what the first good one, or the decisive failure, gives."""
        outer = ABORT.get() if self._carrying.driver.mode == "sync" else None
        if outer is not None:  # a router within a lane of another: its end ends ours
            outer.arm(self._end)
        try:
            self._start(attempt)
            winner = await first_good(self._lanes, self._waiter, late, self._decides)
            if winner is None:
                self._start_second(attempt)
                winner = await first_good(self._lanes, self._waiter, _EVER, self._decides)
            assert winner is not None  # it was waited for without a limit
            return await self._settled(winner)
        except BaseException:
            await self._leave(self._lanes, lost=False)
            raise
        finally:
            if outer is not None:
                outer.arm(None)

    def _decides(self, result: object) -> bool:
        """Whether nothing is waited for behind a result: a good one, or a refusal of the first one's filter.

        What that refused is not taken from somebody laxer, unless the caller says so.
        """
        if not isinstance(result, Failed):
            return True
        refused = result.error.kind == "content_policy" and "content_policy" not in self._carrying.resilience.retry_on
        return refused and result.attempt is self._attempts[0]

    def _end(self) -> None:
        for lane in self._lanes:
            lane.end()

    def _start(self, attempt: Attempt) -> None:
        lane: Lane[R | Failed] = Lane(partial(self._ask, self._carrying, attempt, self._act), _drop, self._waiter)
        self._attempts.append(attempt)
        self._lanes.append(lane)
        self._carrying.driver.launch(lane)

    def _start_second(self, first: Attempt) -> None:
        """Ask the next deployment that takes the call, if one more call may be made."""
        carrying = self._carrying
        core, decision = carrying.core, carrying.decision
        if carrying.budget.attempts_left <= 0 or not core.hedges.take():
            return
        while carrying.waiting:
            deployment, now = carrying.waiting.pop(0), carrying.driver.now()
            attempt = Attempt(deployment, now)
            if (refused := admit(core, decision, attempt, now)) is not None:
                carrying.refused[deployment.id] = refused
                continue
            late = now - first.started
            log.debug("%s has not answered after %.3f s; %s is asked as well.", first.deployment.id, late, deployment.id)
            attempt.beside = first.deployment.id, late
            carrying.begin(attempt)
            self._start(attempt)
            return
        core.hedges.give_back()

    async def _settled(self, winner: Lane[R | Failed]) -> R | Failed:
        """End the others and close their books; gives the result that the call goes on with."""
        if isinstance(winner.result, Failed):  # of two that failed, what no other model would do better decides
            await self._leave([lane for lane in self._lanes if not lane.over], lost=True)
            failures = [lane.result for lane in self._lanes if isinstance(lane.result, Failed)]
            return next((each for each in failures if REACTIONS[each.error.kind].then == "raise"), failures[-1])
        await self._leave([lane for lane in self._lanes if lane is not winner], lost=True)
        attempts, attempt = self._carrying.attempts, self._attempts[self._lanes.index(winner)]
        if attempts[-1] is not attempt:
            attempts.remove(attempt)
            attempts.append(attempt)
        result = winner.result
        assert result is not None  # a good one
        return result

    async def _leave(self, lanes: list[Lane[R | Failed]], *, lost: bool) -> None:
        if not lanes:
            return
        try:
            await leave(lanes, self._waiter, self._carrying.driver)
        finally:
            for lane in lanes:
                attempt = self._attempts[self._lanes.index(lane)]
                if attempt.error is None and attempt not in self._closed:
                    self._closed.append(attempt)
                    attempt.lost = lost
                    self._close(attempt, lane)

    def _close(self, attempt: Attempt, lane: Lane[R | Failed]) -> None:
        """Close the books of an attempt whose answer nobody takes; what it may have cost is estimated with the call's."""
        core, now = self._carrying.core, self._carrying.driver.now()
        state = core.live.of(attempt.deployment.id)
        stream = self._carrying.decision.ask.stream
        if not lane.started:  # cancelled before it began
            core.live.left(state, attempt.started)
        if stream or attempt.usage is None:
            attempt.seconds = now - attempt.started
            core.live.late(state, attempt.seconds, stream)
        if not lane.over:  # what it still writes down is not of this call any more
            attempts = self._carrying.attempts
            attempts[attempts.index(attempt)] = kept = copy(attempt)
            attempt.hold = attempt.place = None
            attempt = kept
        book_unseen(attempt, self._carrying.decision.ask, now)
        if attempt.hold is not None:
            release(attempt)
        if attempt.place is not None:
            give_back(core, attempt, now)
