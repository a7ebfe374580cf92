"""Carrying out a decision: one attempt after the other until one answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from routed_llm.catalog.deployments import Deployment
from routed_llm.decisions import Decision
from routed_llm.dispatch.admission import Refused, admit
from routed_llm.dispatch.budget import CallBudget
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.failure import Failed, all_down, failure, nobody_eligible
from routed_llm.dispatch.hedge import hedged
from routed_llm.dispatch.holding import out_of_budget
from routed_llm.dispatch.lanes import while_wanted
from routed_llm.dispatch.limiting import limit_failure, queued
from routed_llm.dispatch.own_calls import tell
from routed_llm.dispatch.probing import pause, probe
from routed_llm.dispatch.resilience import Resilience, for_call
from routed_llm.dispatch.retry import Again, GiveUp, next_step
from routed_llm.dispatch.settle import attempt_failed, finish, warn_of_fallback
from routed_llm.driver import UNSENT, Driver, Patience
from routed_llm.errors import CallFailed, InvalidCall, ProviderError
from routed_llm.events import Attempt
from routed_llm.state.limiter import Place

__all__ = ["Act", "Carrying", "execute", "go_on", "try_in_turn"]

R = TypeVar("R")
Act = Callable[[Deployment, Attempt, Patience], Awaitable[R]]


class Carrying:
    """What carrying out one decision needs, from its first attempt to its end.

    ``attempts`` is filled on the way, in the order in which they began. ``refused`` are those that could not begin, with why.
    ``waiting`` is whom nobody asked yet, behind the one that is asked now; it is listed when it is needed. ``forced`` is the id
    of whom the next attempt may ask although it is left alone. ``making`` makes an attempt.
    """

    __slots__ = (
        "_waiting", "attempts", "budget", "core", "decision", "driver", "forced", "making", "place", "refused", "resilience",
    )  # fmt: skip

    def __init__(self, driver: Driver, core: Core, decision: Decision, attempts: list[Attempt]) -> None:
        hints = decision.ask.hints
        self.driver, self.core, self.decision, self.attempts = driver, core, decision, attempts
        self.budget = CallBudget(core.limits, decision.ask.now - decision.waited, hints.deadline)
        self.resilience: Resilience = for_call(core.resilience, hints)
        self.refused: dict[str, Refused] = {}
        #: what the queue gave for the attempt that begins next
        self.place: Place | None = None
        self.forced: str | None = None
        self.making: Callable[[Deployment, float], Attempt] = Attempt
        self._waiting: list[Deployment] | None = None

    @property
    def waiting(self) -> list[Deployment]:
        """Whom nobody asked yet, the next one first; to be changed by whoever asks. Who is only slow comes last."""
        if self._waiting is None:
            self._waiting = list(self.decision.order[1:])
            if self.decision.cooling and self.decision.order:
                live, by_id = self.core.live, self.core.catalog.by_id
                slow = [by_id[each] for each in self.decision.cooling if live.of(each).breaker.soft]
                self._waiting += sorted(slow, key=lambda d: d.position)
        return self._waiting

    @property
    def alone(self) -> bool:
        """Whether one deployment alone may serve the call."""
        return len(self.decision.order) + len(self.decision.cooling) == 1

    def begin(self, attempt: Attempt) -> None:
        """An attempt that was admitted begins."""
        self.budget.attempts_left -= 1
        self.attempts.append(attempt)

    def again(self) -> None:
        """Those that were at their limits come again when nobody else is left."""
        for deployment in self.decision.order:
            if (refused := self.refused.get(deployment.id)) is not None and refused.full is not None:
                del self.refused[deployment.id]
                self.waiting.append(deployment)

    def recovered(self, now: float) -> None:
        """Those that were left alone when the call was decided, and are not any more, come in when nobody else is left."""
        if self.waiting or not self.decision.cooling:
            return
        asked, cooling = {attempt.deployment.id for attempt in self.attempts}, self.core.live.cooling
        over = (each for each in self.decision.cooling if each not in asked and cooling.get(each, now) <= now)
        self.waiting.extend(sorted((self.core.catalog.by_id[each] for each in over), key=lambda d: d.position))

    def failed(self) -> CallFailed | InvalidCall:
        """The error with which the call ends."""
        if self.refused and (limited := limit_failure(self, self.driver.now())) is not None:
            return limited
        now = self.driver.now()
        if not self.attempts and (self.decision.cooling or self.refused):
            others = {i: "does not fit what is left of a budget" for i, r in self.refused.items() if r.why != "benched"}
            return all_down(self.core, self.decision, others, now)
        return failure(self.decision, self.attempts, self.budget, now, self.refused)


async def execute(
    carrying: Carrying,
    act: Act[R],
    last_resort: Callable[[], R | None] = lambda: None,
) -> R:
    """Try the decision's order with ``act`` until one deployment succeeds.

    ``last_resort`` may give something to end with, instead of failing, when nobody is left to try.

    Raises:
        NoEligibleModel: when no deployment may serve the call.
        AllDeploymentsDown: when all that may are cooling down.
        CallFailed: when every attempt failed.
    """
    driver, core, decision, attempts = carrying.driver, carrying.core, carrying.decision, carrying.attempts
    if not decision.order and not decision.cooling:
        refused = out_of_budget(core, decision, driver.now()) or nobody_eligible(decision)
        tell(refused, decision)
        finish(core, decision, attempts, "failed", driver.now())
        raise refused
    core.retry_budget.call()
    try:
        return await try_in_turn(carrying, act)
    except (CallFailed, InvalidCall) as error:
        if isinstance(error, CallFailed) and (rest := last_resort()) is not None:
            return rest
        tell(error, decision)
        finish(core, decision, attempts, "failed", driver.now())
        raise
    except BaseException:
        # the caller went away (cancelled, interrupted)
        finish(core, decision, attempts, "abandoned", driver.now())
        raise


async def go_on(carrying: Carrying, attempt: Attempt, error: ProviderError, cooled: float, act: Act[R]) -> R:
    """Ask the next deployment after an attempt that had begun well has failed after all, and is booked.

    Its deployment is left alone for ``cooled`` seconds. Who calls this closes the books, whichever way it ends.

    Raises:
        CallFailed: when nobody is left to ask.
    """
    carrying.budget.renew(carrying.driver.now())
    return await _try_from(carrying, await _after(carrying, Failed(attempt, error, cooled)), act)


async def try_in_turn(carrying: Carrying, act: Act[R]) -> R:
    """The same without its end: who calls this closes the books.

    Raises:
        CallFailed: when nobody is left to ask.
        InvalidCall: when what is left of a budget does not pay for it.
    """
    decision = carrying.decision
    return await _try_from(carrying, decision.order[0] if decision.order else await _first_of_cooling(carrying), act)


async def _try_from(carrying: Carrying, deployment: Deployment, act: Act[R]) -> R:
    decision, driver = carrying.decision, carrying.driver
    while True:
        # whom nobody asked yet are those behind the one that is asked now
        if carrying.attempts and deployment in carrying.waiting:
            del carrying.waiting[: carrying.waiting.index(deployment) + 1]
        # whoever comes straight from its decision saves a look at the clock
        straight = decision.order and not carrying.attempts and not carrying.refused
        now = decision.ask.now if straight else driver.now()
        attempt = carrying.making(deployment, now)
        if carrying.place is not None:
            attempt.place, carrying.place = carrying.place, None
        refused = _admitted(carrying, attempt, now)
        if refused is not None:
            deployment = await _instead(carrying, deployment, refused)
            continue
        carrying.begin(attempt)
        if carrying.resilience.hedge is None:
            failed = await _ask(carrying, attempt, act)
        else:
            failed = await hedged(carrying, attempt, act, _ask)
        if not isinstance(failed, Failed):
            return failed
        deployment = await _after(carrying, failed)


def _admitted(carrying: Carrying, attempt: Attempt, now: float) -> Refused | None:
    """Let an attempt begin, or say why it may not."""
    core, decision = carrying.core, carrying.decision
    if carrying.budget.deadline and now >= carrying.budget.first:
        return Refused("late")
    forced, carrying.forced = carrying.forced, None
    refused = admit(core, decision, attempt, now, forced=forced == attempt.deployment.id)
    if refused is None or refused.why != "benched" or carrying.waiting:
        return refused
    # nobody else is left
    if carrying.budget.deadline and not core.live.of(attempt.deployment.id).breaker.soft:
        return refused
    return admit(core, decision, attempt, now, last=True)


async def _ask(carrying: Carrying, attempt: Attempt, act: Act[R]) -> R | Failed:
    """One attempt that was admitted, and has begun."""
    core, driver, budget = carrying.core, carrying.driver, carrying.budget
    patience = budget.patience(attempt, carrying.resilience.at_most_once)
    try:
        return await while_wanted(act)(attempt.deployment, attempt, patience)
    except ProviderError as error:
        failed = error
    except BaseException as error:
        # neither a success nor a failure of the deployment
        core.live.left(core.live.of(attempt.deployment.id), attempt.started)
        if isinstance(error, InvalidCall) or getattr(error, UNSENT, False):
            attempt.sent = False
        attempt.seconds = driver.now() - attempt.started
        raise
    now = driver.now()
    usual = core.live.of(attempt.deployment.id).usually(carrying.decision.ask.stream)
    blame = not budget.too_short(failed, patience, attempt.started, usual)
    if failed.kind == "timeout" and core.live.excused(now - attempt.started):
        blame = False  # our own program did not look
    return Failed(attempt, failed, attempt_failed(core, attempt, failed, now, carrying.decision.ask, blame=blame))


async def _instead(carrying: Carrying, deployment: Deployment, refused: Refused) -> Deployment:
    """Whom to ask instead of one that may not be asked now."""
    if refused.why == "late":
        raise carrying.failed()
    carrying.refused[deployment.id] = refused
    if carrying.waiting:
        return carrying.waiting.pop(0)
    if refused.spent is not None:
        raise carrying.failed() if carrying.attempts else refused.spent
    later = await queued(carrying) or await probe(carrying)
    if later is None:
        raise carrying.failed()
    return later


async def _after(carrying: Carrying, failed: Failed) -> Deployment:
    """Whom to ask after a failed attempt."""
    core, budget, driver = carrying.core, carrying.budget, carrying.driver
    now = driver.now()
    if carrying.refused and not carrying.waiting:
        carrying.again()
    carrying.recovered(now)
    step = next_step(
        failed.error, failed.attempt.deployment, carrying.waiting, budget, now, core.rng.random(), carrying.resilience,
        failed.cooled > 0 and not carrying.alone,
    )  # fmt: skip
    if isinstance(step, Again):
        if not step.wait:
            carrying.forced = failed.attempt.deployment.id
            return failed.attempt.deployment
        if core.retry_budget.take(now):
            budget.same_left -= 1
            await pause(carrying, failed.attempt.deployment, step.wait)
            # what the provider told, here or to another call, is kept to
            if carrying.alone and core.live.of(failed.attempt.deployment.id).firm_until <= driver.now():
                carrying.forced = failed.attempt.deployment.id
            return failed.attempt.deployment
        step = GiveUp(at_fault=False)
    if isinstance(step, GiveUp):
        later = None if step.at_fault or not budget.deadline else await probe(carrying)
        if later is None:
            raise carrying.failed() from None
        return later
    warn_of_fallback(core, carrying.decision, failed.error, step.deployment, failed.cooled)
    return step.deployment


async def _first_of_cooling(carrying: Carrying) -> Deployment:
    """The deployment to try when all that may serve the call are cooling down."""
    if not carrying.budget.deadline:
        carrying.budget.same_left = 0  # a probe is one call
    deployment = await probe(carrying)
    if deployment is None:
        raise carrying.failed()
    return deployment
