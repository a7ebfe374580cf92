"""Whether an attempt may begin now: the breaker, the limits of the deployment, and the budgets of the call."""

from __future__ import annotations

from typing import NamedTuple

from routed_llm.decisions import Decision
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.holding import hold_for
from routed_llm.errors import BudgetSpent
from routed_llm.events import Attempt

__all__ = ["Refused", "admit"]


class Refused(NamedTuple):
    """Why an attempt may not begin now.

    ``until``: the monotonic time from which it may be tried again; None where only a freed place tells. ``spent``: the error
    of a budget, which no waiting mends.
    """

    why: str
    until: float | None = None
    spent: BudgetSpent | None = None


def admit(core: Core, decision: Decision, attempt: Attempt, now: float) -> Refused | None:
    """Let an attempt take what it needs to begin, or say why it may not; then nothing is taken."""
    state = core.live.of(attempt.deployment.id)
    benched = core.live.enter(state, now)
    if benched is not None:
        return Refused("benched", benched)
    if core.live.watching and (short := hold_for(core, decision, attempt)) is not None:
        core.live.left(state)
        return Refused("budget", None, short)
    return None
