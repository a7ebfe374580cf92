"""Carrying out a decision: one attempt after the other until one answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from routed_llm.catalog.deployments import Deployment
from routed_llm.decisions import Decision
from routed_llm.dispatch.admission import Refused, admit
from routed_llm.dispatch.budget import CallBudget
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.failure import failure, nobody_eligible
from routed_llm.dispatch.holding import out_of_budget
from routed_llm.dispatch.own_calls import tell
from routed_llm.dispatch.probing import probe
from routed_llm.dispatch.resilience import Resilience, for_call
from routed_llm.dispatch.retry import Again, GiveUp, next_step
from routed_llm.dispatch.settle import attempt_failed, finish, warn_of_fallback
from routed_llm.driver import Driver, Patience
from routed_llm.errors import CallFailed, InvalidCall, ProviderError
from routed_llm.events import Attempt

__all__ = ["Act", "Carrying", "execute"]

R = TypeVar("R")
Act = Callable[[Deployment, Attempt, Patience], Awaitable[R]]


class Carrying:
    """What carrying out one decision needs, from its first attempt to its end.

    ``attempts`` is filled on the way, in the order in which they began. ``refused`` are those that could not begin, with why.
    ``waiting`` is whom nobody asked yet, behind the one that is asked now; it is listed when it is needed.
    """

    __slots__ = ("_waiting", "attempts", "budget", "core", "decision", "driver", "refused", "resilience")

    def __init__(self, driver: Driver, core: Core, decision: Decision, attempts: list[Attempt]) -> None:
        hints = decision.ask.hints
        self.driver, self.core, self.decision, self.attempts = driver, core, decision, attempts
        self.budget = CallBudget(core.limits, decision.ask.now - decision.waited, hints.deadline)
        self.resilience: Resilience = for_call(core.resilience, hints)
        self.refused: dict[str, Refused] = {}
        self._waiting: list[Deployment] | None = None

    @property
    def waiting(self) -> list[Deployment]:
        """Whom nobody asked yet, the next one first; to be changed by whoever asks."""
        if self._waiting is None:
            self._waiting = list(self.decision.order[1:])
        return self._waiting

    def failed(self, refused: Refused | None = None) -> CallFailed:
        """The error with which the call ends."""
        return failure(self.decision, self.attempts, self.budget, self.driver.now(), refused and refused.spent)


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
        if decision.own_calls:
            tell(refused, decision)
            finish(core, decision, attempts, "failed", driver.now())
        raise refused
    try:
        return await _try_in_turn(carrying, act)
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


async def _try_in_turn(carrying: Carrying, act: Act[R]) -> R:
    core, decision, driver = carrying.core, carrying.decision, carrying.driver
    deployment = decision.order[0] if decision.order else await _first_of_cooling(carrying)
    while True:
        now = driver.now() if carrying.attempts or carrying.refused else decision.ask.now
        attempt = Attempt(deployment, now)
        refused = admit(core, decision, attempt, now)
        if refused is not None:
            deployment = await _instead(carrying, deployment, refused)
            continue
        failed = await _ask(carrying, attempt, act)
        if not isinstance(failed, _Failed):
            return failed
        deployment = await _after(carrying, attempt, failed)
        if deployment in carrying.waiting:
            del carrying.waiting[: carrying.waiting.index(deployment) + 1]


class _Failed:
    """An attempt that failed: its error, and the seconds for which the deployment is left alone."""

    __slots__ = ("cooled", "error")

    def __init__(self, error: ProviderError, cooled: float) -> None:
        self.error, self.cooled = error, cooled


async def _ask(carrying: Carrying, attempt: Attempt, act: Act[R]) -> R | _Failed:
    """One attempt that was admitted."""
    core, driver, budget = carrying.core, carrying.driver, carrying.budget
    budget.attempts_left -= 1
    carrying.attempts.append(attempt)
    patience = budget.patience(attempt.started)
    try:
        return await act(attempt.deployment, attempt, patience)
    except ProviderError as error:
        failed = error
    except BaseException:
        # neither a success nor a failure of the deployment
        core.live.left(core.live.of(attempt.deployment.id))
        attempt.seconds = driver.now() - attempt.started
        raise
    blame = not budget.too_short(failed, patience, attempt.started)
    return _Failed(failed, attempt_failed(core, attempt, failed, driver.now(), blame=blame))


async def _instead(carrying: Carrying, deployment: Deployment, refused: Refused) -> Deployment:
    """Whom to ask instead of one that may not be asked now."""
    carrying.refused[deployment.id] = refused
    if carrying.waiting:
        return carrying.waiting.pop(0)
    if refused.spent is not None:
        raise carrying.failed(refused) if carrying.attempts else refused.spent
    later = await probe(carrying)
    if later is None:
        raise carrying.failed()
    return later


async def _after(carrying: Carrying, attempt: Attempt, failed: _Failed) -> Deployment:
    """Whom to ask after a failed attempt."""
    core, budget, driver = carrying.core, carrying.budget, carrying.driver
    now = driver.now()
    step = next_step(failed.error, attempt.deployment, carrying.waiting, budget, now, core.rng.random())
    if isinstance(step, Again):
        if step.wait:
            budget.same_left -= 1
            await driver.sleep(step.wait)
        return attempt.deployment
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
