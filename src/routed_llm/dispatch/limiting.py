"""Limits of deployments on the way of a call: a place before each attempt, and the line where nobody has one.

Who is at its limit is passed over for the next in the order, which counts neither as an attempt nor as a failure. When nobody
is left, the call stands in line (:mod:`routed_llm.dispatch.queue`): for a free place as long as its budget lasts, for the
window of a rate limit only when the caller gave a ``deadline`` that reaches so far. Where a provider merely told that nothing
is left, and nobody else is there to ask, it is asked all the same: it knows best.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from routed_llm.catalog.deployments import Deployment
from routed_llm.decisions import Decision
from routed_llm.dispatch.core import Core
from routed_llm.dispatch.failure import waiting
from routed_llm.dispatch.queue import InLine, Wanted, rank
from routed_llm.errors import AllDeploymentsDown, CallFailed, DeadlineExceeded, NoEligibleModel
from routed_llm.events import Attempt
from routed_llm.requests import Ask
from routed_llm.state.limiter import MANY, Full, Place

if TYPE_CHECKING:
    from routed_llm.dispatch.execute import Carrying

__all__ = ["expected_tokens", "give_back", "limit_failure", "no_place", "queued", "take_place", "told_room"]

_EVER = float("inf")
#: requests that are told to be left are counted down below so many: a choice, so that a call at a wide limit costs no lock
_NEAR = 100
#: and tokens below so many: a choice, too; the longest prompt of most models
_NEAR_TOKENS = 200_000
_LINE_FULL = "too many calls stand in line already"


def take_place(core: Core, decision: Decision, attempt: Attempt, now: float) -> Full | None:
    """Let an attempt hold a place at its deployment; why not, where there is none."""
    deployment = attempt.deployment
    if attempt.place is not None:  # given by the queue
        return None
    if not deployment.limits and not core.live.limiter.is_told(deployment.id, now):
        return None
    wanted = Wanted(deployment, expected_tokens(core, decision.ask, deployment))
    found = core.queue.enter(wanted, _rank(decision.ask), now)
    if isinstance(found, Place):
        attempt.place = found
        return None
    decision.passed_over = {**decision.passed_over, deployment.id: _words(found, wanted, now)}
    return found


def no_place(core: Core, ask: Ask, call: Attempt, tokens: int, now: float) -> str | None:
    """Let a call that the router makes for itself hold a place; in words, why not: it is not waited for."""
    deployment = call.deployment
    wanted = Wanted(deployment, tokens)
    found = core.queue.enter(wanted, _rank(ask), now)
    if isinstance(found, Place):
        call.place = found
        return None
    return _words(found, wanted, now)


def give_back(core: Core, attempt: Attempt, now: float, *, sent: bool = True) -> None:
    """An attempt has ended: its real tokens take the place of those that were expected.

    Where nobody saw the end, what was expected counts. A refusal uses no tokens, and what was never ``sent`` is no request.
    """
    place, attempt.place = attempt.place, None
    if not sent:
        core.queue.end(place, 0, 0, now)
        return
    usage, error = attempt.usage, attempt.error
    tokens: int | None = None
    if usage is not None and not attempt.unseen:
        tokens = usage.input_tokens + usage.output_tokens
        if usage.estimated and error is not None:
            tokens = max(tokens, place.tokens)
    elif attempt.is_free:
        tokens = 0
    requests = 1 + attempt.resent if attempt.sent and (error is None or error.sent) else 0
    core.queue.end(place, requests, tokens, now)


def told_room(core: Core, attempt: Attempt, room: tuple[float | None, float | None, float], now: float) -> None:
    """The provider told how many requests and tokens it still takes, and the seconds until its limit is renewed."""
    requests, tokens, seconds = room
    deployment = attempt.deployment
    if tokens is not None and tokens < 1:
        core.live.limited = True
        core.queue.told_empty(deployment.id, now + seconds, now)
        return
    left = (
        MANY if requests is None or requests >= _NEAR else requests,
        MANY if tokens is None or tokens >= _NEAR_TOKENS else tokens,
    )
    if min(left) < MANY:
        core.live.limited = True
        core.queue.told_left(deployment.id, left, now + seconds, now, attempt.place)
    elif core.live.limited and core.live.limiter.is_told(deployment.id, now):
        core.queue.told_empty(deployment.id, now, now)


def expected_tokens(core: Core, ask: Ask, deployment: Deployment) -> int:
    """Tokens that a call is expected to use, by what earlier calls there really used."""
    limit = deployment.limits.get("tokens_per_minute", MANY)
    plain = ask.input_tokens + ask.output_tokens
    if plain > limit:
        return plain
    state = core.live.of(deployment.id)
    output = ask.output_tokens if state.output is None else min(state.output, ask.max_tokens or state.output)
    return int(min(limit, max(1, round(ask.input_tokens * (state.ratio or 1.0) + output))))


async def queued(carrying: Carrying) -> Deployment | None:
    """Stand in line for those that are at their limit; None where there is nothing to stand for, or the time was up.

    The place that was given is in ``carrying.place``. A deployment that was left alone and may be tried again is given without
    one.
    """
    driver, core, budget, now = carrying.driver, carrying.core, carrying.budget, carrying.driver.now()
    wanted, fulls = _limited(carrying)
    if not wanted or budget.attempts_left <= 0 or now >= budget.first:
        return None
    latest = budget.first if budget.deadline else -_EVER
    if all(full.until is not None and full.until > latest for full in fulls):
        return _unheeded(carrying, wanted, fulls, now)
    caller = InLine(wanted, _rank(carrying.decision.ask), budget.first, driver.waiter(), latest=latest)
    if not core.queue.join(caller, now):
        carrying.decision.passed_over = {**carrying.decision.passed_over, "": _LINE_FULL}
        return None
    try:
        while (asleep := core.queue.look(caller, now)) is not None:
            recovered, at = _recovered(carrying, now)
            if recovered is not None:
                core.queue.leave(caller, now)
                return recovered
            await caller.waiter.wait(min(asleep, at))
            now = driver.now()
    except BaseException:
        core.queue.leave(caller, now)
        raise
    if caller.place is None:
        return None
    return _given(carrying, caller.place)


def _limited(carrying: Carrying) -> tuple[list[Wanted], list[Full]]:
    """Those that were passed over because they are at their limit, in the decision's order, and what stands in the way."""
    core, ask, refused = carrying.core, carrying.decision.ask, carrying.refused
    wanted, fulls = [], []
    for deployment in carrying.decision.order:
        why = refused.get(deployment.id)
        if why is not None and why.full is not None and why.full.why != "never":
            wanted.append(Wanted(deployment, expected_tokens(core, ask, deployment)))
            fulls.append(why.full)
    return wanted, fulls


def _given(carrying: Carrying, place: Place) -> Deployment:
    carrying.place = place
    carrying.refused.pop(place.deployment_id, None)
    return carrying.core.catalog.by_id[place.deployment_id]


def _unheeded(carrying: Carrying, wanted: list[Wanted], fulls: list[Full], now: float) -> Deployment | None:
    """Somebody whose provider told that nothing is left, when that is all that stands in the way."""
    for each, full in zip(wanted, fulls, strict=True):
        if full.why in ("told", "short"):
            found = carrying.core.queue.enter(each, _rank(carrying.decision.ask), now, heeding=False)
            if isinstance(found, Place):
                return _given(carrying, found)
    return None


def _recovered(carrying: Carrying, now: float) -> tuple[Deployment | None, float]:
    """A deployment that was left alone and may be tried again; if there is none, the time from which there is one."""
    decision, cooling, at = carrying.decision, carrying.core.live.cooling, _EVER
    benched = {i: r.until for i, r in carrying.refused.items() if r.why == "benched"}
    for each in {**dict.fromkeys(decision.cooling), **benched}:
        if each in decision.rejected or any(a.deployment.id == each for a in carrying.attempts):
            continue
        until = max(cooling.get(each, -_EVER), benched.get(each) or -_EVER)
        if until <= now:
            return carrying.core.catalog.by_id[each], now
        at = min(at, until)
    return None, at


def limit_failure(carrying: Carrying, now: float) -> CallFailed | NoEligibleModel | None:
    """The error of a call that could not begin because of limits; None where they are not the reason."""
    decision, fulls = carrying.decision, {i: r.full for i, r in carrying.refused.items() if r.full is not None}
    if not fulls or carrying.attempts:
        return None
    told = "; ".join(f"{i} {why}" if i else why for i, why in decision.passed_over.items())
    if not decision.cooling and all(full.why == "never" for full in fulls.values()) and len(fulls) == len(carrying.refused):
        rejected = {**decision.rejected, **decision.passed_over}
        return NoEligibleModel(f"No model of this router can serve the call: {told}. Send less, or raise the limit.", rejected)
    times = [full.until for full in fulls.values() if full.until is not None and full.until < _EVER]
    cooling = {i: until for i, until in decision.cooling.items() if i not in decision.rejected}
    times += [until for until in cooling.values() if until < _EVER]
    if cooling:
        told += f"; cooling down after failures: {', '.join(cooling)}"
    wait = max(0.0, min(times) - now) if times else None
    if now >= carrying.budget.first:
        return DeadlineExceeded(
            f"The call's time ran out while it stood in line: {told}.",
            kind="rate_limit", decision_id=decision.id, retry_after=wait,
        )  # fmt: skip
    advice = "" if wait is None else f" There is room in {wait:.1f} s{waiting(wait, carrying.core.limits)}."
    return AllDeploymentsDown(
        f"All models that may serve this call are at their limits: {told}.{advice}",
        kind="rate_limit", decision_id=decision.id, retry_after=wait,
    )  # fmt: skip


def _rank(ask: Ask) -> float:
    return rank(ask.hints.priority, ask.now)


def _words(full: Full, wanted: Wanted, now: float) -> str:
    """What stands in the way, in words."""
    limits = wanted.deployment.limits
    if full.why == "concurrent":
        return f"is at its limit of {limits['concurrent']:,} calls at once"
    if full.why == "never":
        return f"takes {limits['tokens_per_minute']:,} tokens a minute, and this call needs about {wanted.tokens:,}"
    what = {
        "requests": f"is at its limit of {limits.get('requests_per_minute', 0):,} requests a minute",
        "tokens": f"is at its limit of {limits.get('tokens_per_minute', 0):,} tokens a minute",
        "told": "told that its limit is used up",
        "short": f"told that it takes fewer tokens than the about {wanted.tokens:,} that this call needs",
        "line": "has room only for those who stand in line",
    }[full.why]
    return what if full.until is None else f"{what}, for another {max(0.0, full.until - now):.1f} s"
