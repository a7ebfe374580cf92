"""What an answer tells of its call, the same words at every door."""

from __future__ import annotations

from typing import Any

from routed_llm.door.anew import restarts_in
from routed_llm.events import CallRecord
from routed_llm.money import NANO

__all__ = ["routing_facts"]


def routing_facts(record: CallRecord) -> dict[str, Any]:
    """What an application may want to know of a call, as plain data.

    ``budgets`` names those that held for it, where there were any. Where rules told something,
    ``notices`` names it, and ``handover`` tells which rule wants a human, and why.
    ``restarts`` tells from whom to whom, and why, where a stream broke and another model started anew.
    ``own_calls`` are what features asked for the call, where they did: they are in its cost, and ``answer_cost_nanousd`` is
    the cost without them. ``relay`` names the media that words stand in for, with who described them. ``hedged`` tells that a
    second deployment was asked because the first was late. ``warning`` tells what is wrong with an answer that was given
    for want of a better one, and ``cost_estimated`` that an attempt is in the cost of which nobody saw the end.
    ``cost_nanousd`` is exact; ``cost_usd`` is the same for reading. Both are None where a price is unknown.
    """
    decision = record.decision
    deployment = record.attempts[-1].deployment
    cost = record.cost_nanousd
    told: dict[str, Any] = {
        "decision_id": decision.id,
        "model": deployment.model,
        "deployment": deployment.id,
        "provider": deployment.provider,
        "strategy": decision.strategy,
        "reason": _reason(record),
        "attempts": [attempt.as_dict() for attempt in record.attempts],
        "cost_nanousd": cost,
        "cost_usd": None if cost is None else cost / NANO,
    }
    if record.usage is not None and record.usage.estimated:
        told["usage_estimated"] = True
    if len(record.attempts) > 1 and (restarts := restarts_in(record)):
        told["restarts"] = restarts
    if len(record.attempts) > 1 and record.is_estimated:
        told["cost_estimated"] = True
    if len(record.attempts) > 1 and record.is_hedged:
        told["hedged"] = True
    if (warning := record.attempts[-1].warning) is not None:
        told["warning"] = warning
    if record.own_calls:
        told["own_calls"] = [call.as_dict() for call in record.own_calls]
        told["answer_cost_nanousd"] = record.answer_cost_nanousd
    if decision.relayed:
        told["relay"] = [dict(each) for each in decision.relayed]
    if decision.losses:
        told["losses"] = list(dict.fromkeys(decision.losses))
    if (decision.effects or decision.noticing) and (notices := record.notices):
        told["notices"] = [notice["notice"] for notice in notices]
        told.update({n["notice"]: n["because"] for n in notices if n["notice"] == "not_fresh"})
        if (handover := next((n for n in notices if n["notice"] == "handover"), None)) is not None:
            told["handover"] = {"rule": handover["rule"], "because": handover["because"]}
    if decision.seen is not None and decision.seen.standings:
        told["budgets"] = list(dict.fromkeys(standing.budget for standing in decision.seen.standings))
    if deployment.marks:
        told["marks"] = list(deployment.marks)
    hints = decision.ask.hints
    if hints.given:
        told.update({name: value for name in ("user", "tenant", "application", "session") if (value := getattr(hints, name))})
        if hints.tags:
            told["tags"] = list(hints.tags)
    return told


def _reason(record: CallRecord) -> str:
    """Why this model: the decision's reason, what failed before it, and whom it was asked beside."""
    told = [f"{a.deployment.id} failed ({a.error.kind})" for a in record.attempts if a.error is not None]
    for attempt in record.attempts:
        if attempt.beside is not None:
            late, seconds = attempt.beside
            told.append(f"{late} was late after {seconds:.2g} s, so {attempt.deployment.id} was asked as well")
    return f"{record.decision.reason}; {', '.join(told)}" if told else record.decision.reason
