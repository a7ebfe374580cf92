"""What an attempt holds of the call's budgets: reserved when it begins, settled with the real cost when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from routed_llm.decisions import Decision
from routed_llm.dispatch.core import Core
from routed_llm.errors import BudgetSpent
from routed_llm.events import Attempt
from routed_llm.money import NANO, dollars
from routed_llm.policy.filters.budgets import lacking
from routed_llm.policy.scorers.cost import expected_cost
from routed_llm.requests import Ask
from routed_llm.standing import Amounts, Standing
from routed_llm.state.accounts import reserve, settle, standings

__all__ = ["hold_for", "out_of_budget", "release"]

#: how often a reservation may lose to others that end and begin at the same time
_RACES = 10


def hold_for(core: Core, decision: Decision, attempt: Attempt) -> BudgetSpent | None:
    """Let an attempt hold what it is expected to use; the error to end with where it does not fit what is left."""
    ask = decision.ask
    accounts = core.live.ledger.accounts(ask)
    if not accounts:
        return None
    deployment, tokens, wall = attempt.deployment, ask.input_tokens + ask.output_tokens, _wall(ask, attempt.started)
    for _ in range(_RACES):
        held = reserve(accounts, deployment, expected_cost(deployment, ask), tokens, wall)
        if not isinstance(held, str):
            attempt.hold = held
            return None
        told = standings(accounts, wall)
        found = lacking(told, deployment, ask)
        if found is not None:
            break
        # what was short a moment ago is there again
    return _spent(found[0] if found else told[0], wall, {**decision.rejected, deployment.id: str(held)})


def release(attempt: Attempt) -> None:
    """An attempt has ended: its cost takes the place of what it held, the very one that its record tells.

    A call that the router made for itself has none where nobody saw its end: what was expected counts then. A refusal costs
    nothing, and what was never sent is no call.
    """
    hold, attempt.hold = attempt.hold, None
    usage, error, seconds = attempt.usage, attempt.error, attempt.seconds
    if usage is not None:
        settle(hold, attempt.cost_nanousd, usage.input_tokens + usage.output_tokens, seconds=seconds)
    elif not attempt.is_free:
        settle(hold, None, None, seconds=seconds)
    else:
        settle(hold, 0, 0, calls=int(error is not None and error.sent), seconds=seconds)


def out_of_budget(core: Core, decision: Decision, now: float) -> BudgetSpent | None:
    """The error of a call for which nobody is left because of its budgets; None where they are not the reason."""
    seen = decision.seen
    if not core.live.watching or not seen.standings:
        return None
    by_id, ask = core.catalog.by_id, decision.ask
    short: list[tuple[int, Standing]] = []
    for deployment_id in decision.rejected:
        deployment = by_id.get(deployment_id)
        found = deployment and lacking(seen.standings, deployment, ask)
        if deployment is None or not found or decision.rejected[deployment_id] != found[1]:
            continue
        cost = expected_cost(deployment, ask)
        if cost is not None or found[0].limits[0] is None:  # an unknown price is not the budget's fault
            short.append((cost or 0, found[0]))
    if not short:
        return None
    nearest = min(short, key=lambda pair: pair[0])[1]
    return _spent(nearest, _wall(ask, now), dict(decision.rejected))


def _wall(ask: Ask, now: float) -> float:
    """The time of day at a monotonic time."""
    return ask.wall + max(0.0, now - ask.now)


def _spent(standing: Standing, wall: float, rejected: dict[str, str]) -> BudgetSpent:
    limit = {name: amount for name, amount in _by_unit(standing.limits).items() if amount is not None}
    spent, held = _by_unit(standing.spent), _by_unit(standing.held)
    told = [_left(name, spent[name] or 0, held[name] or 0, limit[name]) for name in limit]
    when = "It is not renewed. Raise the budget, or add a cheaper model to the pool."
    wait = None
    if standing.ends is not None:
        wait = max(0.0, standing.ends - wall)
        when = f"It is renewed at {datetime.fromtimestamp(standing.ends, UTC):%Y-%m-%d %H:%M} UTC, in {_duration(wait)}."
        when += " Raise the budget, wait, or add a cheaper model to the pool."
    groups: dict[str, list[str]] = {}
    for deployment_id, why in rejected.items():
        groups.setdefault(why, []).append(deployment_id)
    reasons = "; ".join(f"{', '.join(ids)} {why}" for why, ids in groups.items())
    return BudgetSpent(
        f"Nothing was sent: {standing} has {' and '.join(told)}. No model that may serve this call fits what is left: "
        f"{reasons}. {when}",
        budget=standing.budget,
        of=standing.of,
        limit=limit,
        spent={name: amount or 0 for name, amount in spent.items()},
        held={name: amount or 0 for name, amount in held.items()},
        renews_at=standing.ends,
        retry_after=wait,
        rejected=rejected,
    )


def _by_unit(amounts: Amounts | Sequence[int | None]) -> dict[str, float | None]:
    nano, tokens, calls = amounts
    return {"usd": None if nano is None else nano / NANO, "tokens": tokens, "calls": calls}


def _left(unit: str, spent: float, held: float, limit: float) -> str:
    if unit == "usd":
        used, most, busy = (dollars(round(amount * NANO)) for amount in (spent, limit, held))
        return f"{used} of {most} spent" + (f" and {busy} held by calls under way" if held else "")
    return f"{spent:,.0f} of {limit:,.0f} {unit} used" + (f" and {held:,.0f} held by calls under way" if held else "")


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7_200 else f"{seconds / 3_600:.1f} hours"
