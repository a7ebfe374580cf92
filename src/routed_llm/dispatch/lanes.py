"""Several attempts at once, of which the first good one is taken: each runs in a lane that can be ended from outside.

A lane is a task in async code and a thread in sync code. Ending it cancels the task, or shuts the socket that the thread reads
(:class:`~routed_llm.providers.transport.Abort`). What cannot be ended (a framework's object in a thread, a connection that is
being made) runs on, and nobody takes its answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

from routed_llm.catalog.deployments import Deployment
from routed_llm.driver import UNSENT, Driver, Patience, Waiter
from routed_llm.errors import AsyncOnly, ProviderError
from routed_llm.events import Attempt
from routed_llm.providers.transport import ABORT, Abort

if TYPE_CHECKING:
    from routed_llm.dispatch.execute import Act

__all__ = ["Ended", "Lane", "first_good", "leave", "while_wanted"]

R = TypeVar("R")

#: seconds for which the end of a lane is waited for; what has not ended by then runs on by itself
ENDING = 0.05


class Ended(BaseException):
    """Nobody wants this attempt any more: another one answered first, or the caller went away. It is nobody's failure."""


class Lane(Abort, Generic[R]):
    """One attempt beside others.

    Args:
        work: the attempt.
        drop: lets go of an answer that nobody takes.
        waiter: who is told when the lane is over.
    """

    __slots__ = ("_cancel", "_drop", "_waiter", "_work", "error", "over", "result", "started")

    def __init__(self, work: Callable[[], Awaitable[R]], drop: Callable[[R], Awaitable[None]], waiter: Waiter) -> None:
        super().__init__()
        self._work, self._drop, self._waiter = work, drop, waiter
        self._cancel: Callable[[], object] | None = None
        #: what came of it, where it was not ended before
        self.result: R | None = None
        self.error: BaseException | None = None
        self.started = self.over = False

    async def run(self) -> None:
        """Do the work; raises nothing, but keeps what the work raised."""
        with self:
            self.started = True
            ABORT.set(self)  # in a context of its own, which every task and every thread of a lane has
            result = await self._work()
            with self._lock:
                wanted = not self.called
                if wanted:
                    self.result = result
            if not wanted:
                await self._drop(result)

    def __enter__(self) -> None:
        """The work begins."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if kind is GeneratorExit:
            error = AsyncOnly("A model of this router waits in a way that only async code can; use ainvoke or astream.")
        self.error = error
        self.finished()
        return True

    def finished(self, task: object = None) -> None:
        """It is over, or its task was cancelled before it began."""
        self.over = True
        self._waiter.wake()

    def begun(self, cancel: Callable[[], object]) -> None:
        """It runs in a task, which ``cancel`` ends."""
        self._cancel = cancel

    def end(self) -> bool:
        """End it, if it is not over; tells whether there was something that can be ended."""
        ends = self._cancel is not None or self._end is not None
        self()
        if self._cancel is not None:
            self._cancel()
        return ends

    async def drop(self) -> None:
        """Let go of what came of it."""
        result, self.result = self.result, None
        if result is not None:
            await self._drop(result)


def while_wanted(act: Act[R]) -> Act[R]:
    """The same act; it begins nothing that nobody wants any more, and what fails by our own hand is nobody's failure."""
    abort = ABORT.get()
    if abort is None:
        return act

    async def ending(deployment: Deployment, attempt: Attempt, patience: Patience) -> R:
        if abort.called:
            raise _ended(sent=False)
        try:
            return await act(deployment, attempt, patience)
        except ProviderError as error:
            if abort.called:
                raise _ended(sent=error.sent) from None
            raise

    return ending


def _ended(*, sent: bool) -> Ended:
    error = Ended()
    setattr(error, UNSENT, not sent)
    return error


async def first_good(lanes: Sequence[Lane[R]], waiter: Waiter, until: float, good: Callable[[R], bool]) -> Lane[R] | None:
    """The first lane whose result is good, or the last one when all are over; None when that is not known at a time.

    Raises:
        BaseException: what a lane raised: no failure of a deployment.
    """
    while True:
        over = [lane for lane in lanes if lane.over]
        for lane in over:
            if lane.error is not None:
                raise lane.error
            if lane.result is not None and good(lane.result):
                return lane
        if len(over) == len(lanes):
            return over[-1]
        if not await waiter.wait(until):
            return None


async def leave(lanes: Sequence[Lane[R]], waiter: Waiter, driver: Driver) -> None:
    """End lanes, wait a moment for those that can be ended, and let go of what came of them."""
    ending = [lane for lane in lanes if lane.end()]
    until = driver.now() + ENDING
    while not all(lane.over for lane in ending) and await waiter.wait(until):
        pass
    for lane in lanes:
        if lane.over:
            await lane.drop()
