"""The one error that a failed call ends with: what happened, to which models, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from routed_llm.decisions import Decision
from routed_llm.dispatch.budget import CallBudget
from routed_llm.errors import AllDeploymentsDown, BudgetSpent, CallFailed, DeadlineExceeded, NoEligibleModel, ProviderError
from routed_llm.events import Attempt

__all__ = ["failure", "nobody_eligible"]


def nobody_eligible(decision: Decision) -> NoEligibleModel:
    """No deployment may serve the call: each with its reason, grouped."""
    groups: dict[str, list[str]] = {}
    for deployment_id, reason in decision.rejected.items():
        groups.setdefault(reason, []).append(deployment_id)
    told = "; ".join(f"{', '.join(ids)} {reason}" for reason, ids in groups.items())
    advice = "".join(f" {line}." for _, effects in decision.effects if (line := getattr(effects, "advice", "")))
    return NoEligibleModel(f"No model of this router can serve the call: {told}.{advice}", dict(decision.rejected))


def failure(
    decision: Decision, attempts: Sequence[Attempt], budget: CallBudget, now: float, short: BudgetSpent | None = None
) -> CallFailed:
    """The error at the end of a call: with all attempts, its class that of the last one.

    ``short`` tells why no further attempt could be paid for, if that is the reason that it ended.
    """
    errors: list[ProviderError] = [a.error for a in attempts if a.error is not None]
    waits = [until - now for until in decision.cooling.values() if until - now < float("inf")]
    wait = max(0.0, min(waits)) if waits else None
    if not errors:
        when = "None comes back by itself: check keys and names."
        if wait is not None:
            when = f"The first is tried again in {wait:.1f} s; routing={{'deadline': seconds}} waits for that."
        return AllDeploymentsDown(
            f"All models that may serve this call are cooling down after failures: {', '.join(decision.cooling)}. {when}",
            kind="overloaded",
            decision_id=decision.id,
            retry_after=wait,
        )
    told = "; ".join(str(error).rstrip(".") for error in errors)
    skipped = [
        f"{i} was not tried: {why}" for i, why in decision.rejected.items() if "max_price_ratio" in why or "budget" in why
    ]
    message = f"{_attempts(len(errors))} failed: {told}." + "".join(f" {line}." for line in skipped)
    if short is not None:
        message += f" Nobody else was asked: {short}"
    kind = CallFailed
    if now >= budget.first and errors[-1].kind == "timeout":
        kind, message = DeadlineExceeded, f"The call's time ran out. {message}"
    retry_after = max((e.retry_after for e in errors if e.retry_after is not None), default=None)
    return kind(message, attempts=errors, decision_id=decision.id, retry_after=retry_after)


def _attempts(count: int) -> str:
    return "The only attempt" if count == 1 else f"All {count} attempts"
