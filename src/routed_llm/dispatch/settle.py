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
from routed_llm.dispatch.limiting import give_back, told_room
from routed_llm.dispatch.staying import remember
from routed_llm.errors import ProviderError
from routed_llm.events import Attempt, CallRecord, Outcome
from routed_llm.logs import log
from routed_llm.policy.scorers.cost import expected_cost
from routed_llm.relay import MEDIA
from routed_llm.requests import Ask
from routed_llm.results import Usage

__all__ = [
    "attempt_failed", "attempt_succeeded", "bill", "book_unseen", "cost_of", "finish", "images_in", "let_go", "tell_room",
    "warn_of_fallback",
]  # fmt: skip


#: a count that is so many times our estimate, and so many tokens, is told: what cannot be seen (templates of prompts, hidden
#: reasoning; the largest budgets of it are 64k tokens) is below
_FAR, _MORE_READ, _MORE_WRITTEN = 10, 4_000, 64_000


def attempt_succeeded(core: Core, attempt: Attempt, now: float) -> None:
    """An attempt gave an answer."""
    attempt.seconds = now - attempt.started
    if attempt.place is not None:
        give_back(core, attempt, now)
    deployment_id = attempt.deployment.id
    core.live.succeeded(
        deployment_id, core.live.of(deployment_id), attempt.seconds, attempt.first_content, now, attempt.usage, attempt.expected
    )
    if core.measures and (network := getattr(attempt.deployment.endpoint, "network", None)) is not None:
        core.live.reached(deployment_id, network)


def tell_room(core: Core, attempt: Attempt, room: tuple[float | None, float | None, float], now: float) -> None:
    """The provider told what it still takes, requests and tokens, and the seconds until its rate limit is renewed."""
    requests, tokens, seconds = room
    core.live.told_room(attempt.deployment.id, requests, tokens, now + seconds)
    told_room(core, attempt, room, now)


def attempt_failed(
    core: Core, attempt: Attempt, error: ProviderError, now: float, ask: Ask | None = None, *, blame: bool = True
) -> float:
    """An attempt failed; gives the seconds for which its deployment is left alone (0 without ``blame``).

    ``ask`` is the call's; without it, nothing is booked for an end that nobody saw.
    """
    attempt.seconds = now - attempt.started
    attempt.error = error
    if not error.sent:
        attempt.sent = False
    if ask is not None:
        book_unseen(attempt, ask, now)
    if attempt.hold is not None:
        release(attempt)
    if attempt.place is not None:
        give_back(core, attempt, now)
    # records live on in the ring: a traceback's frames would keep prompts alive with them
    error.__traceback__ = error.__context__ = None
    deployment = attempt.deployment
    error.model, error.deployment = error.model or deployment.model, error.deployment or deployment.id
    return cool_down(core, attempt, error, now, blame=blame)


def images_in(ask: Ask) -> int:
    """Images in the call's prompt; none where words stand in for them."""
    count = ask.facts.get("images")
    return count if type(count) is int and not ask.requires.needs.isdisjoint(MEDIA["image"]) else 0


def bill(attempt: Attempt, usage: Usage | None, estimate: tuple[int, int], wall: float | None = None, images: int = 0) -> Usage:
    """Book what an attempt used; the provider's own cost is preferred to the table of prices.

    ``estimate`` is (input, output) tokens for an answer without usable counts; such usage is marked as estimated. ``wall``
    is when the answer ended, in seconds since 1970 (UTC), for prices that change with the time of day;
    ``images`` of the prompt, where they have a price.
    """
    if usage is None:
        usage = Usage(estimate[0], estimate[1], estimated=True)
    elif usage.input_tokens > _FAR * estimate[0] + _MORE_READ or usage.output_tokens > _FAR * estimate[1] + _MORE_WRITTEN:
        told = f"{usage.input_tokens:,} tokens read and {usage.output_tokens:,} written"
        attempt.warning = f"usage: the provider counts {told}, far more than was to be seen"
    attempt.usage, attempt.expected = usage, estimate[0]
    price = attempt.deployment.price
    if usage.cost_nanousd is not None:
        attempt.cost_nanousd = usage.cost_nanousd
    elif price is not None:
        attempt.cost_nanousd = price.cost(usage, time_of_day=None if wall is None else wall % DAY, images=images)
    return usage


def finish(core: Core, decision: Decision, attempts: Sequence[Attempt], outcome: Outcome, now: float) -> CallRecord:
    """Close the call's books and publish its record."""
    own = decision.own_calls
    if outcome == "answered" and len(attempts) == 1 and not own:
        cost = attempts[0].cost_nanousd
    else:
        for attempt in attempts:
            book_unseen(attempt, decision.ask, now)
        # nobody saw the end of what was asked for a call that was left before it began
        cost = None if own and outcome == "abandoned" and not attempts else cost_of((*own, *attempts))
    let_go(core, attempts, now)
    usage = attempts[-1].usage if attempts and not attempts[-1].unseen else None
    record = CallRecord(decision, attempts, outcome, usage, cost, now - decision.ask.now + decision.waited, own)
    if decision.seen is not None and decision.seen.homes:
        remember(core, record, now)
    core.publish(record)
    return record


def let_go(core: Core, attempts: Sequence[Attempt], now: float) -> None:
    """What attempts hold of budgets and limits is held no more."""
    if core.live.watching:
        for attempt in attempts:
            if attempt.hold is not None:
                release(attempt)
    if core.live.limited:
        for attempt in attempts:
            if attempt.place is not None:
                give_back(core, attempt, now)


def book_unseen(attempt: Attempt, ask: Ask, now: float) -> None:
    """Book an attempt of which nobody saw the end, if it may be billed: what it read, and the answer that was expected.

    A stream that was left before anything came has written nothing: what ends the connection ends the writing.
    """
    if attempt.usage is None and not attempt.is_free:
        written = 0 if ask.stream else ask.output_tokens
        bill(attempt, None, (ask.input_tokens, written), ask.wall + now - ask.now, images_in(ask))
        attempt.unseen = True


def cost_of(attempts: Sequence[Attempt]) -> int | None:
    """The cost of all that was, or may be, billed; None where a part of it is unknown."""
    costs = [each.cost_nanousd for each in attempts if each.usage is not None]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def warn_of_fallback(core: Core, decision: Decision, error: ProviderError, to: Deployment, cooled: float) -> None:
    """Write one line: which model failed and why, where the call goes, what that costs, when the failed one is tried again.

    That a program has no answer to this or that is its ordinary work, and no failure.
    """
    if core.quiet_fallbacks or error.kind == "cannot_answer" or not log.isEnabledFor(logging.WARNING):
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
