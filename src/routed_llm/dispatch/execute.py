"""Carrying out a decision: one attempt after the other until one answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from routed_llm.catalog.deployments import Deployment
from routed_llm.decisions import Decision
from routed_llm.dispatch.budget import CallBudget
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.failure import failure, nobody_eligible
from routed_llm.dispatch.holding import hold_for, out_of_budget
from routed_llm.dispatch.own_calls import tell
from routed_llm.dispatch.probing import probe
from routed_llm.dispatch.retry import Again, GiveUp, next_step
from routed_llm.dispatch.settle import attempt_failed, finish, warn_of_fallback
from routed_llm.driver import Driver, Patience
from routed_llm.errors import CallFailed, InvalidCall, ProviderError
from routed_llm.events import Attempt

__all__ = ["execute"]

R = TypeVar("R")
Act = Callable[[Deployment, Attempt, Patience], Awaitable[R]]


async def execute(
    driver: Driver,
    core: Core,
    decision: Decision,
    act: Act[R],
    attempts: list[Attempt],
    last_resort: Callable[[], R | None] = lambda: None,
) -> R:
    """Try the decision's order with ``act`` until one deployment succeeds; ``attempts`` is filled on the way.

    ``last_resort`` may give something to end with, instead of failing, when nobody is left to try.

    Raises:
        NoEligibleModel: when no deployment may serve the call.
        AllDeploymentsDown: when all that may are cooling down.
        CallFailed: when every attempt failed.
    """
    if not decision.order and not decision.cooling:
        refused = out_of_budget(core, decision, driver.now()) or nobody_eligible(decision)
        if decision.own_calls:
            tell(refused, decision)
            finish(core, decision, attempts, "failed", driver.now())
        raise refused
    budget = CallBudget(core.limits, decision.ask.now - decision.waited, decision.ask.hints.deadline)
    try:
        return await _try_in_turn(driver, core, decision, act, attempts, budget)
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


async def _try_in_turn(
    driver: Driver, core: Core, decision: Decision, act: Act[R], attempts: list[Attempt], budget: CallBudget
) -> R:
    deployment = decision.order[0] if decision.order else await _first_of_cooling(driver, core, decision, budget)
    waiting: list[Deployment] | None = None  # the order behind its head; listed when it is needed
    while True:
        now = driver.now() if attempts else decision.ask.now
        attempt = Attempt(deployment, now)
        if core.live.watching and (short := hold_for(core, decision, attempt)) is not None:
            # other calls took what was left since the decision was made: the next one may be cheaper
            waiting = list(decision.order[1:]) if waiting is None else waiting
            if not waiting:
                raise failure(decision, attempts, budget, now, short) if attempts else short
            deployment = waiting.pop(0)
            continue
        budget.attempts_left -= 1
        state = core.live.of(deployment.id)
        core.live.started(state)
        attempts.append(attempt)
        patience = budget.patience(now)
        try:
            return await act(deployment, attempt, patience)
        except ProviderError as error:
            failed = error
        except BaseException:
            # neither a success nor a failure of the deployment
            core.live.left(state)
            attempt.seconds = driver.now() - attempt.started
            raise
        waiting = list(decision.order[1:]) if waiting is None else waiting
        cooled = attempt_failed(core, attempt, failed, driver.now(), blame=not budget.too_short(failed, patience, now))
        deployment = await _after(driver, core, decision, budget, (attempts, failed, waiting, cooled))
        if deployment in waiting:
            del waiting[: waiting.index(deployment) + 1]


async def _after(
    driver: Driver,
    core: Core,
    decision: Decision,
    budget: CallBudget,
    state: tuple[list[Attempt], Any, list[Deployment], float],
) -> Deployment:
    """Whom to try after a failed attempt."""
    attempts, failed, waiting, cooled = state
    now = driver.now()
    last = attempts[-1].deployment
    step = next_step(failed, last, waiting, budget, now, core.rng.random())
    if isinstance(step, Again):
        if step.wait:
            budget.same_left -= 1
            await driver.sleep(step.wait)
        return last
    if isinstance(step, GiveUp):
        later = None if step.at_fault or not budget.deadline else await probe(driver, core, decision, budget)
        if later is None:
            raise failure(decision, attempts, budget, now) from None
        return later
    warn_of_fallback(core, decision, failed, step.deployment, cooled)
    return step.deployment


async def _first_of_cooling(driver: Driver, core: Core, decision: Decision, budget: CallBudget) -> Deployment:
    """The deployment to try when all that may serve the call are cooling down."""
    if not budget.deadline:
        budget.same_left = 0  # a probe is one call
    deployment = await probe(driver, core, decision, budget)
    if deployment is None:
        raise failure(decision, [], budget, driver.now())
    return deployment
