"""What to do after a failed attempt: plain code over the table of reactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.dispatch.budget import CallBudget
from routed_llm.dispatch.reactions import reaction_to
from routed_llm.dispatch.resilience import RETRY_ON, Resilience
from routed_llm.errors import ProviderError

__all__ = ["Again", "GiveUp", "Next", "Step", "next_step"]


class Next(NamedTuple):
    """Go to this deployment at once."""

    deployment: Deployment


class Again(NamedTuple):
    """Try the same deployment once more after ``wait`` seconds."""

    wait: float


class GiveUp(NamedTuple):
    """Tell the caller; ``at_fault`` when another model would fail in the same way."""

    at_fault: bool


Step = Next | Again | GiveUp

_CAREFUL = Resilience()
#: seconds before the first and second repeat on the same deployment, before jitter
REPEAT_AFTER = 0.25


def next_step(
    error: ProviderError,
    failed: Deployment,
    waiting: Sequence[Deployment],
    budget: CallBudget,
    now: float,
    jitter: float,
    resilience: Resilience = _CAREFUL,
    benched: bool = False,
) -> Step:
    """The step after ``error`` of ``failed``, with ``waiting`` deployments still untried.

    ``jitter`` is a random number from 0 to 1. ``benched``: ``failed`` is left alone now, so that it is not asked again.
    """
    reaction = reaction_to(error)
    if resilience.at_most_once and error.sent:
        return GiveUp(at_fault=True)
    if error.kind in RETRY_ON:
        # whether somebody else is asked is the caller's choice; whoever answered is not asked for another answer
        wanted = error.kind in resilience.retry_on and waiting and budget.attempts_left > 0 and now < budget.first
        return Next(waiting[0]) if wanted else GiveUp(at_fault=True)
    if reaction.then == "raise":
        return GiveUp(at_fault=True)
    if budget.attempts_left <= 0 or now >= budget.first:
        return GiveUp(at_fault=False)
    if error.again_at_once:
        return Again(0.0)
    if reaction.then == "larger":
        window = failed.context or 0
        larger = next((d for d in waiting if d.context is None or d.context > window), None)
        return Next(larger) if larger else GiveUp(at_fault=True)
    if waiting:
        return Next(waiting[0])
    if reaction.same and budget.same_left > 0 and not benched:
        wait = max(error.retry_after or 0.0, REPEAT_AFTER * 2 ** (budget.limits.same - budget.same_left) * (0.5 + jitter))
        # a short pause before a repeat is no waiting for recovery
        if now + wait < budget.first and (error.retry_after is None or error.retry_after <= REPEAT_AFTER):
            return Again(wait)
    return GiveUp(at_fault=False)
