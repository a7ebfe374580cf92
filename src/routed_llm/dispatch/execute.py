"""Carrying out a decision: one attempt after the other until one answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from routed_llm.catalog.deployments import Deployment
from routed_llm.decisions import Decision
from routed_llm.dispatch.budget import CallBudget
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.failure import failure, nobody_eligible
from routed_llm.dispatch.retry import Again, GiveUp, next_step
from routed_llm.dispatch.settle import attempt_failed, finish, warn_of_fallback
from routed_llm.driver import Driver, Patience
from routed_llm.errors import ProviderError
from routed_llm.events import Attempt
from routed_llm.policy.scorers.cost import expected_cost

__all__ = ["PROBE_EVERY", "execute"]

R = TypeVar("R")
Act = Callable[[Deployment, Attempt, Patience], Awaitable[R]]

#: seconds between two probes of a pool in which everything is cooling down
PROBE_EVERY = 0.5


async def execute(driver: Driver, core: Core, decision: Decision, act: Act[R], attempts: list[Attempt]) -> R:
    """Try the decision's order with ``act`` until one deployment succeeds; ``attempts`` is filled on the way.

    Raises:
        NoEligibleModel: when no deployment may serve the call.
        AllDeploymentsDown: when all that may are cooling down.
        CallFailed: when every attempt failed.
    """
    started = decision.ask.now
    budget = CallBudget(core.limits, started, decision.ask.hints.deadline)
    deployment = decision.order[0] if decision.order else await _probe(driver, core, decision, budget, attempts)
    waiting: list[Deployment] | None = None  # the order behind its head; listed when it is needed
    while True:
        budget.attempts_left -= 1
        now = driver.now() if attempts else started
        attempt = Attempt(deployment, now)
        state = core.live.of(deployment.id)
        core.live.started(state)
        attempts.append(attempt)
        try:
            return await act(deployment, attempt, budget.patience(now))
        except ProviderError as error:
            now = driver.now()
            if waiting is None:
                waiting = _affordable(core, decision)
            cooled = attempt_failed(core, attempt, error, now)
            step = next_step(error, deployment, waiting, budget, now, core.rng.random())
            if isinstance(step, GiveUp):
                later = None if step.at_fault or not budget.deadline else await _probe_or_none(driver, core, decision, budget)
                if later is None:
                    finish(core, decision, attempts, "failed", driver.now())
                    raise failure(decision, attempts, budget, now) from None
                deployment = later
            elif isinstance(step, Again):
                if step.wait:
                    budget.same_left -= 1
                    await driver.sleep(step.wait)
            else:
                warn_of_fallback(core, decision, error, step.deployment, cooled)
                deployment = step.deployment
                waiting = waiting[waiting.index(deployment) + 1 :]
        except BaseException:
            # the caller went away (cancelled, interrupted): neither a success nor a failure of the deployment
            core.live.left(state)
            attempt.seconds = driver.now() - attempt.started
            finish(core, decision, attempts, "abandoned", driver.now())
            raise


def _affordable(core: Core, decision: Decision) -> list[Deployment]:
    """The order behind its head, without what would cost more than ``max_price_ratio`` times the first choice."""
    waiting = list(decision.order[1:])
    first = expected_cost(decision.order[0], decision.ask) if decision.order else None
    ratio = core.max_price_ratio
    if ratio is None or first is None:
        return waiting
    too_dear: dict[str, str] = {}
    for deployment in waiting:
        cost = expected_cost(deployment, decision.ask)
        if cost is None or cost > first * ratio:
            times = f"costs {cost / first:.2g} x the first choice" if cost is not None and first else "has no comparable price"
            too_dear[deployment.id] = f"no fallback: it {times}, max_price_ratio is {ratio:g}"
    if too_dear:
        decision.rejected = {**decision.rejected, **too_dear}
    return [deployment for deployment in waiting if deployment.id not in too_dear]


async def _probe(driver: Driver, core: Core, decision: Decision, budget: CallBudget, attempts: list[Attempt]) -> Deployment:
    """The deployment to try when all that may serve the call are cooling down."""
    if not decision.cooling:
        raise nobody_eligible(decision)
    if not budget.deadline:
        budget.same_left = 0  # a probe is one call
    deployment = await _probe_or_none(driver, core, decision, budget)
    if deployment is None:
        finish(core, decision, attempts, "failed", driver.now())
        raise failure(decision, attempts, budget, driver.now())
    return deployment


async def _probe_or_none(driver: Driver, core: Core, decision: Decision, budget: CallBudget) -> Deployment | None:
    """One probe for the whole pool each half second; with a caller's deadline, waiting for the earliest recovery.

    A deployment that told when it may be asked again, or that cannot recover by itself, is not probed before.
    """
    may = ({d.id for d in decision.order} | set(decision.cooling)) - set(decision.rejected)
    while budget.attempts_left > 0:
        now = driver.now()
        cooling = {i: u for i, u in core.live.cooling.items() if i in may}
        free = [i for i in may if cooling.get(i, 0.0) <= now]
        if free:
            return core.catalog.by_id[min(free, key=lambda i: core.catalog.by_id[i].position)]
        failing = [i for i in cooling if core.live.of(i).firm_until <= now]
        if failing and core.live.may_probe(failing, now, PROBE_EVERY):
            return core.catalog.by_id[min(failing, key=lambda i: cooling[i])]
        earliest = min(cooling.values())
        if not budget.deadline or now >= budget.first or (earliest > budget.first and not failing):
            return None
        await driver.sleep(max(0.01, min(earliest - now, PROBE_EVERY if failing else earliest - now, budget.first - now)))
    return None
