"""What may be demanded of whoever sees a call's text, before everything is known of the call.

A feature that sends the text to somebody runs before the decision, so it asks here: whatever any rule that could come to hold
would demand of a model that answers is demanded of whoever only helps to choose one, too. A rule that reads a fact which is
not there yet counts as holding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from routed_llm.policy.branches import When
from routed_llm.policy.compose import AnyPolicy, Policy
from routed_llm.policy.shapes import NO_DEMANDS, Demands
from routed_llm.requests import Ask

__all__ = ["NOBODY", "demands_before"]

#: whether a fact or a hint, by its name, may still turn out to be something else
Unknown = Callable[[str], bool]

#: what is demanded where a rule does not tell what it would demand: nobody has such a name
NOBODY = Demands(allow=("\0nobody",))


def demands_before(policy: AnyPolicy, ask: Ask, unknown: Unknown) -> tuple[tuple[str, Demands], ...]:
    """Names and demands of all rules that hold, or could come to hold, on any way through the policy that a call could take.

    Args:
        policy: what will decide.
        ask: the call, with the facts that are known so far.
        unknown: tells of a fact whether it is still to be found out.
    """
    return tuple(dict.fromkeys(_demands(policy, ask, unknown)))


def _demands(policy: AnyPolicy, ask: Ask, unknown: Unknown) -> Iterator[tuple[str, Demands]]:
    if not isinstance(policy, Policy):
        parts = policy.parts
        if isinstance(policy, When) and not any(map(unknown, policy.condition.reads)):
            parts = (policy.then if policy.condition.holds(ask) else policy.otherwise,)
        for part in parts:
            yield from _demands(part, ask, unknown)
        return
    for rule in policy.rules:
        yield from _demands_of(rule, ask, unknown)


def _demands_of(rule: Any, ask: Ask, unknown: Unknown) -> Iterator[tuple[str, Demands]]:
    certain = not any(map(unknown, getattr(rule, "reads", ())))
    effects = rule.apply(ask) if certain else getattr(rule, "effects", None)
    if effects is None:
        if not certain:
            yield rule.name, NOBODY
        return
    demands = effects.demands if certain else _without_pins(effects.demands)
    if demands._replace(firm=False) != NO_DEMANDS:
        yield rule.name, demands
    if effects.policy is not None:
        changed = {"max_tokens", *(f"params.{name}" for name in effects.set)} if effects.set else ()
        yield from _demands(effects.policy, ask, lambda name: name in changed or unknown(name))


def _without_pins(demands: Demands) -> Demands:
    """A pin says who is best for the work, which is of no concern before the work is known."""
    either = tuple(_without_pins(each) for each in demands.either)
    free = any(each._replace(firm=False) == NO_DEMANDS for each in either)
    return demands._replace(pin=None, either=() if free else either)
