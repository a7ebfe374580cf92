"""What to do after a failed attempt: plain code over the table of reactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from routed_llm.catalog.deployments import Deployment
from routed_llm.dispatch.budget import CallBudget
from routed_llm.dispatch.reactions import REACTIONS
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

#: seconds before the first and second repeat on the same deployment, before jitter
REPEAT_AFTER = 0.25


def next_step(
    error: ProviderError, failed: Deployment, waiting: Sequence[Deployment], budget: CallBudget, now: float, jitter: float
) -> Step:
    """The step after ``error`` of ``failed``, with ``waiting`` deployments still untried.

    ``jitter`` is a random number from 0 to 1.
    """
    reaction = REACTIONS[error.kind]
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
    if reaction.same and budget.same_left > 0:
        wait = REPEAT_AFTER * 2 ** (budget.limits.same - budget.same_left) * (0.5 + jitter)
        if error.retry_after is not None:
            wait = max(wait, error.retry_after)
        # recovery is waited for only when the caller gave a deadline; a short pause before a repeat is not recovery
        if now + wait < budget.first and (error.retry_after is None or budget.deadline or error.retry_after <= REPEAT_AFTER):
            return Again(wait)
    return GiveUp(at_fault=False)
