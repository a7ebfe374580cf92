"""What a pool can do.

By default an ability holds if any candidate has it and a limit is the largest among them: the hard filters make that true,
because a model that cannot serve a call is never tried. ``guaranteed`` gives the intersection and the smallest limits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from routed_llm.catalog.deployments import Deployment

__all__ = ["Reach", "Rule", "reach_of"]

Rule = Literal["any", "guaranteed"]


class Reach(NamedTuple):
    """Abilities of a pool by their names, and its limits in tokens; what is unknown of all is missing, or None."""

    abilities: dict[str, bool]
    context: int | None
    max_output: int | None


def reach_of(deployments: Sequence[Deployment], rule: Rule = "any") -> Reach:
    """The reach of a pool."""
    abilities: dict[str, bool] = {}
    for ability in dict.fromkeys(name for d in deployments for name in d.abilities):
        known = [d.abilities.get(ability) for d in deployments]
        if (rule == "any" and True in known) or (rule == "guaranteed" and all(known)):
            abilities[ability] = True
        elif False in known and (rule == "guaranteed" or None not in known):
            abilities[ability] = False
    return Reach(
        abilities,
        _limit([d.context for d in deployments], rule),
        _limit([d.max_output for d in deployments], rule),
    )


def _limit(limits: Sequence[int | None], rule: Rule) -> int | None:
    known = [limit for limit in limits if limit is not None]
    if not known or (rule == "guaranteed" and len(known) < len(limits)):
        return None
    pick: Callable[[list[int]], int] = max if rule == "any" else min
    return pick(known)
