"""What the router's own calls add to a call, read from what answers and errors tell of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from routed_llm.telemetry.sums import Sums

__all__ = ["OwnSums", "answer_cost", "by_model", "own_sums", "whole"]

#: the model that was asked, and what that used
OwnSums = Sequence[tuple[str, Sums]]


def own_sums(told: Any) -> OwnSums:
    """Of the plain data under ``own_calls``: one that used nothing that is billed is left out.

    Args:
        told: a list of tables as :meth:`routed_llm.events.OwnCall.as_dict` gives them.
    """
    found = []
    for call in told if isinstance(told, (list, tuple)) else ():
        usage = call.get("usage") if isinstance(call, Mapping) else None
        if isinstance(usage, Mapping):
            cost = call.get("cost_nanousd")
            sums = Sums(
                estimated_calls=int(bool(usage.get("estimated"))),
                unknown_cost_calls=int(cost is None),
                input_tokens=usage.get("input_tokens", 0),
                output_tokens=usage.get("output_tokens", 0),
                cache_read=usage.get("cache_read", 0),
                reasoning=usage.get("reasoning", 0),
                nanousd=cost or 0,
            )
            found.append((str(call.get("model")), sums))
    return found


def answer_cost(routing: Mapping[str, Any]) -> int | None:
    """What an answer cost without own calls, in nano-dollars; None where that is unknown."""
    cost = routing.get("answer_cost_nanousd" if routing.get("own_calls") else "cost_nanousd")
    return cost if isinstance(cost, int) else None


def whole(answer: Sums, own: OwnSums) -> Sums:
    """A call with its own calls: it stays one call, of which something is unknown or estimated, or not."""
    if not own:
        return answer
    total = answer.copy()
    for _, sums in own:
        _put(total, sums)
    return total


def by_model(model: str | None, answer: Sums, own: OwnSums) -> Mapping[str, Sums]:
    """The same by model; without a model, where none answered, only the own calls."""
    if not own:
        return {model: answer} if model else {}
    found = {model: answer.copy()} if model else {}
    for name, sums in own:
        _put(found.setdefault(name, Sums()), sums)
    return found


def _put(total: Sums, part: Sums) -> None:
    estimated = max(total.estimated_calls, part.estimated_calls)
    unknown = max(total.unknown_cost_calls, part.unknown_cost_calls)
    total.add(part)
    total.estimated_calls, total.unknown_cost_calls = estimated, unknown
