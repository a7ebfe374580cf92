"""What is tried when all that may serve a call are left alone: one probe for the whole pool each half second.

The others end at once; with a caller's ``deadline`` they wait for its outcome, and all are woken when it succeeds. They then go
in as fast as the breaker lets them: two, four, eight at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from routed_llm.catalog.deployments import Deployment
from routed_llm.driver import Waiter

if TYPE_CHECKING:
    from routed_llm.dispatch.execute import Carrying

__all__ = ["PROBE_EVERY", "pause", "probe"]

#: seconds between two probes of a pool in which everything is left alone
PROBE_EVERY = 0.5
#: seconds that one waits at least before looking again
_SOON = 0.005


async def probe(carrying: Carrying) -> Deployment | None:
    """Whom to try now, or, with a caller's deadline, as soon as somebody may be tried within it.

    A deployment that told when it may be asked again, or that cannot recover by itself, is not probed before. Gives None when
    nobody can be tried.
    """
    driver, live, budget = carrying.driver, carrying.core.live, carrying.budget
    waiter: Waiter | None = None
    try:
        while budget.attempts_left > 0 and (now := driver.now()) < budget.first:
            found, when = _look(carrying, now)
            if found is not None:
                return found
            if not budget.deadline or when >= budget.first:
                return None
            if waiter is None:
                # looked at once more, for what happened before anybody would have told it
                waiter = driver.waiter()
                live.listen(waiter)
                continue
            await waiter.wait(max(when, now + _SOON))
    finally:
        if waiter is not None:
            live.unlisten(waiter)
    return None


def _look(carrying: Carrying, now: float) -> tuple[Deployment | None, float]:
    """Who may be tried; if nobody may, the time from which somebody might."""
    live, budget = carrying.core.live, carrying.budget
    failing: list[str] = []
    when = float("inf")
    for deployment in _eligible(carrying):
        state = live.of(deployment.id)
        breaker = state.breaker
        if breaker.may_enter(now, state.in_flight, not budget.deadline or breaker.soft):
            if budget.deadline and breaker.condition(now) == "half-open":
                budget.attempts_left += 1  # a probe is made for all
            return deployment, now
        if breaker.firm > now:
            when = min(when, breaker.firm)
        elif breaker.room:
            when = min(when, breaker.warm_until)
        else:
            failing.append(deployment.id)
            when = min(when, now + breaker.again(now, PROBE_EVERY))
    if failing and (chosen := live.may_probe(failing, now, PROBE_EVERY)) is not None:
        carrying.forced = chosen
        if budget.deadline:
            budget.attempts_left += 1
        return carrying.core.catalog.by_id[chosen], now
    return None, when


def _eligible(carrying: Carrying) -> list[Deployment]:
    """Those that may serve the call and were kept from it by nothing but their breakers, in the order of the decision.

    Without a deadline nobody is asked twice.
    """
    decision, by_id = carrying.decision, carrying.core.catalog.by_id
    asked = set() if carrying.budget.deadline else {attempt.deployment.id for attempt in carrying.attempts}
    kept = {name for name, refused in carrying.refused.items() if refused.why != "benched"}
    out = asked | kept | set(decision.rejected)
    cooling = sorted((by_id[name] for name in decision.cooling), key=lambda d: d.position)
    return [each for each in (*decision.order, *cooling) if each.id not in out]


async def pause(carrying: Carrying, deployment: Deployment, seconds: float) -> None:
    """Wait before a repeat, no longer than until somebody else finds out that it would be in vain."""
    driver, live = carrying.driver, carrying.core.live
    until, breaker = driver.now() + seconds, live.of(deployment.id).breaker
    waiter = driver.waiter()
    live.listen(waiter)
    try:
        while (now := driver.now()) < until and not (now < breaker.until and not carrying.alone):
            await waiter.wait(until)
    finally:
        live.unlisten(waiter)
