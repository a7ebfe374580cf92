"""Whether an attempt may begin now: the breaker, the limits of the deployment, and the budgets of the call."""

from __future__ import annotations

from typing import NamedTuple

from routed_llm.decisions import Decision
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.holding import hold_for
from routed_llm.dispatch.limiting import give_back, take_place
from routed_llm.errors import BudgetSpent
from routed_llm.events import Attempt
from routed_llm.state.limiter import Full

__all__ = ["Refused", "admit"]


class Refused(NamedTuple):
    """Why an attempt may not begin now.

    ``until``: the monotonic time from which it may be tried again; None where only a freed place tells. ``spent``: the error
    of a budget, which no waiting mends. ``full``: the limit of the deployment that stands in the way.
    """

    why: str
    until: float | None = None
    spent: BudgetSpent | None = None
    full: Full | None = None


def admit(
    core: Core, decision: Decision, attempt: Attempt, now: float, *, last: bool = False, forced: bool = False
) -> Refused | None:
    """Let an attempt take what it needs to begin, or say why it may not; then nothing is taken.

    ``last`` and ``forced`` are told to the breaker: nobody else is left, and it is the pool's probe.
    """
    state = core.live.of(attempt.deployment.id)
    benched = core.live.enter(state, now, last=last, forced=forced)
    if benched is not None:
        if attempt.place is not None:
            give_back(core, attempt, now, sent=False)
        return Refused("benched", benched)
    if core.live.limited and (full := take_place(core, decision, attempt, now)) is not None:
        core.live.left(state, now)
        return Refused("limited", full.until, None, full)
    if core.live.watching and (short := hold_for(core, decision, attempt)) is not None:
        core.live.left(state, now)
        if attempt.place is not None:
            give_back(core, attempt, now, sent=False)
        return Refused("budget", None, short)
    return None
