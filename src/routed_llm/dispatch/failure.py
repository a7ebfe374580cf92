"""The one error that a failed call ends with: what happened, to which models, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from routed_llm.decisions import Decision
from routed_llm.dispatch.budget import CallBudget, Limits
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.probing import PROBE_EVERY
from routed_llm.errors import (
    AllDeploymentsDown,
    CallFailed,
    ContextOverflow,
    DeadlineExceeded,
    NoEligibleModel,
    ProviderError,
)
from routed_llm.events import Attempt
from routed_llm.relay import MEDIUM_OF
from routed_llm.state.breaker import FOREVER

if TYPE_CHECKING:
    from routed_llm.dispatch.admission import Refused

__all__ = ["Failed", "all_down", "failure", "nobody_eligible", "untried", "waiting"]


class Failed(NamedTuple):
    """An attempt that failed: its error, and the seconds for which the deployment is left alone."""

    attempt: Attempt
    error: ProviderError
    cooled: float


def nobody_eligible(decision: Decision) -> NoEligibleModel:
    """No deployment may serve the call: each with its reason, grouped."""
    groups: dict[str, list[str]] = {}
    for deployment_id, reason in decision.rejected.items():
        groups.setdefault(reason, []).append(deployment_id)
    told = "; ".join(f"{', '.join(ids)} {reason}" for reason, ids in groups.items())
    advice = "".join(f" {line}." for _, effects in decision.effects if (line := getattr(effects, "advice", "")))
    advice += _relay_advice(decision)
    return NoEligibleModel(f"No model of this router can serve the call: {told}.{advice}", dict(decision.rejected))


def _relay_advice(decision: Decision) -> str:
    """Where models take the call's media, but none of those that may answer: that they could be described."""
    media, catalog = [each for each in sorted(decision.ask.requires.needs) if each in MEDIUM_OF], decision.catalog
    if not media or isinstance(catalog, str) or any(each in decision.ask.hints.needs for each in media):
        return ""
    if not all(any(deployment.can(each) is not False for deployment in catalog.deployments) for each in media):
        return ""
    names = " and ".join(dict.fromkeys(MEDIUM_OF[each] for each in media))
    return f" With relay=True a model that takes {names} describes it in words for the others."


def all_down(core: Core, decision: Decision, others: Mapping[str, str], now: float) -> AllDeploymentsDown:
    """Nobody may be asked now: each with why, and until when; ``others`` are kept from the call by something else."""
    told, waits, kinds = [], [], set()
    for each in dict.fromkeys([d.id for d in decision.order] + list(decision.cooling)):
        if each in decision.rejected:
            continue
        if each in others:
            told.append(f"{each} {others[each]}")
            continue
        breaker = core.live.of(each).breaker
        wait = breaker.again(now, PROBE_EVERY)
        why = breaker.why or "failures"
        kinds.add(why.partition(",")[0])
        waits.append(wait)
        told.append(f"{each} after {why}, {_until(breaker.until - now)}")
    wait = min(waits, default=FOREVER)
    when = "None comes back by itself: check keys and names."
    if wait < FOREVER:
        when = f"The next call may try one in {wait:.1f} s{waiting(wait, core.limits)}."
    return AllDeploymentsDown(
        f"All models that may serve this call are left alone: {'; '.join(told)}. {when}",
        kind="rate_limit" if kinds == {"rate_limit"} else "overloaded",
        decision_id=decision.id,
        retry_after=wait if wait < FOREVER else None,
    )


def waiting(seconds: float, limits: Limits) -> str:
    """What makes a call wait that long; empty where nothing does: a deadline makes the time of a call no longer."""
    return "; routing={'deadline': seconds} waits for that" if seconds < limits.first else ""


def _until(seconds: float) -> str:
    if seconds == FOREVER:
        return "until the configuration changes"
    return f"for another {seconds:.1f} s" if seconds > 0 else "and another call is finding out now whether it works again"


def failure(
    decision: Decision, attempts: Sequence[Attempt], budget: CallBudget, now: float, refused: Mapping[str, Refused]
) -> CallFailed:
    """The error at the end of a call: with all attempts, its class that of the last one.

    ``refused`` are those that could not begin, with why.
    """
    errors: list[ProviderError] = [a.error for a in attempts if a.error is not None]
    if not errors:
        return DeadlineExceeded("The call's time had run out; nothing was sent.", kind="timeout", decision_id=decision.id)
    told = "; ".join(str(error).rstrip(".") for error in errors)
    message = f"{_attempts(len(errors))} failed: {told}.{untried(decision, attempts, refused)}"
    kind: type[CallFailed] = CallFailed
    if now >= budget.first and errors[-1].kind == "timeout":
        kind, message = DeadlineExceeded, f"The call's time ran out. {message}"
    elif errors[-1].kind == "context_length":
        kind, message = ContextOverflow, f"{message} No model with a larger window may serve this call."
    waits = [e.retry_after for e in errors if e.retry_after is not None]
    waits += [max(0.0, each.until - now) for each in _at_limits(refused, attempts).values() if each.until is not None]
    retry_after = min((wait for wait in waits if wait < FOREVER), default=None)
    return kind(message, attempts=errors, decision_id=decision.id, retry_after=retry_after)


def untried(decision: Decision, attempts: Sequence[Attempt], refused: Mapping[str, Refused]) -> str:
    """Who was not asked beside the ``attempts``, and why, in sentences: prices, budgets and limits; empty where nobody is left.

    ``refused`` are those that could not begin.
    """
    short = next((each.spent for each in reversed(list(refused.values())) if each.spent is not None), None)
    told = {i: why for i, why in decision.rejected.items() if "max_price_ratio" in why or "budget" in why}
    told |= {i: f"it {decision.passed_over[i]}" for i in _at_limits(refused, attempts) if i in decision.passed_over}
    lines = "".join(f" {i} was not tried: {why}." for i, why in told.items())
    return lines if short is None else f"{lines} Nobody else was asked: {short}"


def _at_limits(refused: Mapping[str, Refused], attempts: Sequence[Attempt]) -> dict[str, Refused]:
    """Those that were at their limits and were never asked."""
    asked = {attempt.deployment.id for attempt in attempts}
    return {i: each for i, each in refused.items() if each.full is not None and i not in asked}


def _attempts(count: int) -> str:
    return "The only attempt" if count == 1 else f"All {count} attempts"
