"""What is written down when an attempt or a call ends: live state, cost, the record, the warning of a fallback."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.usd import DAY
from routed_llm.decisions import Decision
from routed_llm.dispatch.cooldown import FOREVER, cool_down
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.holding import release
from routed_llm.dispatch.reactions import REACTIONS
from routed_llm.dispatch.staying import remember
from routed_llm.errors import ProviderError
from routed_llm.events import Attempt, CallRecord, Outcome
from routed_llm.policy.scorers.cost import expected_cost
from routed_llm.requests import Ask
from routed_llm.results import Usage

__all__ = ["attempt_failed", "attempt_succeeded", "bill", "finish", "images_in", "tell_room", "warn_of_fallback"]

log = logging.getLogger("routed_llm")


def attempt_succeeded(core: Core, attempt: Attempt, now: float) -> None:
    """An attempt gave an answer."""
    attempt.seconds = now - attempt.started
    deployment_id = attempt.deployment.id
    core.live.succeeded(
        deployment_id, core.live.of(deployment_id), attempt.seconds, attempt.first_content, now, attempt.usage, attempt.expected
    )
    if core.measures and (network := getattr(attempt.deployment.endpoint, "network", None)) is not None:
        core.live.reached(deployment_id, network)


def tell_room(core: Core, deployment: Deployment, room: tuple[float | None, float | None, float], now: float) -> None:
    """The provider told what it still takes, requests and tokens, and the seconds until its rate limit is renewed."""
    requests, tokens, seconds = room
    core.live.told_room(deployment.id, requests, tokens, now + seconds)


def attempt_failed(core: Core, attempt: Attempt, error: ProviderError, now: float, *, blame: bool = True) -> float:
    """An attempt failed; gives the seconds for which its deployment is left alone (0 without ``blame``)."""
    attempt.seconds = now - attempt.started
    attempt.error = error
    if attempt.hold is not None:
        release(attempt, "failed")
    # records live on in the ring: a traceback's frames would keep prompts alive with them
    error.__traceback__ = error.__context__ = None
    deployment = attempt.deployment
    error.model, error.deployment = error.model or deployment.model, error.deployment or deployment.id
    reaction = REACTIONS[error.kind]
    counts = blame and not error.again_at_once and (reaction.counts or reaction.cool == "backoff")
    failures = core.live.failed(core.live.of(deployment.id), counts=counts)
    return cool_down(core, deployment, error, failures, now) if blame else 0.0


def images_in(ask: Ask) -> int:
    """Images in the call's prompt."""
    count = ask.facts.get("images")
    return count if type(count) is int else 0


def bill(attempt: Attempt, usage: Usage | None, estimate: tuple[int, int], wall: float | None = None, images: int = 0) -> Usage:
    """Book what an attempt used; the provider's own cost is preferred to the table of prices.

    ``estimate`` is (input, output) tokens for an answer without usable counts; such usage is marked as estimated. ``wall``
    is when the answer ended, in seconds since 1970 (UTC), for prices that change with the time of day;
    ``images`` of the prompt, where they have a price.
    """
    if usage is None:
        usage = Usage(estimate[0], estimate[1], estimated=True)
    attempt.usage, attempt.expected = usage, estimate[0]
    price = attempt.deployment.price
    if usage.cost_nanousd is not None:
        attempt.cost_nanousd = usage.cost_nanousd
    elif price is not None:
        attempt.cost_nanousd = price.cost(usage, time_of_day=None if wall is None else wall % DAY, images=images)
    return usage


def finish(core: Core, decision: Decision, attempts: Sequence[Attempt], outcome: Outcome, now: float) -> CallRecord:
    """Close the call's books and publish its record."""
    if core.live.watching:
        for attempt in attempts:
            if attempt.hold is not None:
                release(attempt, outcome)
    last = attempts[-1] if attempts else None
    usage = last.usage if last is not None else None
    cost = last.cost_nanousd if last is not None else None
    if len(attempts) > 1 and cost is not None:
        # an earlier attempt may be billed too; one whose price is unknown makes the sum unknown
        costs = [a.cost_nanousd for a in attempts if a.usage is not None]
        cost = None if None in costs else sum(c for c in costs if c is not None)
    own = decision.own_calls
    if own:
        cost = _with_own(attempts, own, outcome)
    record = CallRecord(decision, attempts, outcome, usage, cost, now - decision.ask.now + decision.waited, own)
    if decision.seen is not None and decision.seen.homes:
        remember(core, record, now)
    core.publish(record)
    return record


def _with_own(attempts: Sequence[Attempt], own: Sequence[Attempt], outcome: Outcome) -> int | None:
    """The cost of all that was billed for a call; None where a part of it is unknown, or nothing was billed."""
    if outcome == "abandoned" and (not attempts or attempts[-1].usage is None):
        return None
    costs = [each.cost_nanousd for each in (*own, *attempts) if each.usage is not None]
    return None if not costs or None in costs else sum(cost for cost in costs if cost is not None)


def warn_of_fallback(core: Core, decision: Decision, error: ProviderError, to: Deployment, cooled: float) -> None:
    """Write one line: which model failed and why, where the call goes, what that costs, when the failed one is tried again."""
    if core.quiet_fallbacks or not log.isEnabledFor(logging.WARNING):
        return
    failed = core.catalog.by_id.get(error.deployment)
    before, after = failed and expected_cost(failed, decision.ask), expected_cost(to, decision.ask)
    ratio = f"{after / before:.2g} x its price" if before and after is not None else "price ratio unknown"
    if cooled == FOREVER:
        again = "not tried again until the configuration changes"
    elif cooled > 0:
        again = f"tried again in {cooled:.1f} s"
    else:
        again = "not left alone"
    cause = error.kind if error.status is None else f"{error.kind}, HTTP {error.status}"
    log.warning("%s failed (%s: %s); falling back to %s (%s); %s is %s.", error.deployment, cause, error.message[:200],
                to.id, ratio, error.deployment, again)  # fmt: skip
