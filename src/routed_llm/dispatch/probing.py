"""What is tried when all that may serve a call are cooling down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routed_llm.catalog.deployments import Deployment

if TYPE_CHECKING:
    from routed_llm.dispatch.execute import Carrying

__all__ = ["PROBE_EVERY", "probe"]

#: seconds between two probes of a pool in which everything is cooling down
PROBE_EVERY = 0.5


async def probe(carrying: Carrying) -> Deployment | None:
    """One probe for the whole pool each half second; with a caller's deadline, waiting for the earliest recovery.

    A deployment that told when it may be asked again, or that cannot recover by itself, is not probed before. Gives None
    when nobody can be tried now.
    """
    driver, core, decision, budget = carrying.driver, carrying.core, carrying.decision, carrying.budget
    may = ({d.id for d in decision.order} | set(decision.cooling)) - set(decision.rejected)
    by_id = core.catalog.by_id
    while budget.attempts_left > 0 and may:
        now = driver.now()
        if now >= budget.first:
            return None
        cooling = {i: u for i, u in core.live.cooling.items() if i in may}
        free = [i for i in may if cooling.get(i, 0.0) <= now]
        if free:
            return by_id[min(free, key=lambda i: by_id[i].position)]
        failing = [i for i in cooling if core.live.of(i).firm_until <= now]
        if failing and core.live.may_probe(failing, now, PROBE_EVERY):
            return by_id[min(failing, key=lambda i: cooling[i])]
        earliest = min(cooling.values())
        if not budget.deadline or (earliest > budget.first and not failing):
            return None
        await driver.sleep(max(0.01, min(earliest - now, PROBE_EVERY if failing else earliest - now, budget.first - now)))
    return None
