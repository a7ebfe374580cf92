"""A decision as plain JSON data, to be read by people and programs; its schema is in :mod:`routed_llm.explained.schema`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from routed_llm.explained.exact import plain

if TYPE_CHECKING:
    from routed_llm.catalog.deployments import Deployment
    from routed_llm.decisions import Decision, Scores

__all__ = ["decision_data", "effects_data", "expected_cost", "grouped"]

_DAY = 86_400.0


def decision_data(decision: Decision) -> dict[str, Any]:
    """The whole decision."""
    ask, order = decision.ask, decision.order
    seen = decision.seen.as_data() if decision.seen is not None else {}
    return {
        "decision_id": decision.id,
        "strategy": decision.strategy,
        "reason": decision.reason,
        "chosen": order[0].id if order else None,
        "fallbacks": decision.fallbacks,
        "propensity": decision.propensity,
        "candidates": list(_candidates(decision, seen)),
        "rejected": dict(decision.rejected),
        "rejections": grouped(decision.rejected),
        "cooling": {key: _seconds(until - ask.now) for key, until in decision.cooling.items()},
        "rules": [{"rule": name, **effects_data(effects)} for name, effects in decision.effects],
        "seen": {
            "round": seen.get("round"),
            "budgets": plain(seen.get("budgets", [])),
            "sessions": plain(seen.get("sessions", {})),
        },
        "input_tokens": ask.input_tokens,
        "output_tokens": ask.output_tokens,
        "facts": plain(dict(ask.facts)),
        "hints": plain(ask.hints.given),
        "params": plain(dict(ask.params)),
        "own_calls": [call.as_dict() for call in decision.own_calls],
        "unasked": [{"model": model, "because": why} for model, why in decision.unasked],
        "relayed": [dict(each) for each in decision.relayed],
        "losses": list(decision.losses),
        "max_price_ratio": decision.max_price_ratio,
        "seed": f"{decision.seed:016x}" if decision.seed else None,
        "catalog_version": decision.catalog_version,
        "policy_version": decision.policy_version,
        "microseconds": decision.microseconds,
    }


def _candidates(decision: Decision, seen: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    place = {d.id: n for n, d in enumerate(decision.order, 1)}
    scores = [(score, _normalised(score)) for score in decision.scores]
    totals = _totals(decision.scores)
    columns = seen.get("columns", {})
    slots = {name: slot for slot, name in enumerate(seen.get("deployments", ()))}
    for index, deployment in enumerate(decision.candidates):
        slot = slots.get(deployment.id)
        numbers = {} if slot is None else {n: v for n, column in columns.items() if (v := column[slot]) is not None}
        yield {
            "deployment": deployment.id,
            "model": deployment.model,
            "provider": deployment.provider,
            "place": place.get(deployment.id),
            "total": totals[index] if totals else None,
            "scores": dict(_scores(scores, index)),
            "expected_cost_nanousd": expected_cost(decision, deployment),
            "context": deployment.context,
            "unknown": [need for need in sorted(decision.ask.requires.needs) if deployment.can(need) is None],
            "seen": numbers,
        }


def _scores(scores: Sequence[tuple[Scores, Sequence[float | None]]], index: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """What each scorer gave a candidate; of several with one name the later ones have a number."""
    names: list[str] = []
    for score, normalised in scores:
        names.append(score.name)
        count = names.count(score.name)
        yield (
            score.name if count == 1 else f"{score.name}#{count}",
            {
                "value": score.values[index],
                "unit": score.unit,
                "lower_is_better": score.lower_is_better,
                "normalised": normalised[index],
                "weight": score.weight,
            },
        )


def _normalised(score: Scores) -> list[float | None]:
    """Values on the scale on which they are weighed: 0 the best of all, 1 the worst."""
    distances, span = _distances(score)
    return [None if v is None else v / span for v in distances]


def _distances(score: Scores) -> tuple[list[float | None], float]:
    """How far each value lies from the best one, and how far the worst does (1 where all are equal)."""
    known = [v for v in score.values if v is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    lower = score.lower_is_better
    return [None if v is None else v - low if lower else high - v for v in score.values], (high - low) or 1.0


def _totals(scores: Sequence[Scores]) -> Sequence[float | None]:
    """The weighted totals as :func:`routed_llm.policy.weigh.weigh` gives them, to the last bit; empty without scores."""
    if not scores:
        return ()
    if len(scores) == 1:
        return [v if v is None or scores[0].lower_is_better else -v for v in scores[0].values]
    totals: list[float | None] = [0.0] * len(scores[0].values)
    for score in scores:
        distances, span = _distances(score)
        factor = score.weight / span
        if any(distance is not None for distance in distances):  # what is known of nobody decides nothing
            pairs = zip(totals, distances, strict=True)
            totals = [None if total is None or d is None else total + d * factor for total, d in pairs]
    return totals


def expected_cost(decision: Decision, deployment: Deployment) -> int | None:
    """What the call is expected to cost at a deployment by its price, in nano-dollars; None where a price is unknown."""
    ask, price = decision.ask, deployment.price
    return None if price is None else price.expected(ask.input_tokens, ask.output_tokens, time_of_day=ask.wall % _DAY)


def grouped(rejected: Mapping[str, str]) -> dict[str, list[str]]:
    """Ids of deployments by the reason for which they were rejected, in the order in which reasons were found."""
    groups: dict[str, list[str]] = {}
    for deployment_id, reason in rejected.items():
        groups.setdefault(reason, []).append(deployment_id)
    return groups


def effects_data(effects: Any) -> dict[str, Any]:
    """What a rule did, by name; what it left alone is left out. A policy that it switched to is told by its name."""
    told: dict[str, Any] = {}
    for name, value in effects._asdict().items():
        if name == "demands":
            told.update(effects_data(value))
        elif name == "either" and value:
            told[name] = [effects_data(each) for each in value]
        elif name == "policy" and value is not None:
            told[name] = value.name
        elif name in ("private", "firm"):
            told.update({name: True} if value else {})
        elif value:
            told[name] = plain(value)
    return told


def _seconds(left: float) -> float | None:
    """Seconds that are left; None where there is no end."""
    return max(0.0, left) if math.isfinite(left) else None
